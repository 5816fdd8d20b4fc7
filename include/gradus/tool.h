/* What the program's bench and doctor need beyond the library's purpose. Unstable: may change in
 * any release. */
#ifndef GRADUS_TOOL_H
#define GRADUS_TOOL_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/dataset.h"
#include "gradus/recipe.h"
#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Process-wide settings that only a program should make: HDF5 does nothing at exit, loads no
 * plugins, prints no errors; writing past a file-size limit is an error, not a signal. Call it
 * first. */
GRADUS_API void gradus_prepare_process(void);

/* What gradus_bench is asked. Set struct_size = sizeof; zeros mean no, none or auto. */
typedef struct gradus_bench_options {
  size_t struct_size;
  const gradus_recipe *recipe;   /* its resources are heeded too */
  const gradus_dataset *dataset; /* NULL: random data, and the recipe says network.inputs and
                                    network.outputs */
  int threads;                   /* 0: resources.threads of the recipe */
  double seconds;                /* to time steps for; 0: one second */
  uint64_t steps;                /* instead: exactly so many, from the first one on; of a data set
                                    no more than the recipe has */
  int digest;                    /* of the weights after `steps` steps */
  int phases;                    /* also where the time goes */
  int limits;                    /* also memory's speed, and what limits the step */
} gradus_bench_options;

#define GRADUS_BENCH_LAYERS 66
#define GRADUS_BENCH_PHASES 7

/* Numbers that were not measured are NaN, texts empty. */
typedef struct gradus_bench_result {
  size_t struct_size;                   /* set by the caller */
  uint32_t layers[GRADUS_BENCH_LAYERS]; /* widths, input first */
  size_t n_layers;
  uint64_t batch_size;
  char activation[16], output_activation[16], loss[16], optimizer[16];
  char cpu[96], isa[16];
  int threads, ranks;      /* asked for, and used: a small network takes fewer */
  uint64_t steps;          /* timed */
  double step_us, best_us; /* a step of a whole batch: median and minimum over stretches */
  double flops;            /* a step: batch (6 sum n_in n_out - 2 n_in n_out of the first layer) */
  double samples_per_s, gflops;
  double peak_gflops, pct_peak; /* fused multiply-adds of `threads` threads, in the same call */
  double bytes_moved, working_set_bytes; /* of a step, from its shapes: what it must at least move,
                                            and what of memory it goes through */
  char level[8];                         /* that holds the working set: L2, L3 or memory */
  double bandwidth_gbs;                  /* of that level, reading, all threads */
  char limit[16];                        /* FMA, L2, L3, memory or overhead */
  double phase_us[GRADUS_BENCH_PHASES];  /* a step, mean over ranks */
  char digest[33];
} gradus_bench_result;

/* Times training steps as gradus_trainer takes them. After a warm-up of at least 50 ms (3 steps),
 * stretches of as many steps as take 200 us or more are timed one by one, at least 3 of them.
 * The FMA peak is measured before and after, on all threads at once. */
GRADUS_API gradus_status gradus_bench(const gradus_bench_options *options, gradus_bench_result *out,
                                      gradus_error *err);

/* The plan that gradus_bench would time, and the traffic of a step, as text; nothing is measured.
 * Free with gradus_text_free. */
GRADUS_API gradus_status gradus_bench_plan(const gradus_bench_options *options, char **out,
                                           gradus_error *err);

/* Name of phase `index`; NULL beyond the last. */
GRADUS_API const char *gradus_bench_phase(size_t index);

/* How fast a file brings its training rows, and how fast a network takes them. Set struct_size. */
typedef struct gradus_speed {
  size_t struct_size;
  char storage[32], filters[64]; /* "chunked", "shuffle, gzip 4" */
  uint64_t rows, chunk_rows;     /* chunk_rows 0: contiguous */
  uint64_t bytes, stored_bytes;  /* of the inputs, as read and as stored */
  int threads;
  double read_rows_per_thread, read_rows_per_second; /* measured; of all threads */
  double network_rows_per_second;                    /* measured, with rows in memory */
  double rows_per_second; /* to be expected where the inputs do not fit in memory */
  double data_wait;       /* part (0 to 1) of the time that will go into reading */
  char advice[256];
} gradus_speed;
GRADUS_API gradus_status gradus_measure_speed(const gradus_recipe *recipe, const char *const *paths,
                                              size_t n, gradus_speed *out, gradus_error *err);

/* What came of a learning-rate range test. Set struct_size. */
typedef struct gradus_range {
  size_t struct_size;
  uint64_t steps;    /* taken: 200, or fewer where the loss has quadrupled or is not finite */
  double suggestion; /* where the mean loss falls fastest; NaN: it never fell */
} gradus_range;

/* Learning-rate range test (Smith 2017): up to 200 steps from the recipe's initial weights, the
 * rate growing from 1e-7 to 10, and their losses as CSV in the file `path`. No run is touched.
 * Example: gradus_range r = {.struct_size = sizeof r}; status = gradus_range_test(recipe, dataset,
 * "range.csv", &r, &err); */
GRADUS_API gradus_status gradus_range_test(const gradus_recipe *recipe,
                                           const gradus_dataset *dataset, const char *path,
                                           gradus_range *out, gradus_error *err);

/* What gradus sees of this machine, with advice: text for people or JSON. Free with
 * gradus_text_free. */
GRADUS_API gradus_status gradus_doctor(int json, char **out, gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
