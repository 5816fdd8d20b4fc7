/* How many threads are worth starting: cores (not hyperthreads) that the affinity mask, the cgroup
 * quota, the batch system and the user leave us. OpenMP runtimes look at the mask alone; a team
 * larger than the quota is throttled and spins. What is unknown stays 0 and limits nothing.
 * Features count only where the operating system saves the registers (xgetbv). */
#include <config.h>

#include "base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/sysfile.h"
#include "base/text.h"

#define MOST_CPUS (1 << 14)
#define CPU "/sys/devices/system/cpu"

/* ---- what the processor is ---- */

static void squeeze_blanks(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++)
    if (*from != ' ' || (to > text && to[-1] != ' ')) *to++ = *from;
  if (to > text && to[-1] == ' ') to--;
  *to = '\0';
}

#if defined __x86_64__ || defined __i386__
#include <cpuid.h>

/* XCR0: which register files the operating system saves (Intel SDM volume 1, chapter 13). */
static unsigned saved_registers(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

void gr_cpu_features(gr_cpu *cpu) {
  unsigned a, b, c, d, brand[12] = {0};
  if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE)) {
    unsigned saved = saved_registers(), leaf1 = c;
    bool ymm = (saved & 0x06) == 0x06, zmm = (saved & 0xe6) == 0xe6;
    const unsigned wanted = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    cpu->fma = ymm && (leaf1 & bit_FMA);
    cpu->f16c = ymm && (leaf1 & bit_F16C);
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) b = 0;
    cpu->avx2 = ymm && (b & bit_AVX2);
    cpu->avx512 = zmm && (b & wanted) == wanted;
  }
  if (!__get_cpuid(0x80000004u, &a, &b, &c, &d)) return;
  for (unsigned i = 0; i < 3; i++) {
    unsigned *at = brand + 4 * i;
    __get_cpuid(0x80000002u + i, at, at + 1, at + 2, at + 3);
  }
  memcpy(cpu->model, brand, sizeof brand);
  squeeze_blanks(cpu->model);
}
#else
void gr_cpu_features(gr_cpu *cpu) {
#if defined __aarch64__
  cpu->neon = true; /* part of the base architecture */
#else
  (void)cpu;
#endif
}
#endif

static void name_model(gr_cpu *cpu, const char *root) {
  char text[4096];
  if (!cpu->model[0] && gr_sysfile(text, sizeof text, root, "/proc/cpuinfo")) {
    const char *at = strstr(text, "model name");
    const char *value = at ? strchr(at, ':') : NULL;
    if (value) {
      size_t n = strcspn(value + 1, "\n");
      snprintf(cpu->model, sizeof cpu->model, "%.*s", n < 95 ? (int)n : 95, value + 1);
      squeeze_blanks(cpu->model);
    }
  }
  struct utsname name;
  if (!cpu->model[0] && uname(&name) == 0)
    snprintf(cpu->model, sizeof cpu->model, "%.90s", name.machine);
}

/* ---- caches, cores, nodes ---- */

/* "48K", "1M" (sysfs writes KiB as K) or a bare number of bytes */
static size_t cache_bytes(const char *text) {
  int64_t number;
  size_t n = strspn(text, "0123456789");
  if (!gr_parse_i64(text, n, &number) || number > (int64_t)1 << 32) return 0;
  unsigned shift = text[n] == 'K' ? 10 : text[n] == 'M' ? 20 : 0;
  return (shift ? text[n + 1] : text[n]) ? 0 : (size_t)number << shift;
}

static void detect_caches(gr_cpu *cpu, const char *root, int processor) {
  char level[16], type[32], size[32];
  for (int i = 0; i < 16; i++) {
    if (!gr_sysfile(level, sizeof level, root, CPU "/cpu%d/cache/index%d/level", processor, i))
      return;
    if (!gr_sysfile(type, sizeof type, root, CPU "/cpu%d/cache/index%d/type", processor, i) ||
        !gr_sysfile(size, sizeof size, root, CPU "/cpu%d/cache/index%d/size", processor, i) ||
        strcmp(type, "Instruction") == 0)
      continue;
    if (strcmp(level, "1") == 0) cpu->l1d_bytes = cache_bytes(size);
    if (strcmp(level, "2") == 0) cpu->l2_bytes = cache_bytes(size);
    if (strcmp(level, "3") == 0) cpu->l3_bytes = cache_bytes(size);
  }
}

