/* What the shim and the tests that preload it agree upon.
 *
 * Environment of the preloaded program:
 *   GR_FAULT_ROOT    absolute directory: only calls on files below it count, also relative ones
 *   GR_FAULT_PLAN    "KIND POSITION once|on": which fault, at which call that it can meet (from 1;
 *                    0 = none, only count), once or from there on
 *   GR_FAULT_REPORT  a file of sizeof (gr_fault_report) bytes, mapped and kept up to date
 *   GR_FAULT_TRACE   a file that receives every open, wherever it is, one path a line
 *   GR_FAULT_RECORD  a file that receives what changes files below the root: gr_fault_record */
#ifndef GR_TESTS_FAULTS_SHIM_H
#define GR_TESTS_FAULTS_SHIM_H

#include <stdint.h>

/* Calls, as bits of a set; each kind of fault meets some of them. */
typedef enum gr_fault_call {
  GR_CALL_OPEN = 1 << 0, /* for reading */
  GR_CALL_CREATE = 1 << 1,
  GR_CALL_READ = 1 << 2,
  GR_CALL_WRITE = 1 << 3,
  GR_CALL_SYNC = 1 << 4,
  GR_CALL_CLOSE = 1 << 5,
  GR_CALL_RENAME = 1 << 6,
  GR_CALL_UNLINK = 1 << 7,
  GR_CALL_MKDIR = 1 << 8,
  GR_CALL_SIZE = 1 << 9, /* ftruncate, fallocate */
  GR_CALL_LOCK = 1 << 10,
  GR_CALL_STAT = 1 << 11, /* stat, access, lseek */
  GR_CALL_LIST = 1 << 12, /* opendir, readdir */
  GR_CALL_MAP = 1 << 13,
  GR_CALL_LINK = 1 << 14,
  GR_CALL_MEMORY = 1 << 15 /* malloc and its kin called by gradus itself */
} gr_fault_call;

typedef struct gr_fault_report {
  uint64_t n_calls;  /* that the planned kind of fault could meet */
  uint64_t n_faults; /* made */
  char call[32];     /* of the first fault */
  char path[256];
} gr_fault_report;

/* One change, followed by its paths (terminated) and its bytes. */
typedef enum gr_change {
  GR_CHANGE_OPEN, /* fd, path; offset = flags */
  GR_CHANGE_WRITE,
  GR_CHANGE_SIZE, /* offset = the new size */
  GR_CHANGE_SYNC,
  GR_CHANGE_CLOSE,
  GR_CHANGE_RENAME, /* path, second path */
  GR_CHANGE_LINK,
  GR_CHANGE_UNLINK,
  GR_CHANGE_MKDIR
} gr_change;

typedef struct gr_fault_record {
  uint32_t change;
  int32_t fd;
  int64_t offset;
  uint64_t n_bytes;
  uint32_t n_path, n_second; /* with their terminators; 0 = none */
} gr_fault_record;

#endif
