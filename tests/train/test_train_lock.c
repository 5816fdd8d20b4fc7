/* Who has a run directory: on file systems with locks and without, by holders that live, are gone,
 * or only seem to be there. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "train/deadline.h"
#include "train/files.h"
#include "train/lock.h"
#include "train/test_train.h"

/* A file system without locks. */
static int no_locks(int fd) {
  (void)fd;
  return ENOLCK;
}

static char told[4096];

static void listen(void *user, gr_level level, const char *text) {
  (void)user;
  (void)level;
  snprintf(told, sizeof told, "%s", text);
}

static const gr_log ear = {listen, NULL};

static gradus_status take(const char *path, int (*try)(int), gr_lock *lock, gradus_error *err) {
  told[0] = '\0';
  return gr_lock_take(path, "gradus train x.h5", try, &ear, lock, err);
}

/* Leaves a record as another holder would, last renewed `ago` seconds ago. */
static const char *leave_record(const char *name, const char *record, time_t ago) {
  const char *path = gr_test_path(name);
  gradus_error err = {0};
  struct timespec now;
  GR_CHECK_OK(gr_file_replace(path, record, strlen(record), false, &err), &err);
  CU_ASSERT_EQUAL(clock_gettime(CLOCK_REALTIME, &now), 0);
  now.tv_sec -= ago;
  const struct timespec times[2] = {now, now};
  CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, times, 0), 0);
  return path;
}

static const char *record_of(const char *host, long pid, const char *start, const char *boot) {
  static char text[1024];
  char here[256] = "";
  CU_ASSERT_EQUAL(gethostname(here, sizeof here - 1), 0);
  snprintf(
      text, sizeof text,
      "process %ld on %s, since 2026-01-31T12:00:00+0100: gradus train old.h5\nhost=%s pid=%ld "
      "start=%s boot=%s\n",
      pid, host ? host : here, host ? host : here, pid, start, boot);
  return text;
}

static void boot_of_this_machine(char out[64]) {
  gr_text text = {0};
  bool found = false;
  out[0] = '\0';
  if (gr_file_read("/proc/sys/kernel/random/boot_id", &text, &found, NULL) == GRADUS_OK && found)
    snprintf(out, 64, "%.36s", text.data);
  gr_text_free(&text);
}

static void expect_taken(const char *path, int (*try)(int), const char *message) {
  gr_lock lock;
  gradus_error err = {0};
  GR_CHECK_OK(take(path, try, &lock, &err), &err);
  CU_ASSERT_EQUAL(told[0] != '\0', message != NULL);
  CU_ASSERT(!message || strstr(told, message));
  gr_lock_release(&lock);
}

static void expect_busy(const char *path, int (*try)(int), const char *word) {
  gr_lock lock;
  gradus_error err = {0};
  GR_CHECK_FAILS(take(path, try, &lock, &err), GRADUS_ERR_BUSY, &err, word);
  CU_ASSERT_EQUAL(lock.fd, -1);
}

static void a_held_lock_is_refused_with_and_without_locks(void) {
  int (*const tries[])(int) = {gr_lock_file, no_locks};
  for (int i = 0; i < 2; i++) {
    const char *path = gr_test_path(i ? "held-record" : "held-flock");
    gr_lock lock;
    gr_lock_holder holder;
    gradus_error err = {0};
    char who[64];
    snprintf(who, sizeof who, "in use by process %ld on ", (long)getpid());
    GR_CHECK_OK(take(path, tries[i], &lock, &err), &err);
    CU_ASSERT_STRING_EQUAL(told, "");
    expect_busy(path, tries[i], who);
    GR_CHECK_OK(gr_lock_look(path, &holder, &err), &err);
    CU_ASSERT_EQUAL(holder.state, GR_LOCK_HERE);
    CU_ASSERT_EQUAL(holder.pid, getpid());
    CU_ASSERT_PTR_NULL(strstr(holder.text, "gradus train"));
    gr_lock_release(&lock);
    GR_CHECK_OK(gr_lock_look(path, &holder, &err), &err);
    CU_ASSERT_EQUAL(holder.state, GR_LOCK_FREE);
    expect_taken(path, tries[i], NULL);
  }
}

/* No process has a number beyond the kernel's largest, 2^22. */
static void a_holder_that_died_is_taken_over_from(void) {
  char boot[64];
  boot_of_this_machine(boot);
  const long gone = (1L << 22) + 7;
  expect_taken(leave_record("dead", record_of(NULL, gone, "1", boot), 1), no_locks,
               "which is gone");
  expect_taken(leave_record("dead", record_of(NULL, gone, "1", boot), 1), gr_lock_file,
               "process 4194311 on ");
}

/* Our own number with another start, or in another boot, is not the holder's. */
static void a_process_number_given_again_is_not_the_holder(void) {
  char boot[64];
  boot_of_this_machine(boot);
  const char *path = leave_record("recycled", record_of(NULL, (long)getpid(), "1", boot), 1);
  expect_taken(path, no_locks, "which is gone");
  path = leave_record("recycled", record_of(NULL, (long)getpid(), "0", "another-boot"), 1);
  expect_taken(path, no_locks, "which is gone");
  path = leave_record("recycled", record_of(NULL, (long)getpid(), "0", boot), 1);
  expect_busy(path, no_locks, "in use by process");
}

