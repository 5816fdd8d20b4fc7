/* The standard shapes of bench, and how its results are shown. */
#ifndef GR_CLI_BENCH_H
#define GR_CLI_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <gradus/tool.h>

/* A network and batch that speed is compared on; what it leaves open, the recipe says. */
typedef struct gr_bench_shape {
  const char *name;
  const char *inputs, *hidden, *outputs; /* widths, as the keys of network take them */
  const char *batch_size, *activation, *loss;
} gr_bench_shape;

/* The table ends with a row whose name is NULL. */
extern const gr_bench_shape gr_bench_shapes[];

/* The shape `name`; GRADUS_ERR_USAGE names the nearest. */
gradus_status gr_bench_shape_find(const char *name, const gr_bench_shape **out, gradus_error *err);

/* How results are shown: lines of JSON, else rows of a Markdown table, else columns. */
typedef struct gr_bench_view {
  int json, table, phases, digest;
} gr_bench_view;

/* What stands above the first result. */
void gr_bench_put_head(const gr_bench_view *view, const gradus_bench_result *result);

/* One result; `name` of its shape, or NULL. */
void gr_bench_put(const gr_bench_view *view, const char *name, const gradus_bench_result *result);

/* A plan for `threads` threads (0: auto) as it is, or as JSON. */
void gr_bench_put_plan(const gr_bench_view *view, const char *name, int threads, const char *plan);

#endif
