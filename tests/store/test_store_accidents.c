/* What disks, copies and programs do to files: bits turn, pages are zero, stale, exchanged or torn,
 * ends are missing or too long. Each is noticed before HDF5 parses anything, and the checkpoint
 * before it is taken. 2,000 accidents in `make check`, 100,000 with GRADUS_TEST_ALL. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/philox.h"
#include "suites.h"

enum { PAGE = 4096, SECTOR = 512, N_KINDS = 8 };

/* A checkpoint, an older one of the same length or not, and where the damaged one goes. */
typedef struct victim {
  gr_bytes_of bytes, older;
  unsigned char *damaged; /* room for one page more */
  char directory[4500], path[4600];
  unsigned long accidents[N_KINDS], unchanged, passed_over;
  char said[512]; /* the last warning */
} victim;

static void take_log(void *user, gr_level level, const char *text) {
  victim *v = user;
  if (level == GR_WARNING) snprintf(v->said, sizeof v->said, "%s", text);
}

static void write_checkpoint(const victim *v, uint64_t step) {
  gr_checkpoint c;
  gradus_error err = {0};
  char name[32], path[4600];
  gr_checkpoint_make(step, &c);
  c.state.samples_seen = 1000 * step; /* the older one differs in more than its number */
  gr_checkpoint_name(step, name);
  snprintf(path, sizeof path, "%s/%s", v->directory, name);
  GR_CHECK_OK(gr_checkpoint_write(&c, path, &err), &err);
  gr_checkpoint_free(&c);
}

static void begin(victim *v) {
  memset(v, 0, sizeof *v);
  snprintf(v->directory, sizeof v->directory, "%s", gr_test_path("accidents"));
  CU_ASSERT_FATAL(mkdir(v->directory, 0777) == 0);
  snprintf(v->path, sizeof v->path, "%s/step-000000000007.h5", v->directory);
  write_checkpoint(v, 6);
  write_checkpoint(v, 7);
  v->bytes = gr_file_bytes(v->path);
  char older[4600];
  snprintf(older, sizeof older, "%s/step-000000000006.h5", v->directory);
  v->older = gr_file_bytes(older);
  v->damaged = malloc(v->bytes.n + PAGE);
  CU_ASSERT_FATAL(v->damaged != NULL && v->bytes.n > 3 * (size_t)PAGE);
}

static void end(victim *v) {
  free(v->bytes.data);
  free(v->older.data);
  free(v->damaged);
}

/* `at` rounded down to a whole `unit`, and how much of it is in the file. */
static size_t piece(const victim *v, size_t at, size_t unit, size_t *start) {
  *start = at / unit * unit;
  return v->bytes.n - *start < unit ? v->bytes.n - *start : unit;
}

static void flip(victim *v, uint64_t i, uint32_t count) {
  uint32_t word[4];
  for (uint32_t k = 0; k < count; k++) {
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 20 + k, i, word);
    v->damaged[word[0] % v->bytes.n] ^= (unsigned char)(1u << word[1] % 8);
  }
}

static void exchange(victim *v, size_t a, size_t b) {
  unsigned char page[PAGE];
  size_t from, to, n = piece(v, a, PAGE, &from), m = piece(v, b, PAGE, &to);
  if (m < n) n = m;
  memcpy(page, v->damaged + from, n);
  memcpy(v->damaged + from, v->damaged + to, n);
  memcpy(v->damaged + to, page, n);
}

/* Accident number i: its kind follows from i, its place from the seed. The new length of the file.
 */
static size_t damage(victim *v, uint64_t i) {
  uint32_t word[4];
  size_t n = v->bytes.n, start, part;
  gr_random_words(gr_test_seed(), GR_STREAM_TEST, 19, i, word);
  size_t at = word[0] % n;
  memcpy(v->damaged, v->bytes.data, n);
  switch (i % N_KINDS) {
    case 0: /* one bit */
      flip(v, i, 1);
      return n;
    case 1: /* some */
      flip(v, i, 2 + word[1] % 30);
      return n;
    case 2: /* cut */
      return at;
    case 3: /* too long */
      memset(v->damaged + n, (int)(word[1] & 255), PAGE);
      return n + 1 + word[2] % PAGE;
    case 4: /* a page of zeros */
      part = piece(v, at, PAGE, &start);
      memset(v->damaged + start, 0, part);
      return n;
    case 5: /* two pages exchanged */
      exchange(v, at, word[1] % n);
      return n;
    case 6: /* a sector of the older file: a write that got lost */
      part = piece(v, at, SECTOR, &start);
      if (start + part > v->older.n) return n;
      memcpy(v->damaged + start, v->older.data + start, part);
      return n;
    default: /* a sector of anything */
      part = piece(v, at, SECTOR, &start);
      for (size_t k = 0; k < part; k++)
        v->damaged[start + k] = (unsigned char)(word[k % 4] >> k % 25);
      return n;
  }
}

static void check_passed_over(victim *v) {
  const gr_log log = {take_log, v};
  gradus_error err = {0};
  gr_checkpoint c;
  bool found = false;
  v->said[0] = '\0';
  GR_CHECK_OK(gr_checkpoint_newest(v->directory, &log, &c, &found, NULL, &err), &err);
  CU_ASSERT(found && c.state.step == 6);
  CU_ASSERT(strstr(v->said, "passed over") && strstr(v->said, "step-000000000007.h5"));
  gr_checkpoint_free(&c);
  v->passed_over++;
}

static void check_noticed(victim *v, uint64_t i, size_t n, bool scan) {
  gradus_error err = {0};
  gr_checkpoint c;
  gr_file_set(v->path, v->damaged, n);
  gradus_status status = gr_checkpoint_read(v->path, &c, &err);
  bool noticed = (status == GRADUS_ERR_DAMAGED || status == GRADUS_ERR_DATA) &&
                 strstr(err.message, "step-000000000007.h5") && !c.model.parameters;
  if (!noticed) printf("(accident %llu: %s) ", (unsigned long long)i, err.message);
  CU_ASSERT(noticed);
  if (scan) check_passed_over(v);
}

static void every_accident_is_noticed_and_the_checkpoint_before_is_taken(void) {
  static victim v;
  const bool all = gr_test_all();
  begin(&v);
  for (uint64_t i = 0, n_done = 0; n_done < (all ? 100000 : 2000); i++) {
    size_t n = damage(&v, i);
    if (n == v.bytes.n && memcmp(v.damaged, v.bytes.data, n) == 0) {
      v.unchanged++; /* a page of zeros was one */
      continue;
    }
    n_done++;
    v.accidents[i % N_KINDS]++;
    check_noticed(&v, i, n, all || i % 16 < N_KINDS);
  }
  printf(
      "(bit %lu, bits %lu, cut %lu, long %lu, zeroed %lu, exchanged %lu, stale %lu, torn %lu; "
      "%lu changed nothing; %lu scans) ",
      v.accidents[0], v.accidents[1], v.accidents[2], v.accidents[3], v.accidents[4],
      v.accidents[5], v.accidents[6], v.accidents[7], v.unchanged, v.passed_over);
  for (int k = 0; k < N_KINDS; k++) CU_ASSERT(v.accidents[k] > 0);
  end(&v);
}

const gr_test gr_accident_tests[] = {
    GR_TEST(every_accident_is_noticed_and_the_checkpoint_before_is_taken), GR_TEST_END};
