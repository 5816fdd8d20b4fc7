/* Importers, generators and prediction files. This file holds what the suites share. */
#include <config.h>

#include "test_interop.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

char account[65536];

const char *write_file(const char *name, const void *bytes, size_t size) {
  const char *path = gr_test_path(name);
  FILE *file = fopen(path, "wb");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, size, file), size);
  CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
  return path;
}

const char *write_text(const char *name, const char *text) {
  return write_file(name, text, strlen(text));
}

file_bytes slurp(const char *path) {
  file_bytes bytes = {0};
  gradus_error err = {0};
  gr_input *stream = NULL;
  GR_CHECK_OK(gr_input_open(path, &stream, &err), &err);
  bytes.data = gr_calloc(gr_input_length(stream) + 1, 1);
  CU_ASSERT_PTR_NOT_NULL_FATAL(bytes.data);
  GR_CHECK_OK(gr_input_read(stream, bytes.data, (size_t)gr_input_length(stream), &bytes.size, &err),
              &err);
  gr_input_close(stream);
  return bytes;
}

void clear_account(void) {
  account[0] = '\0';
}

void keep_account(void *user, gr_level level, const char *text) {
  size_t used = strlen(account);
  (void)user;
  snprintf(account + used, sizeof account - used, "%s%s\n", level == GR_INFO ? "" : "! ", text);
}

int said(const char *text) {
  if (strstr(account, text)) return 1;
  printf("\n  wanted '%s' in:\n%s", text, account);
  return 0;
}

gr_import_options import_of(const char *train) {
  return (gr_import_options){.source = {train}, .task = GR_AUTO, .log = {keep_account, NULL}};
}

void import_well(const gr_import_options *options, gr_dataset *out) {
  gradus_error err = {0};
  clear_account();
  GR_CHECK_OK(gr_import_read(options, out, &err), &err);
}

void import_badly(const gr_import_options *options, gradus_status status, const char *word) {
  gradus_error err = {0};
  gr_dataset dataset;
  clear_account();
  GR_CHECK_FAILS(gr_import_read(options, &dataset, &err), status, &err, word);
  CU_ASSERT_PTR_NULL(strchr(err.message, '\n'));
  CU_ASSERT_PTR_NULL(dataset.split[GR_TRAIN].x);
  gr_dataset_free(&dataset);
}

int main(int argc, char **argv) {
  static const gr_suite suites[] = {{"text", text_tests},
                                    {"table", table_tests},
                                    {"idx", idx_tests},
                                    {"stream", stream_tests},
                                    {"numpy", numpy_tests},
                                    {"libsvm", libsvm_tests},
                                    {"append", append_tests},
                                    {"generate", generate_tests},
                                    {"predictions", prediction_tests},
                                    {NULL, NULL}};
  return gr_test_main(argc, argv, suites);
}
