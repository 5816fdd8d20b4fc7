/* Our own logarithm, not libm's: targets reach the weights, so their bits must not depend on the C
 * library. (A file of its own: base/elementary.h and base/log.h both name something gr_log.) */
#include <config.h>

#include "interop/transform.h"

#include <math.h>

#include "base/elementary.h"

bool gr_transform_log(double *value) {
  if (!(*value > 0) || isinf(*value)) return false;
  *value = gr_log(*value);
  return true;
}
