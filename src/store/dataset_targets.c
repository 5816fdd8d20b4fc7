/* Class names come as text or as an HDF5 enumeration (h5py's bool is one). Either way y becomes
 * 32-bit numbers into one list of names for the whole file, so that equal names are equal numbers
 * in every split. What counts as a class is decided later, from the training split. */
#include <config.h>

#include "store/dataset_targets.h"

#include <string.h>

#include "base/memory.h"

static gradus_status fail(const gr_h5_array *a, const char *what, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s %s", a->file->path, a->path, what);
}

static gradus_status number_of(gr_class_names *classes, const char *bytes, size_t length,
                               int32_t *out, gradus_error *err) {
  uint32_t id = gr_dictionary_add(&classes->names, bytes, length);
  if (id > INT32_MAX) return gr_fail_memory(err, "class names");
  *out = (int32_t)id;
  return GRADUS_OK;
}

/* ---- text ---- */

struct text_job {
  gr_class_names *classes;
  int32_t *out;
};

static gradus_status take_text(void *user, uint64_t index, const char *bytes, size_t length,
                               gradus_error *err) {
  struct text_job *job = user;
  return number_of(job->classes, bytes, length, &job->out[index], err);
}

/* ---- enumerations ---- */

/* The member with this value, or NULL. */
static const gr_h5_member *find_member(const gr_h5_member *members, uint32_t n, int64_t value,
                                       uint32_t *index) {
  uint32_t low = 0, high = n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (members[middle].value < value)
      low = middle + 1;
    else
      high = middle;
  }
  *index = low;
  return low < n && members[low].value == value ? &members[low] : NULL;
}

/* Replaces values by numbers of names; ids[i] is the number of members[i]. */
static gradus_status name_values(const gr_h5_array *a, const gr_h5_member *members, uint32_t n,
                                 const int32_t *ids, const void *values, int32_t *out,
                                 gradus_error *err) {
  uint32_t index;
  for (size_t i = 0; i < a->n; i++) {
    int64_t value = gr_h5_integer_at(values, a->dtype, i);
    if (!find_member(members, n, value, &index))
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s: row %zu holds %lld, which its enumeration does not name",
                     a->file->path, a->path, i, (long long)value);
    out[i] = ids[index];
  }
  return GRADUS_OK;
}

static gradus_status read_enum(const gr_h5_array *a, gr_class_names *classes, int32_t *out,
                               gradus_error *err) {
  gr_h5_member *members = NULL;
  uint32_t n = 0;
  GR_TRY(gr_h5_read_members(a, &members, &n, err));
  gradus_status status = GRADUS_OK;
  int32_t *ids = gr_alloc(n, sizeof *ids);
  void *values = gr_alloc(a->n, gr_dtype_size(a->dtype));
  if (!ids || !values) status = gr_fail_memory(err, "class names");
  for (uint32_t i = 0; i < n && status == GRADUS_OK; i++)
    status = number_of(classes, members[i].name, strlen(members[i].name), &ids[i], err);
  if (status == GRADUS_OK) status = gr_h5_array_read(a, values, err);
  if (status == GRADUS_OK) status = name_values(a, members, n, ids, values, out, err);
  gr_free(values);
  gr_free(ids);
  gr_h5_free_members(members, n);
  return status;
}

/* ---- all kinds ---- */

static gradus_status read_names(const gr_h5_array *a, gr_class_names *classes, gr_split *split,
                                gradus_error *err) {
  if (split->y_columns != 1)
    return fail(a, "holds several names per row; one class per row was expected", err);
  split->y_type = GR_I32;
  split->y = gr_alloc(a->n, sizeof(int32_t));
  if (!split->y) return gr_fail_memory(err, a->path);
  if (a->kind == GR_H5_ENUM) return read_enum(a, classes, split->y, err);
  struct text_job job = {classes, split->y};
  return gr_h5_array_texts(a, take_text, &job, err);
}

gradus_status gr_targets_read(const gr_h5_array *a, gr_class_names *classes, gr_split *split,
                              gradus_error *err) {
  classes->any_numbers = classes->any_numbers || a->kind == GR_H5_NUMBERS;
  classes->any_texts = classes->any_texts || a->kind == GR_H5_TEXT;
  classes->any_enum = classes->any_enum || a->kind == GR_H5_ENUM;
  if (classes->any_numbers + classes->any_texts + classes->any_enum > 1)
    return fail(a, "holds targets of another kind than the other split (numbers, text, names)",
                err);
  if (a->kind != GR_H5_NUMBERS) return read_names(a, classes, split, err);
  split->y_type = a->dtype;
  split->y = gr_alloc(a->n, gr_dtype_size(a->dtype));
  return split->y ? gr_h5_array_read(a, split->y, err) : gr_fail_memory(err, a->path);
}

/* Sorts the names; *place [n] tells where number i has gone. */
static gradus_status sort_names(gr_dictionary *names, int32_t *place, gradus_error *err) {
  uint32_t n = names->n;
  gradus_status status = GRADUS_OK;
  char **before = gr_alloc(n, sizeof *before);
  if (!before) return gr_fail_memory(err, "class names");
  memcpy(before, names->texts, n * sizeof *before); /* sorting moves the texts, not their bytes */
  if (!gr_dictionary_sort(names)) status = gr_fail_memory(err, "class names");
  for (uint32_t i = 0; i < n && status == GRADUS_OK; i++)
    place[i] = (int32_t)gr_dictionary_find(names, before[i], strlen(before[i]));
  gr_free(before);
  return status;
}

static gradus_status sort_texts(gr_class_names *classes, gr_dataset *dataset, gradus_error *err) {
  int32_t *place = gr_alloc(classes->names.n, sizeof *place);
  if (!place) return gr_fail_memory(err, "class names");
  gradus_status status = sort_names(&classes->names, place, err);
  for (int s = 0; s < GR_N_SPLITS && status == GRADUS_OK; s++) {
    int32_t *y = dataset->split[s].y;
    for (uint64_t i = 0; y && i < dataset->split[s].n_rows; i++) y[i] = place[y[i]];
  }
  gr_free(place);
  return status;
}

gradus_status gr_targets_finish(gr_class_names *classes, gr_dataset *dataset, gradus_error *err) {
  if (!classes->any_texts && !classes->any_enum) return GRADUS_OK;
  if (classes->any_texts) GR_TRY(sort_texts(classes, dataset, err));
  dataset->y_is_text = true;
  dataset->class_names = classes->names.texts;
  dataset->n_class_names = classes->names.n;
  classes->names.texts = NULL;
  classes->names.n = 0;
  return GRADUS_OK;
}
