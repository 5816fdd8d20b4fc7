/* HDF5 trusts its files: it follows links to other files and reports errors on stderr. Here errors
 * are caught as one line each, and links are walked by hand, one name at a time, so that a file can
 * only speak of itself. Reading of arrays is in h5_array.c, writing in h5_write.c. */
#include <config.h>

#include "store/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { MAX_SOFT_LINKS = 16 };

/* HDF5 is one for the whole process, and so is the lock around it. */
static pthread_mutex_t library_lock;
static pthread_once_t library_lock_once = PTHREAD_ONCE_INIT;

static void make_library_lock(void) {
  pthread_mutexattr_t kind;
  /* POSIX lets these fail for want of memory; glibc and musl never do. */
  if (pthread_mutexattr_init(&kind) != 0) return;
  (void)pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
  (void)pthread_mutex_init(&library_lock, &kind);
  (void)pthread_mutexattr_destroy(&kind);
}

gr_h5_quiet gr_h5_begin(void) {
  gr_h5_quiet quiet = {NULL, NULL, 0, false};
  (void)pthread_once(&library_lock_once, make_library_lock);
  (void)pthread_mutex_lock(&library_lock);
  quiet.had_plugins = H5PLget_loading_state(&quiet.plugins) >= 0 && quiet.plugins != 0;
  if (quiet.had_plugins) quiet.had_plugins = H5PLset_loading_state(0) >= 0;
  if (H5Eget_auto2(H5E_DEFAULT, &quiet.function, &quiet.data) < 0) quiet.function = NULL;
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return quiet;
}

void gr_h5_end(const gr_h5_quiet *quiet) {
  (void)H5Eset_auto2(H5E_DEFAULT, quiet->function, quiet->data);
  if (quiet->had_plugins) (void)H5PLset_loading_state(quiet->plugins);
  (void)pthread_mutex_unlock(&library_lock);
}

/* ---- errors ---- */

struct reason {
  char text[300];
};

/* H5Ewalk2 upward: entry 0 is the innermost. */
static herr_t take_innermost(unsigned n, const H5E_error2_t *entry, void *user) {
  struct reason *reason = user;
  if (n == 0 && entry->desc) snprintf(reason->text, sizeof reason->text, "%s", entry->desc);
  return 0;
}

/* Failed writes carry a long story with times and addresses; the system's words in it are enough.
 */
static void shorten(char *text) {
  static const char mark[] = "error message = '";
  char *start = strstr(text, mark);
  if (start) {
    start += sizeof mark - 1;
    start[strcspn(start, "'")] = '\0';
    memmove(text, start, strlen(start) + 1);
  }
  text[strcspn(text, "\r\n")] = '\0';
}

gradus_status gr_h5_fail(gradus_error *err, gradus_status status, const char *format, ...) {
  struct reason reason = {""};
  char message[sizeof err->message];
  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &reason);
  (void)H5Eclear2(H5E_DEFAULT);
  shorten(reason.text);
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return gr_fail(err, status, "%s%s%s", message, reason.text[0] ? ": " : "", reason.text);
}

/* ---- opening ---- */

struct look {
  const char *magic;
  size_t length;
  const char *advice;
};

static const struct look others[] = {
    {"\x1f\x8b", 2, "it is gzip-compressed; see gradus import"},
    {"\x93NUMPY", 6, "it is a NumPy array; see gradus import"},
    {"PK\x03\x04", 4, "it is a zip archive"},
    {"MATLAB 5.0", 10, "it is an old MATLAB file; save with -v7.3"},
    {"\0\0\x08", 3, "it looks like IDX; see gradus import"},
    {"CDF", 3, "it is classic NetCDF"},
};

