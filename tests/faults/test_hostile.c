/* Data files made to do harm: to read other files, to run code, to take all memory or time, to
 * write to the terminal. Each is refused as bad data, by name, and nothing but what was named on
 * the command line is opened (the shim writes down every open). */
#include <config.h>

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "store/process.h"

enum { ROWS = 8, COLUMNS = 3, FILTER = 31998 };

static const hsize_t shape[2] = {ROWS, COLUMNS};

/* ---- making files ---- */

/* data of `type` (a memory type, too) at `path`, groups on the way created; data NULL: not written.
 */
static void put(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                hid_t plist, const void *data) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
  CU_ASSERT_FATAL(links >= 0 && space >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0);
  hid_t set = H5Dcreate2(file, path, type, space, links, plist, H5P_DEFAULT);
  CU_ASSERT_FATAL(set >= 0);
  if (data) CU_ASSERT_FATAL(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(links);
}

static void put_floats(hid_t file, const char *path) {
  float x[ROWS * COLUMNS];
  for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)(i % 7);
  put(file, path, H5T_NATIVE_FLOAT, 2, shape, H5P_DEFAULT, x);
}

static void put_labels(hid_t file, const char *path) {
  int y[ROWS];
  for (int i = 0; i < ROWS; i++) y[i] = i % 2;
  put(file, path, H5T_NATIVE_INT, 1, shape, H5P_DEFAULT, y);
}

static void external_link(hid_t file) {
  hid_t group = H5Gcreate2(file, "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  CU_ASSERT(H5Lcreate_external("secret.h5", "/train/x", group, "x", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  H5Gclose(group);
}

static void external_link_for_a_group(hid_t file) {
  CU_ASSERT(H5Lcreate_external("secret.h5", "/train", file, "train", H5P_DEFAULT, H5P_DEFAULT) >=
            0);
}

static void external_storage(hid_t file) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  CU_ASSERT(H5Pset_external(plist, gr_work_file("secret.h5"), 0, sizeof(float) * ROWS * COLUMNS) >=
            0);
  put(file, "/train/x", H5T_NATIVE_FLOAT, 2, shape, plist, NULL);
  H5Pclose(plist);
}

static void virtual_storage(hid_t file) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, NULL);
  CU_ASSERT(H5Pset_virtual(plist, space, "../secret.h5", "/train/x", space) >= 0);
  put(file, "/train/x", H5T_NATIVE_FLOAT, 2, shape, plist, NULL);
  H5Sclose(space);
  H5Pclose(plist);
}

static size_t pass(unsigned flags, size_t n_values, const unsigned *values, size_t n, size_t *size,
                   void **buffer) {
  (void)flags, (void)n_values, (void)values, (void)size, (void)buffer;
  return n;
}

static void plugin_filter(hid_t file) {
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, FILTER, 1, 1, "marking", NULL, NULL, pass};
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  float x[ROWS * COLUMNS] = {0};
  CU_ASSERT_FATAL(H5Zregister(&filter) >= 0 && H5Pset_chunk(plist, 2, shape) >= 0);
  CU_ASSERT_FATAL(H5Pset_filter(plist, FILTER, 0, 0, NULL) >= 0);
  put(file, "/train/x", H5T_NATIVE_FLOAT, 2, shape, plist, x);
  H5Pclose(plist);
  CU_ASSERT(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 && H5Zunregister(FILTER) >= 0);
}

