/* A checkpoint to start from: a regression or classification with everything in it. */
#ifndef GR_TESTS_FUZZ_CHECKPOINT_INPUT_H
#define GR_TESTS_FUZZ_CHECKPOINT_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of its file, made once. */
const uint8_t *gr_fuzz_checkpoint(int classification, size_t *n);

#endif
