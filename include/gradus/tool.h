/* What the program's bench and doctor need beyond the library's purpose. Unstable: may change in
 * any release. */
#ifndef GRADUS_TOOL_H
#define GRADUS_TOOL_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Process-wide settings that only a program should make: HDF5 does nothing at exit, loads no
 * plugins, prints no errors; writing past a file-size limit is an error, not a signal. Call it
 * first. */
GRADUS_API void gradus_prepare_process(void);

typedef struct gradus_bench_options {
  size_t struct_size;
  const uint32_t *layers; /* widths, input first */
  size_t n_layers;
  uint32_t batch_size;
  const char *activation, *loss, *optimizer; /* names of gradus-config(5) */
  int threads;                               /* 0: auto */
  const char *isa;                           /* NULL: auto */
  double seconds;
} gradus_bench_options;

typedef struct gradus_bench_result {
  size_t struct_size;
  double step_us, best_us; /* median and minimum over stretches */
  double samples_per_s, gflops, peak_gflops, pct_peak;
  int threads;
  char isa[16], output_activation[16];
} gradus_bench_result;

/* Times training steps on random data, and the machine's own FMA peak before and after. */
GRADUS_API gradus_status gradus_bench(const gradus_bench_options *options, gradus_bench_result *out,
                                      gradus_error *err);

/* What gradus sees of this machine, with advice: text for people or JSON. Free with
 * gradus_text_free (gradus/recipe.h). */
GRADUS_API gradus_status gradus_doctor(int json, char **out, gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
