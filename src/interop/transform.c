/* Our own logarithm, not libm's: targets reach the weights, so their bits must not depend on the C
 * library. */
#include <config.h>

#include "interop/transform.h"

#include <math.h>

#include "base/elementary.h"

bool gr_transform_log(double *value) {
  if (!(*value > 0) || isinf(*value)) return false;
  *value = gr_ln(*value);
  return true;
}
