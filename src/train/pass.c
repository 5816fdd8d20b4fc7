/* Three ways to the same rows in the same order. In memory, and where the file is mapped, numbers
 * are rows of the data; where rows are read ahead, numbers are places in a ring. */
#include <config.h>

#include "train/pass.h"

#include "base/memory.h"

#define BLOCK_BYTES ((uint64_t)256 << 10) /* read at a time where the order does not say */
#define FETCH_BYTES ((uint64_t)1 << 30)
enum { FETCH_SHARE = 8, FETCH_PAGE = 4096, FETCH_THREADS = 16 };
#define PART_BYTES ((uint64_t)16 << 20) /* of rows that an evaluation takes at a time */
enum {
  BLOCK_SHARE = 64,
  PART_UNIT = 1024,
  PART_MAX = 65536,
  PART_SHARE = 16 /* of the memory, at most one */
};

static bool is_mapped(const gr_pass *pass) {
  const gr_pass_request *r = &pass->request;
  return r->split->source && r->rows->x && r->rows->x == r->split->x;
}

static uint64_t row_bytes(const gr_pass_request *r) {
  return gr_source_get_info(r->split->source)->n_columns * gr_dtype_size(r->split->x_type);
}

static bool is_resident(const gr_pass *pass) {
  const gr_pass_request *r = &pass->request;
  const gr_fetch_request request = {
      .base = r->rows->x, .row_bytes = row_bytes(r), .n_rows = r->split->n_rows};
  return gr_fetch_is_resident(&request);
}

/* Mapped rows are read block by block as well where their order goes by blocks and they are not in
 * memory: whole blocks are what a disk does well. */
static bool must_read(const gr_pass *pass) {
  const gr_pass_request *r = &pass->request;
  if (!r->split->source) return false;
  return !r->rows->x || (is_mapped(pass) && r->shuffle == GR_SHUFFLE_WINDOW && !is_resident(pass));
}

/* Rows of a block where the order is that of the file: whole pieces. */
static uint64_t plain_block(const gr_pass_request *r) {
  const uint64_t piece = r->split->piece_rows ? r->split->piece_rows : 1;
  const uint64_t few = r->memory / BLOCK_SHARE,
                 bytes = r->memory && few < BLOCK_BYTES ? few : BLOCK_BYTES;
  return piece * (bytes / (piece * row_bytes(r)) + 1);
}

/* An evaluation's rows: with those between them that do not take part, at most PART_BYTES. */
static uint64_t part_rows(const gr_pass_request *r) {
  const double share = (double)r->n / (double)r->split->n_rows;
  const uint64_t few = r->memory / PART_SHARE,
                 bytes = r->memory && few < PART_BYTES ? few : PART_BYTES;
  const uint64_t rows = (uint64_t)((double)(bytes / row_bytes(r)) * share) / PART_UNIT;
  return rows == 0 ? PART_UNIT : rows * PART_UNIT < PART_MAX ? rows * PART_UNIT : PART_MAX;
}

uint64_t gr_pass_part_rows(const gr_pass *pass) {
  return pass->reader ? pass->request.batch_rows : PART_MAX;
}

double gr_pass_waited(const gr_pass *pass) {
  return (pass->reader ? gr_feed_get_times(pass->reader).waited : 0) +
         (pass->fetch ? gr_fetch_get_times(pass->fetch).waited : 0);
}

static gradus_status refuse_order(const gr_pass *pass, gradus_error *err) {
  return gr_fail(
      err, GRADUS_ERR_RESOURCES,
      "%s: training.shuffle is full, but the inputs come in pieces (%s) and are larger than "
      "the memory of %llu MiB: use window, raise resources.memory, or store them anew with "
      "gradus import",
      pass->label, gr_source_get_info(pass->request.split->source)->reason,
      (unsigned long long)(pass->request.memory >> 20));
}

gradus_status gr_pass_open(const gr_pass_request *request, gr_pass *out, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  *out = (gr_pass){.rows = *request->rows, .n = request->n, .request = *request};
  out->label = gr_strdup(request->label);
  if (!out->label) return gr_fail_memory(err, "a name");
  if (!must_read(out)) return GRADUS_OK;
  gr_pass_request *r = &out->request;
  if (r->shuffle == GR_SHUFFLE_FULL) GR_TRY_ELSE(fail, refuse_order(out, err));
  if (r->batch_rows == 0) r->batch_rows = part_rows(r);
  if (r->shuffle == GR_SHUFFLE_NONE) r->block_rows = plain_block(r);
  const gr_feed_request feed = {.x = r->split->source,
                                .extras = {.class_index = r->rows->class_index,
                                           .targets = r->rows->targets,
                                           .n_targets = r->n_targets,
                                           .weight = r->rows->weight,
                                           .offset = r->rows->offset},
                                .block_rows = r->block_rows,
                                .label = out->label,
                                .threads = r->threads,
                                .nan_is_missing = r->nan_is_missing};
  GR_TRY_ELSE(fail, gr_feed_create(&feed, &out->reader, err));
  out->hooks = gr_feed_get_hooks(out->reader);
  out->feed = &out->hooks;
  return GRADUS_OK;
fail:
  gr_pass_close(out);
  return status;
}

