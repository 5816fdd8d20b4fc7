/* The insides of the public objects, and the checks that every entry makes. */
#ifndef GR_API_INTERNAL_H
#define GR_API_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/text.h"
#include "net/config.h"
#include "store/checkpoint.h"
#include "gradus/dataset.h"
#include "interop/import.h"
#include "store/dataset.h"

struct gradus_recipe {
  gr_config config;
};

struct gradus_dataset {
  gr_dataset data;
};

/* Refuses an argument that is NULL. */
#define GR_API_NEED(argument, name)                                                           \
  do {                                                                                        \
    if (!(argument)) return gr_fail(err, GRADUS_ERR_USAGE, "%s: %s is NULL", __func__, name); \
  } while (0)

/* Hands the text to the caller (freed with gradus_text_free), or fails where it is incomplete. */
gradus_status gr_api_give_text(gr_text *text, char **out, gradus_error *err);

/* Copies a caller's structure of `given` bytes into ours of `size`, zeros beyond: older callers
 * have shorter structures, newer ones longer. 0 is GRADUS_ERR_USAGE. */
gradus_status gr_api_copy_in(void *ours, size_t size, const void *theirs, size_t given,
                             const char *what, gradus_error *err);

/* The other way: as much of ours as the caller's structure holds, its struct_size kept. */
void gr_api_copy_out(void *theirs, size_t given, const void *ours, size_t size);

/* The split `name`: "train", "valid" or "test". Others are GRADUS_ERR_USAGE. */
gradus_status gr_api_split(const char *name, gr_split_id *out, gradus_error *err);

/* What a path is. */
typedef enum gr_api_kind { GR_API_DATASET, GR_API_CHECKPOINT, GR_API_RUN } gr_api_kind;

/* Tells a run directory, a checkpoint and a data set apart, by the place of the HDF5 signature.
 * Missing: GRADUS_ERR_NOINPUT. */
gradus_status gr_api_kind_of(const char *path, gr_api_kind *out, gradus_error *err);

/* True for the name of a text table: .csv, .tsv or .tab, perhaps .gz. */
bool gr_api_is_table(const char *path);

struct gradus_model;
const gr_preprocessing *gr_api_preprocessing(const struct gradus_model *model);

/* Reads what `options` name (memory 0: as for other data sets) into memory; `path` is what the data
 * set is called. */
gradus_status gr_api_open_table(const char *path, gr_import_options *options, gradus_dataset **out,
                                gradus_error *err);

/* The table `path` with the columns of a model: by name, in the model's kinds. */
gradus_status gr_api_open_table_for(const gr_preprocessing *p, const char *path,
                                    const gradus_dataset_options *options, gradus_dataset **out,
                                    gradus_error *err);

/* What gradus_inspect says about a data set of this shape and digest; its data are not looked at.
 */
gradus_status gr_api_describe_dataset(const gr_dataset *data, const char *path, bool json,
                                      char **out, gradus_error *err);

/* Reads the checkpoint at `path`, or in the run directory `path` the best model where there is
 * one, else the final, else the newest; path_out (4096 bytes) receives the file's name. */
gradus_status gr_api_read_model(const char *path, gr_checkpoint *out, char *path_out,
                                gradus_error *err);

/* Reads the newest intact checkpoint of a run directory; *found = false where there is none. */
gradus_status gr_api_read_state(const char *directory, gr_checkpoint *out, bool *found,
                                gradus_error *err);

#endif
