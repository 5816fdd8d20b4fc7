/* Do new rows fit an old data set? */
#ifndef GR_INTEROP_APPEND_H
#define GR_INTEROP_APPEND_H

#include "store/dataset.h"

/* Compares the shape of new rows with the old file's: columns, types, targets, names. What does not
 * agree is GRADUS_ERR_DATA naming the file and the column. Names that the new rows lack become the
 * old ones; names of classes may go on behind the old ones. */
gradus_status gr_append_fit(const gr_dataset *old, gr_dataset *shape, gradus_error *err);

#endif
