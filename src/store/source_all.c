/* A whole source into memory, some megabytes at a time, by several threads: decoding is what takes
 * the time, and it needs no lock. */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/cpu.h"
#include "store/source.h"

enum { MAX_THREADS = 16 };
#define PART_BYTES ((uint64_t)4 << 20)

struct job {
  gr_source *source;
  char *out;
  uint64_t n_rows, part_rows, n_parts, row_bytes;
  atomic_uint_fast64_t next;
  atomic_int status;
  gradus_error *error; /* of whoever fails first */
};

static void *read_parts(void *user) {
  struct job *job = user;
  uint64_t part;
  while (atomic_load(&job->status) == GRADUS_OK &&
         (part = atomic_fetch_add(&job->next, 1)) < job->n_parts) {
    const uint64_t first = part * job->part_rows, left = job->n_rows - first;
    gradus_error error;
    int ok = GRADUS_OK;
    const gradus_status status =
        gr_source_read(job->source, first, left < job->part_rows ? left : job->part_rows,
                       job->out + first * job->row_bytes, &error);
    if (status != GRADUS_OK && atomic_compare_exchange_strong(&job->status, &ok, (int)status) &&
        job->error)
      *job->error = error;
  }
  return NULL;
}

gradus_status gr_source_read_all(gr_source *source, void *out, gradus_error *err) {
  const gr_source_info *info = gr_source_get_info(source);
  struct job job = {.source = source,
                    .out = out,
                    .n_rows = info->n_rows,
                    .row_bytes = info->n_columns * gr_dtype_size(info->type),
                    .error = err};
  const uint64_t piece = info->chunk_rows ? info->chunk_rows : 1;
  job.part_rows = piece * (PART_BYTES / (piece * job.row_bytes) + 1);
  job.n_parts = (job.n_rows + job.part_rows - 1) / job.part_rows;
  gr_cpu cpu;
  gr_cpu_detect(&cpu);
  char reason[96];
  int wanted = gr_cpu_threads(&cpu, reason, sizeof reason), n = 0;
  pthread_t thread[MAX_THREADS];
  if (wanted > MAX_THREADS) wanted = MAX_THREADS;
  while (n < wanted - 1 && (uint64_t)n + 1 < job.n_parts &&
         pthread_create(&thread[n], NULL, read_parts, &job) == 0)
    n++; /* fewer do as well */
  (void)read_parts(&job);
  for (int i = 0; i < n; i++) pthread_join(thread[i], NULL);
  return (gradus_status)atomic_load(&job.status);
}
