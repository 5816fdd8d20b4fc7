/* Two passes: one walks through the record with descriptors and names as they were and gives every
 * change the file that it meant; the other applies chosen changes to an empty disk. */
#include <config.h>

#include "replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

enum { MAX_FD = 1024, MAX_NAMES = 256, PAGE = 4096, PATH = 4600 };

/* Names of files, and directories (inode -1). */
typedef struct names {
  const char *path[MAX_NAMES];
  int inode[MAX_NAMES];
  int n;
} names;

static int find(const names *all, const char *path) {
  for (int i = 0; i < all->n; i++)
    if (strcmp(all->path[i], path) == 0) return i;
  return -1;
}

static void put(names *all, const char *path, int inode) {
  int i = find(all, path);
  if (i < 0) i = all->n++;
  CU_ASSERT_FATAL(all->n <= MAX_NAMES);
  all->path[i] = path;
  all->inode[i] = inode;
}

static void drop(names *all, const char *path) {
  int i = find(all, path);
  if (i < 0) return;
  all->n--;
  all->path[i] = all->path[all->n];
  all->inode[i] = all->inode[all->n];
}

static void apply_name(names *all, const gr_step *s) {
  switch (s->kind) {
    case GR_STEP_CREATE:
    case GR_STEP_MKDIR:
      put(all, s->path, s->inode);
      break;
    case GR_STEP_RENAME:
      drop(all, s->path);
      put(all, s->second, s->inode);
      break;
    case GR_STEP_LINK:
      put(all, s->second, s->inode);
      break;
    case GR_STEP_UNLINK:
      drop(all, s->path);
      break;
    case GR_STEP_WRITE:
    case GR_STEP_SIZE:
    case GR_STEP_SYNC:
      break;
  }
}

/* ---- reading a record ---- */

/* A descriptor: a file, or the directory that it stands for. */
typedef struct descriptor {
  int inode; /* -1 = a directory */
  const char *directory;
} descriptor;

typedef struct walk {
  gr_replay *replay;
  names now;
  descriptor fd[MAX_FD];
} walk;

static void add(walk *w, gr_step step) {
  gr_replay *r = w->replay;
  if (r->n == r->capacity) {
    r->capacity = r->capacity ? 2 * r->capacity : 256;
    r->step = realloc(r->step, r->capacity * sizeof *r->step);
    CU_ASSERT_FATAL(r->step != NULL);
  }
  step.durable_at = SIZE_MAX;
  r->step[r->n++] = step;
  apply_name(&w->now, &step);
}

static void add_write(walk *w, int inode, int64_t offset, const char *bytes, uint64_t n) {
  for (uint64_t done = 0; done < n;) {
    uint64_t at = (uint64_t)offset + done, part = PAGE - at % PAGE;
    if (part > n - done) part = n - done;
    add(w, (gr_step){.kind = GR_STEP_WRITE,
                     .inode = inode,
                     .offset = (int64_t)at,
                     .n = part,
                     .bytes = bytes + done});
    done += part;
  }
}

static bool is_in(const char *path, const char *directory) {
  size_t n = strlen(directory);
  while (n > 1 && directory[n - 1] == '/') n--;
  const char *slash = strrchr(path, '/');
  if (!slash) return strcmp(directory, ".") == 0;
  return (size_t)(slash - path) == n && strncmp(path, directory, n) == 0;
}

static bool touches(const gr_step *s, const descriptor *d) {
  if (s->kind == GR_STEP_WRITE || s->kind == GR_STEP_SIZE) return s->inode == d->inode;
  if (d->inode >= 0) return false;
  return (s->path && is_in(s->path, d->directory)) || (s->second && is_in(s->second, d->directory));
}

static void sync_all(walk *w, const descriptor *d) {
  add(w, (gr_step){.kind = GR_STEP_SYNC, .inode = -1});
  for (size_t i = 0; i < w->replay->n; i++) {
    gr_step *s = &w->replay->step[i];
    bool done = s->kind == GR_STEP_SYNC || touches(s, d);
    if (s->durable_at == SIZE_MAX && done) s->durable_at = w->replay->n;
  }
}

static void open_file(walk *w, const gr_fault_record *r, const char *path) {
  int i = find(&w->now, path);
  bool directory = (r->offset & O_DIRECTORY) != 0;
  if (i < 0 && !directory && (r->offset & O_CREAT)) {
    add(w, (gr_step){.kind = GR_STEP_CREATE, .inode = w->replay->n_inodes++, .path = path});
    i = find(&w->now, path);
  }
  descriptor d = {directory || i < 0 ? -1 : w->now.inode[i], path};
  if (d.inode >= 0 && (r->offset & O_TRUNC))
    add(w, (gr_step){.kind = GR_STEP_SIZE, .inode = d.inode});
  if (r->fd < MAX_FD) w->fd[r->fd] = d;
}

