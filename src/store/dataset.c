/* The life of a data set in memory: names and release. Reading is in dataset_read.c. */
#include <config.h>

#include "store/dataset.h"

#include <string.h>

#include "base/cgroup.h"
#include "base/memory.h"
#include "store/h5_array.h"

const char *const gr_split_names[GR_N_SPLITS] = {"train", "valid", "test"};

void gr_dataset_free(gr_dataset *d) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!d->split[s].source) gr_free(d->split[s].x);
    gr_source_close(d->split[s].source);
    gr_free(d->split[s].y);
    gr_free(d->split[s].weight);
    gr_free(d->split[s].offset);
  }
  for (uint32_t j = 0; d->columns && j < d->n_columns; j++) {
    gr_free(d->columns[j].name);
    gr_h5_free_texts(d->columns[j].levels, d->columns[j].n_levels);
  }
  gr_free(d->columns);
  gr_h5_free_texts(d->class_names, d->n_class_names);
  gr_h5_free_texts(d->feature_names, d->n_columns);
  for (uint32_t j = 0; d->dropped && j < d->n_dropped; j++) {
    gr_free(d->dropped[j].name);
    gr_free(d->dropped[j].reason);
  }
  gr_free(d->dropped);
  gr_free(d->target_name);
  for (uint32_t i = 0; d->parts && i < d->n_parts; i++) gr_free(d->parts[i].path);
  gr_free(d->parts);
  gr_free(d->path);
  *d = (gr_dataset){0};
}

gradus_status gr_dataset_add_part(gr_dataset *d, const char *path,
                                  const uint64_t n_rows[GR_N_SPLITS], gradus_error *err) {
  gr_dataset_part *parts = gr_realloc(d->parts, d->n_parts + 1, sizeof *parts);
  if (!parts) return gr_fail_memory(err, "file names");
  d->parts = parts;
  gr_dataset_part *part = &parts[d->n_parts];
  part->path = gr_strdup(path);
  if (!part->path) return gr_fail_memory(err, "file names");
  memcpy(part->n_rows, n_rows, sizeof part->n_rows);
  d->n_parts++;
  return GRADUS_OK;
}

void gr_dataset_place(void *user, int split, uint64_t first, uint64_t end, gr_text *out) {
  const gr_dataset *d = user;
  uint64_t before = 0;
  for (uint32_t i = 0; d->n_parts > 1 && i < d->n_parts; i++) {
    const gr_dataset_part *part = &d->parts[i];
    const uint64_t n = part->n_rows[split], last = end - before < n ? end - before : n;
    if (first < before + n) {
      gr_text_printf(out, " (%s, rows %llu to %llu)", part->path,
                     (unsigned long long)(first - before), (unsigned long long)last - 1);
      return;
    }
    before += n;
  }
}

static bool copy_texts(char ***to, char *const *from, uint32_t n) {
  if (*to || !from) return true;
  *to = gr_calloc(n, sizeof **to);
  for (uint32_t i = 0; *to && i < n; i++)
    if (!((*to)[i] = gr_strdup(from[i])) && from[i]) return false;
  return *to != NULL;
}

static bool copy_column(gr_column *to, const gr_column *from) {
  to->kind = from->kind;
  to->n_levels = from->n_levels;
  to->name = gr_strdup(from->name);
  return (to->name || !from->name) && copy_texts(&to->levels, from->levels, from->n_levels);
}

static bool copy_dropped(gr_dataset *to, const gr_dataset *from) {
  if (to->dropped || !from->dropped) return true;
  to->dropped = gr_calloc(from->n_dropped, sizeof *to->dropped);
  if (!to->dropped) return false;
  to->n_dropped = from->n_dropped;
  for (uint32_t j = 0; j < from->n_dropped; j++) {
    to->dropped[j].name = gr_strdup(from->dropped[j].name);
    to->dropped[j].reason = gr_strdup(from->dropped[j].reason);
    if (!to->dropped[j].name || !to->dropped[j].reason) return false;
  }
  return true;
}

bool gr_dataset_copy_names(gr_dataset *to, const gr_dataset *from) {
  if (!copy_texts(&to->feature_names, from->feature_names, from->n_columns)) return false;
  if (!to->class_names) to->n_class_names = from->n_class_names;
  if (!copy_texts(&to->class_names, from->class_names, from->n_class_names)) return false;
  if (!to->target_name && from->target_name && !(to->target_name = gr_strdup(from->target_name)))
    return false;
  if (!copy_dropped(to, from)) return false;
  if (to->columns || !from->columns) return true;
  to->columns = gr_calloc(from->n_columns, sizeof *to->columns);
  for (uint32_t j = 0; to->columns && j < from->n_columns; j++)
    if (!copy_column(&to->columns[j], &from->columns[j])) return false;
  return to->columns != NULL;
}

uint64_t gr_dataset_memory(void) {
  const double left = gr_memory_left("");
  return left > 0 ? (uint64_t)(left / 2) : UINT64_MAX;
}

gradus_status gr_split_rows_at(const gr_split *split, uint32_t n_columns, uint64_t first,
                               uint64_t n, void *buffer, const void **out, gradus_error *err) {
  if (split->x)
    *out = (const char *)split->x + first * n_columns * gr_dtype_size(split->x_type);
  else
    *out = buffer;
  return split->x ? GRADUS_OK : gr_source_read(split->source, first, n, buffer, err);
}
