/* Sources: every way of storing rows that is read without HDF5 gives what HDF5 reads, or what was
 * written; several threads at once too. */
#include <config.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/h5_array.h"
#include "suites.h"

/* ---- against HDF5 ---- */

/* What HDF5 reads, as rows: [rows][columns], to be freed; NULL where gr_h5_array_open refuses. */
static char *read_whole(const char *path, const char *name, bool transpose) {
  gr_h5_file file;
  gr_h5_array a;
  gr_h5_quiet quiet = gr_h5_begin();
  char *out = NULL;
  CU_ASSERT_FATAL(gr_h5_open(path, &file, NULL) == GRADUS_OK);
  if (gr_h5_array_open(&file, name, &a, NULL) == GRADUS_OK) {
    const size_t size = gr_dtype_size(a.dtype);
    char *data = malloc(a.n * size + 1);
    CU_ASSERT_FATAL(data && (out = malloc(a.n * size + 1)));
    if (gr_h5_array_read(&a, data, NULL) == GRADUS_OK) {
      const size_t rows = transpose && a.rank > 1 ? a.dims[a.rank - 1] : a.n,
                   columns = rows ? a.n / rows : 0;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
          memcpy(out + (i * columns + j) * size, data + (j * rows + i) * size, size);
    } else {
      free(out);
      out = NULL;
    }
    free(data);
    gr_h5_array_close(&a);
  }
  gr_h5_close(&file);
  gr_h5_end(&quiet);
  return out;
}

static void check_against_hdf5(const char *path, const char *name, bool transpose,
                               gr_source_kind kind) {
  char *expected = read_whole(path, name, transpose);
  CU_ASSERT_FATAL(expected != NULL);
  gr_check_source(path, name, transpose, kind, expected);
  free(expected);
}

struct form {
  hid_t type;
  int rank;
  hsize_t dims[4], chunk[4]; /* chunk[0] 0: contiguous */
  const char *filters;       /* s shuffle, g gzip, f fletcher32, in this order of application */
  gr_source_kind kind, turned_kind;
};

static hid_t form_plist(const struct form *f) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  if (f->chunk[0]) CU_ASSERT_FATAL(H5Pset_chunk(plist, f->rank, f->chunk) >= 0);
  for (const char *c = f->filters; *c; c++) {
    if (*c == 's') CU_ASSERT_FATAL(H5Pset_shuffle(plist) >= 0);
    if (*c == 'g') CU_ASSERT_FATAL(H5Pset_deflate(plist, 1) >= 0);
    if (*c == 'f') CU_ASSERT_FATAL(H5Pset_fletcher32(plist) >= 0);
    if (*c == 'n') CU_ASSERT_FATAL(H5Pset_nbit(plist) >= 0);
    if (*c == 'c') CU_ASSERT_FATAL(H5Pset_layout(plist, H5D_COMPACT) >= 0);
  }
  return plist;
}

static void put_form(hid_t file, const char *name, const struct form *f) {
  size_t bytes = H5Tget_size(f->type);
  for (int i = 0; i < f->rank; i++) bytes *= f->dims[i];
  void *data = malloc(bytes);
  CU_ASSERT_FATAL(data != NULL);
  gr_fill(data, bytes);
  hid_t plist = form_plist(f);
  gr_file_put(file, name, f->type, f->rank, f->dims, data, plist);
  H5Pclose(plist);
  free(data);
}

