/* Status codes and error records. The table is status.def.h; nothing here keeps state. */
#include <config.h>

#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
  gradus_status status;
  const char *name;
  int exit_code;
  const char *text;
};

static const struct row rows[] = {
#define GR_STATUS(name, number, exit_code, text) {name, #name, exit_code, text},
#include "base/status.def.h"
#undef GR_STATUS
};

static const struct row *find(gradus_status status) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].status == status) return &rows[i];
  return NULL;
}

const char *gradus_status_name(gradus_status status) {
  const struct row *row = find(status);
  return row ? row->name : "unknown status";
}

const char *gradus_status_text(gradus_status status) {
  const struct row *row = find(status);
  return row ? row->text : "unknown status";
}

int gradus_status_exit_code(gradus_status status) {
  const struct row *row = find(status);
  return row ? row->exit_code : 70;
}

/* Messages repeat names and texts of files, which may hold anything: they stay one line and command
 * no terminal. */
static void tame(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

static void set_message(gradus_error *err, gradus_status status, const char *format, va_list args) {
  if (!err) return;
  err->status = status;
  vsnprintf(err->message, sizeof err->message, format, args);
  tame(err->message);
}

gradus_status gr_fail(gradus_error *err, gradus_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set_message(err, status, format, args);
  va_end(args);
  return status;
}

gradus_status gr_fail_memory(gradus_error *err, const char *what) {
  return gr_fail(err, GRADUS_ERR_RESOURCES, "out of memory for %s", what);
}

/* strerror_r comes in two kinds; this accepts the result of either. */
static const char *errno_text_gnu(const char *result, char *buffer) {
  (void)buffer;
  return result;
}
static const char *errno_text_posix(int result, char *buffer) {
  return result == 0 ? buffer : "unknown error";
}
#define ERRNO_TEXT(code, buffer, size) \
  _Generic(strerror_r(code, buffer, size), char *: errno_text_gnu, int: errno_text_posix)( \
      strerror_r(code, buffer, size), buffer)

gradus_status gr_fail_errno(gradus_error *err, gradus_status status, int code, const char *format,
                            ...) {
  va_list args;
  va_start(args, format);
  set_message(err, status, format, args);
  va_end(args);
  if (err) {
    char buffer[128] = "";
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s",
             ERRNO_TEXT(code, buffer, sizeof buffer));
  }
  return status;
}

void gr_error_prefix(gradus_error *err, const char *format, ...) {
  if (!err) return;
  char old[sizeof err->message];
  memcpy(old, err->message, sizeof old);
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  tame(err->message);
  size_t used = strlen(err->message);
  snprintf(err->message + used, sizeof err->message - used, ": %s", old);
}
