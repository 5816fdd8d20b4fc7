/* What every gradus call returns, and the record that receives the story when it fails. */
#ifndef GRADUS_STATUS_H
#define GRADUS_STATUS_H

#if defined _WIN32
#define GRADUS_API
#else
#define GRADUS_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 0 is success; errors are negative and their numbers never change. */
typedef enum gradus_status {
  GRADUS_OK = 0,
  GRADUS_ERR_FAILED = -1,     /* failed at run time */
  GRADUS_ERR_USAGE = -2,      /* a wrong argument or option */
  GRADUS_ERR_DATA = -3,       /* bad data, or not the data expected */
  GRADUS_ERR_NOINPUT = -4,    /* an input file is missing or unreadable */
  GRADUS_ERR_INTERNAL = -5,   /* a defect of gradus itself */
  GRADUS_ERR_RESOURCES = -6,  /* out of memory or threads */
  GRADUS_ERR_CANTCREATE = -7, /* an output cannot be created, or exists and must not be touched */
  GRADUS_ERR_BUSY = -8,       /* the run directory is in use by another process */
  GRADUS_ERR_IO = -9,         /* reading or writing failed */
  GRADUS_ERR_STOPPED = -10, /* stopped early, a valid checkpoint was written: run again to go on */
  GRADUS_ERR_CONFIG = -11,  /* a bad configuration, or not the recipe of this run */
  GRADUS_ERR_NONFINITE = -12, /* the loss or a weight became NaN or infinite */
  GRADUS_ERR_DAMAGED = -13    /* a checkpoint does not match its seal */
} gradus_status;

/* Owned by the caller. `message` is one line: what happened, where, what was expected; no final
 * newline. */
typedef struct gradus_error {
  gradus_status status;
  char message[1024];
} gradus_error;

/* The name of a status, such as "GRADUS_ERR_DATA"; "unknown status" for other numbers. Never NULL.
 */
GRADUS_API const char *gradus_status_name(gradus_status status);

/* What a status means, in a few words. Never NULL. */
GRADUS_API const char *gradus_status_text(gradus_status status);

/* The exit status that the gradus program uses for it (0, 1, 2, 65, 66, 70, 71, 73, 74, 75, 78). */
GRADUS_API int gradus_status_exit_code(gradus_status status);

#ifdef __cplusplus
}
#endif
#endif
