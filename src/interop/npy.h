/* The header of a NumPy array file (format versions 1.0, 2.0, 3.0; NEP 1). */
#ifndef GR_INTEROP_NPY_H
#define GR_INTEROP_NPY_H

#include "interop/dense.h"

/* Reads the header from array->stream, which then stands at the first value, and checks it as
 * gr_dense_check does. Arrays of objects (pickles, which are programs), of records, of texts and of
 * complex numbers are GRADUS_ERR_DATA by name. */
gradus_status gr_npy_read_header(gr_dense *array, gradus_error *err);

#endif