static gradus_status refuse_foreign(int fd, const char *path, gradus_error *err) {
  char head[16] = "";
  ssize_t n = pread(fd, head, sizeof head, 0);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (n >= (ssize_t)others[i].length && memcmp(head, others[i].magic, others[i].length) == 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: is not an HDF5 file: %s", path, others[i].advice);
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: is not an HDF5 file (gradus import converts CSV and IDX)", path);
}

/* The signature stands at 0 or at 512, 1024, 2048, ... */
static bool has_signature(int fd, off_t size) {
  static const char signature[8] = "\x89HDF\r\n\x1a\n";
  char head[8];
  for (off_t at = 0; at >= 0 && at + 8 <= size; at = at ? at * 2 : 512)
    if (pread(fd, head, 8, at) == 8 && memcmp(head, signature, 8) == 0) return true;
  return false;
}

static gradus_status look_at(int fd, const char *path, uint64_t *bytes, gradus_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot be read", path);
  if (S_ISDIR(info.st_mode))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is a directory; an HDF5 file was expected", path);
  if (!S_ISREG(info.st_mode))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is not a regular file", path);
  if (info.st_size == 0) return gr_fail(err, GRADUS_ERR_DATA, "%s: is empty", path);
  if (!has_signature(fd, info.st_size)) return refuse_foreign(fd, path, err);
  *bytes = (uint64_t)info.st_size;
  return GRADUS_OK;
}

static gradus_status open_quietly(const char *path, gr_h5_watch *watch, gr_h5_file *out,
                                  gradus_error *err) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return gr_h5_fail(err, GRADUS_ERR_RESOURCES, "%s: cannot be opened", path);
  /* Locks fail on many network file systems and protect nothing here: files are renamed into place,
   * never changed. */
  hid_t id = -1;
  if (H5Pset_file_locking(access, 0, 1) >= 0 && (!watch || gr_h5_watch_use(access, watch)))
    id = H5Fopen(path, H5F_ACC_RDONLY, access);
  gradus_status status = GRADUS_OK;
  if (id < 0)
    status = gr_h5_fail(err, GRADUS_ERR_DATA, "%s: is a damaged or truncated HDF5 file", path);
  (void)H5Pclose(access);
  out->id = id;
  return status;
}

static gradus_status open_looked_at(const char *path, gr_h5_watch *watch, gr_h5_file *out,
                                    gradus_error *err) {
  gr_h5_file file = {.path = path};
  gradus_status status;
  *out = (gr_h5_file){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait for ever */
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot be opened", path);
  if (watch) watch->fd = fd;
  GR_TRY_ELSE(done, look_at(fd, path, &file.bytes, err));
  GR_TRY_ELSE(done, open_quietly(path, watch, &file, err));
  *out = file;
done:
  if (!watch || status != GRADUS_OK) (void)close(fd);
  if (watch && status != GRADUS_OK) watch->fd = -1;
  return status;
}

gradus_status gr_h5_open(const char *path, gr_h5_file *out, gradus_error *err) {
  return open_looked_at(path, NULL, out, err);
}

gradus_status gr_h5_open_watched(const char *path, gr_h5_watch *watch, gr_h5_file *out,
                                 gradus_error *err) {
  *watch = (gr_h5_watch){.fd = -1};
  return open_looked_at(path, watch, out, err);
}

void gr_h5_close(gr_h5_file *file) {
  if (file->id > 0) (void)H5Fclose(file->id); /* open for reading: nothing can be lost */
  *file = (gr_h5_file){0};
}

/* ---- following names ---- */

static bool is_group(hid_t file, const char *path) {
  hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  if (object < 0) return false;
  bool group = H5Iget_type(object) == H5I_GROUP;
  (void)H5Oclose(object);
  return group;
}

/* The walk so far: `done` is made of hard links (empty = root), `todo` is what is left. */
struct walk {
  const gr_h5_file *file;
  char done[GR_H5_PATH], todo[GR_H5_PATH];
  int soft_links;
};

static gradus_status too_long(const struct walk *walk, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: a path is longer than %d bytes", walk->file->path,
                 GR_H5_PATH - 1);
}

/* Replaces the last name of `done`, a soft link, by its target. */
static gradus_status expand(struct walk *walk, size_t value_size, gradus_error *err) {
  char target[GR_H5_PATH] = "", rest[GR_H5_PATH];
  if (++walk->soft_links > MAX_SOFT_LINKS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: soft links go in circles", walk->file->path,
                   walk->done);
  if (value_size >= sizeof target) return too_long(walk, err);
  if (H5Lget_val(walk->file->id, walk->done, target, sizeof target, H5P_DEFAULT) < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: the soft link cannot be read",
                      walk->file->path, walk->done);
  memcpy(rest, walk->todo, sizeof rest);
  int n = snprintf(walk->todo, sizeof walk->todo, "%s/%s", target, rest);
  if (n < 0 || (size_t)n >= sizeof walk->todo) return too_long(walk, err);
  *(target[0] == '/' ? walk->done : strrchr(walk->done, '/')) = '\0';
  return GRADUS_OK;
}

