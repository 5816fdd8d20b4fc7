/* Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (SC 2011). A number is a function of (seed, stream, a, b): no state
 * to store, any order, any thread. */
#ifndef GR_BASE_PHILOX_H
#define GR_BASE_PHILOX_H

#include <stdint.h>

/* What the numbers are for; values are part of the recipe's meaning and never change. */
typedef enum gr_stream {
  GR_STREAM_INIT = 1,    /* a = layer, b = element: initial weights */
  GR_STREAM_SHUFFLE = 2, /* a = epoch, b = round: keys of the order of rows */
  GR_STREAM_SPLIT = 3,   /* b = row: hold-out split */
  GR_STREAM_DROPOUT = 4,
  GR_STREAM_GENERATE = 5, /* generated data sets */
  GR_STREAM_BLOCKS = 6,   /* a = epoch: keys of the order of blocks of rows */
  GR_STREAM_WINDOW = 7,   /* a = epoch, b = window and round: keys of the order within windows */
  GR_STREAM_WAVES = 8,    /* a = column, b = frequency of its periodic embedding */
  GR_STREAM_CORNERS = 9,  /* a = layer, b: what biases that look at data are drawn from */
  GR_STREAM_TEST = 99
} gr_stream;

/* out = Philox4x32-10(counter, key). */
void gr_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Four words of stream `stream` at position (a, b); a below 2^32. */
void gr_random_words(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b, uint32_t out[4]);

/* Uniform in (0, 1): (53 random bits + 1/2) / 2^53; never 0 or 1. */
double gr_random_uniform(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b);

/* The standard normal's quantile (Wichura 1988, AS 241 PPND16, relative error about 1e-16);
 * 0 < p < 1. */
double gr_normal_quantile(double p);

/* Standard normal by inversion of gr_random_uniform. */
double gr_random_normal(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b);

#endif