static int inode_of(const walk *w, const char *path) {
  int i = find(&w->now, path);
  return i < 0 ? -1 : w->now.inode[i];
}

static void take(walk *w, const gr_fault_record *r, const char *path, const char *second,
                 const char *bytes) {
  CU_ASSERT_FATAL(r->fd < MAX_FD);
  const descriptor *d = r->fd >= 0 ? &w->fd[r->fd] : NULL;
  switch ((gr_change)r->change) {
    case GR_CHANGE_OPEN:
      open_file(w, r, path);
      break;
    case GR_CHANGE_WRITE:
      add_write(w, d->inode, r->offset, bytes, r->n_bytes);
      break;
    case GR_CHANGE_SIZE:
      add(w, (gr_step){.kind = GR_STEP_SIZE, .inode = d->inode, .offset = r->offset});
      break;
    case GR_CHANGE_SYNC:
      sync_all(w, d);
      break;
    case GR_CHANGE_CLOSE:
      break;
    case GR_CHANGE_RENAME:
      add(w,
          (gr_step){
              .kind = GR_STEP_RENAME, .inode = inode_of(w, path), .path = path, .second = second});
      break;
    case GR_CHANGE_LINK:
      add(w, (gr_step){
                 .kind = GR_STEP_LINK, .inode = inode_of(w, path), .path = path, .second = second});
      break;
    case GR_CHANGE_UNLINK:
      add(w, (gr_step){.kind = GR_STEP_UNLINK, .inode = -1, .path = path});
      break;
    case GR_CHANGE_MKDIR:
      add(w, (gr_step){.kind = GR_STEP_MKDIR, .inode = -1, .path = path});
      break;
  }
}

bool gr_replay_read(const char *record, const char *root, gr_replay *out) {
  static walk w;
  size_t n, at = 0;
  *out = (gr_replay){.root = root};
  w = (walk){.replay = out};
  out->record = gr_slurp(record, &n);
  if (!out->record) return false;
  while (at + sizeof(gr_fault_record) <= n) {
    gr_fault_record r;
    memcpy(&r, out->record + at, sizeof r);
    const char *path = out->record + at + sizeof r, *second = path + r.n_path;
    take(&w, &r, r.n_path ? path : NULL, r.n_second ? second : NULL, second + r.n_second);
    at += sizeof r + r.n_path + r.n_second + r.n_bytes;
  }
  return at == n && out->n > 0;
}

void gr_replay_free(gr_replay *replay) {
  free(replay->record);
  free(replay->step);
  *replay = (gr_replay){0};
}

size_t gr_replay_pending(const gr_replay *replay, size_t k, size_t *list, size_t most) {
  size_t n = 0;
  for (size_t i = 0; i < k; i++)
    if (replay->step[i].durable_at > k) {
      if (n < most) list[n] = i;
      n++;
    }
  return n < most ? n : most;
}

/* ---- building ---- */

/* The contents of one file. */
static bool build_file(const gr_replay *r, size_t k, const bool *lost, int inode,
                       const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
  bool done = fd >= 0;
  for (size_t i = 0; i < k && done; i++) {
    const gr_step *s = &r->step[i];
    if (lost[i] || s->inode != inode) continue;
    if (s->kind == GR_STEP_WRITE)
      done = pwrite(fd, s->bytes, s->n, s->offset) == (ssize_t)s->n;
    else if (s->kind == GR_STEP_SIZE)
      done = ftruncate(fd, s->offset) == 0;
  }
  return fd >= 0 && close(fd) == 0 && done;
}

bool gr_replay_build(const gr_replay *r, size_t k, const bool *lost, const char *at) {
  static names disk;
  char path[PATH];
  disk.n = 0;
  for (size_t i = 0; i < k; i++)
    if (!lost[i]) apply_name(&disk, &r->step[i]);
  gr_remove_tree(at);
  if (mkdir(at, 0777) != 0) return false;
  for (size_t i = 0; i < k; i++) { /* directories in the order in which they were made */
    const gr_step *s = &r->step[i];
    if (s->kind != GR_STEP_MKDIR || lost[i]) continue;
    snprintf(path, sizeof path, "%s/%s", at, s->path);
    (void)mkdir(path, 0777); /* fails below a directory that was lost */
  }
  for (int i = 0; i < disk.n; i++) {
    if (disk.inode[i] < 0) continue;
    snprintf(path, sizeof path, "%s/%s", at, disk.path[i]);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    bool there = access(path, F_OK) == 0;
    *slash = '/';
    if (there && !build_file(r, k, lost, disk.inode[i], path)) return false;
  }
  return true;
}
