/* The store layer: data sets of every kind in and out, foreign and hostile files, checkpoints that
 * come back bit for bit or not at all. */
#include <config.h>

#include "store/process.h"
#include "suites.h"

int main(int argc, char **argv) {
  static const gr_suite suites[] = {{"dataset", gr_dataset_tests},
                                    {"foreign", gr_foreign_tests},
                                    {"checkpoint", gr_checkpoint_tests},
                                    {"damage", gr_damage_tests},
                                    {NULL, NULL}};
  gr_store_prepare_process();
  return gr_test_main(argc, argv, suites);
}
