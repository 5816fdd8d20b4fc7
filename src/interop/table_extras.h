/* Columns of a table that become weights or offsets of rows. */
#ifndef GR_INTEROP_TABLE_EXTRAS_H
#define GR_INTEROP_TABLE_EXTRAS_H

#include "interop/table_plan.h"

/* Finds them in the reference table by the names of the options. GRADUS_ERR_USAGE naming the
 * nearest for a column that is not there, or that is the target or both of them. */
gradus_status gr_extras_find(gr_table_plan *plan, gradus_error *err);

/* Whether a column of the reference table is one of them. */
bool gr_extras_has(const gr_table_plan *plan, uint32_t column);

/* Where field GR_FIELD_WEIGHT or GR_FIELD_OFFSET stands in the table of split s; UINT32_MAX: the
 * split has none. */
uint32_t gr_extras_at(const gr_table_plan *plan, int s, gr_field field);

/* Refuses with file:line:column what some split's column may not hold: texts, gaps, infinities. A
 * split without it is refused, but for a test split that has no targets either. */
gradus_status gr_extras_check(const gr_table_plan *plan, gradus_error *err);

/* Stores one cell as element `row` of out. A negative weight, or a number that no float holds:
 * GRADUS_ERR_DATA with its place. */
gradus_status gr_extras_store(const gr_table *table, gr_field field, const gr_record *record,
                              const gr_cell *cell, const char *name, float *out, uint64_t row,
                              gradus_error *err);

#endif
