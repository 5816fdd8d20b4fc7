/* A text or binary file under construction, or standard output. */
#ifndef GR_INTEROP_OUTPUT_H
#define GR_INTEROP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

/* Zero-initialise. Text gathers in `buffer`; call gr_output_drain now and then. */
typedef struct gr_output {
  const char *path;
  char *aside; /* NULL for standard output */
  int fd;
  bool is_open, overwrite;
  gr_text buffer;
} gr_output;

/* Path "-": file descriptor 1. Else as gr_aside_create. */
gradus_status gr_output_open(gr_output *output, const char *path, bool overwrite,
                             gradus_error *err);

/* Writes the buffer out once it holds 64 KiB. */
gradus_status gr_output_drain(gr_output *output, gradus_error *err);

/* Writes what is left and gives the file its name. */
gradus_status gr_output_commit(gr_output *output, gradus_error *err);

/* Releases everything; a file that was not committed is removed. Accepts a zeroed object. */
void gr_output_close(gr_output *output);

#endif
