/* The target column of a table: classes or numbers, and which. */
#ifndef GR_INTEROP_TABLE_TARGET_H
#define GR_INTEROP_TABLE_TARGET_H

#include "base/dictionary.h"
#include "interop/import.h"
#include "interop/table.h"

typedef enum gr_target_mode {
  GR_TARGET_NUMBER,  /* regression: floats */
  GR_TARGET_INTEGER, /* classes that are whole numbers, kept as they are */
  GR_TARGET_TEXT     /* classes that are texts: indices into a dictionary */
} gr_target_mode;

/* Zero-initialise. */
typedef struct gr_target {
  const char *name;
  gr_target_mode mode;
  bool log;
  bool is_wide;          /* some number needs double */
  bool any_class;        /* whole numbers beyond those gathered are classes, too */
  gr_dictionary classes; /* of the reference table, texts as written there ("1.0" is "1") */
} gr_target;

/* Decides from the reference table's column `column` (DESIGN's rules for `task: auto`): text, or at
 * most 20 distinct whole numbers, are classes. GRADUS_ERR_DATA with file:line:column for an empty
 * target, text where numbers are asked for, and what cannot be a class. */
gradus_status gr_target_decide(gr_target *target, const gr_import_options *options,
                               gr_table *reference, uint32_t column, gradus_error *err);

/* As gr_target_decide, for rows that are added to the data set `old`: its kind of targets is kept,
 * new names of classes come behind its own. */
gradus_status gr_target_follow(gr_target *target, const gr_import_options *options,
                               const gr_dataset *old, gr_table *reference, uint32_t column,
                               gradus_error *err);

/* Refuses what another split's column may not hold in view of the reference table. */
gradus_status gr_target_check(const gr_target *target, const gr_table *table, uint32_t column,
                              gradus_error *err);

/* Type of y, and storing one cell as element `row` of it. A class that the reference table does not
 * know, or a number without a logarithm, is GRADUS_ERR_DATA. */
gr_dtype gr_target_type(const gr_target *target);
gradus_status gr_target_store(const gr_target *target, const gr_table *table,
                              const gr_record *record, const gr_cell *cell, void *y, uint64_t row,
                              gradus_error *err);

void gr_target_free(gr_target *target);

#endif
