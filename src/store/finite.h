/* Are all numbers finite? */
#ifndef GR_STORE_FINITE_H
#define GR_STORE_FINITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"

/* True where no element of data [n] is infinite or NaN (NaN is let pass where `nan_too`); else *at
 * receives the index of the first. Integer types are always finite. */
bool gr_all_finite(const void *data, gr_dtype type, uint64_t n, bool nan_too, uint64_t *at);

#endif
