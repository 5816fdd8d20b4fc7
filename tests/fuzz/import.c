/* Rows are counted, looked at and thrown away: what is looked for is in the reading. */
#include <config.h>

#include "fuzz/import.h"

#include <string.h>

#include "base/memory.h"
#include "fuzz/fuzz.h"

/* What has come so far. */
struct counter {
  gr_dataset shape;
  bool begun;
  int split;
  uint64_t rows[GR_N_SPLITS][GR_N_FIELDS];
  unsigned char sum;
};

static gradus_status begin(void *user, gr_dataset *shape, gradus_error *err) {
  struct counter *c = user;
  (void)err;
  GR_FUZZ_REQUIRE(!c->begun && shape->n_columns > 0);
  c->begun = true;
  c->shape = *shape;
  *shape = (gr_dataset){0};
  return GRADUS_OK;
}

static gradus_status put(void *user, int split, gr_field field, const void *rows, uint64_t n,
                         gradus_error *err) {
  struct counter *c = user;
  gr_dtype type;
  uint32_t columns = gr_field_columns(&c->shape, split, field, &type);
  const unsigned char *bytes = rows;
  (void)err;
  GR_FUZZ_REQUIRE(c->begun && columns > 0 && n > 0 && split >= c->split);
  c->split = split;
  c->rows[split][field] += n;
  size_t size = (size_t)n * columns * gr_dtype_size(type);
  for (size_t i = 0; i < size; i += size < 65536 ? 1 : 509) c->sum ^= bytes[i];
  c->sum ^= bytes[size - 1];
  return GRADUS_OK;
}

static void check(const struct counter *c) {
  gr_dtype type;
  GR_FUZZ_REQUIRE(c->begun);
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++)
      GR_FUZZ_REQUIRE(
          c->rows[s][field] ==
          (gr_field_columns(&c->shape, s, (gr_field)field, &type) ? c->shape.split[s].n_rows : 0));
}

void gr_fuzz_import(const gr_import_options *options) {
  gradus_error err = {0};
  struct counter counter = {.begun = false};
  const gr_sink sink = {begin, put, &counter};
  gradus_status status = gr_import_run(options, &sink, NULL, &err);
  if (status == GRADUS_OK) {
    check(&counter);
  } else {
    GR_FUZZ_REQUIRE(status < 0 && err.message[0] && !strchr(err.message, '\n'));
    GR_FUZZ_REQUIRE(status != GRADUS_ERR_INTERNAL && status != GRADUS_ERR_RESOURCES);
  }
  for (int s = 0; s < GR_N_SPLITS; s++)
    counter.shape.split[s].x = counter.shape.split[s].y = counter.shape.split[s].weight = NULL,
    counter.shape.split[s].offset = NULL;
  gr_dataset_free(&counter.shape);
}
