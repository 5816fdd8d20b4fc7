/* Writing for people and for programs. Whatever comes from a file is printed without its control
 * characters; a failed write is remembered by stdio and reported once, at the end. */
#include <config.h>

#include "cli/output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cli/number.h"
#include <gradus/trainer.h>

gradus_status gr_cli_fail(gradus_error *err, gradus_status status, const char *format, ...) {
  if (!err) return status;
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  err->status = status;
  return status;
}

void gr_cli_prefix(gradus_error *err, const char *where) {
  if (!err) return;
  const size_t n = strlen(where), room = sizeof err->message;
  if (n + 3 > room) return;
  size_t keep = strlen(err->message);
  if (keep > room - n - 3) keep = room - n - 3;
  memmove(err->message + n + 2, err->message, keep);
  memcpy(err->message, where, n);
  memcpy(err->message + n, ": ", 2);
  err->message[n + 2 + keep] = '\0';
}

static int is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

void gr_cli_put(FILE *out, const char *text) {
  for (; *text; text++) putc(is_control((unsigned char)*text) ? '?' : *text, out);
}

static int continues(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

int gr_cli_width(const char *text) {
  int n = 0;
  for (; *text; text++) n += !continues(*text);
  return n;
}

void gr_cli_put_column(FILE *out, const char *text, int width) {
  int right = width < 0 ? -width : width, n = gr_cli_width(text);
  if (n > right) n = right;
  if (width > 0) fprintf(out, "%*s", right - n, "");
  for (int shown = 0; *text; text++) {
    if (!continues(*text) && shown++ == n) break;
    putc(is_control((unsigned char)*text) ? '?' : *text, out);
  }
  if (width < 0) fprintf(out, "%*s", right - n, "");
}

void gr_cli_print_error(const gradus_error *err) {
  fputs("gradus: ", stderr);
  gr_cli_put(stderr, err->message[0] ? err->message : gradus_status_text(err->status));
  putc('\n', stderr);
}

void gr_cli_print_message(int level, const char *text) {
  static const char *const prefix[] = {"", "gradus: warning: ", "gradus: "};
  fputs(prefix[level >= GRADUS_INFO && level <= GRADUS_ERROR ? level : GRADUS_ERROR], stderr);
  gr_cli_put(stderr, text);
  putc('\n', stderr);
}

gradus_status gr_cli_flush(gradus_error *err) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return GRADUS_OK;
  return gr_cli_fail(err, GRADUS_ERR_IO, "standard output: %s",
                     errno ? strerror(errno) : "a write failed");
}

static void put_quoted(const char *text) {
  putchar('"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (is_control(c))
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void begin(gr_json *json, const char *key) {
  if (json->comma) fputs(", ", stdout);
  json->comma = 1;
  if (!key) return;
  put_quoted(key);
  fputs(": ", stdout);
}

void gr_json_open(gr_json *json, const char *key, char bracket) {
  begin(json, key);
  putchar(bracket);
  json->comma = 0;
}

void gr_json_close(gr_json *json, char bracket) {
  putchar(bracket);
  json->comma = 1;
}

void gr_json_text(gr_json *json, const char *key, const char *value) {
  begin(json, key);
  if (value)
    put_quoted(value);
  else
    fputs("null", stdout);
}

void gr_json_real(gr_json *json, const char *key, double value) {
  char text[GR_NUMBER_TEXT];
  begin(json, key);
  fputs(isfinite(value) ? gr_number_exact(text, value) : "null", stdout);
}

void gr_json_count(gr_json *json, const char *key, uint64_t value) {
  begin(json, key);
  printf("%llu", (unsigned long long)value);
}

void gr_json_flag(gr_json *json, const char *key, int value) {
  begin(json, key);
  fputs(value ? "true" : "false", stdout);
}

void gr_json_end(gr_json *json) {
  json->comma = 0;
  putchar('\n');
}
