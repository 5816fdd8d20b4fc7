/* Runs suites under CUnit's basic interface. */
#include <config.h>

#include "support/test.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[4096];
static uint64_t seed = 1;

uint64_t gr_test_seed(void) {
  return seed;
}

int gr_test_all(void) {
  return getenv("GRADUS_TEST_ALL") != NULL;
}

const char *gr_test_directory(void) {
  if (!directory[0]) {
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/gradus-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(directory)) {
      perror(directory);
      exit(99);
    }
  }
  return directory;
}

const char *gr_test_path(const char *name) {
  static char ring[16][4400];
  static unsigned next;
  char *path = ring[next++ % 16];
  snprintf(path, sizeof ring[0], "%s/%s", gr_test_directory(), name);
  return path;
}

const char *gr_test_real_data(void) {
  const char *path = getenv("GRADUS_TEST_DATA");
  return path && *path && access(path, R_OK) == 0 ? path : NULL;
}

int gr_test_ok(gradus_status got, const gradus_error *error, const char *text, const char *file,
               int line) {
  char condition[1600];
  snprintf(condition, sizeof condition, "%s is %s: %s", text, gradus_status_name(got),
           got != GRADUS_OK && error ? error->message : "");
  return CU_assertImplementation(got == GRADUS_OK, (unsigned)line, condition, file, "", CU_FALSE);
}

int gr_test_fails(gradus_status got, gradus_status wanted, const gradus_error *error,
                  const char *word, const char *text, const char *file, int line) {
  char condition[1800];
  int said = !word || (error && strstr(error->message, word));
  snprintf(condition, sizeof condition, "%s is %s, wanted %s saying '%s': %s", text,
           gradus_status_name(got), gradus_status_name(wanted), word ? word : "",
           error && got != GRADUS_OK ? error->message : "");
  return CU_assertImplementation(got == wanted && said, (unsigned)line, condition, file, "",
                                 CU_FALSE);
}

static int add(const gr_suite *suite, const char *only) {
  int whole = !only || strcmp(only, suite->name) == 0, added = 0;
  CU_pSuite registered = NULL;
  for (const gr_test *test = suite->tests; test->name; test++) {
    if (!whole && strcmp(only, test->name) != 0) continue;
    if (!registered) registered = CU_add_suite(suite->name, NULL, NULL);
    if (!registered || !CU_add_test(registered, test->name, test->run)) exit(99);
    added++;
  }
  return added;
}

static void remove_directory(void) {
  if (!directory[0]) return;
  char command[4200];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0) fprintf(stderr, "could not remove %s\n", directory);
}

int gr_test_main(int argc, char **argv, const gr_suite *suites) {
  const char *wanted = getenv("GRADUS_TEST_SEED");
  if (wanted) seed = strtoull(wanted, NULL, 10);
  printf("seed %llu (GRADUS_TEST_SEED replays another)\n", (unsigned long long)seed);
  if (CU_initialize_registry() != CUE_SUCCESS) return 99;
  int added = 0;
  for (; suites->name; suites++) added += add(suites, argc > 1 ? argv[1] : NULL);
  CU_basic_set_mode(CU_BRM_VERBOSE);
  CU_basic_run_tests();
  unsigned failed = CU_get_number_of_failures();
  CU_cleanup_registry();
  if (failed == 0)
    remove_directory();
  else if (directory[0])
    printf("files kept in %s\n", directory);
  return failed == 0 && added > 0 ? 0 : 1;
}