static void a_holder_elsewhere_counts_as_gone_after_minutes_of_silence(void) {
  const char *record = record_of("elsewhere", 12, "1", "its-boot");
  const char *path = leave_record("far", record, GR_LOCK_SILENCE / 2);
  expect_busy(path, no_locks, "process 12 on elsewhere");
  expect_busy(path, no_locks, "remove ");
  expect_busy(path, no_locks, path); /* which file */
  gr_lock_holder holder;
  gradus_error err = {0};
  GR_CHECK_OK(gr_lock_look(path, &holder, &err), &err);
  CU_ASSERT_EQUAL(holder.state, GR_LOCK_ELSEWHERE);
  path = leave_record("far", record, GR_LOCK_SILENCE + 60);
  expect_taken(path, no_locks, "process 12 on elsewhere");
}

static void a_lock_of_the_file_system_is_believed_before_the_text(void) {
  const char *record = record_of("elsewhere", 12, "1", "its-boot");
  expect_taken(leave_record("believed", record, 1), gr_lock_file, "process 12 on elsewhere");
}

static void a_torn_record_does_not_lock_out_for_ever(void) {
  expect_taken(leave_record("torn", "process 12 on els", 1), no_locks, "which is gone");
  expect_taken(leave_record("torn", "\n", 1), no_locks, NULL);
}

static void a_claim_that_was_left_behind_expires(void) {
  const char *claim = leave_record("claimed.claim", "", 3600);
  CU_ASSERT_TRUE(gr_file_exists(claim));
  expect_taken(gr_test_path("claimed"), no_locks, NULL);
  CU_ASSERT_FALSE(gr_file_exists(gr_test_path("claimed.claim")));
}

static void renewing_shows_that_the_holder_lives(void) {
  const char *path = gr_test_path("renewed");
  gr_lock lock;
  gradus_error err = {0};
  struct stat info;
  GR_CHECK_OK(take(path, gr_lock_file, &lock, &err), &err);
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, old, 0), 0);
  gr_lock_refresh(&lock);
  CU_ASSERT_EQUAL(stat(path, &info), 0);
  CU_ASSERT(info.st_mtime > 1000);
  gr_lock_remove(&lock, path);
  CU_ASSERT_FALSE(gr_file_exists(path));
}

/* ---- stopping in time ---- */

static void a_deadline_leaves_room_for_a_step_a_validation_and_its_writes(void) {
  gr_deadline d = {.limit = 100, .start = 1000};
  gr_deadline_guess(&d, 0); /* 20 ms, half again: 30 ms; and a margin of 0.25 s */
  CU_ASSERT_FALSE(gr_deadline_is_near(&d, 1099.7, false, 1));
  CU_ASSERT_TRUE(gr_deadline_is_near(&d, 1099.8, false, 1));
  gr_deadline_write(&d, 2); /* what was measured counts, not the guess */
  gr_deadline_step(&d, 1);
  gr_deadline_validation(&d, 10);
  CU_ASSERT_FALSE(gr_deadline_is_near(&d, 1095.7, false, 1)); /* 1 + 3 + 0.25 */
  CU_ASSERT_TRUE(gr_deadline_is_near(&d, 1095.8, false, 1));
  CU_ASSERT_FALSE(gr_deadline_is_near(&d, 1092.7, false, 2));
  CU_ASSERT_TRUE(gr_deadline_is_near(&d, 1092.8, false, 2));
  CU_ASSERT_FALSE(gr_deadline_is_near(&d, 1085.7, true, 1));
  CU_ASSERT_TRUE(gr_deadline_is_near(&d, 1085.8, true, 1));
  for (int i = 0; i < 100; i++) gr_deadline_step(&d, 0.01); /* one slow step is forgotten */
  CU_ASSERT(d.step < 0.02 && d.step >= 0.01);
  const gr_deadline none = {.start = 1000, .step = 10};
  CU_ASSERT_FALSE(gr_deadline_is_near(&none, 1e9, true, 4));
}

const gr_test lock_tests[] = {
    GR_TEST(a_held_lock_is_refused_with_and_without_locks),
    GR_TEST(a_holder_that_died_is_taken_over_from),
    GR_TEST(a_process_number_given_again_is_not_the_holder),
    GR_TEST(a_holder_elsewhere_counts_as_gone_after_minutes_of_silence),
    GR_TEST(a_lock_of_the_file_system_is_believed_before_the_text),
    GR_TEST(a_torn_record_does_not_lock_out_for_ever),
    GR_TEST(a_claim_that_was_left_behind_expires),
    GR_TEST(renewing_shows_that_the_holder_lives),
    GR_TEST(a_deadline_leaves_room_for_a_step_a_validation_and_its_writes),
    GR_TEST_END};
