/* What every test program shares: suites as tables, one CUnit run, a printed and replayable seed, a
 * scratch directory. */
#ifndef GR_TESTS_SUPPORT_TEST_H
#define GR_TESTS_SUPPORT_TEST_H

#include <CUnit/CUnit.h>
#include <stdint.h>

typedef struct gr_test {
  const char *name; /* a sentence: resuming_after_a_kill_changes_no_bit */
  void (*run)(void);
} gr_test;

typedef struct gr_suite {
  const char *name;
  const gr_test *tests; /* ends with {NULL, NULL} */
} gr_suite;

#define GR_TEST(function) \
  { #function, function }
#define GR_TEST_END \
  { NULL, NULL }

/* Runs the suites (array ends with {NULL, NULL}); an argument names the only suite or test to run.
 * Returns the exit status of main: 0 when at least one test ran and none failed. */
int gr_test_main(int argc, char **argv, const gr_suite *suites);

/* The seed of this run: GRADUS_TEST_SEED, else 1; printed at start. */
uint64_t gr_test_seed(void);

/* True under GRADUS_TEST_ALL: every combination, where `make check` takes a part of them, drawn
 * such that each member of each list comes with others in turn. */
int gr_test_all(void);

/* An empty directory of this test program, removed at exit unless a test failed. */
const char *gr_test_directory(void);

/* gr_test_directory()/name in a static ring of 16 buffers. */
const char *gr_test_path(const char *name);

/* ../shared-like folder of real data sets named by GRADUS_TEST_DATA, or NULL: tests that want it
 * then say so and pass. */
const char *gr_test_real_data(void);

/* Asserts that an expression is GRADUS_OK and prints the error record where it is not. */
#define GR_CHECK_OK(expression, error) \
  gr_test_ok((expression), (error), #expression, __FILE__, __LINE__)
/* Asserts a status and that the message contains a word. */
#define GR_CHECK_FAILS(expression, status, error, word) \
  gr_test_fails((expression), (status), (error), (word), #expression, __FILE__, __LINE__)

#include "gradus/status.h"
int gr_test_ok(gradus_status got, const gradus_error *error, const char *text, const char *file,
               int line);
int gr_test_fails(gradus_status got, gradus_status wanted, const gradus_error *error,
                  const char *word, const char *text, const char *file, int line);

#endif