/* The lowest processor of the core that `processor` belongs to; itself where nobody tells. */
static int core_of(const char *root, int processor) {
  static const char *const names[] = {"core_cpus_list", "thread_siblings_list"};
  char list[256];
  int first = processor;
  for (size_t i = 0; i < 2; i++)
    if (gr_sysfile(list, sizeof list, root, CPU "/cpu%d/topology/%s", processor, names[i]) &&
        gr_count_list(list, &first) > 0)
      break;
  return first;
}

static int count_cores(const char *root, const int *mask, size_t n) {
  unsigned char seen[MOST_CPUS / 8] = {0};
  int cores = 0;
  for (size_t i = 0; i < n; i++) {
    int core = core_of(root, mask[i]);
    if (core >= MOST_CPUS) core = mask[i];
    unsigned char bit = (unsigned char)(1u << (core % 8));
    if (!(seen[core / 8] & bit)) cores++;
    seen[core / 8] |= bit;
  }
  return cores;
}

static int count_list_file(const char *root, const char *path) {
  char list[4096];
  return gr_sysfile(list, sizeof list, root, "%s", path) ? gr_count_list(list, NULL) : 0;
}

/* ---- what we are allowed ---- */

static size_t own_mask(int *mask) {
  cpu_set_t set[MOST_CPUS / CPU_SETSIZE];
  size_t n = 0;
  memset(set, 0, sizeof set);
  if (sched_getaffinity(0, sizeof set, set) != 0) return 0;
  for (int i = 0; i < MOST_CPUS; i++)
    if (CPU_ISSET_S((size_t)i, sizeof set, set)) mask[n++] = i;
  return n;
}

/* OMP_NUM_THREADS may be a list, one number per nesting level: the first one counts. */
static int environment_count(const char *name) {
  const char *text = getenv(name);
  int64_t number;
  if (!text || !gr_parse_i64(text, strcspn(text, ","), &number)) return 0;
  return number > 0 && number <= MOST_CPUS ? (int)number : 0;
}

void gr_cpu_detect_under(gr_cpu *cpu, const char *root, const int *mask, size_t n) {
  *cpu = (gr_cpu){0};
  gr_cpu_features(cpu);
  name_model(cpu, root);
  cpu->affinity = (int)n;
  cpu->physical = count_cores(root, mask, n);
  cpu->logical = count_list_file(root, CPU "/online");
  cpu->numa_nodes = count_list_file(root, "/sys/devices/system/node/has_cpu");
  if (!cpu->numa_nodes) cpu->numa_nodes = count_list_file(root, "/sys/devices/system/node/online");
  detect_caches(cpu, root, n > 0 ? mask[0] : 0);
  cpu->quota = gr_cgroup_quota(root);
  cpu->slurm = environment_count("SLURM_CPUS_PER_TASK");
  cpu->omp = environment_count("OMP_NUM_THREADS");
}

void gr_cpu_detect(gr_cpu *cpu) {
  int mask[MOST_CPUS];
  gr_cpu_detect_on(cpu, mask, own_mask(mask));
}

void gr_cpu_detect_on(gr_cpu *cpu, const int *mask, size_t n) {
  gr_cpu_detect_under(cpu, "", mask, n);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (!cpu->logical && online > 0 && online <= MOST_CPUS) cpu->logical = (int)online;
}

int gr_cpu_threads(const gr_cpu *cpu, char *reason, size_t reason_size) {
  char because[4][80];
  int cores = cpu->physical ? cpu->physical : cpu->affinity ? cpu->affinity : cpu->logical;
  double quota = cpu->quota < MOST_CPUS ? cpu->quota : 0; /* more limits nothing */
  int whole = (int)quota;
  const int limit[4] = {cores > 0 ? cores : 1, cpu->slurm, cpu->omp,
                        quota > 0 && whole < 1 ? 1 : whole};
  bool all = !cpu->affinity || cpu->affinity == cpu->logical;
  snprintf(because[0], sizeof because[0], "%d core%s %s", limit[0], limit[0] == 1 ? "" : "s",
           all ? "of this machine" : "in the affinity mask");
  snprintf(because[1], sizeof because[1], "SLURM_CPUS_PER_TASK is %d", cpu->slurm);
  snprintf(because[2], sizeof because[2], "OMP_NUM_THREADS is %d", cpu->omp);
  snprintf(because[3], sizeof because[3], "cgroup quota of %d.%02d CPUs", whole,
           (int)(quota * 100) % 100);
  int best = 0;
  for (int i = 1; i < 4; i++)
    if (limit[i] > 0 && limit[i] < limit[best]) best = i;
  if (reason_size > 0) snprintf(reason, reason_size, "%s", because[best]);
  return limit[best];
}
