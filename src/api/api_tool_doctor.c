/* gradus doctor: one walk over what was found writes either text for people or JSON, so the two
 * cannot differ. A row that could not be found is "unknown" and null. Advice is a list of rules,
 * each a condition and a sentence. Nothing is measured here; that is bench. */
#include <config.h>

#include "gradus/tool.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cgroup.h"
#include "base/cpu.h"
#include "base/status.h"
#include "base/sysfile.h"
#include "base/text.h"
#include "exec/team.h"
#include "gradus/version.h"
#include "kernel/isa.h"
#include "store/process.h"

/* Everything that is reported. Sizes and limits in bytes; 0: unknown or none. */
struct findings {
  gr_cpu cpu;
  int threads;
  char threads_reason[96];
  bool runs[GR_N_ISAS];
  gr_isa best, chosen;
  gradus_error isa_error; /* why GRADUS_ISA cannot be followed; "" where it can */
  char hdf5[128];
  double memory_total, memory_available, memory_cgroup;
  double open_files, address_space, file_size; /* soft limits */
  char huge_pages[64];                         /* "madvise" */
};

void gradus_prepare_process(void) {
  gr_store_prepare_process();
  (void)signal(SIGXFSZ, SIG_IGN); /* fails for invalid signal numbers only */
}

/* ---- finding ---- */

/* Bytes of a /proc/meminfo row, which are given in kB. */
static double memory_row(const char *meminfo, const char *name) {
  const char *at = strstr(meminfo, name);
  double kib;
  if (!at) return 0;
  at += strlen(name);
  at += strspn(at, " ");
  return gr_parse_double(at, strspn(at, "0123456789"), &kib) ? kib * 1024 : 0;
}

static double finite(rlim_t limit) {
  return limit == RLIM_INFINITY ? 0 : (double)limit;
}

static void find_limits(struct findings *found) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) found->open_files = finite(limit.rlim_cur);
  if (getrlimit(RLIMIT_AS, &limit) == 0) found->address_space = finite(limit.rlim_cur);
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0) found->file_size = finite(limit.rlim_cur);
}

/* The word in brackets of "always [madvise] never". */
static void find_huge_pages(char *out, size_t size) {
  char text[128];
  out[0] = '\0';
  if (!gr_sysfile(text, sizeof text, "", "/sys/kernel/mm/transparent_hugepage/enabled")) return;
  const char *open = strchr(text, '[');
  size_t n = open ? strcspn(open + 1, "]") : 0;
  if (n == 0 || n >= size) return;
  memcpy(out, open + 1, n);
  out[n] = '\0';
}

static void find(struct findings *found) {
  char meminfo[4096];
  *found = (struct findings){0};
  gr_team_cpu(&found->cpu);
  found->threads = gr_cpu_threads(&found->cpu, found->threads_reason, sizeof found->threads_reason);
  for (int isa = 0; isa < GR_N_ISAS; isa++) {
    found->runs[isa] = gr_isa_available((gr_isa)isa);
    if (found->runs[isa]) found->best = (gr_isa)isa;
  }
  if (gr_isa_choose(-1, &found->chosen, &found->isa_error) != GRADUS_OK)
    found->chosen = found->best;
  gr_store_describe_hdf5(found->hdf5);
  if (gr_sysfile(meminfo, sizeof meminfo, "", "/proc/meminfo")) {
    found->memory_total = memory_row(meminfo, "MemTotal:");
    found->memory_available = memory_row(meminfo, "MemAvailable:");
  }
  found->memory_cgroup = gr_cgroup_memory("");
  find_limits(found);
  find_huge_pages(found->huge_pages, sizeof found->huge_pages);
}

/* ---- writing: one call per row, two forms ---- */

struct writer {
  gr_text text;
  bool json;
  int n; /* entries so far at this level of JSON */
};

static void key(struct writer *w, const char *name, const char *label) {
  if (w->json) {
    gr_text_puts(&w->text, w->n++ ? "," : "");
    gr_text_put_json(&w->text, name);
    gr_text_puts(&w->text, ":");
  } else {
    gr_text_printf(&w->text, "  %-20s", label);
  }
}

static void begin(struct writer *w, const char *name, const char *title) {
  if (w->json) {
    gr_text_puts(&w->text, w->n ? "," : "");
    gr_text_put_json(&w->text, name);
    gr_text_puts(&w->text, ":{");
    w->n = 0;
  } else {
    gr_text_printf(&w->text, "\n%s\n", title);
  }
}

static void end(struct writer *w) {
  gr_text_puts(&w->text, w->json ? "}" : "");
  w->n = 1;
}

static void put_word(struct writer *w, const char *name, const char *label, const char *value) {
  key(w, name, label);
  if (!w->json)
    gr_text_printf(&w->text, "%s\n", *value ? value : "unknown");
  else if (*value)
    gr_text_put_json(&w->text, value);
  else
    gr_text_puts(&w->text, "null");
}

