/* Labels: runs of equal ones against how many a random order has (Wald and Wolfowitz 1940).
 * Targets: the mean squared difference of neighbours against twice the variance (von Neumann 1941),
 * which it is near in a random order. A factor of ten is far outside chance for the rows asked for.
 */
#include <config.h>

#include "train/sortedness.h"

#include "base/memory.h"
#include "net/config.h"

enum { LEAST_ROWS = 200, FACTOR = 10 };

static const char *consequence(int shuffle) {
  if (shuffle == GR_SHUFFLE_NONE)
    return "training.shuffle is none and takes them as they are, which learns badly";
  if (shuffle == GR_SHUFFLE_WINDOW)
    return "training.shuffle mixes the blocks of each window; a larger training.shuffle_window "
           "mixes "
           "better";
  return "training.shuffle mixes them all";
}

/* Runs that n rows with these labels have in a random order, on average. */
static double random_runs(const gr_rows *rows, uint32_t n_classes, double *count) {
  double square = 0;
  const double n = (double)rows->n_rows;
  for (uint64_t i = 0; i < rows->n_rows; i++) count[rows->class_index[i]]++;
  for (uint32_t c = 0; c < n_classes; c++) square += count[c] / n * (count[c] / n);
  return 1 + (n - 1) * (1 - square);
}

static void note_labels(const gr_rows *rows, uint32_t n_classes, int shuffle, gr_text *notes) {
  double *count = gr_calloc(n_classes, sizeof *count);
  uint64_t runs = 1;
  if (!count) return; /* a remark less */
  for (uint64_t i = 1; i < rows->n_rows; i++)
    runs += rows->class_index[i] != rows->class_index[i - 1];
  if ((double)runs * FACTOR < random_runs(rows, n_classes, count))
    gr_text_printf(notes,
                   "data: the training rows are sorted by label (%llu runs of equal labels): %s\n",
                   (unsigned long long)runs, consequence(shuffle));
  gr_free(count);
}

static void note_targets(const gr_rows *rows, uint32_t n_targets, int shuffle, gr_text *notes) {
  double mean = 0, variance = 0, difference = 0;
  const double n = (double)rows->n_rows;
  for (uint64_t i = 0; i < rows->n_rows; i++) mean += (double)rows->targets[i * n_targets] / n;
  for (uint64_t i = 0; i < rows->n_rows; i++) {
    const double y = (double)rows->targets[i * n_targets];
    const double d = i ? y - (double)rows->targets[(i - 1) * n_targets] : 0;
    variance += (y - mean) * (y - mean);
    difference += d * d;
  }
  if (difference * FACTOR < 2 * variance)
    gr_text_printf(notes, "data: the training rows are sorted by target: %s\n",
                   consequence(shuffle));
}

void gr_note_sortedness(const gr_rows *rows, uint32_t n_classes, uint32_t n_targets, int shuffle,
                        gr_text *notes) {
  if (rows->n_rows < LEAST_ROWS) return;
  if (rows->class_index)
    note_labels(rows, n_classes, shuffle, notes);
  else if (rows->targets)
    note_targets(rows, n_targets, shuffle, notes);
}
