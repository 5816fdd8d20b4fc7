/* The fitted columns of a table in a checkpoint: /preprocessing/columns, one array for each
 * property, an element for each column; lists of different length follow one another. */
#ifndef GR_STORE_CHECKPOINT_COLUMNS_H
#define GR_STORE_CHECKPOINT_COLUMNS_H

#include "net/columns.h"
#include "store/h5.h"
#include "store/h5_write.h"

void gr_checkpoint_put_columns(gr_h5_writer *writer, const gr_columns *columns);

/* NULL where there are none. Everything is checked: what does not make sense is GRADUS_ERR_DATA. */
gradus_status gr_checkpoint_read_columns(const gr_h5_file *file, gr_columns **out,
                                         gradus_error *err);

#endif
