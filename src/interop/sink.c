/* The file sink lays old rows of a split before its first new ones: the writer wants rows in order,
 * and splits one after the other. */
#include <config.h>

#include "interop/sink.h"

#include <string.h>

#include "base/memory.h"
#include "interop/append.h"

enum { BLOCK = 1 << 20 };

/* ---- memory ---- */

static void **data_of(gr_split *split, gr_field field) {
  return field == GR_FIELD_X ? &split->x
         : field == GR_FIELD_Y
             ? &split->y
             : (void **)(field == GR_FIELD_WEIGHT ? &split->weight : &split->offset);
}

static gradus_status check_limit(const gr_memory_sink *m, gradus_error *err) {
  double bytes = 0;
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++) {
      gr_dtype type = GR_F32;
      const uint32_t columns = gr_field_columns(&m->out, s, (gr_field)field, &type);
      bytes += (double)m->out.split[s].n_rows * columns * (double)gr_dtype_size(type);
    }
  if (m->limit == 0 || bytes <= (double)m->limit) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_RESOURCES,
                 "the rows take %llu MiB, more than the memory of %llu MiB; gradus import makes a "
                 "data set of them that is read while training",
                 (unsigned long long)(bytes / 1048576), (unsigned long long)(m->limit >> 20));
}

static gradus_status begin_memory(void *user, gr_dataset *shape, gradus_error *err) {
  gr_memory_sink *m = user;
  m->out = *shape;
  *shape = (gr_dataset){0};
  gradus_status status = check_limit(m, err);
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++) {
      gr_dtype type;
      size_t n;
      uint32_t columns = gr_field_columns(&m->out, s, (gr_field)field, &type);
      void **data = data_of(&m->out.split[s], (gr_field)field);
      *data = NULL; /* what told of it is not ours */
      if (columns == 0 || status != GRADUS_OK) continue;
      if (gr_multiply(m->out.split[s].n_rows, columns, &n))
        *data = gr_alloc(n, gr_dtype_size(type));
      if (!*data) status = gr_fail_memory(err, "the rows");
    }
  return status;
}

static gradus_status put_memory(void *user, int s, gr_field field, const void *rows, uint64_t n,
                                gradus_error *err) {
  gr_memory_sink *m = user;
  gr_dtype type;
  size_t row = gr_field_columns(&m->out, s, field, &type) * gr_dtype_size(type);
  if (n > m->out.split[s].n_rows - m->done[s][field])
    return gr_fail(err, GRADUS_ERR_INTERNAL, "more rows than announced");
  memcpy((char *)*data_of(&m->out.split[s], field) + m->done[s][field] * row, rows,
         (size_t)n * row);
  m->done[s][field] += n;
  return GRADUS_OK;
}

gr_sink gr_sink_to_memory(gr_memory_sink *memory) {
  return (gr_sink){begin_memory, put_memory, memory};
}

/* ---- a file ---- */

/* Whether there are weights and offsets is told by pointers that are ours to free. */
static gradus_status mark_extras(gr_dataset *shape, gradus_error *err) {
  bool done = true;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_split *split = &shape->split[s];
    if (split->weight) done &= (split->weight = gr_alloc(1, sizeof(float))) != NULL;
    if (split->offset) done &= (split->offset = gr_alloc(1, sizeof(float))) != NULL;
  }
  return done ? GRADUS_OK : gr_fail_memory(err, "a data set");
}

static void add_old_rows(const gr_dataset *old, gr_dataset *shape) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    uint64_t n_new = shape->split[s].n_rows;
    if (old->split[s].n_rows == 0) continue;
    shape->split[s] = old->split[s];
    shape->split[s].n_rows += n_new;
  }
}

/* Rows of the old file come on top. */
static gradus_status begin_file(void *user, gr_dataset *shape, gradus_error *err) {
  gr_file_sink *f = user;
  f->shape = *shape;
  *shape = (gr_dataset){0};
  const gr_dataset *old = f->old ? gr_dataset_rows_shape(f->old) : NULL;
  gradus_status status = old ? gr_append_fit(old, &f->shape, err) : GRADUS_OK;
  if (status == GRADUS_OK && old) add_old_rows(old, &f->shape);
  gradus_status marked = mark_extras(&f->shape, status == GRADUS_OK ? err : NULL);
  GR_TRY(status);
  GR_TRY(marked);
  return gr_dataset_writer_begin(f->path, f->overwrite, &f->shape, &f->storage, &f->writer, err);
}

static gradus_status copy_part(gr_file_sink *f, int s, gr_field field, gradus_error *err) {
  const gr_dataset *old = gr_dataset_rows_shape(f->old);
  uint64_t n_rows = old->split[s].n_rows, chunk = gr_dataset_rows_storage(f->old).chunk_rows;
  gr_dtype type;
  size_t row = gr_field_columns(old, s, field, &type) * gr_dtype_size(type);
  if (row == 0) return GRADUS_OK;
  uint64_t block = BLOCK / row ? BLOCK / row : 1;
  if (chunk > 0) block = (block + chunk - 1) / chunk * chunk; /* no chunk is inflated twice */
  if (block > n_rows) block = n_rows;
  void *rows = gr_alloc(block, row);
  gradus_status status = rows ? GRADUS_OK : gr_fail_memory(err, "a block of rows");
  for (uint64_t first = 0; first < n_rows && status == GRADUS_OK; first += block) {
    uint64_t n = n_rows - first < block ? n_rows - first : block;
    status = gr_dataset_rows_read(f->old, s, field, first, n, rows, err);
    if (status == GRADUS_OK) status = gr_dataset_writer_put(f->writer, s, field, rows, n, err);
  }
  gr_free(rows);
  return status;
}

/* Old rows of all splits before `end`. */
static gradus_status copy_splits(gr_file_sink *f, int end, gradus_error *err) {
  for (; f->old && f->copied < end; f->copied++)
    for (int field = 0; field < GR_N_FIELDS; field++)
      GR_TRY(copy_part(f, f->copied, (gr_field)field, err));
  return GRADUS_OK;
}

static gradus_status put_file(void *user, int s, gr_field field, const void *rows, uint64_t n,
                              gradus_error *err) {
  gr_file_sink *f = user;
  GR_TRY(copy_splits(f, s + 1, err));
  return gr_dataset_writer_put(f->writer, s, field, rows, n, err);
}

gr_sink gr_sink_to_file(gr_file_sink *file) {
  return (gr_sink){begin_file, put_file, file};
}

gradus_status gr_file_sink_end(gr_file_sink *f, gradus_status status, gradus_error *err) {
  if (status == GRADUS_OK) status = copy_splits(f, GR_N_SPLITS, err);
  status = gr_dataset_writer_end(f->writer, status, f->shape.digest, err);
  f->writer = NULL;
  return status;
}
