/* The arrays stay open and are read by hyperslabs. What is read was written by gradus or by people
 * who follow its layout; anything else goes through gr_dataset_read. */
#include <config.h>

#include "store/dataset_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/dataset_layout.h"
#include "store/dataset_meta.h"
#include "store/h5_array.h"

struct gr_dataset_rows {
  gr_h5_file file;
  gr_dataset shape;
  gr_storage storage;
  gr_h5_array arrays[GR_N_SPLITS][GR_N_FIELDS];
  float mark; /* what weight and offset of shape.split[] point to: never read */
};

static gradus_status refuse(const gr_h5_array *a, gradus_error *err, const char *why) {
  char shape[GR_H5_SHAPE];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, %s, %s", a->file->path, a->path,
                 gr_h5_array_shape(a, shape), why);
}

static gradus_status open_array(gr_dataset_rows *r, int s, gr_field field, const char *path,
                                gradus_error *err) {
  gr_h5_array *a = &r->arrays[s][field];
  gr_split *split = &r->shape.split[s];
  GR_TRY(gr_h5_array_open(&r->file, path, a, err));
  if (a->kind != GR_H5_NUMBERS || a->convert)
    return refuse(a, err, "is none of the plain types of numbers; rows cannot be added to it");
  if (a->rank == 0 || a->dims[0] == 0 || a->n == 0) return refuse(a, err, "has no rows");
  uint64_t columns = a->n / a->dims[0];
  if (a->rank > 2) return refuse(a, err, "has rows of several dimensions; rows cannot be added");
  if (columns > INT32_MAX) return refuse(a, err, "has more columns than 2147483647");
  if (field == GR_FIELD_X) split->n_rows = a->dims[0];
  if (a->dims[0] != split->n_rows) return refuse(a, err, "has other rows than the inputs");
  if (field == GR_FIELD_X) {
    if (r->shape.n_columns && r->shape.n_columns != columns)
      return refuse(a, err, "has other columns than the split before");
    r->shape.n_columns = (uint32_t)columns;
    split->x_type = a->dtype;
  } else if (field == GR_FIELD_Y) {
    split->y_columns = (uint32_t)columns;
    split->y_type = a->dtype;
  } else {
    if (columns != 1 || a->dtype != GR_F32) return refuse(a, err, "is not one f32 number per row");
    *(field == GR_FIELD_WEIGHT ? &split->weight : &split->offset) = &r->mark;
  }
  return GRADUS_OK;
}

/* Chunks and the level of gzip of the first array of inputs. */
static void find_storage(gr_dataset_rows *r, const gr_h5_array *a) {
  hid_t plist = H5Dget_create_plist(a->id);
  hsize_t chunk[H5S_MAX_RANK];
  if (plist < 0) return;
  if (H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, H5S_MAX_RANK, chunk) > 0) {
    r->storage.chunk_rows = chunk[0];
    unsigned flags, value = 0;
    size_t n = 1;
    if (H5Pget_filter_by_id2(plist, H5Z_FILTER_DEFLATE, &flags, &n, &value, 0, NULL, NULL) >= 0)
      r->storage.level = value ? (int)value : 1;
  }
  (void)H5Pclose(plist);
  (void)H5Eclear2(H5E_DEFAULT); /* no filter is no error */
}

static gradus_status open_all(gr_dataset_rows *r, const char *path, gradus_error *err) {
  gr_layout layout;
  const gr_dataset_options options = {0};
  GR_TRY(gr_h5_open(path, &r->file, err));
  GR_TRY(gr_layout_find(&r->file, &options, &layout, err));
  if (strcmp(layout.name, "gradus") != 0)
    return gr_fail(
        err, GRADUS_ERR_DATA,
        "%s: has the layout '%s'; rows are added to files of gradus's own layout (import "
        "it into a new file first)",
        path, layout.name);
  r->shape.layout = "gradus";
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_paths *paths = &layout.split[s];
    const char *names[GR_N_FIELDS] = {paths->x, paths->y, paths->weight, paths->offset};
    for (int field = 0; field < GR_N_FIELDS; field++)
      if (paths->x[0] && names[field][0])
        GR_TRY(open_array(r, s, (gr_field)field, names[field], err));
    if (paths->x[0] && r->storage.chunk_rows == 0) find_storage(r, &r->arrays[s][GR_FIELD_X]);
  }
  return gr_meta_read(&r->file, &r->shape, err);
}

gradus_status gr_dataset_rows_open(const char *path, gr_dataset_rows **out, gradus_error *err) {
  *out = NULL;
  gr_dataset_rows *r = gr_calloc(1, sizeof *r);
  if (!r) return gr_fail_memory(err, path);
  r->shape.path = gr_strdup(path);
  gr_h5_quiet quiet = gr_h5_begin();
  gradus_status status =
      r->shape.path ? open_all(r, r->shape.path, err) : gr_fail_memory(err, path);
  gr_h5_end(&quiet);
  if (status != GRADUS_OK)
    gr_dataset_rows_close(r);
  else
    *out = r;
  return status;
}

const gr_dataset *gr_dataset_rows_shape(const gr_dataset_rows *r) {
  return &r->shape;
}

gr_storage gr_dataset_rows_storage(const gr_dataset_rows *r) {
  return r->storage;
}

gradus_status gr_dataset_rows_read(const gr_dataset_rows *r, int s, gr_field field, uint64_t first,
                                   uint64_t n, void *out, gradus_error *err) {
  const gr_h5_array *a = &r->arrays[s][field];
  uint64_t columns = a->n / a->dims[0];
  gr_h5_quiet quiet = gr_h5_begin();
  gradus_status status = gr_h5_read_rows(a->id, r->file.path, first, n, columns, out, err);
  gr_h5_end(&quiet);
  if (status == GRADUS_OK && a->swap)
    gr_h5_swap_bytes(out, (size_t)(n * columns), gr_dtype_size(a->dtype));
  return status;
}

void gr_dataset_rows_close(gr_dataset_rows *r) {
  if (!r) return;
  gr_h5_quiet quiet = gr_h5_begin();
  for (int s = 0; s < GR_N_SPLITS; s++) {
    for (int field = 0; field < GR_N_FIELDS; field++) gr_h5_array_close(&r->arrays[s][field]);
    r->shape.split[s].weight = r->shape.split[s].offset = NULL; /* not ours to free */
  }
  gr_h5_close(&r->file);
  gr_h5_end(&quiet);
  gr_dataset_free(&r->shape);
  gr_free(r);
}