static void soft_links_in_circles(hid_t file) {
  CU_ASSERT(H5Lcreate_soft("/b", file, "train", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  CU_ASSERT(H5Lcreate_soft("/train", file, "b", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void more_elements_than_there_are_bytes(hid_t file) {
  const hsize_t huge[2] = {(hsize_t)1 << 31, (hsize_t)1 << 29}; /* 2^60 floats */
  put(file, "/train/x", H5T_NATIVE_UINT8, 2, huge, H5P_DEFAULT, NULL);
}

/* One stored chunk of zeros, declared to be 64 GiB. */
static void bomb(hid_t file) {
  const hsize_t dims[2] = {(hsize_t)1 << 36 >> 10, 1 << 10}, chunk[2] = {1 << 10, 1 << 10};
  const hsize_t at[2] = {0, 0};
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  unsigned char *zeros = calloc(chunk[0], chunk[1]);
  CU_ASSERT_FATAL(zeros && H5Pset_chunk(plist, 2, chunk) >= 0 && H5Pset_deflate(plist, 9) >= 0);
  put(file, "/train/x", H5T_NATIVE_UINT8, 2, dims, plist, NULL);
  hid_t set = H5Dopen2(file, "/train/x", H5P_DEFAULT), space = H5Dget_space(set);
  hid_t memory = H5Screate_simple(2, chunk, NULL);
  CU_ASSERT(H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, chunk, NULL) >= 0);
  CU_ASSERT(H5Dwrite(set, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, zeros) >= 0);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(set);
  H5Pclose(plist);
  free(zeros);
}

static void put_zeros(hid_t file, hid_t type) {
  static const char zeros[4096];
  put(file, "/train/x", type, 2, shape, H5P_DEFAULT, zeros);
  H5Tclose(type);
}

static void compound(hid_t file) {
  hid_t type = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(type, "a", 0, H5T_NATIVE_INT);
  H5Tinsert(type, "b", 4, H5T_NATIVE_FLOAT);
  put_zeros(file, type);
}
static void lists_of_integers(hid_t file) {
  put_zeros(file, H5Tvlen_create(H5T_NATIVE_INT));
}
static void references(hid_t file) {
  put_zeros(file, H5Tcopy(H5T_STD_REF_OBJ));
}
static void region_references(hid_t file) {
  put_zeros(file, H5Tcopy(H5T_STD_REF_DSETREG));
}
static void opaque(hid_t file) {
  put_zeros(file, H5Tcreate(H5T_OPAQUE, 4));
}
static void array_type(hid_t file) {
  const hsize_t two = 2;
  put_zeros(file, H5Tarray_create2(H5T_NATIVE_INT, 1, &two));
}
static void bits_of_unusual_size(hid_t file) {
  hid_t type = H5Tcopy(H5T_STD_B8LE);
  H5Tset_precision(type, 3);
  put_zeros(file, type);
}

static void names_that_command_a_terminal(hid_t file) {
  put_floats(file, "/\x1b]0;owned\x07\x1b[31m\r\ngradus: all is well");
}

static void a_hundred_thousand_links(hid_t file) {
  hid_t group = H5Gcreate2(file, "many", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  char name[32];
  for (int i = 0; i < 100000; i++) {
    snprintf(name, sizeof name, "link%d", i);
    CU_ASSERT_FATAL(H5Lcreate_soft("/gone", i % 2 ? file : group, name, H5P_DEFAULT, H5P_DEFAULT) >=
                    0);
  }
  H5Gclose(group);
}

static void many_attributes(hid_t file) {
  hid_t space = H5Screate(H5S_SCALAR);
  char name[32];
  for (int i = 0; i < 5000; i++) {
    snprintf(name, sizeof name, "a%d", i);
    hid_t a = H5Acreate2(file, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(a >= 0);
    H5Aclose(a);
  }
  H5Sclose(space);
}

static void a_format_of_sixty_thousand_letters(hid_t file) {
  static char text[60000];
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  memset(text, 'x', sizeof text - 1);
  H5Tset_size(type, sizeof text);
  hid_t a = H5Acreate2(file, "gradus_format", type, space, H5P_DEFAULT, H5P_DEFAULT);
  CU_ASSERT_FATAL(a >= 0 && H5Awrite(a, type, text) >= 0);
  H5Aclose(a);
  H5Tclose(type);
  H5Sclose(space);
  put_floats(file, "/train/x");
}

static void inputs_that_are_a_group(hid_t file) {
  put_floats(file, "/train/x/x");
}

static void a_split_that_is_an_array(hid_t file) {
  put_floats(file, "/train");
}

static void no_rows(hid_t file) {
  const hsize_t none[2] = {0, 3};
  put(file, "/train/x", H5T_NATIVE_FLOAT, 2, none, H5P_DEFAULT, NULL);
}

static const struct hostile {
  const char *name;
  void (*make)(hid_t file);
  const char *word; /* of the message, besides the file's name */
} files[] = {
    {"external_link", external_link, "/train/x is an external link"},
    {"external_group", external_link_for_a_group, "/train is an external link"},
    {"external_storage", external_storage, "/train/x keeps its data in external files"},
    {"virtual", virtual_storage, "leads out of the folder of its file"},
    {"plugin", plugin_filter, "/train/x is compressed by HDF5 filter 31998"},
    {"circle", soft_links_in_circles, "soft links go in circles"},
    {"huge", more_elements_than_there_are_bytes, "/train/x"},
    {"bomb", bomb, "/train/x declares"},
    {"compound", compound, "/train/x is of compound (records) type"},
    {"lists", lists_of_integers, "/train/x is of variable-length type"},
    {"references", references, "/train/x is of reference type"},
    {"regions", region_references, "/train/x is of reference type"},
    {"opaque", opaque, "/train/x is of opaque type"},
    {"arrays", array_type, "/train/x is of array type"},
    {"bits", bits_of_unusual_size, "/train/x is a bit field"},
    {"terminal", names_that_command_a_terminal, "no inputs"},
    {"links", a_hundred_thousand_links, "no inputs"},
    {"attributes", many_attributes, "no inputs"},
    {"format", a_format_of_sixty_thousand_letters, "gradus_format"},
    {"group", inputs_that_are_a_group, "/train/x"},
    {"array", a_split_that_is_an_array, "no inputs"},
    {"empty", no_rows, "/train/x"},
};
enum { N_FILES = sizeof files / sizeof files[0] };

static void make_file(const char *path, void (*make)(hid_t file), hsize_t user_block) {
  hid_t plist = H5Pcreate(H5P_FILE_CREATE);
  CU_ASSERT_FATAL(H5Pset_userblock(plist, user_block) >= 0);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
  CU_ASSERT_FATAL(file >= 0);
  make(file);
  H5Pclose(plist);
  CU_ASSERT_FATAL(H5Fclose(file) >= 0);
}

static void honest(hid_t file) {
  put_floats(file, "/train/x");
  put_labels(file, "/train/y");
}

/* ---- what is opened ---- */

/* Files below the working directory that were opened besides `allowed` and the run's; NULL = none.
 */
static const char *opened_besides(const char *trace, const char *allowed, bool *itself) {
  static char line[4800];
  FILE *file = fopen(trace, "r");
  const char *found = NULL;
  *itself = false;
  while (file && !found && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    bool elsewhere = line[0] == '/' && strncmp(line, gr_work(), strlen(gr_work())) != 0;
    const char *name = line[0] == '/' && !elsewhere ? line + strlen(gr_work()) + 1 : line;
    if (strcmp(name, allowed) == 0)
      *itself = true;
    else if (elsewhere ? strstr(line, "/plugins/") != NULL || strcmp(line, "/etc/passwd") == 0
                       : strncmp(name, "model", 5) != 0)
      found = line;
  }
  if (file) fclose(file);
  return found;
}

static bool has_control_characters(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 32 && *text != '\n') return true;
  return false;
}

static void refuse(const struct hostile *h, const char *command) {
  char trace[4600], text[256], name[64];
  bool itself;
  snprintf(trace, sizeof trace, "%s", gr_test_path("trace"));
  snprintf(name, sizeof name, "%s.h5", h->name);
  snprintf(text, sizeof text, command, name);
  (void)remove(trace);
  CU_ASSERT_FATAL(setenv("GR_FAULT_TRACE", trace, 1) == 0);
  gr_end end = gr_run_gradus(text, NULL, NULL);
  CU_ASSERT_FATAL(unsetenv("GR_FAULT_TRACE") == 0);
  const char *more = opened_besides(trace, name, &itself);
  bool good = end.code == 65 && !end.hung && strstr(end.err, name) && strstr(end.err, h->word) &&
              strchr(end.err, '\n') == end.err + strlen(end.err) - 1 && !end.out[0] &&
              !has_control_characters(end.err);
  if (!good || more || !itself)
    printf("\n  gradus %s: exit %d, signal %d, opened %s, besides %s\n    %.300s", text, end.code,
           end.signal, itself ? "itself" : "nothing", more ? more : "nothing", end.err);
  CU_ASSERT(good);
  CU_ASSERT(itself && !more);
}

static void make_all(void) {
  make_file(gr_work_file("secret.h5"), honest, 0);
  make_file(gr_work_file("honest.h5"), honest, 512);
  for (size_t i = 0; i < N_FILES; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s.h5", files[i].name);
    make_file(gr_work_file(name), files[i].make, 0);
  }
}

/* Puts the plugin where HDF5 looks for it; `mark` becomes the name of what it leaves. */
static void arm_plugin(char mark[4600]) {
  const char *build = getenv("GR_BUILD");
  char library[4300];
  snprintf(library, sizeof library, "%s/.libs/libfaults-plugin.so", build ? build : ".");
  CU_ASSERT_FATAL(gr_shell("mkdir -p \"$2/plugins\" && cp -L \"$1\" \"$2/plugins/\"", library,
                           gr_test_directory()));
  CU_ASSERT_FATAL(setenv("HDF5_PLUGIN_PATH", gr_test_path("plugins"), 1) == 0);
  snprintf(mark, 4600, "%s", gr_test_path("mark"));
  CU_ASSERT_FATAL(setenv("GR_FAULT_MARK", mark, 1) == 0);
}

/* That there was something to be safe from: a plain reader of HDF5 runs the code. */
static void check_plugin_works(void) {
  pid_t child = fork();
  int status;
  CU_ASSERT_FATAL(child >= 0);
  if (child == 0) {
    (void)H5PLset_loading_state(H5PL_ALL_PLUGIN);
    (void)H5PLreplace(gr_test_path("plugins"), 0);
    hid_t file = H5Fopen(gr_work_file("plugin.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(file, "/train/x", H5P_DEFAULT);
    float x[ROWS * COLUMNS];
    _exit(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0 ? 0 : 1);
  }
  CU_ASSERT(waitpid(child, &status, 0) == child);
  CU_ASSERT(access(gr_test_path("mark"), F_OK) == 0);
  (void)remove(gr_test_path("mark"));
}

static void hostile_files_are_refused_by_name_and_nothing_else_is_opened(void) {
  static const char *const commands[] = {"inspect %s", "train %s --run model-x -q --threads 1",
                                         "eval model %s", "predict model %s -o model-out.csv"};
  char mark[4600];
  arm_plugin(mark);
  CU_ASSERT_FATAL(gr_shell("rm -rf \"$1\" && mkdir \"$1\"", gr_work(), NULL));
  make_all();
  check_plugin_works();
  gr_end end = gr_run_gradus(
      "train honest.h5 --run model -q --threads 1 --epochs 1 --valid-split 0", NULL, NULL);
  if (end.code != 0) printf("%s", end.err);
  CU_ASSERT_FATAL(end.code == 0); /* a user block is no offence */
  for (size_t i = 0; i < N_FILES; i++)
    for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++)
      refuse(&files[i], commands[k]);
  CU_ASSERT(access(mark, F_OK) != 0);
  (void)unsetenv("HDF5_PLUGIN_PATH");
}

const gr_test gr_hostile_tests[] = {
    GR_TEST(hostile_files_are_refused_by_name_and_nothing_else_is_opened), GR_TEST_END};
