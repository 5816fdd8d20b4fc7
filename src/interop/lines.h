/* The lines of a text, one at a time, in constant memory. */
#ifndef GR_INTEROP_LINES_H
#define GR_INTEROP_LINES_H

#include <stdbool.h>

#include "interop/input.h"

/* Zero-initialise; start with gr_lines_start. */
typedef struct gr_lines {
  gr_input *stream; /* borrowed */
  char *buffer;
  size_t size;
  char *p, *end;
  bool at_end;
  const char *line; /* not terminated, without its line end; valid until the next */
  size_t length;
  uint64_t number; /* of the line, from 1 */
} gr_lines;

/* From the beginning of `stream`. May be called again. */
gradus_status gr_lines_start(gr_lines *lines, gr_input *stream, gradus_error *err);

/* The next line (ended by LF, CRLF or the end); *more = false at the end. One of more than 1 GiB is
 * GRADUS_ERR_DATA. */
gradus_status gr_lines_next(gr_lines *lines, bool *more, gradus_error *err);
void gr_lines_end(gr_lines *lines);

#endif
