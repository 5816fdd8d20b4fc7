/* gradus/version.h */
#include <config.h>

#include "gradus/version.h"

const char *gradus_version(void) {
  return PACKAGE_VERSION;
}
