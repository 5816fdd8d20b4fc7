/* What writing and reading of checkpoints share: names, and the tables of scalar state and of the
 * blocks of a parameter vector. */
#ifndef GR_STORE_CHECKPOINT_PARTS_H
#define GR_STORE_CHECKPOINT_PARTS_H

#include "net/average.h"
#include "store/checkpoint.h"
#include "store/h5.h"
#include "store/h5_write.h"

#define GR_CHECKPOINT_FORMAT 1

typedef enum gr_field_kind {
  GR_FIELD_U64,
  GR_FIELD_F64,
  GR_FIELD_BOOL, /* stored as u8 0 or 1 */
  GR_FIELD_TEXT
} gr_field_kind;

/* One attribute of /state. */
typedef struct gr_state_field {
  const char *name;
  gr_field_kind kind;
  size_t offset, size; /* in gr_train_state */
  bool later;          /* files of the first releases lack it: then it is 0 */
  bool search;         /* and files of runs that do not search along lines */
} gr_state_field;

extern const gr_state_field gr_state_fields[];
extern const size_t gr_n_state_fields;

/* One series of /history besides the metrics. */
typedef struct gr_history_field {
  const char *name;
  gr_field_kind kind; /* U64 or F64 */
  size_t offset;      /* in gr_history_row */
} gr_history_field;

extern const gr_history_field gr_history_fields[];
extern const size_t gr_n_history_fields;

/* One array of a parameter vector: layer l's weights [n_out][n_in], bias [n_out] or another vector
 * of it. */
typedef struct gr_block {
  char path[64];
  unsigned rank;
  uint64_t dims[2];
  size_t offset; /* in floats */
} gr_block;

uint32_t gr_block_count(const gr_network *network);

/* Block i < gr_block_count of a vector stored under `group`: "/model/layer_1/weights"; `suffix` is
 * appended ("_moment1"). */
gr_block gr_block_at(const gr_network *network, uint32_t i, const char *group, const char *suffix);

/* What the arrays of vector m of the state are called behind those of the model: "_moment1". */
#define GR_VECTOR_SUFFIX (1 + GR_STATE_VECTOR_NAME)
void gr_checkpoint_suffix(const gr_checkpoint *c, uint32_t m, char out[GR_VECTOR_SUFFIX]);

/* ---- reading: store/checkpoint_read.c ---- */

/* An array that must be exactly so: out receives it. */
gradus_status gr_checkpoint_read_exact(const gr_h5_file *file, const char *path, gr_dtype type,
                                       unsigned rank, const uint64_t *dims, void *out,
                                       gradus_error *err);

/* A parameter vector stored under `group`, into new memory. */
gradus_status gr_checkpoint_read_vector(const gr_h5_file *file, const gr_network *network,
                                        const char *group, const char *suffix, float **out,
                                        gradus_error *err);

/* ---- writing: store/checkpoint_write.c ---- */

/* A parameter vector, whose groups are made here where `suffix` is empty. */
void gr_checkpoint_put_vector(gr_h5_writer *w, const gr_network *network, const char *group,
                              const char *suffix, const float *parameters);

/* ---- what happened to a run: store/checkpoint_events.c; absent where nothing has ---- */

void gr_checkpoint_put_events(gr_h5_writer *w, const gr_history *history);
gradus_status gr_checkpoint_read_events(const gr_h5_file *file, gr_history *history,
                                        gradus_error *err);
void gr_checkpoint_put_data(gr_h5_writer *w, const gr_data_print *print); /* checkpoint_data.c */
gradus_status gr_checkpoint_read_data(const gr_h5_file *file, gr_data_print *print,
                                      gradus_error *err);
void gr_checkpoint_put_rollback(gr_h5_writer *w, const gr_checkpoint *c);
gradus_status gr_checkpoint_read_rollback(const gr_h5_file *file, gr_checkpoint *c,
                                          gradus_error *err);

/* True for a name under which a metric can be stored beside the fixed series. */
bool gr_metric_name_is_valid(const char *name);

#endif
