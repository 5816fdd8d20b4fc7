/* Faults that come from outside the program. */
#include <config.h>

#include "harness.h"
#include "store/process.h"

/* The shim is preloaded, which the runtimes of sanitizers do not bear. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define UNDER_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

int main(int argc, char **argv) {
  static const gr_suite suites[] = {{"faults", gr_fault_tests},
                                    {"crash", gr_crash_tests},
                                    {"hostile", gr_hostile_tests},
                                    {NULL, NULL}};
  if (UNDER_SANITIZER) return 77; /* skipped */
  gr_store_prepare_process();
  return gr_test_main(argc, argv, suites);
}
