/* x. */
#include <config.h>

#include "test_interop.h"
const gr_test libsvm_tests[] = {GR_TEST_END};
