/* Data sets that are larger than the memory they may use: the same bits as in memory, wherever they
 * are stopped, and clear words where a file lets us down. */
#include <config.h>

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/philox.h"
#include "train/data.h"
#include "train/files.h"
#include "train/test_train.h"
#include "train/trainer.h"

enum { ROWS = 6000, COLUMNS = 24, CLASSES = 3, CHUNK = 100 };
#define TINY ((uint64_t)1 << 19) /* x has 576,000 bytes, in double precision twice as many */
#define PLENTY ((uint64_t)1 << 30)

/* How x is stored. */
typedef struct storage {
  const char *name;
  int chunk_rows, chunk_columns; /* 0: contiguous */
  int gzip;
  hid_t type; /* of numbers in the file */
} storage;

static const float *inputs(void) {
  static float x[ROWS * COLUMNS];
  for (uint64_t i = 0; i < ROWS * COLUMNS; i++)
    x[i] = (float)gr_random_uniform(gr_test_seed(), GR_STREAM_TEST, 1, i);
  return x;
}

static void put(hid_t file, const char *path, hid_t file_type, hid_t memory_type, hid_t list,
                uint64_t rows, uint64_t columns, const void *data) {
  const hsize_t dims[2] = {rows, columns};
  const hid_t space = H5Screate_simple(columns > 1 ? 2 : 1, dims, NULL),
              links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  const hid_t set = H5Dcreate2(file, path, file_type, space, links, list, H5P_DEFAULT);
  CU_ASSERT(set >= 0 && H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(links);
}

static hid_t list_of(const storage *s) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk[2] = {(hsize_t)s->chunk_rows, (hsize_t)s->chunk_columns};
  if (s->chunk_rows) H5Pset_chunk(list, 2, chunk);
  if (s->gzip) {
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 1);
  }
  return list;
}

/* Rows [first, end) of x as /train, weighted or not, and the first of them as /valid, too. */
static char *write_part(const storage *s, const char *name, uint64_t first, uint64_t end,
                        bool weighted, bool with_valid, const float *x) {
  char *path = gr_strdup(gr_test_path(name));
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), list = list_of(s);
  static int32_t y[ROWS];
  static float w[ROWS];
  for (uint64_t i = first; i < end; i++) {
    y[i] = (int32_t)(x[i * COLUMNS] * CLASSES);
    w[i] = (float)(i % 3);
  }
  put(file, "train/x", s->type, H5T_NATIVE_FLOAT, list, end - first, COLUMNS, x + first * COLUMNS);
  put(file, "train/y", H5T_STD_I32LE, H5T_NATIVE_INT32, H5P_DEFAULT, end - first, 1, y + first);
  if (weighted)
    put(file, "train/weight", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, H5P_DEFAULT, end - first, 1,
        w + first);
  if (with_valid) {
    put(file, "valid/x", s->type, H5T_NATIVE_FLOAT, list, 2500, COLUMNS, x);
    put(file, "valid/y", H5T_STD_I32LE, H5T_NATIVE_INT32, H5P_DEFAULT, 2500, 1, y);
  }
  H5Pclose(list);
  H5Fclose(file);
  return path;
}

static gr_dataset open_data(const char *const *paths, size_t n, uint64_t memory) {
  const gr_dataset_options options = {.memory = memory};
  gr_dataset data = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_dataset_read_files(paths, n, &options, &data, &err), &err);
  return data;
}

/* A run up to its end in sessions of `steps` steps; what it came to, and its metrics.jsonl. */
typedef struct outcome {
  char digest[GR_DIGEST_TEXT];
  gr_text metrics;
} outcome;

static outcome run(const gr_dataset *data, const char *const *settings, const char *name,
                   uint64_t steps) {
  outcome o = {.digest = ""};
  gr_report report = {0};
  gradus_error err = {0};
  bool finished = false, found;
  const gr_trainer_options options = {.run_directory = gr_test_path(name)};
  for (int session = 0; !finished && session < 1000; session++) {
    gr_config config = make_config(settings);
    gr_trainer *t = NULL;
    GR_CHECK_OK(gr_trainer_create(&config, data, &options, &t, &err), &err);
    gr_config_free(&config);
    if (!t) return o;
    GR_CHECK_OK(gr_trainer_advance(t, steps, &finished, &err), &err);
    if (!finished) GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
    gr_trainer_report(t, &report);
    gr_trainer_destroy(t);
  }
  char path[GR_RUN_FILE];
  snprintf(o.digest, sizeof o.digest, "%s", report.digest);
  gr_run_file(gr_test_path(name), "metrics.jsonl", path);
  GR_CHECK_OK(gr_file_read(path, &o.metrics, &found, &err), &err);
  return o;
}

