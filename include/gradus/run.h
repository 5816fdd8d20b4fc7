/* Run directories that a trainer may be at work in, here or on another host. */
#ifndef GRADUS_RUN_H
#define GRADUS_RUN_H

#include <stddef.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gradus_run_state {
  GRADUS_RUN_IDLE = 0,      /* nobody trains in it */
  GRADUS_RUN_HERE = 1,      /* a process of this host does */
  GRADUS_RUN_ELSEWHERE = 2, /* a process of another host does */
  GRADUS_RUN_SILENT = 3     /* one of another host did and was not heard of for minutes */
} gradus_run_state;

/* Set struct_size = sizeof. */
typedef struct gradus_run_status {
  size_t struct_size;
  gradus_run_state state;
  int finished;     /* idle, and at its end */
  char holder[640]; /* "process 4711 on host7, since 2026-01-31T12:00:00+0100"; "" where idle */
} gradus_run_status;

/* Who trains in a run directory. It is only looked at. No run there: GRADUS_ERR_NOINPUT. */
GRADUS_API gradus_status gradus_run_look(const char *run_directory, gradus_run_status *out,
                                         gradus_error *err);

/* Asks the trainer of a run directory to write a checkpoint and stop (GRADUS_ERR_STOPPED there), by
 * a file STOP in the directory, so also from another host over a shared file system. The trainer
 * looks about twice a second and removes the file; where nobody trains, the next start removes it
 * and goes on. */
GRADUS_API gradus_status gradus_run_stop(const char *run_directory, gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