/* 0 is written as `none`, or null. */
static void put_number(struct writer *w, const char *name, const char *label, double value,
                       const char *none) {
  key(w, name, label);
  if (value > 0 && value < 0x1p53 && value == (double)(int64_t)value)
    gr_text_printf(&w->text, "%" PRId64, (int64_t)value);
  else if (value > 0)
    gr_text_put_double(&w->text, value);
  else
    gr_text_puts(&w->text, w->json ? "null" : none);
  gr_text_puts(&w->text, w->json ? "" : "\n");
}

static void put_scaled(gr_text *text, double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; unit < 4 && bytes >= 1024; unit++) bytes /= 1024;
  int64_t tenths = (int64_t)(bytes * 10 + 0.5);
  gr_text_printf(text, "%" PRId64, tenths / 10);
  if (tenths % 10) gr_text_printf(text, ".%" PRId64, tenths % 10);
  gr_text_printf(text, " %s", units[unit]);
}

static void put_bytes(struct writer *w, const char *name, const char *label, double bytes,
                      const char *none) {
  if (w->json || bytes <= 0 || bytes >= 0x1p63) {
    put_number(w, name, label, bytes, none);
    return;
  }
  key(w, name, label);
  put_scaled(&w->text, bytes);
  gr_text_puts(&w->text, "\n");
}

static void put_item(struct writer *w, int *n, const char *word) {
  if (w->json) {
    gr_text_puts(&w->text, (*n)++ ? "," : "");
    gr_text_put_json(&w->text, word);
  } else {
    gr_text_printf(&w->text, "%s%s", (*n)++ ? " " : "", word);
  }
}

static void begin_list(struct writer *w, const char *name, const char *label) {
  key(w, name, label);
  gr_text_puts(&w->text, w->json ? "[" : "");
}

static void end_list(struct writer *w, int n) {
  gr_text_puts(&w->text, w->json ? "]" : n > 0 ? "\n" : "none\n");
}

/* ---- what is said ---- */

static void say_cpu(struct writer *w, const struct findings *found) {
  const gr_cpu *cpu = &found->cpu;
  const struct {
    bool there;
    const char *name;
  } features[] = {{cpu->avx2, "avx2"},
                  {cpu->fma, "fma"},
                  {cpu->f16c, "f16c"},
                  {cpu->avx512, "avx512"},
                  {cpu->neon, "neon"}};
  int n = 0;
  begin(w, "cpu", "CPU");
  put_word(w, "model", "model", cpu->model);
  begin_list(w, "features", "features");
  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
    if (features[i].there) put_item(w, &n, features[i].name);
  end_list(w, n);
  n = 0;
  begin_list(w, "kernels", "kernels");
  for (int isa = 0; isa < GR_N_ISAS; isa++)
    if (found->runs[isa]) put_item(w, &n, gr_isa_names[isa]);
  end_list(w, n);
  put_word(w, "chosen_kernels", "chosen kernels", gr_isa_names[found->chosen]);
  put_bytes(w, "l1d_bytes", "L1 data cache", (double)cpu->l1d_bytes, "unknown");
  put_bytes(w, "l2_bytes", "L2 cache", (double)cpu->l2_bytes, "unknown");
  put_bytes(w, "l3_bytes", "L3 cache", (double)cpu->l3_bytes, "unknown");
  end(w);
}

static void say_threads(struct writer *w, const struct findings *found) {
  const gr_cpu *cpu = &found->cpu;
  begin(w, "threads", "Threads");
  put_number(w, "online", "processors online", cpu->logical, "unknown");
  put_number(w, "affinity", "allowed to us", cpu->affinity, "unknown");
  put_number(w, "cores", "cores among these", cpu->physical, "unknown");
  put_number(w, "numa_nodes", "NUMA nodes", cpu->numa_nodes, "unknown");
  put_number(w, "cgroup_quota", "cgroup CPU quota", cpu->quota, "none");
  put_number(w, "slurm_cpus_per_task", "SLURM_CPUS_PER_TASK", cpu->slurm, "not set");
  put_number(w, "omp_num_threads", "OMP_NUM_THREADS", cpu->omp, "not set");
  put_number(w, "used", "gradus uses", found->threads, "unknown");
  put_word(w, "reason", "because", found->threads_reason);
  end(w);
}

static void say_memory(struct writer *w, const struct findings *found) {
  begin(w, "memory", "Memory");
  put_bytes(w, "total_bytes", "total", found->memory_total, "unknown");
  put_bytes(w, "available_bytes", "available", found->memory_available, "unknown");
  put_bytes(w, "cgroup_bytes", "cgroup limit", found->memory_cgroup, "none");
  put_word(w, "transparent_huge_pages", "huge pages", found->huge_pages);
  end(w);
}

static void say_files(struct writer *w, const struct findings *found) {
  begin(w, "files", "Files");
  put_word(w, "hdf5", "HDF5", found->hdf5);
  put_word(w, "locking", "locking",
           "data sets are read without locks (NFS and Lustre are fine); a run by its lock file");
  put_number(w, "open_files_limit", "open files limit", found->open_files, "none");
  put_bytes(w, "file_size_limit_bytes", "file size limit", found->file_size, "none");
  put_bytes(w, "address_space_limit_bytes", "address space", found->address_space, "not limited");
  end(w);
}

