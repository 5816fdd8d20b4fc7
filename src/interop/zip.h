/* The members of a zip archive (APPNOTE.TXT 6.3, with zip64), stored or deflated. */
#ifndef GR_INTEROP_ZIP_H
#define GR_INTEROP_ZIP_H

#include "base/status.h"
#include "interop/input.h"

typedef struct gr_zip_member {
  char *name;
  uint64_t offset; /* of its local header */
  uint64_t packed, size;
  unsigned method, flags;
} gr_zip_member;

/* Zero-initialise. */
typedef struct gr_zip {
  gr_input *stream; /* borrowed; the archive */
  int fd;
  uint64_t length;
  gr_zip_member *members; /* [n] */
  size_t n;
} gr_zip;

/* Reads the central directory. No byte of the archive is trusted: a directory that lies outside it,
 * or is cut, is GRADUS_ERR_DATA. */
gradus_status gr_zip_open(gr_zip *zip, gr_input *stream, gradus_error *err);
void gr_zip_close(gr_zip *zip); /* accepts a half-built object */

/* A stream of a member's contents, called "ARCHIVE: MEMBER". Encrypted ones, and other methods than
 * stored and deflated, are GRADUS_ERR_DATA. */
gradus_status gr_zip_read(const gr_zip *zip, const gr_zip_member *member, gr_input **out,
                          gradus_error *err);

#endif
