/* gradus/tool.h: how fast a file brings its rows, against how fast a network takes them. Both are
 * measured, shortly: whole blocks of the file are read as training would, and steps are taken on
 * rows drawn evenly from it. */
#include <config.h>

#include "gradus/tool.h"

#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/team.h"
#include "train/environment.h"
#include "train/steps.h"

#define READ_SECONDS 0.5 /* at most, of one thread */
#define STEP_SECONDS 0.3 /* of steps */
#define BLOCK_BYTES ((uint64_t)256 << 10)
#define SMALL_CHUNK ((uint64_t)16 << 10)
#define LARGE_CHUNK ((uint64_t)32 << 20)
enum { PIECES = 64, PIECE_ROWS = 1024 };

typedef struct speed {
  const gr_config *config;
  const gr_dataset *data;
  const gr_split *split;
  const gr_source_info *info; /* NULL: the rows are in memory */
  uint64_t row_bytes;
  int threads;
} speed;

/* ---- reading ---- */

/* Rows per second of one thread that reads blocks here and there. */
static gradus_status time_reading(const speed *s, double *rows_per_second, gradus_error *err) {
  const uint64_t piece = s->split->piece_rows ? s->split->piece_rows : 1;
  uint64_t block = piece * (BLOCK_BYTES / (piece * s->row_bytes) + 1), rows = 0;
  if (block > s->split->n_rows) block = s->split->n_rows;
  void *buffer = gr_alloc(block, s->row_bytes);
  if (!buffer) return gr_fail_memory(err, "a block of rows");
  gradus_status status = GRADUS_OK;
  const uint64_t blocks = s->split->n_rows / block;
  const double start = gr_clock_now();
  double seconds = 0;
  for (uint64_t i = 0; status == GRADUS_OK && i < blocks && seconds < READ_SECONDS; i++) {
    const uint64_t at = i * 2654435761u % blocks; /* scattered; a few twice does no harm */
    status = gr_source_read(s->split->source, at * block, block, buffer, err);
    rows += block;
    seconds = gr_clock_now() - start;
  }
  gr_free(buffer);
  *rows_per_second = (double)rows / (seconds > 1e-9 ? seconds : 1e-9);
  return status;
}

/* ---- the network ---- */

static gradus_status copy_piece(const speed *s, gr_split *to, uint64_t first, uint64_t n,
                                gradus_error *err) {
  const gr_split *from = s->split;
  const size_t y = from->y_columns * gr_dtype_size(from->y_type);
  const void *rows;
  char *x = (char *)to->x + to->n_rows * s->row_bytes;
  GR_TRY(gr_split_rows_at(from, s->data->n_columns, first, n, x, &rows, err));
  if (rows != x) memcpy(x, rows, n * s->row_bytes);
  memcpy((char *)to->y + to->n_rows * y, (const char *)from->y + first * y, n * y);
  to->n_rows += n;
  return GRADUS_OK;
}

/* A small data set in memory: pieces of the training rows. */
static gradus_status sample(const speed *s, gr_dataset *out, gradus_error *err) {
  const gr_split *from = s->split;
  const uint64_t pieces = from->n_rows / PIECE_ROWS, taken = pieces < PIECES ? pieces : PIECES,
                 all = taken ? taken * PIECE_ROWS : from->n_rows;
  gr_split *to = &out->split[GR_TRAIN];
  *out = *s->data; /* borrows names */
  for (int i = 0; i < GR_N_SPLITS; i++) out->split[i] = (gr_split){.n_rows = 0};
  *to = (gr_split){.x_type = from->x_type, .y_type = from->y_type, .y_columns = from->y_columns};
  to->x = gr_alloc(all, s->row_bytes);
  to->y = gr_alloc(all, from->y_columns * gr_dtype_size(from->y_type));
  if (!to->x || !to->y) return gr_fail_memory(err, "some rows");
  if (taken == 0) return copy_piece(s, to, 0, from->n_rows, err);
  for (uint64_t i = 0; i < taken; i++) {
    const uint64_t piece = taken > 1 ? i * (pieces - 1) / (taken - 1) : 0;
    GR_TRY(copy_piece(s, to, piece * PIECE_ROWS, PIECE_ROWS, err));
  }
  return GRADUS_OK;
}

static gradus_status time_steps(const speed *s, const gr_dataset *some, double *rows_per_second,
                                gradus_error *err) {
  gr_steps steps;
  uint64_t rows = 0, more, n = 1;
  double seconds = 0;
  gradus_status status = gr_steps_make(s->config, some, &steps, err);
  if (status == GRADUS_OK) status = gr_steps_take(&steps, 3, &more, err); /* warm */
  const double start = gr_clock_now();
  for (; status == GRADUS_OK && seconds < STEP_SECONDS; n *= 2) {
    status = gr_steps_take(&steps, n, &more, err);
    rows += more;
    seconds = gr_clock_now() - start;
  }
  gr_steps_free(&steps);
  *rows_per_second = (double)rows / (seconds > 1e-9 ? seconds : 1e-9);
  return status;
}