static bool same(const outcome *a, const outcome *b) {
  return a->digest[0] && strcmp(a->digest, b->digest) == 0 && a->metrics.length > 0 &&
         a->metrics.length == b->metrics.length &&
         memcmp(a->metrics.data, b->metrics.data, a->metrics.length) == 0;
}

/* In memory in one go, against little memory, in one go and in pieces. */
static void check_streaming(const storage *s, const char *shuffle, const char *threads,
                            bool weighted, bool with_valid) {
  const char *settings[] = {shuffle,
                            threads,
                            "training.shuffle_window=900",
                            "training.shuffle_block=150",
                            "training.batch_size=128",
                            "training.epochs=2",
                            "network.hidden=8",
                            with_valid ? "network.initialization=realmlp" : "training.seed=1",
                            NULL};
  static int number;
  char name[3][40], *path = write_part(s, "data.h5", 0, ROWS, weighted, with_valid, inputs());
  for (int i = 0; i < 3; i++) snprintf(name[i], sizeof name[i], "run%d-%d", number, i);
  number++;
  gr_dataset whole = open_data((const char *const *)&path, 1, PLENTY),
             little = open_data((const char *const *)&path, 1, s->gzip ? 2 * TINY : TINY);
  CU_ASSERT(!whole.split[GR_TRAIN].source && little.split[GR_TRAIN].source);
  CU_ASSERT_STRING_EQUAL(whole.digest, little.digest);
  outcome a = run(&whole, settings, name[0], UINT64_MAX),
          b = run(&little, settings, name[1], UINT64_MAX), c = run(&little, settings, name[2], 17);
  CU_ASSERT(same(&a, &b));
  CU_ASSERT(same(&a, &c));
  if (!same(&a, &b) || !same(&a, &c)) printf("\n    %s, %s, %s\n", s->name, shuffle, threads);
  gr_text_free(&a.metrics);
  gr_text_free(&b.metrics);
  gr_text_free(&c.metrics);
  gr_dataset_free(&whole);
  gr_dataset_free(&little);
  gr_free(path);
}

static void streamed_data_train_the_bits_of_data_in_memory(void) {
  const storage ways[] = {{"contiguous", 0, 0, 0, H5T_IEEE_F32LE},
                          {"big-endian", 0, 0, 0, H5T_IEEE_F32BE},
                          {"chunked", CHUNK, COLUMNS, 0, H5T_IEEE_F32LE},
                          {"gzip in cut rows", 70, 10, 1, H5T_IEEE_F64BE}};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    check_streaming(&ways[i], "training.shuffle=window", "resources.threads=2", i % 2, false);
    check_streaming(&ways[i], "training.shuffle=window", "resources.threads=1", false, true);
    check_streaming(&ways[i], "training.shuffle=none", "resources.threads=1", i % 2, i % 2);
  }
  check_streaming(&ways[0], "training.shuffle=full", "resources.threads=2", true, false);
}

static void several_files_are_one_data_set(void) {
  const storage s = {"contiguous", 0, 0, 0, H5T_IEEE_F32LE};
  const float *x = inputs();
  char *whole = write_part(&s, "whole.h5", 0, ROWS, true, false, x),
       *part[3] = {write_part(&s, "a.h5", 0, 1000, true, false, x),
                   write_part(&s, "b.h5", 1000, 1001, true, false, x),
                   write_part(&s, "c.h5", 1001, ROWS, true, false, x)};
  FILE *file = fopen(gr_test_path("list.txt"), "w");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  fputs("# the parts\na.h5\n\n  b.h5\r\nc.h5\n", file);
  fclose(file);
  char *list = gr_strdup(gr_test_path("list.txt"));
  const char *settings[] = {"training.shuffle=window",    "training.shuffle_window=500",
                            "training.shuffle_block=100", "training.epochs=1",
                            "network.hidden=8",           NULL};
  gr_dataset d[3] = {open_data((const char *const *)&whole, 1, PLENTY),
                     open_data((const char *const *)part, 3, TINY),
                     open_data((const char *const *)&list, 1, TINY)};
  outcome o[3];
  for (int i = 0; i < 3; i++) {
    char name[20];
    snprintf(name, sizeof name, "parts%d", i);
    CU_ASSERT_STRING_EQUAL(d[i].digest, d[0].digest);
    o[i] = run(&d[i], settings, name, UINT64_MAX);
    CU_ASSERT(same(&o[0], &o[i]));
  }
  for (int i = 0; i < 3; i++) {
    gr_text_free(&o[i].metrics);
    gr_dataset_free(&d[i]);
    gr_free(part[i]);
  }
  gr_free(whole);
  gr_free(list);
}

