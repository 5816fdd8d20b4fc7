/* Lines of LIBSVM (and SVMlight) files: "label index:value index:value ... # comment", indices from
 * 1, ascending; absent ones are 0. */
#ifndef GR_INTEROP_LIBSVM_H
#define GR_INTEROP_LIBSVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* True where the first lines of a file look so. */
bool gr_libsvm_recognise(const char *head, size_t size);

/* One line under way: text [length] of line `number` of `path`. */
typedef struct gr_libsvm_line {
  const char *path;
  uint64_t number;
  const char *p, *start, *end;
  double label;
  bool is_blank;  /* nothing but blanks and a comment */
  bool has_qid;   /* a query number, passed over */
  uint32_t index; /* the last pair, from 1; 0 before the first */
  double value;
} gr_libsvm_line;

/* Reads the label. A malformed line is GRADUS_ERR_DATA with file:line:column and the field. */
gradus_status gr_libsvm_begin(gr_libsvm_line *line, const char *path, uint64_t number,
                              const char *text, size_t length, gradus_error *err);

/* The next pair; *more = false at the end of the line. Values are finite and within float. */
gradus_status gr_libsvm_next(gr_libsvm_line *line, bool *more, gradus_error *err);

#endif
