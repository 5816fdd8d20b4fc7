/* What the tests of faults share: gradus started as a child with the shim before it, in a directory
 * of its own, and what it left there. */
#ifndef GR_TESTS_FAULTS_HARNESS_H
#define GR_TESTS_FAULTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

#include "shim.h"
#include "support/test.h"

extern const gr_test gr_fault_tests[];
extern const gr_test gr_crash_tests[];
extern const gr_test gr_hostile_tests[];

/* True under GRADUS_TEST_ALL: every position instead of a sample of them. */
bool gr_all_positions(void);

/* How a child ended. */
typedef struct gr_end {
  int code;   /* exit status; -1 = by a signal */
  int signal; /* 0 = none */
  bool hung;  /* it was ended after a minute */
  gr_fault_report report;
  char out[8192], err[8192]; /* what it printed, cut off */
} gr_end;

/* Runs gradus with the words of `command` (parted by blanks) in gr_work(), a fault as GR_FAULT_PLAN
 * says it (NULL = none), and a file that records all changes (NULL = none). */
gr_end gr_run_gradus(const char *command, const char *plan, const char *record);

/* The directory in which children work, and files in it (static ring of 16 buffers). */
const char *gr_work(void);
const char *gr_work_file(const char *name);

/* A shell command with the quoted directories A and B in $1 and $2; false where it fails. */
bool gr_shell(const char *command, const char *a, const char *b);

/* rm -rf without a shell. */
void gr_remove_tree(const char *path);

/* All bytes of a file, terminated, to be freed; NULL where it cannot be read. */
char *gr_slurp(const char *path, size_t *n);

/* The number of files below `directory` whose name begins so, as a shell pattern. */
int gr_count_files(const char *directory, const char *pattern);

#endif
