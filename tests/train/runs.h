/* Sessions of a run, and what two runs must have in common. */
#ifndef GR_TESTS_TRAIN_RUNS_H
#define GR_TESTS_TRAIN_RUNS_H

#include "store/checkpoint.h"
#include "support/test.h"
#include "train/data.h"
#include "train/trainer.h"

gr_trainer *open_run(const gr_dataset *data, const gr_config *config, const char *path);

/* One session of at most `steps` steps; then a checkpoint, or none as after a kill. */
void session(const gr_dataset *data, const gr_config *config, const char *path, uint64_t steps,
             bool checkpoint);

gr_checkpoint final_of(const char *path);

void expect_same_file(const char *a, const char *b, const char *name);

/* Weights, moments, history, state and metrics. */
void expect_same_run(const char *a, const char *b);

/* A name of its own for each cut, kept beyond the ring of gr_test_path. */
void name_run(char out[512], const char *stem, uint64_t number);

/* Cuts a run after every step, once with a checkpoint there and once `lost` steps after it. The
 * undisturbed one is number 999. */
void cut_everywhere(const gr_dataset *data, gr_config *config, const char *stem, uint64_t lost);

#endif
