/* A source is a list of pieces, rows that lie in one array each, and a pool of what reading threads
 * need. Nothing is shared between two calls of read but that pool, whose lock is held for the time
 * of taking from it. */
#include <config.h>

#include "store/source.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/source_array.h"

struct gr_source {
  gr_source_info info;
  gr_source_list list;
  pthread_mutex_t lock;
  bool has_lock;
  gr_source_scratch *pool; /* last used first */
};

/* ---- opening ---- */

static gradus_status check_alike(const gr_source_list *list, gradus_error *err) {
  const gr_source_array *first = list->arrays[0];
  for (size_t i = 1; i < list->n_arrays; i++) {
    const gr_source_array *a = list->arrays[i];
    if (a->type != first->type)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is of type %s, but %s: %s of %s", a->file,
                     a->path, gr_dtype_name(a->type), first->file, first->path,
                     gr_dtype_name(first->type));
    if (a->columns != first->columns)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has %llu columns, but %s: %s has %llu", a->file,
                     a->path, (unsigned long long)a->columns, first->file, first->path,
                     (unsigned long long)first->columns);
  }
  if (list->n_rows > 0) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has no rows", first->file, first->path);
}

/* One array in one piece is mapped where it can be. */
static void map_rows(gr_source *source) {
  const gr_source_list *list = &source->list;
  gr_source_info *info = &source->info;
  const gr_source_piece *piece = list->pieces;
  gr_source_array *a = list->arrays[piece->array];
  if (list->n_pieces > 1) {
    info->kind = GR_SOURCE_DIRECT;
    snprintf(info->reason, sizeof info->reason, "in %zu parts", list->n_pieces);
    return;
  }
  gr_source_array_map(a);
  info->kind = a->kind;
  memcpy(info->reason, a->reason, sizeof info->reason);
  if (a->base)
    info->base = (const char *)a->base + piece->from * info->n_columns * gr_dtype_size(info->type);
}

static void describe(gr_source *source) {
  const gr_source_list *list = &source->list;
  gr_source_info *info = &source->info;
  info->n_rows = list->n_rows;
  info->n_columns = (uint32_t)list->arrays[0]->columns;
  info->type = list->arrays[0]->type;
  snprintf(info->filters, sizeof info->filters, "none");
  for (size_t i = 0; i < list->n_arrays; i++) {
    const gr_source_array *a = list->arrays[i];
    info->stored_bytes += a->stored_bytes;
    if (info->kind < a->kind) {
      info->kind = a->kind;
      memcpy(info->reason, a->reason, sizeof info->reason);
    }
    if (strcmp(info->filters, "none") == 0) memcpy(info->filters, a->filters, sizeof a->filters);
    if (info->chunk_rows == 0 && a->n_chunks > 0) {
      info->chunk_rows = a->chunk[a->row_dim];
      info->chunk_bytes = a->band_bytes;
    }
  }
  if (info->kind == GR_SOURCE_MAPPED) map_rows(source);
}

static gradus_status open_parts(gr_source *source, const gr_source_part *parts, size_t n_parts,
                                gradus_error *err) {
  gradus_status status = GRADUS_OK;
  gr_h5_quiet quiet = gr_h5_begin();
  for (size_t i = 0; i < n_parts && status == GRADUS_OK; i++)
    status = gr_source_list_add(&source->list, &parts[i], err);
  gr_h5_end(&quiet);
  return status;
}

gradus_status gr_source_open(const gr_source_part *parts, size_t n_parts, gr_source **out,
                             gradus_error *err) {
  gradus_status status;
  *out = NULL;
  if (n_parts == 0) return gr_fail(err, GRADUS_ERR_USAGE, "a source of no parts");
  gr_source *source = gr_calloc(1, sizeof *source);
  if (!source) return gr_fail_memory(err, "a source");
  source->has_lock = pthread_mutex_init(&source->lock, NULL) == 0;
  GR_TRY_ELSE(fail, source->has_lock ? GRADUS_OK : gr_fail_memory(err, "a lock"));
  GR_TRY_ELSE(fail, open_parts(source, parts, n_parts, err));
  GR_TRY_ELSE(fail, check_alike(&source->list, err));
  describe(source);
  *out = source;
  return GRADUS_OK;
fail:
  gr_source_close(source);
  return status;
}

void gr_source_close(gr_source *source) {
  if (!source) return;
  for (gr_source_scratch *s = source->pool, *next; s; s = next) {
    next = s->next;
    gr_source_scratch_free(s);
  }
  gr_h5_quiet quiet = gr_h5_begin();
  gr_source_list_free(&source->list);
  gr_h5_end(&quiet);
  if (source->has_lock) (void)pthread_mutex_destroy(&source->lock);
  gr_free(source);
}

const gr_source_info *gr_source_get_info(const gr_source *source) {
  return &source->info;
}

/* ---- reading ---- */

/* Where row `row` lies. */
static size_t find_piece(const gr_source_list *list, uint64_t row) {
  size_t low = 0, high = list->n_pieces;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (list->pieces[middle].first <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* One from the pool: that with the chunk that row `row` lies in, if there is one, else the one that
 * has waited longest, else a new one; NULL when memory is out. */
static gr_source_scratch *take_scratch(gr_source *source, uint64_t row) {
  const gr_source_piece *piece = &source->list.pieces[find_piece(&source->list, row)];
  const gr_source_array *a = source->list.arrays[piece->array];
  const uint64_t rows = a->n_chunks ? a->chunk[a->row_dim] : 1,
                 band = (row - piece->first + piece->from) / rows;
  (void)pthread_mutex_lock(&source->lock);
  gr_source_scratch **at = &source->pool, *taken = *at;
  while (taken && !(taken->band_array == a && taken->band_index == band) && taken->next) {
    at = &taken->next;
    taken = *at;
  }
  if (taken) *at = taken->next;
  (void)pthread_mutex_unlock(&source->lock);
  return taken ? taken : gr_calloc(1, sizeof *taken);
}

static void give_back(gr_source *source, gr_source_scratch *scratch) {
  (void)pthread_mutex_lock(&source->lock);
  scratch->next = source->pool;
  source->pool = scratch;
  (void)pthread_mutex_unlock(&source->lock);
}

gradus_status gr_source_read(gr_source *source, uint64_t first, uint64_t n, void *out,
                             gradus_error *err) {
  const gr_source_list *list = &source->list;
  const uint64_t row = (uint64_t)source->info.n_columns * gr_dtype_size(source->info.type);
  if (first > list->n_rows || n > list->n_rows - first)
    return gr_fail(err, GRADUS_ERR_USAGE, "rows %llu and %llu more of %llu",
                   (unsigned long long)first, (unsigned long long)n,
                   (unsigned long long)list->n_rows);
  if (n == 0) return GRADUS_OK;
  gr_source_scratch *scratch = take_scratch(source, first);
  if (!scratch) return gr_fail_memory(err, "reading rows");
  gradus_status status = GRADUS_OK;
  char *to = out;
  for (size_t i = find_piece(list, first); n > 0 && status == GRADUS_OK; i++) {
    const gr_source_piece *piece = &list->pieces[i];
    const uint64_t skipped = first - piece->first, left = piece->n - skipped,
                   rows = n < left ? n : left;
    status = gr_source_array_read(list->arrays[piece->array], scratch, piece->from + skipped, rows,
                                  to, err);
    to += rows * row;
    first += rows;
    n -= rows;
  }
  give_back(source, scratch);
  return status;
}
