/* Whether a column of a table can be an input, and if not, why. */
#ifndef GR_INTEROP_TABLE_JUDGE_H
#define GR_INTEROP_TABLE_JUDGE_H

#include "base/text.h"
#include "interop/table.h"

typedef enum gr_judgement {
  GR_JUDGED_NUMERIC,
  GR_JUDGED_CATEGORICAL,
  GR_JUDGED_USELESS
} gr_judgement;

/* What column `column` of `table` can be, and why it is useless where it is: `reason`. Few
 * different texts are levels; some missing values are no matter. */
gradus_status gr_judge_column(gr_table *table, uint32_t column, gr_judgement *out, gr_text *reason,
                              gradus_error *err);

/* What keeps the column from being one of that kind, which an earlier table had; leaves `reason`
 * empty if nothing. */
void gr_judge_follower(const gr_table *table, uint32_t column, bool categorical, gr_text *reason);

/* Ends in "id" ("PassengerId", "user_id") or is one of the usual names of row numbers. */
bool gr_names_a_row(const char *name);

#endif