/* Tries to train; the message. */
static void refuse(const gr_dataset *data, const char *const *settings, const char *name,
                   gradus_status wanted, const char *word) {
  gr_config config = make_config(settings);
  gr_trainer *t = NULL;
  gradus_error err = {0};
  bool finished;
  const gr_trainer_options options = {.run_directory = gr_test_path(name)};
  gradus_status status = gr_trainer_create(&config, data, &options, &t, &err);
  if (status == GRADUS_OK) status = gr_trainer_advance(t, UINT64_MAX, &finished, &err);
  GR_CHECK_FAILS(status, wanted, &err, word);
  gr_trainer_destroy(t);
  gr_config_free(&config);
}

static void what_is_not_finite_is_found_where_it_is_read(void) {
  static float x[ROWS * COLUMNS];
  const storage s = {"chunked", CHUNK, COLUMNS, 0, H5T_IEEE_F32LE};
  const char *settings[] = {"training.shuffle=window", "training.shuffle_window=900",
                            "training.shuffle_block=100", "data.standardize=none", NULL};
  memcpy(x, inputs(), sizeof x);
  x[4321 * COLUMNS + 5] = (float)NAN;
  char *path = write_part(&s, "nan.h5", 0, ROWS, false, false, x);
  gr_dataset data = open_data((const char *const *)&path, 1, TINY);
  refuse(&data, settings, "nan", GRADUS_ERR_DATA, "train/x: row 4321, column 5 (from 0) is NaN");
  settings[3] = "data.standardize=zscore";
  refuse(&data, settings, "nan-fitted", GRADUS_ERR_DATA, "row 4321, column 5");
  gr_dataset_free(&data);
  gr_free(path);
}

static void a_full_shuffle_of_pieces_that_do_not_fit_is_refused_with_advice(void) {
  const storage s = {"chunked", CHUNK, COLUMNS, 0, H5T_IEEE_F32LE};
  const char *settings[] = {"training.shuffle=full", NULL};
  char *path = write_part(&s, "pieces.h5", 0, ROWS, false, false, inputs());
  gr_dataset data = open_data((const char *const *)&path, 1, TINY);
  refuse(&data, settings, "pieces", GRADUS_ERR_RESOURCES, "use window, raise resources.memory");
  settings[0] = "training.shuffle_window=1000000";
  refuse(&data, (const char *[]){"training.shuffle=window", settings[0], NULL}, "pieces",
         GRADUS_ERR_RESOURCES, "raise resources.memory");
  gr_dataset_free(&data);
  gr_free(path);
}

static void a_file_that_shrinks_under_a_run_is_an_error_with_a_name(void) {
  const storage s = {"chunked", CHUNK, COLUMNS, 0, H5T_IEEE_F32LE};
  const char *settings[] = {"training.shuffle=window", "training.shuffle_window=900",
                            "training.shuffle_block=100", "data.standardize=none", NULL};
  char *path = write_part(&s, "shrinks.h5", 0, ROWS, false, true, inputs());
  gr_dataset data = open_data((const char *const *)&path, 1, TINY);
  CU_ASSERT_EQUAL(truncate(path, 100000), 0);
  refuse(&data, settings, "shrinks", GRADUS_ERR_DATA, "shrinks.h5");
  gr_dataset_free(&data);
  gr_free(path);
}

const gr_test stream_tests[] = {
    GR_TEST(streamed_data_train_the_bits_of_data_in_memory),
    GR_TEST(several_files_are_one_data_set),
    GR_TEST(what_is_not_finite_is_found_where_it_is_read),
    GR_TEST(a_full_shuffle_of_pieces_that_do_not_fit_is_refused_with_advice),
    GR_TEST(a_file_that_shrinks_under_a_run_is_an_error_with_a_name),
    GR_TEST_END};
