/* A data set and the columns of a model: fitting, and finding them again in another table. */
#ifndef GR_TRAIN_TABLE_H
#define GR_TRAIN_TABLE_H

#include "net/columns.h"
#include "store/dataset.h"

/* True where the columns of `data` must be looked at one by one: a table, or a scaling or embedding
 * that is more than shift and factor. config->data is resolved. */
bool gr_table_needs_columns(const gr_config *config, const gr_dataset *data);

/* gr_columns_fit on rows of `data`; tells of dropped columns in `notes`. */
gradus_status gr_table_fit(const gr_fit_rows *rows, const gr_dataset *data, const gr_config *config,
                           gr_columns **out, gr_text *notes, gradus_error *err);

/* gr_columns_expand for a data set, whose path begins messages. */
gradus_status gr_table_expand(const gr_columns *columns, const gr_dataset *data,
                              gr_column_expansion *out, gradus_error *err);

/* Fills p->feature_names: an input's own, or the column's that it is; none where nobody knows. */
gradus_status gr_table_name_inputs(gr_preprocessing *p, const gr_dataset *data, gradus_error *err);

/* Shift and factor where they are all that is done, else those that do nothing: an expansion has
 * its own. */
void gr_table_take_scales(gr_preprocessing *p);

/* Takes over what was fitted on other data; data that do not fit it: GRADUS_ERR_DATA. */
gradus_status gr_table_adopt(gr_preprocessing *p, const gr_preprocessing *kept,
                             const gr_dataset *data, gradus_error *err);

/* True where some row of the split, all in memory, has a missing value. */
bool gr_table_has_gaps(const gr_dataset *data, gr_split_id split);

#endif
