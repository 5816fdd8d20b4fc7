/* Prediction files as other programs find them. */
#include <config.h>

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/predictions.h"
#include "test_interop.h"

static const float two_by_three[] = {0.1f, 0.7f, 0.2f, 0.5f, 0.25f, 0.25f};
static const char *const names[] = {"cat", "dog, big", "say \"moo\""};

/* The file as a string; the caller frees. */
static void check_csv(const char *path, const char *wanted) {
  file_bytes bytes = slurp(path);
  CU_ASSERT_STRING_EQUAL(bytes.data, wanted);
  gr_free(bytes.data);
}

static void csv_holds_classes_and_probabilities(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("p.csv");
  GR_CHECK_OK(gr_predictions_write(path, false, two_by_three, 2, 3, names, 3, &err), &err);
  check_csv(path,
            "class,p(cat),\"p(dog, big)\",\"p(say \"\"moo\"\")\"\n"
            "\"dog, big\",0.1,0.7,0.2\ncat,0.5,0.25,0.25\n");
}

static void one_output_for_two_classes_gives_both_probabilities(void) {
  gradus_error err = {0};
  const float p[] = {0.25f, 0.75f, 0.5f};
  const char *path = gr_test_path("two.csv");
  GR_CHECK_OK(gr_predictions_write(path, false, p, 3, 1, names, 2, &err), &err);
  check_csv(path,
            "class,p(cat),\"p(dog, big)\"\n"
            "cat,0.75,0.25\n\"dog, big\",0.25,0.75\ncat,0.5,0.5\n");
}

static void csv_of_a_regression_holds_the_targets(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("r.csv");
  GR_CHECK_OK(gr_predictions_write(path, false, two_by_three, 6, 1, NULL, 0, &err), &err);
  check_csv(path, "prediction\n0.1\n0.7\n0.2\n0.5\n0.25\n0.25\n");
  GR_CHECK_OK(gr_predictions_write(path, true, two_by_three, 2, 3, NULL, 0, &err), &err);
  check_csv(path, "prediction_1,prediction_2,prediction_3\n0.1,0.7,0.2\n0.5,0.25,0.25\n");
}

/* A large file goes out in several pieces. */
static void many_rows_are_written_whole(void) {
  enum { N = 30000 };
  static float values[N];
  gradus_error err = {0};
  for (int i = 0; i < N; i++) values[i] = (float)i / 7;
  const char *path = gr_test_path("many.csv");
  GR_CHECK_OK(gr_predictions_write(path, false, values, N, 1, NULL, 0, &err), &err);
  file_bytes bytes = slurp(path);
  char *at = strchr(bytes.data, '\n');
  for (int i = 0; i < N && at; i++, at = strchr(at, '\n'))
    CU_ASSERT_FATAL(strtof(++at, NULL) == values[i]);
  CU_ASSERT(at && at[1] == '\0');
  gr_free(bytes.data);
}

static void npy_has_the_documented_heading(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("p.npy");
  GR_CHECK_OK(gr_predictions_write(path, false, two_by_three, 2, 3, names, 3, &err), &err);
  file_bytes bytes = slurp(path);
  CU_ASSERT(bytes.size > 10 && memcmp(bytes.data, "\x93NUMPY\x01\x00", 8) == 0);
  size_t length = (unsigned char)bytes.data[8] + 256u * (unsigned char)bytes.data[9];
  CU_ASSERT_FATAL((10 + length) % 64 == 0 && bytes.size == 10 + length + sizeof two_by_three);
  CU_ASSERT(bytes.data[10 + length - 1] == '\n');
  CU_ASSERT_PTR_NOT_NULL(
      strstr(bytes.data + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  CU_ASSERT(memcmp(bytes.data + 10 + length, two_by_three, sizeof two_by_three) == 0);
  gr_free(bytes.data);
}

static void h5_holds_one_array(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("p.h5");
  GR_CHECK_OK(gr_predictions_write(path, false, two_by_three, 2, 3, names, 3, &err), &err);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  CU_ASSERT_FATAL(file >= 0);
  hid_t set = H5Dopen2(file, "predictions", H5P_DEFAULT), space = H5Dget_space(set);
  hsize_t shape[2] = {0, 0};
  float back[6] = {0};
  CU_ASSERT(H5Sget_simple_extent_dims(space, shape, NULL) == 2 && shape[0] == 2 && shape[1] == 3);
  CU_ASSERT(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0);
  CU_ASSERT(memcmp(back, two_by_three, sizeof back) == 0);
  CU_ASSERT(H5Sclose(space) >= 0 && H5Dclose(set) >= 0 && H5Fclose(file) >= 0);
}

static void existing_files_are_kept_unless_told(void) {
  static const char *const files[] = {"k.csv", "k.npy", "k.h5"};
  gradus_error err = {0};
  for (size_t i = 0; i < 3; i++) {
    const char *path = write_text(files[i], "precious");
    GR_CHECK_FAILS(gr_predictions_write(path, false, two_by_three, 2, 3, NULL, 0, &err),
                   GRADUS_ERR_CANTCREATE, &err, "exists already");
    check_csv(path, "precious");
    GR_CHECK_OK(gr_predictions_write(path, true, two_by_three, 2, 3, NULL, 0, &err), &err);
    file_bytes bytes = slurp(path);
    CU_ASSERT(strcmp(bytes.data, "precious") != 0);
    gr_free(bytes.data);
  }
}

static void bad_places_are_refused(void) {
  gradus_error err = {0};
  GR_CHECK_FAILS(gr_predictions_write("p.txt", false, two_by_three, 2, 3, NULL, 0, &err),
                 GRADUS_ERR_USAGE, &err, ".csv, .npy or .h5");
  GR_CHECK_FAILS(gr_predictions_write("csv", false, two_by_three, 2, 3, NULL, 0, &err),
                 GRADUS_ERR_USAGE, &err, ".csv, .npy or .h5");
  GR_CHECK_FAILS(
      gr_predictions_write("/nonexistent/p.csv", false, two_by_three, 2, 3, NULL, 0, &err),
      GRADUS_ERR_CANTCREATE, &err, "/nonexistent/p.csv");
  GR_CHECK_FAILS(
      gr_predictions_write("/nonexistent/p.h5", false, two_by_three, 2, 3, NULL, 0, &err),
      GRADUS_ERR_CANTCREATE, &err, "/nonexistent/p.h5");
}

static void a_dash_is_standard_output(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("stdout");
  fflush(stdout);
  int saved = dup(STDOUT_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CU_ASSERT_FATAL(saved >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
  gradus_status status = gr_predictions_write("-", false, two_by_three, 3, 2, NULL, 0, &err);
  CU_ASSERT(dup2(saved, STDOUT_FILENO) >= 0 && close(saved) == 0 && close(file) == 0);
  GR_CHECK_OK(status, &err);
  check_csv(path, "prediction_1,prediction_2\n0.1,0.7\n0.2,0.5\n0.25,0.25\n");
}

const gr_test prediction_tests[] = {GR_TEST(csv_holds_classes_and_probabilities),
                                    GR_TEST(one_output_for_two_classes_gives_both_probabilities),
                                    GR_TEST(csv_of_a_regression_holds_the_targets),
                                    GR_TEST(many_rows_are_written_whole),
                                    GR_TEST(npy_has_the_documented_heading),
                                    GR_TEST(h5_holds_one_array),
                                    GR_TEST(existing_files_are_kept_unless_told),
                                    GR_TEST(bad_places_are_refused),
                                    GR_TEST(a_dash_is_standard_output),
                                    GR_TEST_END};
