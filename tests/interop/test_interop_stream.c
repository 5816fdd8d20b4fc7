/* Whatever the size of the window that a reader looks through, it sees the same. */
#include <config.h>

#include "test_interop.h"
const gr_test stream_tests[] = {GR_TEST_END};
