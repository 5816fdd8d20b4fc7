/* What may be done to regression targets on import. */
#ifndef GR_INTEROP_TRANSFORM_H
#define GR_INTEROP_TRANSFORM_H

#include <stdbool.h>

/* *value becomes its natural logarithm; false, and nothing done, where it has none that is finite.
 */
bool gr_transform_log(double *value);

#endif
