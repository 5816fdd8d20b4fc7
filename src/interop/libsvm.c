/* Fields are separated by blanks. The text is not terminated, so nothing is read beyond `end`. */
#include <config.h>

#include "interop/libsvm.h"

#include <math.h>
#include <string.h>

#include "interop/delimited.h"
#include "interop/number.h"

#define MAX_FLOAT 3.4028234663852886e38

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(gr_libsvm_line *l) {
  while (l->p < l->end && is_blank(*l->p)) l->p++;
}

static const char *field_end(const gr_libsvm_line *l) {
  const char *p = l->p;
  while (p < l->end && !is_blank(*p)) p++;
  return p;
}

static gradus_status malformed(const gr_libsvm_line *l, const char *what, gradus_error *err) {
  char shown[GR_CELL_SHOWN];
  gr_cell field = {.text = l->p, .length = (uint32_t)(field_end(l) - l->p)};
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%zu: %s %s", l->path, (unsigned long long)l->number,
                 (size_t)(l->p - l->start) + 1, gr_cell_show(&field, shown), what);
}

gradus_status gr_libsvm_begin(gr_libsvm_line *l, const char *path, uint64_t number,
                              const char *text, size_t length, gradus_error *err) {
  const char *comment = memchr(text, '#', length);
  *l = (gr_libsvm_line){.path = path,
                        .number = number,
                        .p = text,
                        .start = text,
                        .end = comment ? comment : text + length};
  skip_blanks(l);
  l->is_blank = l->p == l->end;
  if (l->is_blank) return GRADUS_OK;
  const char *stop = field_end(l);
  if (!gr_parse_number(l->p, (size_t)(stop - l->p), &l->label) || !isfinite(l->label))
    return malformed(l,
                     memchr(l->p, ',', (size_t)(stop - l->p))
                         ? "holds several labels, expected one number"
                         : "is no label, expected a number",
                     err);
  l->p = stop;
  return GRADUS_OK;
}

/* Digits before a colon, up to 2^31 - 1; 0 where there are none. */
static uint32_t read_index(const char *p, const char *stop, const char **colon) {
  uint64_t index = 0;
  for (; p < stop && *p >= '0' && *p <= '9' && index <= INT32_MAX; p++)
    index = index * 10 + (uint64_t)(*p - '0');
  *colon = p;
  return p < stop && *p == ':' && index <= INT32_MAX ? (uint32_t)index : 0;
}

gradus_status gr_libsvm_next(gr_libsvm_line *l, bool *more, gradus_error *err) {
  const char *stop, *colon;
  for (;; l->p = stop) { /* query numbers stand before the first pair */
    skip_blanks(l);
    *more = l->p < l->end;
    if (!*more) return GRADUS_OK;
    stop = field_end(l);
    if (l->index > 0 || stop - l->p <= 4 || memcmp(l->p, "qid:", 4) != 0) break;
    l->has_qid = true;
  }
  uint32_t index = read_index(l->p, stop, &colon);
  if (index == 0) return malformed(l, "is no pair, expected index:value with indices from 1", err);
  if (index <= l->index) return malformed(l, "comes out of order, expected ascending indices", err);
  size_t length = (size_t)(stop - colon) - 1;
  if (!gr_parse_number(colon + 1, length, &l->value) || !(fabs(l->value) <= MAX_FLOAT))
    return malformed(l, "has no value that a float can hold", err);
  l->index = index;
  l->p = stop;
  return GRADUS_OK;
}

bool gr_libsvm_recognise(const char *head, size_t size) {
  for (const char *p = head, *end = head + size; p < end;) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    const char *line_end = stop ? stop : end;
    gr_libsvm_line line;
    if (gr_libsvm_begin(&line, "", 1, p, (size_t)(line_end - p), NULL) != GRADUS_OK) return false;
    skip_blanks(&line);
    if (!line.is_blank && line.p < line.end) {
      const char *colon;
      if (line.end - line.p > 4 && memcmp(line.p, "qid:", 4) == 0) return true;
      (void)read_index(line.p, line.end, &colon);
      return colon > line.p && colon < line.end && *colon == ':';
    }
    if (!stop) return false;
    p = stop + 1;
  }
  return false;
}
