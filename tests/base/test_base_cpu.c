/* What we may use of a machine, read from made-up /proc and /sys trees: containers, odd topologies,
 * nonsense. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cgroup.h"
#include "base/cpu.h"
#include "base/sysfile.h"
#include "suites.h"

/* An empty tree of its own for each name. */
static const char *tree(const char *name) {
  const char *root = gr_test_path(name);
  CU_ASSERT_FATAL(mkdir(root, 0700) == 0);
  return root;
}

static void put(const char *root, const char *path, const char *text) {
  char name[5000];
  CU_ASSERT_FATAL(snprintf(name, sizeof name, "%s%s", root, path) < (int)sizeof name);
  for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
    *slash = '\0';
    (void)mkdir(name, 0700); /* there already, or the open below fails */
  }
  FILE *file = fopen(name, "w");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT(fputs(text, file) >= 0);
  CU_ASSERT(fclose(file) == 0);
}

static void put_core(const char *root, int processor, const char *siblings) {
  char path[128];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
           processor);
  put(root, path, siblings);
}

static void put_cache(const char *root, int index, const char *level, const char *type,
                      const char *size) {
  const char *names[] = {"level", "type", "size"}, *values[] = {level, type, size};
  for (int i = 0; i < 3; i++) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, names[i]);
    put(root, path, values[i]);
  }
}

static int threads_of(const gr_cpu *cpu, const char *word) {
  char reason[80];
  int threads = gr_cpu_threads(cpu, reason, sizeof reason);
  CU_ASSERT_PTR_NOT_NULL(strstr(reason, word));
  return threads;
}

#define V2_MOUNT "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT \
  "33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"