/* ---- advice ---- */

__attribute__((format(printf, 4, 5))) static void advise(struct writer *w, int *n, bool when,
                                                         const char *format, ...);

static void advise(struct writer *w, int *n, bool when, const char *format, ...) {
  char sentence[512];
  va_list args;
  if (!when) return;
  va_start(args, format);
  vsnprintf(sentence, sizeof sentence, format, args);
  va_end(args);
  if (w->json) gr_text_puts(&w->text, *n ? "," : "");
  (*n)++;
  if (w->json)
    gr_text_put_json(&w->text, sentence);
  else
    gr_text_printf(&w->text, "  - %s\n", sentence);
}

static void advise_on_threads(struct writer *w, int *n, const struct findings *found) {
  const gr_cpu *cpu = &found->cpu;
  int cores = cpu->physical;
  advise(w, n, cpu->omp > 0 && cpu->omp == found->threads && cpu->omp < cores,
         "OMP_NUM_THREADS leaves %d of %d cores idle: unset it, or say --threads", cores - cpu->omp,
         cores);
  advise(w, n, cpu->slurm > 0 && cpu->slurm == found->threads && cpu->slurm < cores,
         "the batch job asks for %d of %d cores: --cpus-per-task asks for more", cpu->slurm, cores);
  advise(
      w, n, cpu->quota > 0 && cpu->quota < cores,
      "the cgroup quota is less than the %d cores: more threads would only be throttled; ask for "
      "more CPUs where the container or job is started",
      cores);
  advise(w, n, cpu->affinity > cores && cores > 0,
         "%d processors are %d cores with hyperthreads: one thread per core is used, which matrix "
         "products want",
         cpu->affinity, cores);
  advise(w, n, cpu->numa_nodes > 1 && found->threads > 1,
         "%d NUMA nodes: resources.pin: true keeps each thread near the memory it first touched",
         cpu->numa_nodes);
}

static void advise_on_kernels(struct writer *w, int *n, const struct findings *found) {
  advise(w, n, found->isa_error.message[0] != '\0', "%s", found->isa_error.message);
  advise(w, n, found->chosen != found->best,
         "GRADUS_ISA chooses %s kernels; this CPU runs %s ones, and the results are the same bits",
         gr_isa_names[found->chosen], gr_isa_names[found->best]);
  advise(w, n, found->best == GR_ISA_GENERIC,
         "only the generic kernels run here, and they are slow: a CPU with AVX2 and FMA, and a "
         "compiler that knows them, would be many times faster");
}

static void advise_on_limits(struct writer *w, int *n, const struct findings *found) {
  advise(w, n, strcmp(found->huge_pages, "never") == 0,
         "transparent huge pages are off: large networks gain by "
         "'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled'");
  advise(w, n, found->open_files > 0 && found->open_files < 64,
         "few files may be open at once: raise it with 'ulimit -n'");
  advise(w, n, found->file_size > 0,
         "files are limited in size: a checkpoint that is larger fails; see 'ulimit -f'");
  advise(
      w, n, found->address_space > 0,
      "the address space is limited: thread stacks and mapped files count, too; see 'ulimit -v'");
  advise(w, n, found->memory_cgroup > 0 && found->memory_cgroup < found->memory_total,
         "the cgroup allows less memory than the machine has: beyond it the kernel kills the run");
}

static void say_advice(struct writer *w, const struct findings *found) {
  int n = 0;
  if (w->json)
    begin_list(w, "advice", "");
  else
    gr_text_puts(&w->text, "\nAdvice\n");
  advise_on_threads(w, &n, found);
  advise_on_kernels(w, &n, found);
  advise_on_limits(w, &n, found);
  if (w->json)
    gr_text_puts(&w->text, "]");
  else if (n == 0)
    gr_text_puts(&w->text, "  none: this machine is fine as it is\n");
}

gradus_status gradus_doctor(int json, char **out, gradus_error *err) {
  if (!out) return gr_fail(err, GRADUS_ERR_USAGE, "gradus_doctor: out is NULL");
  *out = NULL;
  struct findings found;
  struct writer w = {.json = json != 0};
  find(&found);
  if (w.json)
    gr_text_puts(&w.text, "{");
  else
    gr_text_printf(&w.text, "gradus %s sees\n", gradus_version());
  if (w.json) put_word(&w, "gradus", "", gradus_version());
  say_cpu(&w, &found);
  say_threads(&w, &found);
  say_memory(&w, &found);
  say_files(&w, &found);
  say_advice(&w, &found);
  if (w.json) gr_text_puts(&w.text, "}\n");
  if (w.text.failed || !w.text.data) {
    gr_text_free(&w.text);
    return gr_fail_memory(err, "the doctor's report");
  }
  *out = w.text.data;
  return GRADUS_OK;
}
