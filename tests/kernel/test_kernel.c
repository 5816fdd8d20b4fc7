/* The contract of kernel/kernel.h, for every entry and every instruction set: the same bits as
 * generic, and within a derived bound of an oracle in double. */
#include <config.h>

#include "kernel_tests.h"

int main(int argc, char **argv) {
  const gr_suite suites[] = {
      {"products", product_tests},
      {"weight gradient", gradient_tests},
      {"vectors", vector_tests},
      {"updates", update_tests},
      {"gathering", gather_tests},
      {"losses", loss_tests},
      {"softmax", softmax_tests},
      {"elementary", elementary_tests},
      {"activations", activation_tests},
      {"environment", environment_tests},
      {"normalisation", normalize_tests},
      {"parametric activations", parametric_tests},
      {NULL, NULL},
  };
  return gr_test_main(argc, argv, suites);
}
