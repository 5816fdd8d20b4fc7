/* A grid of characters, one mark for each column and series; the axis says the values of its ends.
 */
#include <config.h>

#include "api/curves.h"

#include <math.h>
#include <string.h>

#include "base/elementary.h"

enum { COLUMNS = 64, LINES = 12, LEAST_EPOCHS = 3 };

typedef struct axis {
  double low, high;
  bool is_log;
} axis;

/* Series 0: train_loss, 1: valid_loss. */
static double value_of(const gr_history_row *row, int series) {
  return series ? row->valid_loss : row->train_loss;
}

static axis find_axis(const gr_history *h) {
  axis a = {(double)INFINITY, -(double)INFINITY, false};
  for (size_t r = 0; r < h->n_rows; r++)
    for (int series = 0; series < 2; series++) {
      const double v = value_of(&h->row[r], series);
      if (!isfinite(v)) continue;
      if (v < a.low) a.low = v;
      if (v > a.high) a.high = v;
    }
  a.is_log = a.low > 0 && a.high > 10 * a.low;
  return a;
}

/* 0 at the low end, 1 at the high one. */
static double place_of(const axis *a, double value) {
  const double span = a->is_log ? gr_ln(a->high / a->low) : a->high - a->low;
  const double above = a->is_log ? gr_ln(value / a->low) : value - a->low;
  return span > 0 ? above / span : 0.5;
}

static double value_at(const axis *a, double place) {
  return a->is_log ? a->low * gr_exp(place * gr_ln(a->high / a->low))
                   : a->low + place * (a->high - a->low);
}

static void mark(const gr_history *h, const axis *a, size_t columns,
                 char grid[LINES][COLUMNS + 1]) {
  for (size_t c = 0; c < columns; c++) {
    const gr_history_row *row = &h->row[(c + 1) * h->n_rows / columns - 1];
    for (int series = 0; series < 2; series++) {
      const double v = value_of(row, series);
      if (!isfinite(v)) continue;
      const int line = LINES - 1 - (int)(place_of(a, v) * (LINES - 1) + 0.5);
      char *cell = &grid[line][c];
      *cell = *cell != ' ' ? '*' : series ? 'o' : '.';
    }
  }
}

void gr_curves_put(const gr_history *h, gr_text *out) {
  char grid[LINES][COLUMNS + 1];
  const axis a = find_axis(h);
  const size_t columns = h->n_rows < COLUMNS ? h->n_rows : COLUMNS;
  if (h->n_rows < LEAST_EPOCHS || !(a.low <= a.high)) return;
  memset(grid, ' ', sizeof grid);
  for (int line = 0; line < LINES; line++) grid[line][columns] = '\0';
  mark(h, &a, columns, grid);
  gr_text_printf(out, "  . train_loss, o valid_loss, * both%s\n", a.is_log ? " (logarithmic)" : "");
  for (int line = 0; line < LINES; line++) {
    const bool labelled = line % (LINES - 1) == 0 || line == LINES / 2;
    if (labelled)
      gr_text_printf(out, "  %10.4g |", value_at(&a, 1 - (double)line / (LINES - 1)));
    else
      gr_text_puts(out, "             |");
    size_t n = columns;
    while (n > 0 && grid[line][n - 1] == ' ') n--;
    gr_text_append(out, grid[line], n);
    gr_text_puts(out, "\n");
  }
  gr_text_printf(out, "             +%.*s\n              epoch %llu to %llu\n", (int)columns,
                 "----------------------------------------------------------------",
                 (unsigned long long)h->row[0].epoch,
                 (unsigned long long)h->row[h->n_rows - 1].epoch);
}
