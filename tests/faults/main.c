/* Faults that come from outside the program. */
#include <config.h>

#include "harness.h"
#include "store/process.h"

int main(int argc, char **argv) {
  static const gr_suite suites[] = {{"faults", gr_fault_tests},
                                    {"crash", gr_crash_tests},
                                    {"hostile", gr_hostile_tests},
                                    {NULL, NULL}};
  gr_store_prepare_process();
  return gr_test_main(argc, argv, suites);
}
