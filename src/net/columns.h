/* The columns of a raw table as a model knows them: which of them it uses, how each becomes network
 * inputs, what stands for a missing value, which levels it knows. Fitted on the training rows,
 * stored in the model, and turned into steps of an expansion for whatever table is at hand. */
#ifndef GR_NET_COLUMNS_H
#define GR_NET_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "kernel/expansion.h"
#include "net/preprocessing.h"

typedef enum gr_column_use {
  GR_USE_NUMERIC,
  GR_USE_CATEGORICAL,
  GR_USE_DROPPED,
  GR_N_USES
} gr_column_use;
extern const char *const gr_column_uses[GR_N_USES]; /* "numeric" ... */

/* Inputs of a numeric column: its value, scaled; n_extra of an embedding; one that tells a missing
 * value. Of a categorical one: one for each of its levels, then one shared by levels beyond
 * data.max_levels and levels that training did not have, then one for missing. */
typedef struct gr_fitted_column {
  char *name; /* NULL: columns have no names */
  gr_column_use use;
  char *reason; /* of a dropped one, else NULL */
  uint32_t first, n_inputs;
  bool missing_input; /* the last input: training rows had missing values */

  gr_expand_kind scaling; /* LINEAR, SMOOTH or CURVE */
  double fill, shift, factor;
  uint32_t n_points;
  double *points;           /* CURVE: [2][n_points] x, then y; else NULL */
  gr_expand_kind embedding; /* BINS or WAVES where n_extra > 0 */
  uint32_t n_extra;
  double *extra; /* BINS: [n_extra + 1] edges; WAVES: [n_extra / 2 + 1] the
                    centre, then frequencies per unit of the column; else NULL */

  uint32_t n_levels;
  char **levels;
  bool other_input;
} gr_fitted_column;

struct gr_columns {
  uint32_t n;
  gr_fitted_column *column; /* [n + n_left_out] in the order of the training table; then those
                               that were dropped when it was read */
  uint32_t n_left_out;
  uint32_t n_inputs;
  bool wide;         /* the training table was read as doubles */
  char *target_name; /* or NULL */
};

/* How many numbers `extra` has where n_extra > 0. */
uint32_t gr_column_extra_numbers(const gr_fitted_column *column);

void gr_columns_free(gr_columns *columns); /* accepts NULL and half-built ones */
gradus_status gr_columns_copy(const gr_columns *from, gr_columns **out, gradus_error *err);

/* Whether both make the same inputs of the same table, to the bit. Both may be NULL. */
bool gr_columns_are_same(const gr_columns *a, const gr_columns *b);

/* True where column j is input j and only shifted and scaled: gather does that itself. */
bool gr_columns_are_plain(const gr_columns *columns);

/* A column of the data at hand. */
typedef struct gr_raw_column {
  const char *name; /* or NULL */
  bool categorical;
  char *const *levels; /* [n_levels] of code 0, 1, ... */
  uint32_t n_levels;
} gr_raw_column;

/* Fits all columns on `rows`, in which NaN is a missing value, by the keys of `config` (resolved as
 * far as section data goes). `raw` [rows->n_columns]. Where `drops`, columns without use are left
 * out, each with its reason; else they stay as constant inputs. No column left: GRADUS_ERR_DATA. */
gradus_status gr_columns_fit(const gr_fit_rows *rows, const gr_raw_column *raw, bool drops,
                             const gr_config *config, gr_columns **out, gradus_error *err);

/* The expansion of rows of a table of n_raw columns, which are found by name, or by position where
 * one side has no names. A column that is not there, or is of another kind: GRADUS_ERR_DATA naming
 * it. Other columns are passed over. `columns` and the names are borrowed by the result until
 * gr_expansion_free. */
typedef struct gr_column_expansion {
  gr_expansion expansion;
  gr_expand_step *steps;
  int32_t *codes;
  bool plain; /* the same as gather's shift and factor, but for missing values */
} gr_column_expansion;
gradus_status gr_columns_expand(const gr_columns *columns, const gr_raw_column *raw, uint32_t n_raw,
                                gr_column_expansion *out, gradus_error *err);
void gr_column_expansion_free(gr_column_expansion *expansion); /* accepts a zeroed object */

/* "Age", "Age is missing", "Sex = male": the name of each input; NULL when memory is out. */
char **gr_columns_input_names(const gr_columns *columns);

/* Notes a column that was dropped before. */
gradus_status gr_columns_leave_out(gr_columns *columns, const char *name, const char *reason,
                                   gradus_error *err);

/* One line on a column for people, "median 28, deviation 14.5 ...", without its name. */
void gr_column_describe(const gr_fitted_column *column, gr_text *out);

#endif
