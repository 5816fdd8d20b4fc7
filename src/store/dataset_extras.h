/* Numbers that a split may have for each row beside inputs and targets: sample weights, offsets. */
#ifndef GR_STORE_DATASET_EXTRAS_H
#define GR_STORE_DATASET_EXTRAS_H

#include "store/dataset.h"
#include "store/dataset_layout.h"
#include "store/h5_array.h"

typedef struct gr_extra {
  const char *noun;   /* of messages, in the plural */
  size_t path, field; /* offsets of the path in gr_paths, of the array in gr_split */
  bool is_weight;     /* not negative, and not all 0 */
} gr_extra;

enum { GR_N_EXTRAS = 2 };
extern const gr_extra gr_extras[GR_N_EXTRAS];

/* "" where the split has none. */
const char *gr_extra_path(const gr_extra *extra, const gr_paths *paths);

/* Reads a whole array of one column into rows done .. of the split's, which is made where there is
 * none. Numbers that are not finite, or no weights: GRADUS_ERR_DATA. */
gradus_status gr_extra_read(const gr_extra *extra, const gr_h5_array *array, uint64_t done,
                            gr_split *split, gradus_error *err);

#endif
