/* A quota may stand at any level above us, so the walk goes from our own cgroup up to the mount's
 * root and takes the smallest. /proc/self/cgroup says where we are, /proc/self/mountinfo which part
 * of the hierarchy is mounted where: a container often sees only its own part. What cannot be read
 * or makes no sense counts as no quota; cgroup v1 (cpu.cfs_*) and v2 (cpu.max) may both be there.
 */
#include <config.h>

#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/sysfile.h"
#include "base/text.h"

#define PATH_BYTES 1024

/* One kind of limit: the v1 controller it belongs to, and how a folder's limit is read (0: none).
 */
struct limit {
  const char *controller;
  double (*read[2])(const char *root, const char *folder); /* cgroup v1, v2 */
};

struct mount {
  char point[PATH_BYTES]; /* where it is mounted */
  char top[PATH_BYTES];   /* the cgroup that is seen there */
};

static double ratio(const char *quota, size_t quota_length, const char *period) {
  double q, p;
  if (!gr_parse_double(quota, quota_length, &q) || !gr_parse_double(period, strlen(period), &p))
    return 0;
  return q > 0 && p > 0 ? q / p : 0;
}

/* "max 100000" or "150000 100000" */
static double quota_v2(const char *root, const char *folder) {
  char text[128];
  if (!gr_sysfile(text, sizeof text, root, "%s/cpu.max", folder)) return 0;
  const char *blank = strchr(text, ' ');
  return blank ? ratio(text, (size_t)(blank - text), blank + 1) : 0;
}

static double quota_v1(const char *root, const char *folder) {
  char quota[64], period[64];
  if (!gr_sysfile(quota, sizeof quota, root, "%s/cpu.cfs_quota_us", folder) ||
      !gr_sysfile(period, sizeof period, root, "%s/cpu.cfs_period_us", folder))
    return 0;
  return ratio(quota, strlen(quota), period);
}

static double bytes_of(const char *text) {
  double bytes;
  bool limited = gr_parse_double(text, strlen(text), &bytes) && bytes > 0 && bytes < 0x1p60;
  return limited ? bytes : 0; /* v1 says "none" by a number near 2^63, v2 by "max" */
}

static double memory_v2(const char *root, const char *folder) {
  char text[64];
  return gr_sysfile(text, sizeof text, root, "%s/memory.max", folder) ? bytes_of(text) : 0;
}

static double memory_v1(const char *root, const char *folder) {
  char text[64];
  return gr_sysfile(text, sizeof text, root, "%s/memory.limit_in_bytes", folder) ? bytes_of(text)
                                                                                 : 0;
}

/* The number after the word at the start of a line: "inactive_file 4096"; 0 where there is none. */
static double labelled(const char *text, const char *word) {
  const size_t n = strlen(word);
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, word, n) != 0 || (line[n] != ' ' && line[n] != ':')) continue;
    const char *number = line + n + 1 + strspn(line + n + 1, " ");
    double value;
    return gr_parse_double(number, strspn(number, "0123456789"), &value) ? value : 0;
  }
  return 0;
}

/* What is left of a limit; at least 1, as 0 means that there is no limit. */
static double left_of(double limit, double used, double files) {
  const double left = limit - (used > files ? used - files : 0);
  return limit <= 0 ? 0 : left > 1 ? left : 1;
}

static double left_v2(const char *root, const char *folder) {
  char used[64], stat[8192];
  const double limit = memory_v2(root, folder);
  if (limit <= 0 || !gr_sysfile(used, sizeof used, root, "%s/memory.current", folder)) return limit;
  if (!gr_sysfile(stat, sizeof stat, root, "%s/memory.stat", folder)) stat[0] = '\0';
  return left_of(limit, bytes_of(used),
                 labelled(stat, "inactive_file") + labelled(stat, "active_file"));
}

static double left_v1(const char *root, const char *folder) {
  char used[64], stat[8192];
  const double limit = memory_v1(root, folder);
  if (limit <= 0 || !gr_sysfile(used, sizeof used, root, "%s/memory.usage_in_bytes", folder))
    return limit;
  if (!gr_sysfile(stat, sizeof stat, root, "%s/memory.stat", folder)) stat[0] = '\0';
  return left_of(limit, bytes_of(used),
                 labelled(stat, "total_inactive_file") + labelled(stat, "total_active_file"));
}

static const struct limit left_limit = {"memory", {left_v1, left_v2}};
static const struct limit cpu_limit = {"cpu", {quota_v1, quota_v2}};
static const struct limit memory_limit = {"memory", {memory_v1, memory_v2}};

