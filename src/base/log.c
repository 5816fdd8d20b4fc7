/* The library has no voice of its own: a line is formatted and handed to whoever asked for it.
 * Longer lines are cut off. */
#include <config.h>

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void gr_log_write(const gr_log *log, gr_level level, const char *format, ...) {
  if (!log || !log->sink) return;
  char line[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  log->sink(log->user, level, line);
}
