/* Plan and engine: the reference trainer's bits, the same bits for any workers, gradients by
 * central differences, the textbook's example by hand, and what happens to values that are not
 * finite. */
#include <config.h>

#include "exec_tests.h"

int main(int argc, char **argv) {
  const gr_suite suites[] = {
      {"plan", plan_tests},
      {"order of a step", order_tests},
      {"team", team_tests},
      {"traffic", traffic_tests},
      {"reference trainer", reference_tests},
      {"same bits", same_bits_tests},
      {"parametrization", parametrization_tests},
      {"runs", run_tests},
      {"golden digests", golden_tests},
      {"gradients", gradient_tests},
      {"textbook", textbook_tests},
      {"evaluation", evaluation_tests},
      {"non-finite values", finite_tests},
      {"whole", whole_tests},
      {"line search", search_tests},
      {NULL, NULL},
  };
  return gr_test_main(argc, argv, suites);
}