/* Whether a comma-separated list holds the word. */
static bool lists_word(const char *list, const char *word) {
  for (size_t n; *list; list += n + (list[n] == ',')) {
    n = strcspn(list, ",");
    if (n == strlen(word) && strncmp(list, word, n) == 0) return true;
  }
  return false;
}

/* One line of mountinfo (proc(5)): id parent dev root point options ... - type source superoptions
 */
static bool is_mount(const char *line, const char *controller, bool v2, struct mount *mount) {
  char type[32], super[256];
  const char *tail = strstr(line, " - ");
  if (!tail || sscanf(tail, " - %31s %*s %255s", type, super) != 2) return false;
  if (strcmp(type, v2 ? "cgroup2" : "cgroup") != 0 || (!v2 && !lists_word(super, controller)))
    return false;
  return sscanf(line, "%*s %*s %*s %1023s %1023s", mount->top, mount->point) == 2;
}

/* Where the hierarchy is mounted; the usual place where mountinfo does not tell. */
static void find_mount(const char *root, const char *controller, bool v2, struct mount *mount) {
  char name[PATH_BYTES], line[4096];
  *mount = (struct mount){"/sys/fs/cgroup", "/"};
  if (!v2) snprintf(mount->point, sizeof mount->point, "/sys/fs/cgroup/%s", controller);
  int n = snprintf(name, sizeof name, "%s/proc/self/mountinfo", root);
  FILE *file = n > 0 && (size_t)n < sizeof name ? fopen(name, "re") : NULL;
  if (!file) return;
  struct mount found;
  while (fgets(line, sizeof line, file))
    if (is_mount(line, controller, v2, &found)) {
      *mount = found;
      break;
    }
  (void)fclose(file); /* only read */
}

/* Our place from a line of /proc/self/cgroup: "0::/path" (v2), "4:cpu,cpuacct:/path" (v1); NULL
 * where the line speaks of something else. */
static const char *place(char *line, const char *controller, bool v2) {
  char *controllers = strchr(line, ':');
  char *path = controllers ? strchr(++controllers, ':') : NULL;
  if (!path) return NULL;
  *path++ = '\0';
  bool ours = v2 ? line[0] == '0' && !*controllers : lists_word(controllers, controller);
  return ours && path[0] == '/' ? path : NULL;
}

static void keep_smaller(double *smallest, double value) {
  if (value > 0 && (*smallest <= 0 || value < *smallest)) *smallest = value;
}

static double smallest_upwards(const char *root, const char *path, const struct limit *limit,
                               bool v2) {
  struct mount mount;
  char folder[2 * PATH_BYTES];
  find_mount(root, limit->controller, v2, &mount);
  size_t top = strcmp(mount.top, "/") == 0 ? 0 : strlen(mount.top);
  bool below =
      strncmp(path, mount.top, top) == 0 && (path[top] == '/' || !path[top]) && !strstr(path, "..");
  int n = snprintf(folder, sizeof folder, "%s%s", mount.point, below ? path + top : "");
  if (n < 0 || (size_t)n >= sizeof folder) return 0;
  double smallest = 0;
  for (size_t stop = strlen(mount.point);;) {
    keep_smaller(&smallest, limit->read[v2](root, folder));
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)(slash - folder) < stop) return smallest;
    *slash = '\0';
  }
}

static double find_limit(const char *root, const struct limit *limit) {
  char text[4096], *rest = NULL;
  double smallest = 0;
  if (!gr_sysfile(text, sizeof text, root, "/proc/self/cgroup")) return 0;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    for (int v2 = 0; v2 < 2; v2++) {
      char copy[PATH_BYTES];
      snprintf(copy, sizeof copy, "%s", line);
      const char *path = place(copy, limit->controller, v2);
      if (path) keep_smaller(&smallest, smallest_upwards(root, path, limit, v2));
    }
  return smallest;
}

double gr_cgroup_quota(const char *root) {
  return find_limit(root, &cpu_limit);
}

double gr_cgroup_memory(const char *root) {
  return find_limit(root, &memory_limit);
}

double gr_memory_left(const char *root) {
  char text[8192];
  double left = 0;
  if (gr_sysfile(text, sizeof text, root, "/proc/meminfo"))
    left = 1024 * labelled(text, "MemAvailable");
  keep_smaller(&left, find_limit(root, &left_limit));
  return left;
}
