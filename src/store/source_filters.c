/* Undoing goes from the last filter to the first, each into the other of two buffers and the last
 * one straight to where the chunk is wanted. The size that each filter has to give back is known
 * unless another one before it changes sizes, so damage is found at the filter where it lies. */
#include <config.h>

#include "store/source_filters.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { CHECKSUM_BYTES = 4 };

struct gr_known_filter {
  H5Z_filter_t id;
  const char *name;
  gr_decode *decode; /* NULL: see what */
  enum { UNDONE, CHECKSUM, LIBRARY, REFUSED } what;
  bool changes_size, shows_value;
  bool (*is_built)(void); /* NULL: always */
  const char *package;
};

static const struct gr_known_filter known_filters[] = {
    {H5Z_FILTER_DEFLATE, "gzip", gr_decode_gzip, UNDONE, true, true, NULL, NULL},
    {H5Z_FILTER_SHUFFLE, "shuffle", gr_decode_shuffle, UNDONE, false, false, NULL, NULL},
    {H5Z_FILTER_FLETCHER32, "fletcher32", NULL, CHECKSUM, true, false, NULL, NULL},
    {H5Z_FILTER_SZIP, "szip", NULL, LIBRARY, true, false, NULL, NULL},
    {H5Z_FILTER_NBIT, "nbit", NULL, LIBRARY, true, false, NULL, NULL},
    {H5Z_FILTER_SCALEOFFSET, "scaleoffset", NULL, LIBRARY, true, false, NULL, NULL},
    {32000, "lzf", gr_decode_lzf, UNDONE, true, false, NULL, NULL},
    {32004, "lz4", gr_decode_lz4, UNDONE, true, false, gr_codec_has_lz4, "liblz4-dev"},
    {32015, "zstd", gr_decode_zstd, UNDONE, true, true, gr_codec_has_zstd, "libzstd-dev"},
    {305, "lzo", NULL, REFUSED, true, false, NULL, NULL},
    {307, "bzip2", NULL, REFUSED, true, false, NULL, NULL},
    {32001, "blosc", NULL, REFUSED, true, false, NULL, NULL},
    {32008, "bitshuffle", NULL, REFUSED, true, false, NULL, NULL},
    {32013, "zfp", NULL, REFUSED, true, false, NULL, NULL},
    {32017, "sz", NULL, REFUSED, true, false, NULL, NULL},
    {32026, "blosc2", NULL, REFUSED, true, false, NULL, NULL},
};

/* ---- which they are ---- */

static gradus_status refuse(const gr_h5_array *a, H5Z_filter_t id, const char *name,
                            const char *why, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is compressed by HDF5 filter %d (%s), %s",
                 a->file->path, a->path, (int)id, name[0] ? name : "no name", why);
}

static gradus_status judge(const gr_h5_array *a, H5Z_filter_t id, const char *name,
                           const struct gr_known_filter *f, bool library_only, gradus_error *err) {
  static const char repack[] =
      "which is not available here; store it with gzip: where that filter is installed, "
      "h5repack -f GZIP=1 OLD NEW";
  char why[200];
  if (f && f->package && !f->is_built()) {
    snprintf(why, sizeof why, "which this build leaves out: install %s and configure again",
             f->package);
    return refuse(a, id, name, why, err);
  }
  if (!f || f->what == REFUSED) return refuse(a, id, name, repack, err);
  if ((library_only || f->what == LIBRARY) && H5Zfilter_avail(id) <= 0)
    return refuse(a, id, name,
                  f->what == LIBRARY
                      ? repack
                      : "and of a number type that only HDF5 reads, which lacks this filter here; "
                        "store it with gzip, or as floats of 4 or 8 bytes",
                  err);
  return GRADUS_OK;
}

gradus_status gr_pipeline_read(const gr_h5_array *a, hid_t plist, bool library_only,
                               gr_pipeline *out, gradus_error *err) {
  int n = H5Pget_nfilters(plist);
  *out = (gr_pipeline){.n = n > 0 ? (unsigned)n : 0};
  if (n < 0 || n > GR_MAX_FILTERS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has filters that cannot be read", a->file->path,
                   a->path);
  for (unsigned i = 0; i < out->n; i++) {
    unsigned flags = 0, config = 0, values[1] = {0};
    size_t n_values = 1;
    char name[64] = "";
    const struct gr_known_filter *known = NULL;
    H5Z_filter_t id =
        H5Pget_filter2(plist, i, &flags, &n_values, values, sizeof name, name, &config);
    if (id < 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has a filter that cannot be read", a->file->path,
                     a->path);
    name[sizeof name - 1] = '\0';
    for (size_t k = 0; k < sizeof known_filters / sizeof known_filters[0]; k++)
      if (known_filters[k].id == id) known = &known_filters[k];
    GR_TRY(judge(a, id, known ? known->name : name, known, library_only, err));
    out->filter[i].known = known;
    out->filter[i].value = n_values > 0 ? values[0] : 0;
    out->by_library = out->by_library || known->what == LIBRARY;
  }
  return GRADUS_OK;
}

