/* What `auto` means: the one place where values that a recipe leaves open are settled from the
 * data, each with its reason (gradus-config(5)). */
#ifndef GR_TRAIN_RESOLVE_H
#define GR_TRAIN_RESOLVE_H

#include "base/text.h"
#include "net/config.h"
#include "store/dataset.h"

/* Settles config->data.task where it is auto: text, whole-number labels and one-hot rows are
 * classes, everything else is regression. /train without y: GRADUS_ERR_DATA. `notes` receives a
 * line "key: value (reason)". */
gradus_status gr_resolve_task(gr_config *config, const gr_dataset *data, gr_text *notes,
                              gradus_error *err);

/* Settles what is done to the inputs: data.scale, data.standardize, data.embedding. */
void gr_resolve_inputs(gr_config *config, const gr_dataset *data, gr_text *notes);

/* What the other rules look at. */
typedef struct gr_data_facts {
  gr_dtype x_type;     /* of /train/x */
  bool is_table;       /* its columns are known */
  uint32_t n_columns;  /* inputs that the columns become */
  uint32_t n_targets;  /* columns of y, regression */
  uint32_t n_classes;  /* classification */
  uint64_t n_train;    /* rows to train on */
  uint64_t piece_rows; /* as gr_split has it */
  size_t row_bytes;    /* of the inputs */
} gr_data_facts;

/* Settles everything else, then checks the whole with gr_config_validate. config->data.task is
 * settled. A recipe made for other shapes: GRADUS_ERR_DATA. A batch larger than the training rows
 * becomes them. */
gradus_status gr_resolve(gr_config *config, const gr_data_facts *facts, gr_text *notes,
                         gradus_error *err);

/* Rows of a gradient lane for `lane_rows: auto`: L = the largest power of two <= batch_size / 48,
 * within 1 .. 64; lanes of ceil(batch_size / L) rows. */
int64_t gr_resolve_lane_rows(int64_t batch_size);

#endif