static void every_way_of_storing_gives_the_rows_that_hdf5_reads(void) {
  const gr_source_kind M = GR_SOURCE_MAPPED, D = GR_SOURCE_DIRECT, C = GR_SOURCE_CHUNKED,
                       L = GR_SOURCE_LIBRARY;
  const struct form forms[] = {
      {H5T_STD_U8LE, 2, {50, 7}, {0}, "", M, D},
      {H5T_IEEE_F32LE, 2, {50, 7}, {0}, "", M, D},
      {H5T_IEEE_F32BE, 2, {50, 7}, {0}, "", D, D},
      {H5T_STD_I16BE, 3, {40, 3, 70}, {0}, "", D, D},
      {H5T_IEEE_F64LE, 1, {33}, {0}, "", M, M},
      {H5T_IEEE_F64BE, 1, {1}, {0}, "", D, D},
      {gr_half_type(H5T_ORDER_BE), 2, {9, 70}, {0}, "", D, D},
      {H5T_STD_U8LE, 2, {50, 7}, {8, 7}, "", C, C},
      {H5T_STD_I32BE, 2, {50, 7}, {8, 7}, "g", C, C},
      {H5T_IEEE_F32LE, 2, {50, 7}, {8, 7}, "sg", C, C},
      {H5T_IEEE_F64LE, 2, {50, 7}, {8, 7}, "sgf", C, C},
      {H5T_STD_I64BE, 2, {50, 7}, {8, 3}, "fsg", C, C},
      {H5T_IEEE_F32LE, 2, {50, 7}, {8, 3}, "s", C, C},
      {H5T_IEEE_F32LE, 2, {50, 7}, {8, 3}, "", C, C},
      {H5T_STD_U16LE, 2, {50, 7}, {50, 1}, "g", C, C},
      {H5T_STD_U16LE, 4, {21, 3, 5, 4}, {4, 2, 5, 3}, "sgf", C, C},
      {H5T_STD_I8LE, 3, {21, 6, 5}, {1, 6, 5}, "f", C, C},
      {H5T_STD_I8LE, 3, {21, 6, 5}, {21, 6, 5}, "gg", C, C},
      {H5T_IEEE_F64BE, 1, {1000}, {17}, "sgf", C, C},
      {H5T_STD_U32LE, 2, {50, 7}, {8, 7}, "n", L, L},
      {H5T_STD_U32BE, 2, {50, 7}, {8, 3}, "n", L, L},
      {H5T_STD_U32LE, 2, {50, 7}, {0}, "c", L, L},
      {H5T_STD_I32BE, 3, {5, 7, 3}, {0}, "c", L, L},
  };
  for (int latest = 0; latest < 2; latest++) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
      const char *path = gr_test_path("form.h5");
      hid_t access = H5Pcreate(H5P_FILE_ACCESS);
      if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
      hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
      put_form(file, "x", &forms[i]);
      gr_file_end(file);
      H5Pclose(access);
      check_against_hdf5(path, "x", false, forms[i].kind);
      check_against_hdf5(path, "x", true, forms[i].turned_kind);
    }
  }
}

static void number_types_that_hdf5_converts_are_read_by_it(void) {
  hid_t three = H5Tcopy(H5T_STD_I32LE);
  H5Tset_size(three, 3);
  const struct form forms[] = {
      {three, 2, {30, 4}, {0}, "", 0, 0},
      {three, 2, {30, 4}, {7, 4}, "g", 0, 0},
      {three, 2, {30, 4}, {7, 3}, "sg", 0, 0},
  };
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    hid_t file = gr_file_make(gr_test_path("three.h5"));
    put_form(file, "x", &forms[i]);
    gr_file_end(file);
    for (int turned = 0; turned < 2; turned++)
      check_against_hdf5(gr_test_path("three.h5"), "x", turned, GR_SOURCE_LIBRARY);
  }
  H5Tclose(three);
}

/* ---- files of others ---- */

struct names {
  char name[64][256];
  int n;
};

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *user) {
  struct names *names = user;
  (void)group;
  if (info->type != H5L_TYPE_HARD || names->n == 64) return 0;
  snprintf(names->name[names->n++], sizeof names->name[0], "%s", name);
  return 0;
}

/* True where HDF5 reads numbers there and the source gives the same. */
static bool check_object(const char *path, const char *name) {
  const gr_source_part part = {path, name, false};
  gradus_error err = {0};
  gr_source *source = NULL;
  char *expected = read_whole(path, name, false);
  if (!expected) return false;
  gradus_status status = gr_source_open(&part, 1, &source, &err);
  if (status == GRADUS_OK)
    gr_check_rows(source, expected);
  else
    CU_ASSERT(strstr(err.message, "no rows") || strstr(err.message, "single value"));
  gr_source_close(source);
  free(expected);
  return status == GRADUS_OK;
}

static void files_of_other_programs_read_as_hdf5_reads_them(void) {
  static struct names names;
  const char *data = gr_test_real_data();
  char folder[4096], path[8192];
  snprintf(folder, sizeof folder, "%s/hdf5", data ? data : "");
  DIR *dir = data ? opendir(folder) : NULL;
  if (!dir) {
    printf("(no GRADUS_TEST_DATA) ");
    return;
  }
  int n = 0;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    if (!strstr(entry->d_name, ".h")) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    names.n = 0;
    CU_ASSERT(H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, take_name, &names) >= 0);
    H5Fclose(file);
    for (int i = 0; i < names.n; i++) n += check_object(path, names.name[i]);
  }
  closedir(dir);
  CU_ASSERT(n > 40);
}

const gr_test gr_source_tests[] = {
    GR_TEST(every_way_of_storing_gives_the_rows_that_hdf5_reads),
    GR_TEST(number_types_that_hdf5_converts_are_read_by_it),
    GR_TEST(files_of_other_programs_read_as_hdf5_reads_them),
    GR_TEST_END,
};
