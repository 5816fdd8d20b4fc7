/* Everything is derived from keyed permutations; what is stored for an epoch by windows is some
 * numbers per block, not per row. */
#include <config.h>

#include "net/row_order.h"

#include "base/memory.h"
#include "base/philox.h"

uint64_t gr_window_blocks(uint64_t window_rows, uint64_t block_rows) {
  const uint64_t blocks = window_rows / block_rows;
  return blocks ? blocks : 1;
}

void gr_windows_free(gr_windows *windows) {
  gr_free(windows->block);
  gr_free(windows->start);
  gr_free(windows->rank);
  gr_free(windows->within);
  *windows = (gr_windows){0};
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static gradus_status allocate(gr_windows *w, bool shuffled, gradus_error *err) {
  w->block = gr_alloc(w->n_blocks, sizeof *w->block);
  w->start = gr_alloc(w->n_blocks + 1, sizeof *w->start);
  if (w->set) w->rank = gr_alloc(w->n_blocks + 1, sizeof *w->rank);
  if (shuffled) w->within = gr_alloc(w->n_windows, sizeof *w->within);
  if (w->block && w->start && (w->rank || !w->set) && (w->within || !shuffled)) return GRADUS_OK;
  return gr_fail_memory(err, "the order of rows");
}

/* Members of block b. */
static uint64_t block_size(const gr_windows *w, uint64_t b) {
  if (w->rank) return w->rank[b + 1] - w->rank[b];
  return least((b + 1) * w->block_rows, w->n_rows) - b * w->block_rows;
}

/* First position of window i, or of the end. */
static uint64_t window_start(const gr_windows *w, uint64_t i) {
  return w->start[least(i * w->per_window, w->n_blocks)];
}

gradus_status gr_windows_make(const gr_windows_request *request, uint64_t seed, uint64_t epoch,
                              gr_windows *out, gradus_error *err) {
  const bool shuffled = request->window_rows > 0;
  gr_windows w = {.n_rows = request->n_rows,
                  .block_rows = request->block_rows,
                  .n_blocks = (request->n_rows + request->block_rows - 1) / request->block_rows,
                  .per_window = gr_window_blocks(request->window_rows, request->block_rows),
                  .set = request->set,
                  .slots = request->slots};
  w.n_windows = (w.n_blocks + w.per_window - 1) / w.per_window;
  *out = (gr_windows){0};
  gradus_status status = allocate(&w, shuffled, err);
  if (status != GRADUS_OK) {
    gr_windows_free(&w);
    return status;
  }
  for (uint64_t b = 0; w.rank && b <= w.n_blocks; b++)
    w.rank[b] = gr_row_set_rank(w.set, least(b * w.block_rows, w.n_rows));
  const gr_permutation blocks =
      shuffled ? gr_permutation_make_in(seed, GR_STREAM_BLOCKS, epoch, 0, w.n_blocks)
               : gr_permutation_identity(w.n_blocks);
  w.start[0] = 0;
  for (uint64_t k = 0; k < w.n_blocks; k++) {
    w.block[k] = gr_permutation_at(&blocks, k);
    w.start[k + 1] = w.start[k] + block_size(&w, w.block[k]);
  }
  for (uint64_t i = 0; w.within && i < w.n_windows; i++)
    w.within[i] = gr_permutation_make_in(seed, GR_STREAM_WINDOW, epoch, i,
                                         window_start(&w, i + 1) - window_start(&w, i));
  *out = w;
  return GRADUS_OK;
}

/* The place in [low, end) whose rows hold position i, looked for near where it would be were all
 * places of one size. */
static uint64_t find_place(const gr_windows *w, uint64_t low, uint64_t end, uint64_t i) {
  const double rows = (double)(w->start[end] - w->start[low]);
  uint64_t k = low + (uint64_t)((double)(i - w->start[low]) / rows * (double)(end - low));
  if (k >= end) k = end - 1;
  while (w->start[k] > i) k--;
  while (w->start[k + 1] <= i) k++;
  return k;
}

uint64_t gr_windows_place(const gr_windows *windows, uint64_t i) {
  return find_place(windows, 0, windows->n_blocks, i);
}

uint64_t gr_windows_at(const gr_windows *windows, uint64_t i) {
  return gr_windows_place(windows, i) / windows->per_window;
}

/* The number of the row that has position i where rows are in order, in place k. */
static uint64_t number_in(const gr_windows *w, uint64_t k, uint64_t i, bool in_ring) {
  const uint64_t b = w->block[k], j = i - w->start[k];
  uint64_t row = b * w->block_rows + j;
  if (w->set) row = gr_row_set_select(w->set, w->rank[b] + j);
  return in_ring ? k % w->slots * w->block_rows + (row - b * w->block_rows) : row;
}

/* The kernel, or the same numbers without one. */
static void permute(const gr_permutation *p, const gr_kernels *kernels, uint64_t first, uint64_t n,
                    uint64_t *out) {
  if (kernels)
    kernels->permute(p, first, n, out);
  else
    for (uint64_t i = 0; i < n; i++) out[i] = gr_permutation_at(p, first + i);
}

/* Positions [first, first + n), all in window i. */
static void numbers_in_window(const gr_windows *w, const gr_kernels *kernels, uint64_t i,
                              uint64_t first, uint64_t n, bool in_ring, uint64_t *out) {
  const uint64_t low = i * w->per_window, end = least(low + w->per_window, w->n_blocks),
                 base = w->start[low];
  const gr_permutation identity = gr_permutation_identity(w->start[end] - base);
  permute(w->within ? &w->within[i] : &identity, kernels, first - base, n, out);
  for (uint64_t j = 0; j < n; j++) {
    const uint64_t at = base + out[j];
    out[j] = number_in(w, find_place(w, low, end, at), at, in_ring);
  }
}

static void numbers_by_windows(const gr_windows *w, const gr_kernels *kernels, uint64_t first,
                               uint64_t n, uint64_t *out) {
  uint64_t i = n ? gr_windows_at(w, first) : 0;
  for (uint64_t done = 0; done < n; i++) {
    const uint64_t some = least(n - done, window_start(w, i + 1) - first - done);
    numbers_in_window(w, kernels, i, first + done, some, w->slots > 0, out + done);
    done += some;
  }
}

void gr_row_order_numbers(const gr_row_order *order, const gr_kernels *kernels, uint64_t first,
                          uint64_t n, uint64_t *out) {
  if (order->windows) {
    numbers_by_windows(order->windows, kernels, first, n, out);
    return;
  }
  if (order->set && order->permutation.high_bits == 0) {
    gr_row_set_list(order->set, first, n, out);
    return;
  }
  permute(&order->permutation, kernels, first, n, out);
  for (uint64_t i = 0; order->map && i < n; i++) out[i] = order->map[out[i]];
  for (uint64_t i = 0; order->set && i < n; i++) out[i] = gr_row_set_select(order->set, out[i]);
}

uint64_t gr_row_order_row(const gr_row_order *order, uint64_t position) {
  const gr_windows *w = order->windows;
  if (w) {
    const uint64_t i = gr_windows_at(w, position), base = window_start(w, i),
                   end = least((i + 1) * w->per_window, w->n_blocks);
    if (w->within) position = base + gr_permutation_at(&w->within[i], position - base);
    return number_in(w, find_place(w, i * w->per_window, end, position), position, false);
  }
  const uint64_t p = gr_permutation_at(&order->permutation, position);
  return order->map ? order->map[p] : order->set ? gr_row_set_select(order->set, p) : p;
}