void gr_pipeline_describe(const gr_pipeline *pipeline, char *out, size_t size) {
  size_t used = 0;
  snprintf(out, size, "none");
  for (unsigned i = 0; i < pipeline->n && used < size; i++) {
    const struct gr_known_filter *f = pipeline->filter[i].known;
    int n = snprintf(out + used, size - used, "%s%s", i ? ", " : "", f->name);
    used += n > 0 ? (size_t)n : 0;
    if (!f->shows_value || used >= size) continue;
    n = snprintf(out + used, size - used, " %u", (unsigned)pipeline->filter[i].value);
    used += n > 0 ? (size_t)n : 0;
  }
}

static bool is_active(uint32_t mask, unsigned i) {
  return (mask >> i & 1) == 0;
}

bool gr_pipeline_is_idle(const gr_pipeline *pipeline, uint32_t mask) {
  for (unsigned i = 0; i < pipeline->n; i++)
    if (is_active(mask, i)) return false;
  return true;
}

/* zlib adds 5 bytes per 16 KiB, LZ4 one in 255, Zstandard one in 256, LZF one in 32, and each some
 * for a frame: a quarter is beyond what any filter does to bytes that it cannot compress. */
size_t gr_pipeline_bound(size_t bytes) {
  return bytes > UINT32_MAX ? 0 : bytes + bytes / 4 + 4096;
}

/* ---- undoing ---- */

void gr_decoder_free(gr_decoder *decoder) {
  gr_codec_free(&decoder->codec);
  gr_free(decoder->stored);
  gr_free(decoder->work[0]);
  gr_free(decoder->work[1]);
  *decoder = (gr_decoder){0};
}

bool gr_decoder_reserve(gr_decoder *decoder, size_t capacity) {
  if (capacity <= decoder->capacity) return true;
  gr_decoder_free(decoder);
  decoder->stored = gr_alloc(capacity, 1);
  for (int i = 0; i < 2; i++) decoder->work[i] = gr_alloc(capacity, 1);
  if (decoder->stored && decoder->work[0] && decoder->work[1]) {
    decoder->capacity = capacity;
    return true;
  }
  gr_decoder_free(decoder);
  return false;
}

/* A chunk on its way back. */
struct undo {
  const gr_pipeline *pipeline;
  uint32_t mask;
  gr_decoder *decoder;
  uint8_t *out;
  size_t bytes; /* of the chunk */
  const uint8_t *data;
  size_t n;
};

static bool is_copying(const struct undo *u, unsigned i) {
  return is_active(u->mask, i) && u->pipeline->filter[i].known->decode;
}

/* What undoing filter i has to give: *size bytes, exactly or (false) at most. */
static bool size_before(const struct undo *u, unsigned i, size_t *size) {
  *size = u->bytes;
  for (unsigned k = 0; k < i; k++) {
    if (!is_active(u->mask, k)) continue;
    if (u->pipeline->filter[k].known->what == CHECKSUM) *size += CHECKSUM_BYTES;
    if (is_copying(u, k) && u->pipeline->filter[k].known->changes_size)
      return *size = u->decoder->capacity, false;
  }
  return true;
}

static const char *undo_checksum(struct undo *u) {
  if (u->n < CHECKSUM_BYTES) return "it ends early";
  if (!gr_fletcher32_fits(u->data, u->n)) return "the checksum does not fit";
  u->n -= CHECKSUM_BYTES;
  return NULL;
}

static const char *undo_one(struct undo *u, unsigned i) {
  const struct gr_known_filter *f = u->pipeline->filter[i].known;
  size_t size, produced = 0;
  if (!f->decode) return undo_checksum(u);
  bool exact = size_before(u, i, &size), last = exact && size == u->bytes;
  for (unsigned k = 0; k < i; k++) last = last && !is_copying(u, k);
  uint8_t *to = last ? u->out : u->decoder->work[u->data == u->decoder->work[0]];
  const char *wrong = f->decode(&u->decoder->codec, u->pipeline->filter[i].value, u->data, u->n, to,
                                size, &produced);
  if (wrong) return wrong;
  if (exact && produced != size) return "it holds less than its chunk";
  u->data = to;
  u->n = produced;
  return NULL;
}

const char *gr_pipeline_undo(const gr_pipeline *pipeline, uint32_t mask, gr_decoder *decoder,
                             size_t n, uint8_t *out, size_t bytes, const char **filter) {
  struct undo u = {pipeline, mask, decoder, out, bytes, decoder->stored, n};
  for (unsigned i = pipeline->n; i-- > 0;) {
    if (!is_active(mask, i)) continue;
    *filter = pipeline->filter[i].known->name;
    const char *wrong = undo_one(&u, i);
    if (wrong) return wrong;
  }
  *filter = "its size";
  if (u.n != bytes) return "other than its chunk's";
  if (u.data != out) memcpy(out, u.data, bytes);
  return NULL;
}
