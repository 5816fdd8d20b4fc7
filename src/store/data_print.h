/* What two data sets differ in, told from sums alone: shapes, types, and a sum of hashes for each
 * of some 64 to 128 ranges of rows of each array. Kept in checkpoints beside the digest, which only
 * says that they differ. */
#ifndef GR_STORE_DATA_PRINT_H
#define GR_STORE_DATA_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/text.h"

enum { GR_PRINT_RANGES = 128, GR_PRINT_SPLITS = 3, GR_PRINT_UNIT = 16 };

typedef enum gr_print_array {
  GR_PRINT_X,
  GR_PRINT_Y,
  GR_PRINT_WEIGHT,
  GR_PRINT_OFFSET,
  GR_PRINT_ARRAYS
} gr_print_array;
extern const char *const gr_print_arrays[GR_PRINT_ARRAYS]; /* "x" ... */

/* Range k has rows [k * range_rows, (k + 1) * range_rows); range_rows is GR_PRINT_UNIT times a
 * power of two. The sum of a range adds, modulo 2^64, the XXH3-64 of each unit of GR_PRINT_UNIT
 * rows with its first row as seed, so that sums of ranges add up to those of larger ones. Of inputs
 * that are sampled only the units of the sample count. */
typedef struct gr_split_print {
  uint64_t n_rows; /* 0 = absent; then nothing else is said */
  uint32_t columns, y_columns;
  gr_dtype x_type, y_type;
  bool sampled, weighted, has_offset;
  uint64_t range_rows;
  uint64_t sum[GR_PRINT_ARRAYS][GR_PRINT_RANGES];
} gr_split_print;

typedef struct gr_data_print {
  bool known;
  uint64_t names; /* of classes, kinds and levels of columns */
  gr_split_print split[GR_PRINT_SPLITS];
} gr_data_print;

/* Sets range_rows by n_rows, and sums to 0. */
void gr_print_begin(gr_split_print *split);

/* How many ranges there are. */
uint64_t gr_print_ranges(const gr_split_print *split);

/* Adds rows [first, first + n) of an array, row_size bytes each; first is a multiple of
 * GR_PRINT_UNIT, and so is n unless they are the last. */
void gr_print_rows(gr_split_print *split, gr_print_array array, uint64_t first, uint64_t n,
                   size_t row_size, const void *rows);

/* Rows [first, end) of a split that hold a difference, for gr_print_compare to tell where they lie
 * (" (b.h5, rows 3 to 10)"); may write nothing. */
typedef void gr_print_place(void *user, int split, uint64_t first, uint64_t end, gr_text *out);

/* Appends what differs between what was (`old`) and what is, "; " between the points; nothing where
 * no difference shows. `place` may be NULL. */
void gr_print_compare(const gr_data_print *old, const gr_data_print *now, gr_print_place *place,
                      void *user, gr_text *out);

#endif
