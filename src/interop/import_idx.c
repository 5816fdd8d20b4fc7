/* IDX, the format of MNIST and its kin (Y. LeCun, "THE MNIST DATABASE of handwritten digits", file
 * format section): two zero bytes, a type, the number of dimensions, the sizes as big-endian 32-bit
 * numbers, the values in C order, big-endian. Images and labels are two files; the header is
 * believed only where the file bears it out. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "interop/import.h"
#include "interop/transform.h"
#include "net/preprocessing.h"

enum { MAX_DIMENSIONS = 8 };

static const struct {
  unsigned char code;
  gr_dtype type;
} types[] = {{0x08, GR_U8},  {0x09, GR_I8},  {0x0b, GR_I16},
             {0x0c, GR_I32}, {0x0d, GR_F32}, {0x0e, GR_F64}};

typedef struct idx {
  gr_dtype type;
  unsigned n_dimensions;
  uint64_t n_rows, n_columns; /* of all dimensions but the first */
  size_t offset;              /* of the values in the file */
} idx;

static uint32_t big_endian_32(const char *at) {
  const unsigned char *p = (const unsigned char *)at;
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static gradus_status find_type(const char *path, unsigned char code, gr_dtype *type,
                               gradus_error *err) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (types[i].code == code) return *type = types[i].type, GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: byte 2 is 0x%02x, expected an IDX type (08 09 0b 0c 0d 0e)", path, code);
}

/* The sizes must agree with the file to the byte. */
static gradus_status check_size(const char *path, const idx *h, const gr_bytes *bytes,
                                gradus_error *err) {
  size_t values, wanted;
  bool fits = gr_multiply(h->n_rows, h->n_columns, &values) &&
              gr_multiply(values, gr_dtype_size(h->type), &wanted) &&
              wanted <= SIZE_MAX - h->offset;
  if (fits && wanted + h->offset == bytes->size) return GRADUS_OK;
  if (fits && wanted + h->offset < bytes->size)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %zu bytes follow the last value at byte %zu; the header says %llu rows of "
                   "%llu %s values",
                   path, bytes->size - wanted - h->offset, wanted + h->offset,
                   (unsigned long long)h->n_rows, (unsigned long long)h->n_columns,
                   gr_dtype_name(h->type));
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: ends at byte %zu, but the header says %llu rows of %llu %s values", path,
                 bytes->size, (unsigned long long)h->n_rows, (unsigned long long)h->n_columns,
                 gr_dtype_name(h->type));
}

static gradus_status read_header(const char *path, const gr_bytes *bytes, idx *out,
                                 gradus_error *err) {
  idx h = {.n_columns = 1};
  const char *data = bytes->data;
  if (bytes->size < 4 || data[0] != 0 || data[1] != 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: does not start as IDX data do (two zero bytes)",
                   path);
  GR_TRY(find_type(path, (unsigned char)data[2], &h.type, err));
  h.n_dimensions = (unsigned char)data[3];
  if (h.n_dimensions < 1 || h.n_dimensions > MAX_DIMENSIONS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: byte 3 says %u dimensions, expected 1 to %d", path,
                   h.n_dimensions, MAX_DIMENSIONS);
  h.offset = 4 + 4 * (size_t)h.n_dimensions;
  if (bytes->size < h.offset)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: ends at byte %zu, inside the header of %zu bytes",
                   path, bytes->size, h.offset);
  h.n_rows = big_endian_32(data + 4);
  for (unsigned i = 1; i < h.n_dimensions; i++) {
    h.n_columns *= big_endian_32(data + 4 + 4 * i);
    if (h.n_columns == 0 || h.n_columns > UINT32_MAX)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: byte %u: a row of %s values", path, 4 + 4 * i,
                     h.n_columns ? "too many" : "no");
  }
  if (h.n_rows == 0) return gr_fail(err, GRADUS_ERR_DATA, "%s: byte 4: no rows", path);
  GR_TRY(check_size(path, &h, bytes, err));
  *out = h;
  return GRADUS_OK;
}

/* Big-endian to native, in place. */
static void to_native(char *values, size_t count, size_t size) {
  const uint16_t probe = 1;
  if (size == 1 || *(const char *)&probe == 0) return;
  for (size_t i = 0; i < count; i++, values += size) {
    for (size_t j = 0; j < size / 2; j++) {
      char swapped = values[j];
      values[j] = values[size - 1 - j];
      values[size - 1 - j] = swapped;
    }
  }
}