static gradus_status time_network(const speed *s, double *rows_per_second, gradus_error *err) {
  gr_dataset some;
  gradus_status status = sample(s, &some, err);
  if (status == GRADUS_OK) status = time_steps(s, &some, rows_per_second, err);
  gr_free(some.split[GR_TRAIN].x);
  gr_free(some.split[GR_TRAIN].y);
  return status;
}

/* ---- both ---- */

static bool is_filtered(const gr_source_info *info) {
  return info->filters[0] && strcmp(info->filters, "none") != 0;
}

static void advise(const speed *s, const gradus_speed *v, char *out, size_t size) {
  const gr_source_info *info = s->info;
  const bool slow = v->data_wait > 0.05;
  if (info->kind == GR_SOURCE_LIBRARY)
    snprintf(out, size,
             "only the HDF5 library can read this (%s): store it anew with gradus import",
             info->reason);
  else if (slow && is_filtered(info))
    snprintf(out, size,
             "decoding is slower than the network: store it without compression (gradus "
             "import), or with lz4");
  else if (info->chunk_rows && info->chunk_bytes < SMALL_CHUNK)
    snprintf(out, size, "chunks of %llu rows are small: 256 KiB to 1 MiB each are read faster",
             (unsigned long long)info->chunk_rows);
  else if (info->chunk_bytes > LARGE_CHUNK)
    snprintf(out, size,
             "chunks of %llu MiB make windows large and mix few of them: 256 KiB to 1 MiB "
             "each do better",
             (unsigned long long)(info->chunk_bytes >> 20));
  else if (slow)
    snprintf(out, size, "reading is slower than the network: a faster disk, or more memory");
  else
    snprintf(out, size, "nothing needs to be changed");
}

/* Threads share their time between reading and computing: a row takes 1/network + 1/(threads
 * reading). Rows that lie in a mapping are read by the network itself. */
static void predict(const speed *s, gradus_speed *v) {
  const bool mapped = s->info->kind == GR_SOURCE_MAPPED;
  const int readers = s->info->kind == GR_SOURCE_LIBRARY ? 1 : s->threads;
  v->read_rows_per_second = v->read_rows_per_thread * readers;
  const double reading = mapped ? 0 : 1 / v->read_rows_per_second,
               computing = 1 / v->network_rows_per_second;
  v->rows_per_second = 1 / (reading + computing);
  v->data_wait = reading / (reading + computing);
}

static gradus_status measure(const speed *s, gradus_speed *v, gradus_error *err) {
  const gr_source_info *info = s->info;
  static const char *const kinds[] = {[GR_SOURCE_MAPPED] = "contiguous, mapped",
                                      [GR_SOURCE_DIRECT] = "contiguous, read",
                                      [GR_SOURCE_CHUNKED] = "chunked",
                                      [GR_SOURCE_LIBRARY] = "read by the HDF5 library"};
  snprintf(v->storage, sizeof v->storage, "%s", kinds[info->kind]);
  snprintf(v->filters, sizeof v->filters, "%s", info->filters);
  v->rows = info->n_rows;
  v->chunk_rows = info->chunk_rows;
  v->stored_bytes = info->stored_bytes;
  v->bytes = info->n_rows * s->row_bytes;
  v->threads = s->threads;
  GR_TRY(time_reading(s, &v->read_rows_per_thread, err));
  GR_TRY(time_network(s, &v->network_rows_per_second, err));
  predict(s, v);
  advise(s, v, v->advice, sizeof v->advice);
  return GRADUS_OK;
}

gradus_status gradus_measure_speed(const gradus_recipe *recipe, const char *const *paths, size_t n,
                                   gradus_speed *out, gradus_error *err) {
  gradus_speed result;
  gr_dataset data = {0};
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(paths, "paths");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_speed", err));
  memset(&result, 0, sizeof result);
  result.struct_size = sizeof result;
  const gr_config *c = &recipe->config;
  const gr_dataset_options options = {c->data.x, c->data.y, c->data.transpose, 1};
  GR_TRY(gr_dataset_read_files(paths, n, &options, &data, err));
  const gr_split *split = &data.split[GR_TRAIN];
  const speed s = {.config = c,
                   .data = &data,
                   .split = split,
                   .info = split->source ? gr_source_get_info(split->source) : NULL,
                   .row_bytes = data.n_columns * gr_dtype_size(split->x_type),
                   .threads = gr_team_threads(c->resources.threads)};
  const unsigned environment = gr_environment_enter();
  gradus_status status;
  if (s.info && split->y_columns)
    status = measure(&s, &result, err);
  else
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: there is no training split with targets", paths[0]);
  gr_environment_leave(environment);
  gr_dataset_free(&data);
  if (status == GRADUS_OK) gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return status;
}
