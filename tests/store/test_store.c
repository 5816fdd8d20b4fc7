/* The store layer: data sets of every kind in and out, foreign and hostile files, checkpoints that
 * come back bit for bit or not at all. */
#include <config.h>

#include "store/process.h"
#include "suites.h"

/* Read by the leak sanitizer, where there is one: HDF5 1.10 does not free what it had of files that
 * turned out to be damaged or could not be written. Our own use of it is counted by gr_handles. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:libhdf5";
}

int main(int argc, char **argv) {
  static const gr_suite suites[] = {
      {"dataset", gr_dataset_tests}, {"foreign", gr_foreign_tests},
      {"refused", gr_refused_tests}, {"checkpoint", gr_checkpoint_tests},
      {"damage", gr_damage_tests},   {"accidents", gr_accident_tests},
      {"ahead", gr_ahead_tests},     {"source", gr_source_tests},
      {"chunks", gr_chunks_tests},   {"virtual", gr_virtual_tests},
      {"broken", gr_broken_tests},   {"print", print_tests},
      {"events", event_tests},       {NULL, NULL}};
  gr_store_prepare_process();
  return gr_test_main(argc, argv, suites);
}
