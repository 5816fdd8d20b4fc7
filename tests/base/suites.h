/* The suites of the base layer, one file each. */
#ifndef GR_TESTS_BASE_SUITES_H
#define GR_TESTS_BASE_SUITES_H

#include "support/test.h"

extern const gr_test gr_base_cpu_tests[];

#endif
