/* Stored values as double: what fitting and the rare paths read data with. */
#ifndef GR_NET_ELEMENT_H
#define GR_NET_ELEMENT_H

#include <stdint.h>

#include "base/dtype.h"

/* out[0..n) = elements start..start+n of an array of type `type`, exact but for 64-bit integers
 * above 2^53, which are rounded to nearest. */
void gr_elements(const void *array, gr_dtype type, uint64_t start, uint64_t n, double *out);

#endif
