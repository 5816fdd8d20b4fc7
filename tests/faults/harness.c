/* Children are started without the wrapper that libtool makes of programs: the shim would be loaded
 * into the shell as well. */
#include <config.h>

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 40, MAX_VARIABLES = 16, MOST_SECONDS = 60 };

bool gr_all_positions(void) {
  return gr_test_all();
}

static const char *build_directory(void) {
  const char *build = getenv("GR_BUILD");
  return build && *build ? build : ".";
}

const char *gr_work(void) {
  static char path[4200];
  if (!path[0]) {
    char real[4096];
    CU_ASSERT_FATAL(realpath(gr_test_directory(), real) != NULL);
    snprintf(path, sizeof path, "%s/work", real);
    CU_ASSERT_FATAL(mkdir(path, 0777) == 0);
  }
  return path;
}

const char *gr_work_file(const char *name) {
  static char ring[16][4600];
  static unsigned next;
  char *path = ring[next++ % 16];
  snprintf(path, sizeof ring[0], "%s/%s", gr_work(), name);
  return path;
}

static bool wait_for(pid_t child, int *status) {
  const struct timespec pause = {0, 1000000};
  for (int i = 0; i < MOST_SECONDS * 1000; i++) {
    pid_t ended = waitpid(child, status, WNOHANG);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) return false;
    nanosleep(&pause, NULL);
  }
  kill(child, SIGKILL);
  (void)waitpid(child, status, 0);
  return false;
}

/* The environment of a child: ours, and what is added. */
typedef struct variables {
  char text[MAX_VARIABLES][4800];
  char *all[512];
  int n, n_all;
} variables;

__attribute__((format(printf, 2, 3))) static void set(variables *v, const char *format, ...) {
  va_list args;
  CU_ASSERT_FATAL(v->n < MAX_VARIABLES);
  va_start(args, format);
  vsnprintf(v->text[v->n], sizeof v->text[0], format, args);
  va_end(args);
  v->all[v->n_all++] = v->text[v->n++];
}

static void fill(variables *v, const char *plan, const char *record, const char *report) {
  const char *build = build_directory(), *options = getenv("ASAN_OPTIONS");
  const char *libraries = getenv("LD_LIBRARY_PATH");
  v->n = v->n_all = 0;
  set(v, "LD_LIBRARY_PATH=%s/.libs%s%s", build, libraries ? ":" : "", libraries ? libraries : "");
  set(v, "LC_ALL=C");
  /* without a plan, too: its fsync does not wait for the disk */
  set(v, "LD_PRELOAD=%s/.libs/libfaults-shim.so", build);
  set(v, "ASAN_OPTIONS=%s:verify_asan_link_order=0:detect_leaks=0", options ? options : "");
  set(v, "GR_FAULT_ROOT=%s", gr_work());
  set(v, "GR_FAULT_REPORT=%s", report);
  if (plan) set(v, "GR_FAULT_PLAN=%s", plan);
  if (record) set(v, "GR_FAULT_RECORD=%s", record);
  for (char **more = environ; *more && v->n_all < 500; more++) {
    size_t n = strcspn(*more, "=") + 1;
    bool replaced = false;
    for (int i = 0; i < v->n; i++) replaced = replaced || strncmp(v->text[i], *more, n) == 0;
    if (!replaced) v->all[v->n_all++] = *more;
  }
  v->all[v->n_all] = NULL;
}

static void make_report(const char *path) {
  const gr_fault_report none = {0};
  FILE *file = fopen(path, "wb");
  CU_ASSERT_FATAL(file && fwrite(&none, sizeof none, 1, file) == 1 && fclose(file) == 0);
}

static void read_back(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "rb");
  size_t n = file ? fread(out, 1, size - 1, file) : 0;
  out[n] = '\0';
  if (file) fclose(file);
}

static pid_t start(char **words, variables *v, const char *out, const char *err) {
  posix_spawn_file_actions_t actions;
  char program[4200];
  pid_t child = -1;
  snprintf(program, sizeof program, "%s/.libs/gradus", build_directory());
  if (access(program, X_OK) != 0) snprintf(program, sizeof program, "%s/gradus", build_directory());
  CU_ASSERT_FATAL(posix_spawn_file_actions_init(&actions) == 0);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_addchdir_np(&actions, gr_work());
  CU_ASSERT_FATAL(posix_spawn(&child, program, &actions, NULL, words, v->all) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

gr_end gr_run_gradus(const char *command, const char *plan, const char *record) {
  static variables v;
  gr_end end = {.code = -1};
  char text[1024], *words[MAX_WORDS] = {(char *)(size_t) "gradus"}, *rest = text;
  const char *out = gr_test_path("out"), *err = gr_test_path("err");
  const char *report = gr_test_path("report");
  int n = 1, status = 0;
  snprintf(text, sizeof text, "%s", command);
  for (char *word; n < MAX_WORDS - 1 && (word = strtok_r(rest, " ", &rest));) words[n++] = word;
  make_report(report);
  fill(&v, plan, record, report);
  end.hung = !wait_for(start(words, &v, out, err), &status);
  if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  read_back(out, end.out, sizeof end.out);
  read_back(err, end.err, sizeof end.err);
  FILE *file = fopen(report, "rb");
  CU_ASSERT_FATAL(file && fread(&end.report, sizeof end.report, 1, file) == 1);
  fclose(file);
  return end;
}

bool gr_shell(const char *command, const char *a, const char *b) {
  char text[12000];
  snprintf(text, sizeof text, "set -- '%s' '%s'; %s", a, b ? b : "", command);
  return system(text) == 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

void gr_remove_tree(const char *path) {
  (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *gr_slurp(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  *n = 0;
  if (!file) return NULL;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size >= 0 && (bytes = malloc((size_t)size + 1))) {
    rewind(file);
    *n = fread(bytes, 1, (size_t)size, file);
    bytes[*n] = '\0';
  }
  fclose(file);
  return bytes;
}

int gr_count_files(const char *directory, const char *pattern) {
  char command[9000];
  int n = -1;
  snprintf(command, sizeof command, "find '%s' -name '%s' 2>/dev/null | wc -l", directory, pattern);
  FILE *pipe = popen(command, "r");
  if (!pipe || fscanf(pipe, "%d", &n) != 1) n = -1;
  if (pipe) pclose(pipe);
  return n;
}
