/* HDF5 in any layout that gradus reads, into its own. The file is read as training reads it:
 * targets in memory, inputs too where they are small, else by blocks from the file. One file may
 * give all splits; with several each gives the split it was named for, or the only one it has. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "interop/import.h"

enum { BLOCK_BYTES = 1 << 20 };
#define MEMORY ((uint64_t)64 << 20) /* inputs beyond it stay in their files */

static gradus_status put_inputs(gr_import_job *job, int s, const gr_split *split,
                                uint32_t n_columns, gradus_error *err) {
  const gr_sink *sink = job->sink;
  size_t row = n_columns * gr_dtype_size(split->x_type);
  uint64_t block = BLOCK_BYTES / row ? BLOCK_BYTES / row : 1;
  if (split->piece_rows > 0) /* no piece is decoded twice */
    block = (block + split->piece_rows - 1) / split->piece_rows * split->piece_rows;
  if (block > split->n_rows) block = split->n_rows;
  void *buffer = split->x ? NULL : gr_alloc(block, row);
  gradus_status status = split->x || buffer ? GRADUS_OK : gr_fail_memory(err, "a block of rows");
  for (uint64_t first = 0; first < split->n_rows && status == GRADUS_OK; first += block) {
    const void *rows;
    uint64_t n = split->n_rows - first < block ? split->n_rows - first : block;
    status = gr_split_rows_at(split, n_columns, first, n, buffer, &rows, err);
    if (status == GRADUS_OK) status = sink->put(sink->user, s, GR_FIELD_X, rows, n, err);
    gr_meter_at(&job->meter, (first + n) * row);
  }
  gr_free(buffer);
  gr_meter_end(&job->meter, split->n_rows * row);
  return status;
}

static gradus_status put_split(gr_import_job *job, int s, const gr_split *split, uint32_t n_columns,
                               gradus_error *err) {
  const gr_sink *sink = job->sink;
  GR_TRY(put_inputs(job, s, split, n_columns, err));
  if (split->y_columns) GR_TRY(sink->put(sink->user, s, GR_FIELD_Y, split->y, split->n_rows, err));
  if (split->weight)
    GR_TRY(sink->put(sink->user, s, GR_FIELD_WEIGHT, split->weight, split->n_rows, err));
  return split->offset
             ? sink->put(sink->user, s, GR_FIELD_OFFSET, split->offset, split->n_rows, err)
             : GRADUS_OK;
}

/* The split of `data` that the file was named for. */
static gradus_status choose_split(const gr_import_job *job, int s, gr_dataset *data, int *from,
                                  gradus_error *err) {
  int n = 0;
  for (int i = 0; i < GR_N_SPLITS; i++) {
    if (data->split[i].n_rows == 0) continue;
    *from = i;
    n++;
  }
  if (data->split[s].n_rows > 0) *from = s;
  if (n == 1 || *from == s) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: has several splits, but none called %s",
                 job->source[s].path, gr_split_names[s]);
}

static bool same_names(char *const *a, uint32_t n_a, char *const *b, uint32_t n_b) {
  bool same = n_a == n_b && (a == NULL) == (b == NULL);
  for (uint32_t i = 0; i < n_a && same && a; i++) same = strcmp(a[i], b[i]) == 0;
  return same;
}

/* Moves split `from` of another file into `all`. */
static gradus_status join(const gr_import_job *job, gr_dataset *all, int s, gr_dataset *data,
                          int from, gradus_error *err) {
  if (all->n_columns && all->n_columns != data->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: rows of %lu values, the other splits have %lu",
                   job->source[s].path, (unsigned long)data->n_columns,
                   (unsigned long)all->n_columns);
  if (all->n_columns &&
      !same_names(all->class_names, all->n_class_names, data->class_names, data->n_class_names))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: its classes have other names than those of the other "
                   "splits",
                   job->source[s].path);
  gr_split split = data->split[from];
  data->split[from] = (gr_split){.n_rows = 0};
  if (all->n_columns == 0) {
    for (int i = 0; i < GR_N_SPLITS; i++) {
      gr_dataset rest = {.split = {data->split[i]}};
      gr_dataset_free(&rest);
      data->split[i] = (gr_split){.n_rows = 0};
    }
    *all = *data;
    *data = (gr_dataset){0};
  }
  all->split[s] = split;
  return GRADUS_OK;
}

static gradus_status read_all(const gr_import_job *job, gr_dataset *all, gradus_error *err) {
  int n = 0;
  for (int s = 0; s < GR_N_SPLITS; s++) n += job->source[s].path != NULL;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_import_source *source = &job->source[s];
    gr_dataset data;
    int from = s;
    if (!source->path) continue;
    if (source->labels_path)
      return gr_fail(err, GRADUS_ERR_USAGE,
                     "%s,%s: an HDF5 file holds its own targets; name one file", source->path,
                     source->labels_path);
    const gr_dataset_options options = {.memory = MEMORY};
    GR_TRY(gr_dataset_read(source->path, &options, &data, err));
    if (n == 1 && s == GR_TRAIN) {
      *all = data;
      return GRADUS_OK;
    }
    gradus_status status = choose_split(job, s, &data, &from, err);
    if (status == GRADUS_OK) status = join(job, all, s, &data, from, err);
    gr_dataset_free(&data);
    GR_TRY(status);
  }
  return GRADUS_OK;
}

/* The sink takes the names; the rows stay here until they are put. */
static gradus_status hand_over(gr_import_job *job, gr_dataset *all, gradus_error *err) {
  gr_split splits[GR_N_SPLITS];
  uint32_t n_columns = all->n_columns;
  gr_dataset shape = *all;
  *all = (gr_dataset){0};
  memcpy(splits, shape.split, sizeof splits);
  memcpy(all->split, shape.split, sizeof splits);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    shape.split[s].x = shape.split[s].y = NULL;
    shape.split[s].source = NULL;
    gr_meter_expect(&job->meter, splits[s].n_rows * n_columns * gr_dtype_size(splits[s].x_type));
  }
  shape.layout = "gradus";
  shape.y_is_text = false;
  gr_meter_begin(&job->meter, "copying");
  gradus_status status = job->sink->begin(job->sink->user, &shape, err);
  for (int s = 0; s < GR_N_SPLITS; s++)
    shape.split[s].weight = shape.split[s].offset = NULL; /* all has them */
  gr_dataset_free(&shape);
  for (int s = 0; s < GR_N_SPLITS && status == GRADUS_OK; s++)
    if (splits[s].n_rows > 0) status = put_split(job, s, &splits[s], n_columns, err);
  return status;
}

gradus_status gr_import_hdf5(gr_import_job *job, gradus_error *err) {
  gr_dataset all = {0};
  const gr_import_options *o = job->options;
  if (o->target || o->log_target)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "%s: is HDF5 already; it is taken as it is, without --target and "
                   "--target-transform",
                   o->target ? o->target : "log");
  gradus_status status = read_all(job, &all, err);
  if (status == GRADUS_OK) status = hand_over(job, &all, err);
  gr_dataset_free(&all);
  return status;
}