void gr_pass_close(gr_pass *pass) {
  gr_feed_destroy(pass->reader);
  gr_fetch_destroy(pass->fetch);
  for (int i = 0; i < 2; i++) gr_windows_free(&pass->windows[i]);
  gr_free(pass->label);
  *pass = (gr_pass){.n = 0};
}

static gradus_status check_memory(const gr_pass *pass, const gr_windows *w, gradus_error *err) {
  const gr_pass_request *r = &pass->request;
  const uint64_t blocks = w->slots;
  size_t bytes;
  if (r->memory == 0) return GRADUS_OK;
  if (gr_multiply(blocks, w->block_rows, &bytes) && gr_multiply(bytes, row_bytes(r), &bytes) &&
      bytes <= r->memory)
    return GRADUS_OK;
  return gr_fail(
      err, GRADUS_ERR_RESOURCES,
      "%s: %llu blocks of %llu rows must be in memory at once, more than the memory of %llu "
      "MiB: raise resources.memory, or store the inputs anew with gradus import",
      pass->label, (unsigned long long)blocks, (unsigned long long)w->block_rows,
      (unsigned long long)(r->memory >> 20));
}

static gradus_status make_windows(const gr_pass *pass, uint64_t epoch, gr_windows *out,
                                  gradus_error *err) {
  const gr_pass_request *r = &pass->request;
  const gr_windows_request request = {
      .n_rows = r->split->n_rows,
      .block_rows = r->block_rows,
      .window_rows = r->shuffle == GR_SHUFFLE_WINDOW ? r->window_rows : 0,
      .set = r->set};
  GR_TRY(gr_windows_make(&request, r->seed, epoch, out, err));
  if (!pass->reader) return GRADUS_OK;
  out->slots = gr_feed_slots(out, r->batch_rows);
  const gradus_status status = check_memory(pass, out, err);
  if (status != GRADUS_OK) gr_windows_free(out);
  return status;
}

/* The ring may have moved. */
static void take_ring(gr_pass *pass) {
  const gr_feed_ring ring = gr_feed_get_ring(pass->reader);
  pass->rows.x = ring.x;
  pass->rows.class_index = ring.class_index;
  pass->rows.targets = ring.targets;
  pass->rows.weight = ring.weight;
  pass->rows.offset = ring.offset;
}

static gradus_status set_order(gr_pass *pass, uint64_t epoch, uint64_t position,
                               gradus_error *err) {
  const gr_pass_request *r = &pass->request;
  if (r->shuffle != GR_SHUFFLE_WINDOW && !pass->reader) {
    pass->order = (gr_row_order){.permutation = r->shuffle == GR_SHUFFLE_FULL
                                                    ? gr_permutation_make(r->seed, epoch, r->n)
                                                    : gr_permutation_identity(r->n),
                                 .map = r->map,
                                 .set = r->map ? NULL : r->set};
    return GRADUS_OK;
  }
  gr_windows *windows = &pass->windows[1 - pass->current], *old = &pass->windows[pass->current];
  GR_TRY(make_windows(pass, epoch, windows, err));
  if (pass->reader) {
    GR_TRY(gr_feed_start(pass->reader, windows, position, err));
    take_ring(pass);
  }
  pass->current = 1 - pass->current;
  pass->order = (gr_row_order){.windows = windows};
  gr_windows_free(old);
  return GRADUS_OK;
}

/* Mapped rows that are not in memory are fetched; a memory that has lost them since the last epoch,
 * or got them, is noticed here. */
static gradus_status begin_fetching(gr_pass *pass, uint64_t position, gradus_error *err) {
  const gr_pass_request *r = &pass->request;
  const uint64_t pages = (r->memory ? r->memory : FETCH_BYTES) / FETCH_SHARE / FETCH_PAGE;
  const uint64_t batch = r->batch_rows ? r->batch_rows : PART_MAX;
  const gr_fetch_request request = {.base = pass->rows.x,
                                    .row_bytes = row_bytes(r),
                                    .n_rows = r->split->n_rows,
                                    .ahead_rows = pages > 2 * batch ? pages : 2 * batch,
                                    .threads = FETCH_THREADS};
  pass->feed = NULL;
  if (is_resident(pass)) return GRADUS_OK;
  if (!pass->fetch) GR_TRY(gr_fetch_create(&request, &pass->fetch, err));
  pass->hooks = gr_fetch_get_hooks(pass->fetch);
  pass->feed = &pass->hooks;
  return gr_fetch_start(pass->fetch, &pass->order, r->n, position, err);
}

gradus_status gr_pass_begin(gr_pass *pass, uint64_t epoch, uint64_t position, gradus_error *err) {
  const bool mapped = is_mapped(pass) && !pass->reader;
  if (mapped && pass->fetch) gr_fetch_stop(pass->fetch); /* it looks at the order */
  GR_TRY(set_order(pass, epoch, position, err));
  return mapped ? begin_fetching(pass, position, err) : GRADUS_OK;
}

void gr_pass_describe(const gr_pass *pass, gr_text *out) {
  const gr_pass_request *r = &pass->request;
  if (!pass->reader && !is_mapped(pass))
    gr_text_puts(out, "in memory");
  else if (!pass->reader)
    gr_text_printf(out, "mapped from the file, %s",
                   is_resident(pass) ? "which is in memory" : "whose rows are fetched ahead");
  else
    gr_text_printf(out, "read ahead from the file by %d thread%s", r->threads,
                   r->threads == 1 ? "" : "s");
}