static void a_v2_quota_is_the_smallest_on_the_way_to_the_root(void) {
  const char *root = tree("v2");
  put(root, "/proc/self/mountinfo", V2_MOUNT);
  put(root, "/proc/self/cgroup", "0::/batch/job/step\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0);
  put(root, "/sys/fs/cgroup/batch/job/step/cpu.max", "max 100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0);
  put(root, "/sys/fs/cgroup/batch/job/cpu.max", "150000 100000\n");
  put(root, "/sys/fs/cgroup/batch/cpu.max", "800000 100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 1.5);
  put(root, "/sys/fs/cgroup/batch/job/step/cpu.max", "50000 100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0.5);
  put(root, "/sys/fs/cgroup/other/cpu.max", "1000 100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0.5);
}

static void a_v1_quota_is_found_where_the_cpu_controller_is_mounted(void) {
  const char *root = tree("v1");
  put(root, "/proc/self/mountinfo",
      "32 30 0:29 / /sys/fs/cgroup/cpuset rw shared:8 - cgroup cgroup rw,cpuset\n" V1_MOUNT);
  put(root, "/proc/self/cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/a/b\n1:name=systemd:/y\n0::/\n");
  put(root, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
  put(root, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0);
  put(root, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
  put(root, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 3);
}

static void a_container_sees_its_own_part_of_the_hierarchy(void) {
  const char *root = tree("container");
  put(root, "/proc/self/mountinfo",
      "33 32 0:30 /docker/1234 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
  put(root, "/proc/self/cgroup", "4:cpu,cpuacct:/docker/1234/inner\n");
  put(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  put(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 2);
  put(root, "/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "100000\n");
  put(root, "/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 1);
  put(root, "/proc/self/cgroup", "4:cpu,cpuacct:/../outside\n");
  CU_ASSERT(gr_cgroup_quota(root) == 2);
}

static void without_mountinfo_the_usual_places_are_tried(void) {
  const char *root = tree("usual");
  put(root, "/proc/self/cgroup", "0::/\n");
  put(root, "/sys/fs/cgroup/cpu.max", "250000 100000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 2.5);
  put(root, "/proc/self/cgroup", "2:cpu:/\n0::/\n");
  put(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  put(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n");
  CU_ASSERT(gr_cgroup_quota(root) == 2);
}

static void memory_limits_are_read_alike(void) {
  const char *root = tree("memory");
  put(root, "/proc/self/cgroup", "9:memory:/a\n2:cpu:/b\n0::/job\n");
  put(root, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  put(root, "/sys/fs/cgroup/job/memory.max", "max\n");
  CU_ASSERT(gr_cgroup_memory(root) == 0);
  put(root, "/sys/fs/cgroup/memory.max", "4294967296\n");
  CU_ASSERT(gr_cgroup_memory(root) == 0x1p32);
  put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
  CU_ASSERT(gr_cgroup_memory(root) == 0x1p30);
  CU_ASSERT(gr_cgroup_quota(root) == 0);
}

static void nonsense_in_quota_files_limits_nothing(void) {
  static const char *const nonsense[] = {
      "",         "\n",        "max",        "max max",      "100000",
      "0 100000", "100000 0",  "-5 100000",  "1e 100000",    "x y",
      " ",        "100000 -1", "nan 100000", "100000 nan\n", "inf inf 100000"};
  const char *root = tree("nonsense");
  put(root, "/proc/self/cgroup", "0::/a\n:::\n7\n\n::\n");
  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
    put(root, "/sys/fs/cgroup/a/cpu.max", nonsense[i]);
    CU_ASSERT(gr_cgroup_quota(root) == 0);
  }
  put(root, "/proc/self/mountinfo", " - cgroup2\nx - cgroup2 y z\n\n");
  CU_ASSERT(gr_cgroup_quota(root) == 0);
  CU_ASSERT(gr_cgroup_quota("/no/such/tree") == 0);
}

static void two_hyperthreads_are_one_core(void) {
  static const int all[] = {0, 1, 2, 3, 4, 5, 6, 7}, some[] = {1, 2, 5}, one[] = {7};
  const char *root = tree("smt");
  put(root, "/sys/devices/system/cpu/online", "0-7\n");
  for (int i = 0; i < 8; i++) {
    char list[16];
    snprintf(list, sizeof list, "%d,%d\n", i % 4, i % 4 + 4);
    put_core(root, i, list);
  }
  gr_cpu cpu;
  gr_cpu_detect_under(&cpu, root, all, 8);
  CU_ASSERT(cpu.logical == 8 && cpu.affinity == 8 && cpu.physical == 4);
  gr_cpu_detect_under(&cpu, root, some, 3);
  CU_ASSERT(cpu.logical == 8 && cpu.affinity == 3 && cpu.physical == 2);
  cpu.omp = cpu.slurm = 0;
  CU_ASSERT(threads_of(&cpu, "2 cores in the affinity mask") == 2);
  gr_cpu_detect_under(&cpu, root, one, 1);
  CU_ASSERT(cpu.physical == 1);
}

static void odd_topologies_still_give_a_count(void) {
  static const int sparse[] = {3, 17, 900}, low[] = {0, 1};
  const char *root = tree("odd");
  gr_cpu cpu;
  gr_cpu_detect_under(&cpu, root, sparse, 3);
  CU_ASSERT(cpu.physical == 3 && cpu.logical == 0 && cpu.numa_nodes == 0);
  put_core(root, 0, "garbage\n");
  put_core(root, 1, "1-\n");
  gr_cpu_detect_under(&cpu, root, low, 2);
  CU_ASSERT_EQUAL(cpu.physical, 2);
  put_core(root, 0, "999999\n");
  put_core(root, 1, "999999999999\n");
  gr_cpu_detect_under(&cpu, root, low, 2);
  CU_ASSERT_EQUAL(cpu.physical, 2);
  gr_cpu_detect_under(&cpu, root, NULL, 0);
  CU_ASSERT(cpu.physical == 0 && threads_of(&cpu, "1 core") == 1);
}

static void caches_and_nodes_are_read(void) {
  static const int mask[] = {0};
  const char *root = tree("caches");
  put(root, "/sys/devices/system/node/has_cpu", "0-1,4\n");
  put_cache(root, 0, "1", "Data", "48K\n");
  put_cache(root, 1, "1", "Instruction", "64K\n");
  put_cache(root, 2, "2", "Unified", "2M\n");
  put_cache(root, 3, "3", "Unified", "lots\n");
  gr_cpu cpu;
  gr_cpu_detect_under(&cpu, root, mask, 1);
  CU_ASSERT(cpu.l1d_bytes == 48 << 10 && cpu.l2_bytes == 2 << 20 && cpu.l3_bytes == 0);
  CU_ASSERT_EQUAL(cpu.numa_nodes, 3);
  CU_ASSERT(cpu.model[0] != '\0');
}

static void kernel_lists_are_counted_or_refused(void) {
  int first = -1;
  CU_ASSERT(gr_count_list("0", &first) == 1 && first == 0);
  CU_ASSERT(gr_count_list("2-3,8,10-12", &first) == 6 && first == 2);
  static const char *const bad[] = {"", ",", "1,", "-1", "3-1", "1-2-3", "a", "1 2", "1,,2"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CU_ASSERT(gr_count_list(bad[i], &first) == 0 && first == 2);
}

static void the_smallest_limit_gives_the_threads_and_the_reason(void) {
  gr_cpu cpu = {.logical = 16, .physical = 8, .affinity = 16};
  CU_ASSERT(threads_of(&cpu, "8 cores of this machine") == 8);
  cpu.quota = 2.5;
  CU_ASSERT(threads_of(&cpu, "cgroup quota of 2.50 CPUs") == 2);
  cpu.quota = 0.25;
  CU_ASSERT(threads_of(&cpu, "cgroup quota of 0.25 CPUs") == 1);
  cpu.quota = 1e300;
  CU_ASSERT(threads_of(&cpu, "8 cores") == 8);
  cpu.slurm = 4;
  CU_ASSERT(threads_of(&cpu, "SLURM_CPUS_PER_TASK is 4") == 4);
  cpu.omp = 3;
  CU_ASSERT(threads_of(&cpu, "OMP_NUM_THREADS is 3") == 3);
  cpu.omp = 99;
  cpu.slurm = 99;
  cpu.affinity = 12;
  CU_ASSERT(threads_of(&cpu, "8 cores in the affinity mask") == 8);
}

static int omp_after(const char *value) {
  gr_cpu cpu;
  CU_ASSERT(setenv("OMP_NUM_THREADS", value, 1) == 0);
  gr_cpu_detect_under(&cpu, "/no/such/tree", NULL, 0);
  return cpu.omp;
}

static void thread_counts_of_the_environment_are_read_or_ignored(void) {
  const char *old = getenv("OMP_NUM_THREADS");
  char *kept = old ? strdup(old) : NULL;
  CU_ASSERT_EQUAL(omp_after("6"), 6);
  CU_ASSERT_EQUAL(omp_after("4,2"), 4);
  static const char *const ignored[] = {"", "0", "-3", "many", "2x", "99999999999999999999", ","};
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
    CU_ASSERT_EQUAL(omp_after(ignored[i]), 0);
  CU_ASSERT((kept ? setenv("OMP_NUM_THREADS", kept, 1) : unsetenv("OMP_NUM_THREADS")) == 0);
  free(kept);
}

static void this_machine_has_a_thread_to_offer(void) {
  gr_cpu cpu;
  gr_cpu_detect(&cpu);
  CU_ASSERT(cpu.affinity >= 1 && cpu.physical >= 1 && cpu.physical <= cpu.affinity);
  CU_ASSERT(cpu.logical >= 1 && threads_of(&cpu, "") >= 1);
  CU_ASSERT(!cpu.avx512 || (cpu.avx2 && cpu.fma));
}

const gr_test gr_base_cpu_tests[] = {
    GR_TEST(a_v2_quota_is_the_smallest_on_the_way_to_the_root),
    GR_TEST(a_v1_quota_is_found_where_the_cpu_controller_is_mounted),
    GR_TEST(a_container_sees_its_own_part_of_the_hierarchy),
    GR_TEST(without_mountinfo_the_usual_places_are_tried),
    GR_TEST(memory_limits_are_read_alike),
    GR_TEST(nonsense_in_quota_files_limits_nothing),
    GR_TEST(two_hyperthreads_are_one_core),
    GR_TEST(odd_topologies_still_give_a_count),
    GR_TEST(caches_and_nodes_are_read),
    GR_TEST(kernel_lists_are_counted_or_refused),
    GR_TEST(the_smallest_limit_gives_the_threads_and_the_reason),
    GR_TEST(thread_counts_of_the_environment_are_read_or_ignored),
    GR_TEST(this_machine_has_a_thread_to_offer),
    GR_TEST_END};
