/* The version of the headers, and of the library that is running. */
#ifndef GRADUS_VERSION_H
#define GRADUS_VERSION_H

#include "gradus/status.h"

#define GRADUS_VERSION_MAJOR 0
#define GRADUS_VERSION_MINOR 1
#define GRADUS_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
GRADUS_API const char *gradus_version(void);

#ifdef __cplusplus
}
#endif
#endif
