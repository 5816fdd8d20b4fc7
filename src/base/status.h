/* Errors inside the library: a status to return, a message in the caller's record. */
#ifndef GR_BASE_STATUS_H
#define GR_BASE_STATUS_H

#include "gradus/status.h"

/* Fills `err` (may be NULL) with `status` and a printf-style message, and returns `status`. Control
 * characters in the message become '?'. */
__attribute__((format(printf, 3, 4))) gradus_status gr_fail(gradus_error *err, gradus_status status,
                                                            const char *format, ...);

/* As gr_fail with GRADUS_ERR_RESOURCES: "out of memory for <what>". */
gradus_status gr_fail_memory(gradus_error *err, const char *what);

/* As gr_fail, and appends ": " and the meaning of errno number `code`. */
__attribute__((format(printf, 4, 5))) gradus_status gr_fail_errno(gradus_error *err,
                                                                  gradus_status status, int code,
                                                                  const char *format, ...);

/* Puts "prefix: " before the message already in `err` (may be NULL). */
__attribute__((format(printf, 2, 3))) void gr_error_prefix(gradus_error *err, const char *format,
                                                           ...);

/* The only control flow in macros: return, or go to a label with `status` set, when a call fails.
 */
#define GR_TRY(call)                          \
  do {                                        \
    gradus_status gr_try_ = (call);           \
    if (gr_try_ != GRADUS_OK) return gr_try_; \
  } while (0)
#define GR_TRY_ELSE(label, call)         \
  do {                                   \
    status = (call);                     \
    if (status != GRADUS_OK) goto label; \
  } while (0)

#endif
