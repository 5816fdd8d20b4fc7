/* Weights and offsets are few bytes a row: they are always read whole, and kept as floats. */
#include <config.h>

#include "store/dataset_extras.h"

#include <math.h>

#include "base/memory.h"
#include "net/preprocessing.h"

const gr_extra gr_extras[GR_N_EXTRAS] = {
    {"sample weights", offsetof(gr_paths, weight), offsetof(gr_split, weight), true},
    {"offsets", offsetof(gr_paths, offset), offsetof(gr_split, offset), false},
};

const char *gr_extra_path(const gr_extra *extra, const gr_paths *paths) {
  return (const char *)paths + extra->path;
}

static gradus_status refuse(const gr_h5_array *a, gradus_error *err, const char *why) {
  char shape[GR_H5_SHAPE];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, %s, %s", a->file->path, a->path,
                 gr_h5_array_shape(a, shape), why);
}

static gradus_status take(const gr_extra *extra, const gr_h5_array *a, const void *data, float *out,
                          gradus_error *err) {
  bool any = !extra->is_weight;
  for (size_t i = 0; i < a->n; i++) {
    const double value = gr_element(data, a->dtype, i);
    out[i] = (float)value;
    if (!isfinite(out[i]) || (extra->is_weight && !(value >= 0)))
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, row %zu is %snot finite; %s are %s",
                     a->file->path, a->path, i, extra->is_weight ? "negative or " : "",
                     extra->is_weight ? "weights" : extra->noun,
                     extra->is_weight ? "0 or more" : "finite numbers");
    any = any || out[i] > 0;
  }
  return any ? GRADUS_OK : refuse(a, err, "is 0 in every row");
}

gradus_status gr_extra_read(const gr_extra *extra, const gr_h5_array *array, uint64_t done,
                            gr_split *split, gradus_error *err) {
  float **field = (float **)(void *)((char *)split + extra->field);
  if (array->layout == H5D_VIRTUAL)
    return refuse(array, err, "is virtual; weights and offsets are read from the file itself");
  void *data = gr_alloc(array->n, gr_dtype_size(array->dtype));
  if (!*field) *field = gr_alloc(split->n_rows, sizeof **field);
  gradus_status status =
      data && *field ? gr_h5_array_read(array, data, err) : gr_fail_memory(err, array->path);
  if (status == GRADUS_OK) status = take(extra, array, data, *field + done, err);
  gr_free(data);
  return status;
}