/* Moves the first name of `todo` to `done`; false where there is none left. */
static bool advance(struct walk *walk, bool *fits) {
  char *name = walk->todo + strspn(walk->todo, "/");
  size_t n = strcspn(name, "/"), used = strlen(walk->done);
  *fits = used + n + 2 <= sizeof walk->done;
  if (n == 0 || !*fits) return false;
  if (n != 1 || name[0] != '.') {
    walk->done[used] = '/';
    memcpy(walk->done + used + 1, name, n);
    walk->done[used + 1 + n] = '\0';
  }
  memmove(walk->todo, name + n, strlen(name + n) + 1);
  return true;
}

/* What the link at the end of `done` is. */
static gradus_status check_link(struct walk *walk, bool *found, gradus_error *err) {
  H5L_info_t info;
  hid_t file = walk->file->id;
  char *slash = strrchr(walk->done, '/');
  if (!slash) return GRADUS_OK; /* the root */
  *slash = '\0';
  bool group = is_group(file, walk->done[0] ? walk->done : "/");
  *slash = '/';
  htri_t there = group ? H5Lexists(file, walk->done, H5P_DEFAULT) : 0;
  *found = there > 0;
  if (there == 0) return GRADUS_OK;
  if (there < 0 || H5Lget_info(file, walk->done, &info, H5P_DEFAULT) < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot be looked up", walk->file->path,
                      walk->done);
  if (info.type == H5L_TYPE_HARD) return GRADUS_OK;
  if (info.type == H5L_TYPE_SOFT) return expand(walk, info.u.val_size, err);
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s is %s; links out of the file are refused, copy the data into it",
                 walk->file->path, walk->done,
                 info.type == H5L_TYPE_EXTERNAL ? "an external link" : "a user-defined link");
}

gradus_status gr_h5_find(const gr_h5_file *file, const char *path, char resolved[GR_H5_PATH],
                         bool *found, gradus_error *err) {
  struct walk walk = {.file = file};
  bool fits = strlen(path) < sizeof walk.todo;
  *found = true;
  if (!fits) return too_long(&walk, err);
  memcpy(walk.todo, path, strlen(path) + 1);
  while (*found && advance(&walk, &fits)) GR_TRY(check_link(&walk, found, err));
  if (!fits) return too_long(&walk, err);
  if (resolved) snprintf(resolved, GR_H5_PATH, "%s", walk.done[0] ? walk.done : "/");
  return GRADUS_OK;
}

void gr_h5_list_root(const gr_h5_file *file, char *out, size_t size) {
  H5G_info_t info;
  size_t used = 0;
  out[0] = '\0';
  if (H5Gget_info(file->id, &info) < 0) return;
  for (hsize_t i = 0; i < info.nlinks && used + 8 < size; i++) {
    char name[64] = "";
    if (H5Lget_name_by_idx(file->id, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                           H5P_DEFAULT) < 0)
      return;
    int n = snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
    used += n > 0 ? (size_t)n : 0;
  }
}

/* ---- attributes ---- */

struct attribute {
  hid_t id, type;
  const char *object, *name;
  const gr_h5_file *file;
};

static gradus_status attribute_fail(const struct attribute *a, const char *what,
                                    gradus_error *err) {
  return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: attribute %s of %s %s", a->file->path, a->name,
                    a->object, what);
}

static void attribute_close(struct attribute *a) {
  if (a->type > 0) (void)H5Tclose(a->type);
  if (a->id > 0) (void)H5Aclose(a->id);
}

/* Leaves a->id at 0 where the attribute is absent and may be. */
static gradus_status attribute_open(struct attribute *a, bool *found, gradus_error *err) {
  htri_t there = H5Aexists_by_name(a->file->id, a->object, a->name, H5P_DEFAULT);
  if (there < 0) return attribute_fail(a, "cannot be looked up", err);
  if (found) *found = there > 0;
  if (there == 0) return found ? GRADUS_OK : attribute_fail(a, "is missing", err);
  a->id = H5Aopen_by_name(a->file->id, a->object, a->name, H5P_DEFAULT, H5P_DEFAULT);
  if (a->id < 0 || (a->type = H5Aget_type(a->id)) < 0)
    return attribute_fail(a, "cannot be opened", err);
  hid_t space = H5Aget_space(a->id);
  bool single = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  if (space >= 0) (void)H5Sclose(space);
  return single ? GRADUS_OK : attribute_fail(a, "does not hold one value", err);
}

