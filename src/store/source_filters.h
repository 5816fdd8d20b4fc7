/* The filters of a chunked dataset: which they are, who can undo them, and undoing them. */
#ifndef GR_STORE_SOURCE_FILTERS_H
#define GR_STORE_SOURCE_FILTERS_H

#include "store/codec.h"
#include "store/h5_array.h"

#define GR_MAX_FILTERS 32 /* H5Z_MAX_NFILTERS: a mask has 32 bits */

struct gr_known_filter;

/* In the order in which they were applied. */
typedef struct gr_pipeline {
  unsigned n;
  struct {
    const struct gr_known_filter *known;
    uint32_t value; /* its first parameter */
  } filter[GR_MAX_FILTERS];
  bool by_library; /* at least one is left to HDF5 */
} gr_pipeline;

/* What undoing needs, one per thread at a time. Zero-initialise; buffers have `capacity` bytes. */
typedef struct gr_decoder {
  gr_codec_state codec;
  uint8_t *stored, *work[2];
  size_t capacity;
} gr_decoder;

/* Reads the filters of `plist`, of the dataset `array`. Refused by number and name with what to do:
 * those that neither we nor this HDF5 undo; with `library_only` (HDF5 has to read this array
 * anyway) those that HDF5 does not. */
gradus_status gr_pipeline_read(const gr_h5_array *array, hid_t plist, bool library_only,
                               gr_pipeline *out, gradus_error *err);

/* "shuffle, gzip 4" or "none". */
void gr_pipeline_describe(const gr_pipeline *pipeline, char *out, size_t size);

/* True where `mask` (bit i: filter i was left out) leaves nothing to undo. */
bool gr_pipeline_is_idle(const gr_pipeline *pipeline, uint32_t mask);

/* The most bytes that a chunk of `bytes` can take when stored; more is damage. 0: too many. */
size_t gr_pipeline_bound(size_t bytes);

/* Room for chunks of up to `capacity` bytes, stored or decoded; false when memory is out. */
bool gr_decoder_reserve(gr_decoder *decoder, size_t capacity);
void gr_decoder_free(gr_decoder *decoder);

/* Undoes the filters of decoder->stored [n], reserved for gr_pipeline_bound(bytes): out [bytes].
 * NULL, or what is wrong with the chunk, in *filter the filter that said so. */
const char *gr_pipeline_undo(const gr_pipeline *pipeline, uint32_t mask, gr_decoder *decoder,
                             size_t n, uint8_t *out, size_t bytes, const char **filter);

#endif
