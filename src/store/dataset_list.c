/* A list is recognised by what is in it, not by its name: short text, no NUL, whose first entry is
 * the name of a file. Whatever else a path leads to is left to those who open it. */
#include <config.h>

#include "store/dataset_list.h"

#include <stdbool.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define LIST_BYTES ((off_t)16 << 20) /* a longer file is no list */

void gr_path_list_free(gr_path_list *list) {
  for (size_t i = 0; i < list->n; i++) gr_free(list->path[i]);
  gr_free(list->path);
  *list = (gr_path_list){0};
}

/* Takes over `path`. */
static gradus_status add(gr_path_list *list, char *path, gradus_error *err) {
  if (path && list->n == list->capacity) {
    const size_t capacity = list->capacity ? 2 * list->capacity : 8;
    char **grown = gr_realloc(list->path, capacity, sizeof *grown);
    if (grown) {
      list->path = grown;
      list->capacity = capacity;
    }
  }
  if (!path || list->n == list->capacity) {
    gr_free(path);
    return gr_fail_memory(err, "file names");
  }
  list->path[list->n++] = path;
  return GRADUS_OK;
}

/* The whole of a small regular file as text, terminated; NULL where it is none. */
static char *read_text(const char *path) {
  struct stat info;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  char *text = NULL;
  size_t have = 0;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
      info.st_size < LIST_BYTES)
    text = gr_calloc((size_t)info.st_size + 1, 1);
  while (text && have < (size_t)info.st_size) {
    const ssize_t n = read(fd, text + have, (size_t)info.st_size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
    if (memchr(text + have - n, '\0', (size_t)n)) break; /* no text */
  }
  (void)close(fd); /* only read */
  if (text && (have < (size_t)info.st_size || memchr(text, '\0', have))) {
    gr_free(text);
    text = NULL;
  }
  return text;
}

/* The next entry of *text, terminated, or NULL; counts lines. */
static char *next_entry(char **text, unsigned long *line) {
  while (**text) {
    char *entry = *text;
    const size_t n = strcspn(entry, "\n");
    *text += n + (entry[n] == '\n');
    entry[n] = '\0';
    ++*line;
    entry += strspn(entry, " \t\r");
    size_t length = strlen(entry);
    while (length > 0 && strchr(" \t\r", entry[length - 1])) entry[--length] = '\0';
    if (length > 0 && entry[0] != '#') return entry;
  }
  return NULL;
}

/* The file that an entry of the list `list` means, NULL where there is none (or no memory). */
static char *find_file(const char *list, const char *entry) {
  const char *slash = strrchr(list, '/');
  gr_text beside = {0};
  char *found = NULL;
  if (slash && entry[0] != '/') {
    gr_text_append(&beside, list, (size_t)(slash - list) + 1);
    gr_text_puts(&beside, entry);
    if (!beside.failed && access(beside.data, F_OK) == 0) found = gr_strdup(beside.data);
  }
  if (!found && access(entry, F_OK) == 0) found = gr_strdup(entry);
  gr_text_free(&beside);
  return found;
}

static gradus_status add_entries(gr_path_list *list, const char *path, char *text, bool *is_list,
                                 gradus_error *err) {
  unsigned long line = 0;
  *is_list = false;
  for (char *entry; (entry = next_entry(&text, &line));) {
    char *file = find_file(path, entry);
    if (!file && !*is_list) return GRADUS_OK;
    if (!file)
      return gr_fail(err, GRADUS_ERR_NOINPUT, "%s:%lu: there is no file %s", path, line, entry);
    *is_list = true;
    GR_TRY(add(list, file, err));
  }
  return GRADUS_OK;
}

gradus_status gr_path_list_make(const char *const *paths, size_t n, gr_path_list *out,
                                gradus_error *err) {
  gr_path_list list = {0};
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < n && status == GRADUS_OK; i++) {
    bool is_list = false;
    char *text = read_text(paths[i]);
    if (text) status = add_entries(&list, paths[i], text, &is_list, err);
    gr_free(text);
    if (status == GRADUS_OK && !is_list) status = add(&list, gr_strdup(paths[i]), err);
  }
  if (status == GRADUS_OK)
    *out = list;
  else
    gr_path_list_free(&list);
  return status;
}