static gradus_status attribute_number(const gr_h5_file *file, const char *object, const char *name,
                                      bool whole, void *out, bool *found, gradus_error *err) {
  struct attribute a = {.file = file, .object = object, .name = name};
  gradus_status status;
  GR_TRY_ELSE(done, attribute_open(&a, found, err));
  if (a.id == 0) goto done;
  H5T_class_t class = H5Tget_class(a.type);
  if (class != H5T_INTEGER && (whole || class != H5T_FLOAT))
    status = attribute_fail(&a, whole ? "is not a whole number" : "is not a number", err);
  else if (H5Aread(a.id, whole ? H5T_NATIVE_UINT64 : H5T_NATIVE_DOUBLE, out) < 0)
    status = attribute_fail(&a, "cannot be read", err);
done:
  attribute_close(&a);
  return status;
}

gradus_status gr_h5_attribute_u64(const gr_h5_file *file, const char *object, const char *name,
                                  uint64_t *out, bool *found, gradus_error *err) {
  return attribute_number(file, object, name, true, out, found, err);
}

gradus_status gr_h5_attribute_f64(const gr_h5_file *file, const char *object, const char *name,
                                  double *out, bool *found, gradus_error *err) {
  return attribute_number(file, object, name, false, out, found, err);
}

static gradus_status read_variable(struct attribute *a, char *out, size_t size, gradus_error *err) {
  char *text = NULL;
  if (H5Aread(a->id, a->type, &text) < 0) return attribute_fail(a, "cannot be read", err);
  size_t n = text ? strlen(text) : 0;
  if (n < size) memcpy(out, text ? text : "", n + 1);
  (void)H5free_memory(text);
  return n < size ? GRADUS_OK : attribute_fail(a, "is too long", err);
}

static gradus_status read_fixed(struct attribute *a, char *out, size_t size, gradus_error *err) {
  size_t n = H5Tget_size(a->type);
  if (n == 0 || n > 65536) return attribute_fail(a, "is too long", err);
  char *text = gr_calloc(n + 1, 1);
  if (!text) return gr_fail_memory(err, "an attribute");
  bool read = H5Aread(a->id, a->type, text) >= 0;
  bool fits = strlen(text) < size;
  if (read && fits) memcpy(out, text, strlen(text) + 1);
  gr_free(text);
  if (!read) return attribute_fail(a, "cannot be read", err);
  return fits ? GRADUS_OK : attribute_fail(a, "is too long", err);
}

gradus_status gr_h5_attribute_text(const gr_h5_file *file, const char *object, const char *name,
                                   char *out, size_t size, bool *found, gradus_error *err) {
  struct attribute a = {.file = file, .object = object, .name = name};
  gradus_status status;
  out[0] = '\0';
  GR_TRY_ELSE(done, attribute_open(&a, found, err));
  if (a.id == 0) goto done;
  if (H5Tget_class(a.type) != H5T_STRING)
    status = attribute_fail(&a, "is not text", err);
  else if (H5Tis_variable_str(a.type) > 0)
    status = read_variable(&a, out, size, err);
  else
    status = read_fixed(&a, out, size, err);
done:
  attribute_close(&a);
  return status;
}

/* ---- rows ---- */

gradus_status gr_h5_read_rows(hid_t set, const char *path, uint64_t first, uint64_t n,
                              uint64_t columns, void *out, gradus_error *err) {
  const hsize_t start[2] = {first, 0}, count[2] = {n, columns};
  hid_t type = H5Dget_type(set), space = H5Dget_space(set), memory = H5I_INVALID_HID;
  int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  bool done = type >= 0 && (rank == 1 || rank == 2) &&
              H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              (memory = H5Screate_simple(rank, count, NULL)) >= 0 &&
              H5Dread(set, type, memory, space, H5P_DEFAULT, out) >= 0;
  gradus_status status =
      done ? GRADUS_OK : gr_h5_fail(err, GRADUS_ERR_DATA, "%s: rows cannot be read", path);
  if (memory >= 0) (void)H5Sclose(memory);
  if (space >= 0) (void)H5Sclose(space);
  if (type >= 0) (void)H5Tclose(type);
  return status;
}