/* Turns the file in memory into its values: the header is moved out, the bytes are swapped. */
static void *take_values(gr_bytes *bytes, const idx *h) {
  size_t n = bytes->size - h->offset, size = gr_dtype_size(h->type);
  memmove(bytes->data, bytes->data + h->offset, n);
  to_native(bytes->data, n / size, size);
  void *fitted = gr_realloc(bytes->data, n, 1); /* the reader left room behind */
  void *values = fitted ? fitted : bytes->data;
  *bytes = (gr_bytes){0};
  return values;
}

static gradus_status import_images(gr_import_source *source, gr_dataset *out, gr_split *split,
                                   gradus_error *err) {
  idx h;
  GR_TRY(read_header(source->path, &source->bytes, &h, err));
  if (h.n_dimensions < 2)
    return gr_fail(
        err, GRADUS_ERR_DATA,
        "%s: holds one value per row, expected images; is it the labels (IMAGES,LABELS)?",
        source->path);
  if (out->n_columns && out->n_columns != h.n_columns)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: rows of %llu values, the other splits have %lu",
                   source->path, (unsigned long long)h.n_columns, (unsigned long)out->n_columns);
  out->n_columns = (uint32_t)h.n_columns;
  split->n_rows = h.n_rows;
  split->x_type = h.type;
  split->x = take_values(&source->bytes, &h);
  return GRADUS_OK;
}

/* Integers as they are for classes, else as floats; integers of eight bits fit either. */
static gradus_status to_targets(const gr_import_options *o, const char *path, gr_split *split,
                                gradus_error *err) {
  size_t n;
  if (!gr_multiply(split->n_rows, split->y_columns, &n)) return gr_fail_memory(err, path);
  float *y = gr_alloc(n, sizeof *y);
  if (!y) return gr_fail_memory(err, path);
  for (size_t i = 0; i < n; i++) {
    double value = gr_element(split->y, split->y_type, i);
    if (o->log_target && !gr_transform_log(&value)) {
      gr_free(y);
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: row %zu: the target is not above 0, so it has no logarithm", path,
                     i / split->y_columns + 1);
    }
    y[i] = (float)value;
  }
  gr_free(split->y);
  split->y = y;
  split->y_type = GR_F32;
  return GRADUS_OK;
}

static gradus_status import_labels(const gr_import_options *o, const char *path, gr_bytes *bytes,
                                   gr_split *split, gradus_error *err) {
  idx h;
  GR_TRY(read_header(path, bytes, &h, err));
  if (h.n_rows != split->n_rows)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %llu labels for %llu rows", path,
                   (unsigned long long)h.n_rows, (unsigned long long)split->n_rows);
  bool whole = gr_dtype_is_integer(h.type);
  bool classes = o->task == GR_CLASSIFICATION || (o->task == GR_AUTO && whole && !o->log_target);
  if (classes && (!whole || h.n_columns != 1))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: rows of %llu %s values, expected one whole number (a class)", path,
                   (unsigned long long)h.n_columns, gr_dtype_name(h.type));
  split->y_columns = (uint32_t)h.n_columns;
  split->y_type = h.type;
  split->y = take_values(bytes, &h);
  bool as_they_are = classes || (!o->log_target && h.type == GR_F32);
  return as_they_are ? GRADUS_OK : to_targets(o, path, split, err);
}

static gradus_status import_split(const gr_import_options *o, gr_import_source *source,
                                  const char *name, gr_dataset *out, gr_split *split,
                                  gradus_error *err) {
  if (!source->labels_path)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s: IDX images need their labels: IMAGES,LABELS",
                   source->path);
  GR_TRY(import_images(source, out, split, err));
  gr_bytes labels = {0};
  GR_TRY(gr_bytes_read(source->labels_path, &labels, err));
  gradus_status status = import_labels(o, source->labels_path, &labels, split, err);
  gr_bytes_free(&labels);
  if (status != GRADUS_OK) return status;
  gr_log_write(&o->log, GR_INFO, "%s: %s, %llu rows of %lu %s values, %s targets", name,
               source->path, (unsigned long long)split->n_rows, (unsigned long)out->n_columns,
               gr_dtype_name(split->x_type), gr_dtype_name(split->y_type));
  return GRADUS_OK;
}

gradus_status gr_import_idx(gr_import_job *job, gr_dataset *out, gradus_error *err) {
  const gr_import_options *o = job->options;
  if (o->target)
    return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': IDX files have no named columns",
                   o->target);
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (job->source[s].path)
      GR_TRY(import_split(o, &job->source[s], gr_split_names[s], out, &out->split[s], err));
  return GRADUS_OK;
}
