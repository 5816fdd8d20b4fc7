/* What a run was trained on, in its checkpoints: a group for each split that says its shape, and
 * the sums by which a changed data set is told apart. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "store/checkpoint_parts.h"
#include "store/dataset.h"
#include "store/h5_array.h"

static bool has_array(const gr_split_print *s, int array) {
  switch ((gr_print_array)array) {
    case GR_PRINT_Y:
      return s->y_columns > 0;
    case GR_PRINT_WEIGHT:
      return s->weighted;
    case GR_PRINT_OFFSET:
      return s->has_offset;
    case GR_PRINT_X:
    case GR_PRINT_ARRAYS:
      break;
  }
  return array == GR_PRINT_X;
}

static void put_count(gr_h5_writer *w, const char *group, const char *name, uint64_t value) {
  gr_h5_put_attribute(w, group, name, GR_U64, &value);
}

static void put_split(gr_h5_writer *w, const gr_split_print *s, const char *name) {
  const uint64_t n = gr_print_ranges(s);
  char group[32], path[64];
  snprintf(group, sizeof group, "/data/%s", name);
  gr_h5_put_group(w, group);
  put_count(w, group, "rows", s->n_rows);
  put_count(w, group, "columns", s->columns);
  put_count(w, group, "y_columns", s->y_columns);
  put_count(w, group, "sampled", s->sampled);
  put_count(w, group, "weighted", s->weighted);
  put_count(w, group, "has_offset", s->has_offset);
  gr_h5_put_text_attribute(w, group, "x_type", gr_dtype_name(s->x_type));
  gr_h5_put_text_attribute(w, group, "y_type", gr_dtype_name(s->y_type));
  for (int a = 0; a < GR_PRINT_ARRAYS; a++) {
    if (!has_array(s, a)) continue;
    snprintf(path, sizeof path, "%s/%s", group, gr_print_arrays[a]);
    gr_h5_put_array(w, path, GR_U64, 1, &n, s->sum[a]);
  }
}

void gr_checkpoint_put_data(gr_h5_writer *w, const gr_data_print *print) {
  if (!print->known) return;
  gr_h5_put_group(w, "/data");
  put_count(w, "/data", "names", print->names);
  for (int s = 0; s < GR_PRINT_SPLITS; s++)
    if (print->split[s].n_rows) put_split(w, &print->split[s], gr_split_names[s]);
}

static gradus_status read_type(const gr_h5_file *file, const char *group, const char *name,
                               gr_dtype *out, gradus_error *err) {
  char text[16];
  GR_TRY(gr_h5_attribute_text(file, group, name, text, sizeof text, NULL, err));
  for (int t = 0; t < GR_N_DTYPES; t++)
    if (strcmp(text, gr_dtype_name((gr_dtype)t)) == 0) return *out = (gr_dtype)t, GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s of %s is no type of numbers", file->path, name,
                 group);
}

static gradus_status read_count(const gr_h5_file *file, const char *group, const char *name,
                                uint64_t *out, gradus_error *err) {
  return gr_h5_attribute_u64(file, group, name, out, NULL, err);
}

static gradus_status read_split(const gr_h5_file *file, gr_split_print *s, const char *group,
                                gradus_error *err) {
  uint64_t columns = 0, y_columns = 0, sampled = 0, weighted = 0, offset = 0;
  char path[64];
  GR_TRY(read_count(file, group, "rows", &s->n_rows, err));
  GR_TRY(read_count(file, group, "columns", &columns, err));
  GR_TRY(read_count(file, group, "y_columns", &y_columns, err));
  GR_TRY(read_count(file, group, "sampled", &sampled, err));
  GR_TRY(read_count(file, group, "weighted", &weighted, err));
  GR_TRY(read_count(file, group, "has_offset", &offset, err));
  if (s->n_rows == 0 || s->n_rows > INT64_MAX || columns > UINT32_MAX || y_columns > UINT32_MAX)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s describes no data", file->path, group);
  s->columns = (uint32_t)columns;
  s->y_columns = (uint32_t)y_columns;
  s->sampled = sampled != 0;
  s->weighted = weighted != 0;
  s->has_offset = offset != 0;
  GR_TRY(read_type(file, group, "x_type", &s->x_type, err));
  GR_TRY(read_type(file, group, "y_type", &s->y_type, err));
  gr_print_begin(s);
  const uint64_t n = gr_print_ranges(s);
  for (int a = 0; a < GR_PRINT_ARRAYS; a++) {
    if (!has_array(s, a)) continue;
    snprintf(path, sizeof path, "%s/%s", group, gr_print_arrays[a]);
    GR_TRY(gr_checkpoint_read_exact(file, path, GR_U64, 1, &n, s->sum[a], err));
  }
  return GRADUS_OK;
}

gradus_status gr_checkpoint_read_data(const gr_h5_file *file, gr_data_print *print,
                                      gradus_error *err) {
  char group[32];
  GR_TRY(gr_h5_find(file, "/data", NULL, &print->known, err));
  if (!print->known) return GRADUS_OK;
  GR_TRY(read_count(file, "/data", "names", &print->names, err));
  for (int s = 0; s < GR_PRINT_SPLITS; s++) {
    bool found;
    snprintf(group, sizeof group, "/data/%s", gr_split_names[s]);
    GR_TRY(gr_h5_find(file, group, NULL, &found, err));
    if (found) GR_TRY(read_split(file, &print->split[s], group, err));
  }
  return GRADUS_OK;
}
