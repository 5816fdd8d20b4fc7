/* The import of a table under way, shared by the files that decide and that carry out. */
#ifndef GR_INTEROP_TABLE_PLAN_H
#define GR_INTEROP_TABLE_PLAN_H

#include "interop/import.h"
#include "interop/table.h"
#include "interop/table_target.h"

/* Columns are numbered as in the reference table, the first split given. */
typedef struct gr_table_plan {
  gr_import_job *job;
  const gr_import_options *options;
  gr_table table[GR_N_SPLITS];     /* n_columns 0 = absent */
  uint32_t *position[GR_N_SPLITS]; /* [reference columns] where it stands there, or UINT32_MAX */
  int reference;
  uint32_t target_column; /* UINT32_MAX: there is none */
  bool has_target[GR_N_SPLITS];
  uint32_t extra[GR_N_FIELDS]; /* weight and offset likewise */
  uint32_t *slot;              /* [reference columns] the input it becomes, or UINT32_MAX */
  gr_column_kind *kind;        /* [reference columns] of those that become one */
  gr_dictionary *levels;       /* [reference columns] of categorical ones; code = entry */
  uint32_t n_taken;
  gr_dropped_column *dropped;
  uint32_t n_dropped;
  gr_dtype x_type;
  gr_target target;
} gr_table_plan;

static inline gr_table *gr_plan_reference(gr_table_plan *plan) {
  return &plan->table[plan->reference];
}

/* Fills slot, kind, levels, n_taken, dropped and x_type, and tells of what is dropped. */
gradus_status gr_plan_columns(gr_table_plan *plan, gradus_error *err);
void gr_plan_free_columns(gr_table_plan *plan);

#endif
