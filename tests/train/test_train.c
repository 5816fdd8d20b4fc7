/* The train layer: what auto means, classes and targets, run directories, and training that is the
 * same however it is interrupted. */
#include <config.h>

#include "train/test_train.h"

int main(int argc, char **argv) {
  const gr_suite suites[] = {{"prepare", prepare_tests},
                             {"run", run_tests},
                             {"resume", resume_tests},
                             {"stream", stream_tests},
                             {"save", save_tests},
                             {"lock", lock_tests},
                             {"budget", budget_tests},
                             {"full", full_tests},
                             {"range", range_tests},
                             {"nonfinite", nonfinite_tests},
                             {"data change", data_change_tests},
                             {"audit", audit_tests},
                             {"metrics", metrics_tests},
                             {"weights", weights_tests},
                             {"understand", understand_tests},
                             {"residual", residual_tests},
                             {NULL, NULL}};
  return gr_test_main(argc, argv, suites);
}
