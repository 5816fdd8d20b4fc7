/* Files for the tests of this layer, made with the HDF5 library directly. */
#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

hid_t gr_file_make(const char *path) {
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  CU_ASSERT_FATAL(file >= 0);
  return file;
}

void gr_file_end(hid_t file) {
  CU_ASSERT_FATAL(H5Fclose(file) >= 0);
}

void gr_file_put(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                 const void *data, hid_t plist) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  CU_ASSERT_FATAL(H5Pset_create_intermediate_group(links, 1) >= 0 && space >= 0);
  hid_t set = H5Dcreate2(file, path, type, space, links, plist ? plist : H5P_DEFAULT, H5P_DEFAULT);
  CU_ASSERT_FATAL(set >= 0);
  if (data) CU_ASSERT_FATAL(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(links);
}

void gr_file_put_xy(hid_t file, const char *x, const char *y, hsize_t rows, hsize_t columns) {
  const hsize_t dims[2] = {rows, columns};
  float *data = calloc(rows * columns, sizeof *data);
  int32_t *labels = calloc(rows, sizeof *labels);
  CU_ASSERT_FATAL(data && labels);
  for (hsize_t i = 0; i < rows * columns; i++) data[i] = (float)i / 8;
  for (hsize_t i = 0; i < rows; i++) labels[i] = (int32_t)(i % 3);
  gr_file_put(file, x, H5T_NATIVE_FLOAT, 2, dims, data, 0);
  if (y) gr_file_put(file, y, H5T_NATIVE_INT32, 1, dims, labels, 0);
  free(data);
  free(labels);
}

gr_bytes_of gr_file_bytes(const char *path) {
  gr_bytes_of bytes = {NULL, 0};
  FILE *file = fopen(path, "rb");
  CU_ASSERT_FATAL(file && fseek(file, 0, SEEK_END) == 0);
  long n = ftell(file);
  rewind(file);
  CU_ASSERT_FATAL(n >= 0 && (bytes.data = malloc((size_t)n + 1)) != NULL);
  bytes.n = fread(bytes.data, 1, (size_t)n, file);
  CU_ASSERT_FATAL(bytes.n == (size_t)n);
  fclose(file);
  return bytes;
}

void gr_file_set(const char *path, const void *data, size_t n) {
  FILE *file = fopen(path, "wb");
  CU_ASSERT_FATAL(file && fwrite(data, 1, n, file) == n && fclose(file) == 0);
}

int gr_files_in(const char *directory) {
  int n = 0;
  DIR *dir = opendir(directory);
  CU_ASSERT_FATAL(dir != NULL);
  for (const struct dirent *entry; (entry = readdir(dir));)
    n += entry->d_name[0] != '.' || strncmp(entry->d_name, ".tmp-", 5) == 0;
  closedir(dir);
  return n;
}

uint64_t gr_handles(void) {
  static const H5I_type_t kinds[] = {H5I_GENPROP_LST, H5I_DATASPACE, H5I_DATATYPE, H5I_FILE,
                                     H5I_GROUP,       H5I_DATASET,   H5I_ATTR};
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    hsize_t n = 0;
    if (H5Inmembers(kinds[i], &n) >= 0) sum += n;
  }
  return sum;
}

gr_dataset gr_read_file(const char *path, const char *x, const char *y) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.x = x, .y = y};
  uint64_t before = gr_handles();
  GR_CHECK_OK(gr_dataset_read(path, &options, &d, &err), &err);
  CU_ASSERT_EQUAL(gr_handles(), before);
  return d;
}

void gr_refuse_file(const char *path, const char *x, const char *y, const char *word) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.x = x, .y = y};
  uint64_t before = gr_handles();
  GR_CHECK_FAILS(gr_dataset_read(path, &options, &d, &err), GRADUS_ERR_DATA, &err, word);
  CU_ASSERT(strstr(err.message, path) != NULL && strchr(err.message, '\n') == NULL);
  CU_ASSERT(d.split[GR_TRAIN].x == NULL && d.path == NULL);
  CU_ASSERT_EQUAL(gr_handles(), before);
}

hid_t gr_half_type(H5T_order_t order) {
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  H5Tset_order(type, order);
  return type;
}
