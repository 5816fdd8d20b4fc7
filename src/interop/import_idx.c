/* IDX, the format of MNIST and its kin (Y. LeCun, "THE MNIST DATABASE of handwritten digits", file
 * format section): two zero bytes, a type, the number of dimensions, the sizes as big-endian 32-bit
 * numbers, the values in C order, big-endian. Images and labels are two files. */
#include <config.h>

#include "interop/dense.h"

enum { MAX_IDX_DIMENSIONS = 8 };

static const struct {
  unsigned char code;
  gr_dtype type;
} types[] = {{0x08, GR_U8},  {0x09, GR_I8},  {0x0b, GR_I16},
             {0x0c, GR_I32}, {0x0d, GR_F32}, {0x0e, GR_F64}};

static gradus_status find_type(const char *path, unsigned char code, gr_dtype *type,
                               gradus_error *err) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (types[i].code == code) return *type = types[i].type, GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: byte 2 is 0x%02x, expected an IDX type (08 09 0b 0c 0d 0e)", path, code);
}

static gradus_status check_dimensions(const gr_dense *a, gradus_error *err) {
  const char *path = gr_input_name(a->stream);
  uint64_t n_columns = 1;
  for (unsigned i = 1; i < a->n_dimensions; i++) {
    n_columns *= a->dims[i]; /* both fit 32 bits */
    if (n_columns == 0 || n_columns > UINT32_MAX)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: byte %u: a row of %s values", path, 4 + 4 * i,
                     n_columns ? "too many" : "no");
  }
  return a->dims[0] ? GRADUS_OK : gr_fail(err, GRADUS_ERR_DATA, "%s: byte 4: no rows", path);
}

static gradus_status read_header(gr_dense *a, gradus_error *err) {
  const uint16_t probe = 1;
  const char *path = gr_input_name(a->stream);
  unsigned char head[4 + 4 * MAX_IDX_DIMENSIONS];
  size_t got;
  GR_TRY(gr_input_read(a->stream, head, 4, &got, err));
  if (got < 4 || head[0] != 0 || head[1] != 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: does not start as IDX data do (two zero bytes)",
                   path);
  GR_TRY(find_type(path, head[2], &a->type, err));
  a->n_dimensions = head[3];
  if (a->n_dimensions < 1 || a->n_dimensions > MAX_IDX_DIMENSIONS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: byte 3 says %u dimensions, expected 1 to %d", path,
                   a->n_dimensions, MAX_IDX_DIMENSIONS);
  a->offset = 4 + 4 * (uint64_t)a->n_dimensions;
  a->swap = *(const unsigned char *)&probe == 1;
  GR_TRY(gr_input_read(a->stream, head + 4, (size_t)a->offset - 4, &got, err));
  if (got < a->offset - 4)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: ends at byte %zu, inside the header of %zu bytes",
                   path, got + 4, (size_t)a->offset);
  for (unsigned i = 0; i < a->n_dimensions; i++) {
    const unsigned char *p = head + 4 + 4 * i;
    a->dims[i] = (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
  }
  GR_TRY(check_dimensions(a, err));
  return gr_dense_check(a, err);
}

static gradus_status open_images(gr_import_source *source, gr_dense *x, gradus_error *err) {
  if (!source->labels_path)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s: IDX images need their labels: IMAGES,LABELS",
                   source->path);
  x->stream = source->stream;
  source->stream = NULL;
  GR_TRY(read_header(x, err));
  if (x->n_dimensions >= 2) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: holds one value per row, expected images; is it the labels (IMAGES,LABELS)?",
                 source->path);
}

static gradus_status open_splits(gr_import_job *job, gr_dense_split *splits, gradus_error *err) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_import_source *source = &job->source[s];
    if (!source->path) continue;
    GR_TRY(open_images(source, &splits[s].x, err));
    GR_TRY(gr_input_open(source->labels_path, &splits[s].y.stream, err));
    GR_TRY(read_header(&splits[s].y, err));
    GR_TRY(gr_dense_plan(job, &splits[s], err));
  }
  return gr_dense_import(job, splits, err);
}

gradus_status gr_import_idx(gr_import_job *job, gradus_error *err) {
  gr_dense_split splits[GR_N_SPLITS] = {{.convert_y = false}};
  if (job->options->target)
    return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': IDX files have no named columns",
                   job->options->target);
  gradus_status status = open_splits(job, splits, err);
  gr_dense_close(splits);
  return status;
}
