/* A window that holds at least the line being read. */
#include <config.h>

#include "interop/lines.h"

#include <string.h>

#include "base/memory.h"

enum { WINDOW = 1 << 18, MAX_LINE = 1 << 30 };

gradus_status gr_lines_start(gr_lines *l, gr_input *stream, gradus_error *err) {
  if (!l->buffer) {
    l->buffer = gr_alloc(WINDOW, 1);
    l->size = WINDOW;
  }
  if (!l->buffer) return gr_fail_memory(err, gr_input_name(stream));
  l->stream = stream;
  l->p = l->end = l->buffer;
  l->at_end = false;
  l->number = 0;
  return gr_input_rewind(stream, err);
}

void gr_lines_end(gr_lines *l) {
  gr_free(l->buffer);
  *l = (gr_lines){0};
}

static gradus_status refill(gr_lines *l, gradus_error *err) {
  size_t kept = (size_t)(l->end - l->p), got;
  if (kept >= MAX_LINE)
    return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:1: a line of more than 1 GiB",
                   gr_input_name(l->stream), (unsigned long long)l->number + 1);
  if (kept > 0) memmove(l->buffer, l->p, kept);
  if (kept == l->size) {
    char *buffer = gr_realloc(l->buffer, l->size, 2);
    if (!buffer) return gr_fail_memory(err, gr_input_name(l->stream));
    l->buffer = buffer;
    l->size *= 2;
  }
  l->p = l->buffer;
  l->end = l->p + kept;
  GR_TRY(gr_input_read(l->stream, l->end, l->size - kept, &got, err));
  l->at_end = got < l->size - kept;
  l->end += got;
  return GRADUS_OK;
}

gradus_status gr_lines_next(gr_lines *l, bool *more, gradus_error *err) {
  char *stop;
  size_t seen = 0;
  while (!(stop = memchr(l->p + seen, '\n', (size_t)(l->end - l->p) - seen)) && !l->at_end) {
    seen = (size_t)(l->end - l->p);
    GR_TRY(refill(l, err));
  }
  *more = stop || l->p < l->end;
  if (!*more) return GRADUS_OK;
  l->line = l->p;
  l->length = (size_t)((stop ? stop : l->end) - l->p);
  if (l->length > 0 && l->line[l->length - 1] == '\r') l->length--;
  l->p = stop ? stop + 1 : l->end;
  l->number++;
  return GRADUS_OK;
}
