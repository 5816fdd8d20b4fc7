/* The suites of the train layer. */
#ifndef GR_TESTS_TRAIN_TEST_TRAIN_H
#define GR_TESTS_TRAIN_TEST_TRAIN_H

#include "support/test.h"

extern const gr_test prepare_tests[], run_tests[], resume_tests[], stream_tests[], save_tests[],
    lock_tests[], budget_tests[], full_tests[], range_tests[], nonfinite_tests[],
    data_change_tests[], audit_tests[], metrics_tests[], weights_tests[], understand_tests[],
    residual_tests[];

#endif
