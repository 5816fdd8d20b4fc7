/* Whether a column of a table can be an input, and if not, why. */
#ifndef GR_INTEROP_TABLE_JUDGE_H
#define GR_INTEROP_TABLE_JUDGE_H

#include "base/text.h"
#include "interop/table.h"

/* What keeps column `column` of `table` from being an input; leaves `reason` empty if nothing. */
gradus_status gr_judge_column(gr_table *table, uint32_t column, gr_text *reason, gradus_error *err);

/* Ends in "id" ("PassengerId", "user_id") or is one of the usual names of row numbers. */
bool gr_names_a_row(const char *name);

#endif
