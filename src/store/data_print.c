/* Sums of hashes by ranges of rows. Ranges double with the rows, so that a set that has grown can
 * still be compared with what it was: the sums of two neighbours are added. */
#include <config.h>

#include "store/data_print.h"

#include <string.h>

#include "store/dataset.h"
#include "store/hash.h"

const char *const gr_print_arrays[GR_PRINT_ARRAYS] = {"x", "y", "weight", "offset"};

void gr_print_begin(gr_split_print *s) {
  s->range_rows = GR_PRINT_UNIT;
  while ((s->n_rows - (s->n_rows > 0)) / s->range_rows >= GR_PRINT_RANGES) s->range_rows *= 2;
  memset(s->sum, 0, sizeof s->sum);
}

uint64_t gr_print_ranges(const gr_split_print *s) {
  return s->n_rows == 0 ? 0 : (s->n_rows - 1) / s->range_rows + 1;
}

void gr_print_rows(gr_split_print *s, gr_print_array array, uint64_t first, uint64_t n,
                   size_t row_size, const void *rows) {
  for (uint64_t done = 0; done < n; done += GR_PRINT_UNIT) {
    const uint64_t left = n - done, unit = left < GR_PRINT_UNIT ? left : GR_PRINT_UNIT;
    s->sum[array][(first + done) / s->range_rows] += XXH3_64bits_withSeed(
        (const char *)rows + done * row_size, (size_t)unit * row_size, first + done);
  }
}

/* ---- comparing ---- */

/* Begins a point. */
static void point(gr_text *out, const size_t *start) {
  if (out->length > *start) gr_text_puts(out, "; ");
}

/* The sum of a range of `rows` rows, which ranges of the split make up. */
static uint64_t sum_of(const gr_split_print *s, int array, uint64_t range, uint64_t rows) {
  const uint64_t factor = rows / s->range_rows;
  uint64_t sum = 0;
  for (uint64_t i = range * factor; i < (range + 1) * factor && i < gr_print_ranges(s); i++)
    sum += s->sum[array][i];
  return sum;
}

/* Ranges of an array that both have whole: how many there are, how many differ, and the first. */
typedef struct difference {
  uint64_t rows, ranges, differ, first;
} difference;

static difference compare_sums(const gr_split_print *a, const gr_split_print *b, int array) {
  difference d = {.rows = a->range_rows > b->range_rows ? a->range_rows : b->range_rows};
  const uint64_t n = a->n_rows < b->n_rows ? a->n_rows : b->n_rows;
  d.ranges = a->n_rows == b->n_rows ? (n + d.rows - 1) / d.rows : n / d.rows;
  for (uint64_t i = d.ranges; i-- > 0;) {
    if (sum_of(a, array, i, d.rows) == sum_of(b, array, i, d.rows)) continue;
    d.differ++;
    d.first = i;
  }
  return d;
}

struct comparison {
  const gr_split_print *a, *b;
  int split;
  gr_print_place *place;
  void *user;
  gr_text *out;
  size_t start;
};

static void compare_contents(struct comparison *c, int array) {
  const char *split = gr_split_names[c->split], *name = gr_print_arrays[array];
  if (array == GR_PRINT_X && (c->a->sampled || c->b->sampled) && c->a->n_rows != c->b->n_rows)
    return; /* other rows are in the sample */
  const difference d = compare_sums(c->a, c->b, array);
  if (d.ranges == 0) return;
  if (d.differ == 0) {
    if (c->a->n_rows == c->b->n_rows) return;
    point(c->out, &c->start);
    gr_text_printf(c->out, "the first %llu rows of %s/%s are the same",
                   (unsigned long long)(d.ranges * d.rows), split, name);
    return;
  }
  const uint64_t first = d.first * d.rows, n = c->b->n_rows,
                 end = first + d.rows < n ? first + d.rows : n;
  point(c->out, &c->start);
  gr_text_printf(c->out, "%s/%s differs first in rows %llu to %llu", split, name,
                 (unsigned long long)first, (unsigned long long)end - 1);
  if (c->place) c->place(c->user, c->split, first, end, c->out);
  if (d.ranges > 1)
    gr_text_printf(c->out, ", and in %llu of %llu such ranges", (unsigned long long)d.differ,
                   (unsigned long long)d.ranges);
}

/* One number of the shape. */
static void compare_count(struct comparison *c, const char *what, uint64_t a, uint64_t b) {
  if (a == b) return;
  point(c->out, &c->start);
  gr_text_printf(c->out, "%s has %llu %s, not %llu", gr_split_names[c->split],
                 (unsigned long long)b, what, (unsigned long long)a);
}

static void compare_type(struct comparison *c, const char *what, gr_dtype a, gr_dtype b) {
  if (a == b) return;
  point(c->out, &c->start);
  gr_text_printf(c->out, "%s/%s is %s, not %s", gr_split_names[c->split], what, gr_dtype_name(b),
                 gr_dtype_name(a));
}

static void compare_presence(struct comparison *c, const char *what, bool a, bool b) {
  if (a == b) return;
  point(c->out, &c->start);
  gr_text_printf(c->out, b ? "%s has %s now" : "%s has no %s any more", gr_split_names[c->split],
                 what);
}

static void compare_split(struct comparison *c) {
  const gr_split_print *a = c->a, *b = c->b;
  const bool y = a->y_columns > 0 && a->y_columns == b->y_columns;
  if (!a->n_rows || !b->n_rows) {
    if (!a->n_rows && !b->n_rows) return;
    point(c->out, &c->start);
    gr_text_printf(c->out, b->n_rows ? "%s is new" : "%s is missing", gr_split_names[c->split]);
    return;
  }
  compare_count(c, "rows", a->n_rows, b->n_rows);
  compare_count(c, "columns", a->columns, b->columns);
  compare_count(c, "columns of targets", a->y_columns, b->y_columns);
  compare_type(c, "x", a->x_type, b->x_type);
  if (y) compare_type(c, "y", a->y_type, b->y_type);
  compare_presence(c, "weights", a->weighted, b->weighted);
  compare_presence(c, "offsets", a->has_offset, b->has_offset);
  if (a->columns == b->columns && a->x_type == b->x_type) compare_contents(c, GR_PRINT_X);
  if (y && a->y_type == b->y_type) compare_contents(c, GR_PRINT_Y);
  if (a->weighted && b->weighted) compare_contents(c, GR_PRINT_WEIGHT);
  if (a->has_offset && b->has_offset) compare_contents(c, GR_PRINT_OFFSET);
}

void gr_print_compare(const gr_data_print *old, const gr_data_print *now, gr_print_place *place,
                      void *user, gr_text *out) {
  struct comparison c = {.place = place, .user = user, .out = out, .start = out->length};
  if (!old->known || !now->known) return;
  for (c.split = 0; c.split < GR_PRINT_SPLITS; c.split++) {
    c.a = &old->split[c.split];
    c.b = &now->split[c.split];
    compare_split(&c);
  }
  if (old->names == now->names) return;
  point(out, &c.start);
  gr_text_puts(out, "names of classes, or kinds or levels of columns, differ");
}
