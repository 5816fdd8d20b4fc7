/* Files that are larger than the window they are read through, pipes, and rows that are left out.
 */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "test_interop.h"

enum { ROWS = 30000 }; /* some 1.5 MB: six windows */

static double number_of(int row, int column) {
  return (double)((row * 7919 + column * 104729) % 200003 - 100001) / 8;
}

/* Quoted cells with lines, delimiters and quotes in them stand wherever windows end. */
static gr_text large_table(void) {
  gr_text text = {0};
  gr_text_puts(&text, "a,\"b\",name,y\r\n");
  for (int i = 0; i < ROWS; i++) {
    for (int c = 0; c < 2; c++) {
      gr_text_put_double(&text, number_of(i, c));
      gr_text_puts(&text, ",");
    }
    gr_text_printf(&text, i % 3 ? "\"row \"\"%d\"\",\r\n of many\"," : "r%d ,", i);
    gr_text_printf(&text, i % 2 && i % 5 ? "%s\n" : "\"%s\"\r\n",
                   i % 5 ? "cat" : "dog, \"\"small\"\"");
  }
  CU_ASSERT_FATAL(!text.failed);
  return text;
}

static void check_large(const gr_dataset *d) {
  const gr_split *s = &d->split[GR_TRAIN];
  CU_ASSERT_FATAL(s->n_rows == ROWS && d->n_columns == 2 && d->n_class_names == 2);
  CU_ASSERT_STRING_EQUAL(d->class_names[1], "dog, \"small\"");
  int wrong = 0;
  for (int i = 0; i < ROWS; i++) {
    for (int c = 0; c < 2; c++) wrong += ((const float *)s->x)[i * 2 + c] != (float)number_of(i, c);
    wrong += ((const int32_t *)s->y)[i] != (i % 5 == 0);
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void import_large(const char *path) {
  gr_import_options options = import_of(path);
  gr_dataset d;
  import_well(&options, &d);
  check_large(&d);
  CHECK_ACCOUNT(
      "column name: dropped: text, 30000 distinct values in 30000 cells (an identifier?)");
  gr_dataset_free(&d);
}

static void files_larger_than_the_window_are_read_whole(void) {
  gr_text text = large_table();
  import_large(write_file("large.csv", text.data, text.length));
  const char *path = gr_test_path("large.csv.gz");
  gzFile file = gzopen(path, "wb1");
  CU_ASSERT_EQUAL_FATAL(gzwrite(file, text.data, (unsigned)text.length), (int)text.length);
  CU_ASSERT_EQUAL_FATAL(gzclose(file), Z_OK);
  import_large(path);
  gr_text_free(&text);
}

/* What is written into a pipe by a thread of its own. */
struct feeding {
  const char *path;
  gr_text text;
};

static void *feed(void *user) {
  const struct feeding *feeding = user;
  const gr_text *text = &feeding->text;
  int fd = open(feeding->path, O_WRONLY);
  size_t done = 0;
  while (fd >= 0 && done < text->length) {
    ssize_t n = write(fd, text->data + done, text->length - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  if (fd >= 0) (void)close(fd);
  return NULL;
}

static void a_pipe_can_be_imported_though_it_is_read_twice(void) {
  char *path = gr_strdup(gr_test_path("pipe"));
  struct feeding feeding = {path, large_table()};
  pthread_t writer;
  CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
  CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, feed, &feeding), 0);
  import_large(path);
  CU_ASSERT_EQUAL(pthread_join(writer, NULL), 0);
  gr_text_free(&feeding.text);
  gr_free(path);
}

static void a_record_may_be_longer_than_the_window(void) {
  enum { COLUMNS = 40000 };
  gr_text text = {0};
  for (int row = 0; row < 3; row++)
    for (int c = 0; c < COLUMNS; c++)
      gr_text_printf(&text, "%d.25%s", c * (row + 1), c + 1 < COLUMNS ? "," : "\n");
  gr_import_options options = import_of(write_file("wide.csv", text.data, text.length));
  gr_dataset d;
  import_well(&options, &d);
  CU_ASSERT_FATAL(d.n_columns == COLUMNS - 1 && d.split[GR_TRAIN].n_rows == 3);
  const float *x = d.split[GR_TRAIN].x;
  CU_ASSERT(x[3 * (COLUMNS - 1) - 1] == (COLUMNS - 2) * 3 + 0.25f);
  gr_dataset_free(&d);
  gr_text_free(&text);
}

/* ---- bad rows ---- */

static const char bad_rows[] =
    "a,b,y\n"
    "1,2,3.5\n"
    "4,5\n" /* line 3: short */
    "6,7,8.5\n"
    "1,\"2\"x,3\n" /* line 5: after a quote */
    "9,ten,11.5\n" /* line 6: text in a column of numbers */
    "12,13,\n"     /* line 7: no target */
    "14,15,16.5\n"
    "1,2,3,4\n" /* line 9: long */
    "17,18,19.5\n";

static void bad_rows_are_left_out_and_counted(void) {
  gr_import_options options = import_of(write_text("rows.csv", bad_rows));
  gr_dataset d;
  options.max_bad_rows = 5;
  import_well(&options, &d);
  const float x[8] = {1, 2, 6, 7, 14, 15, 17, 18}, y[4] = {3.5f, 8.5f, 16.5f, 19.5f};
  const gr_split *s = &d.split[GR_TRAIN];
  CU_ASSERT_FATAL(s->n_rows == 4 && d.n_columns == 2);
  CU_ASSERT(memcmp(s->x, x, sizeof x) == 0 && memcmp(s->y, y, sizeof y) == 0);
  gr_dataset_free(&d);
  CHECK_ACCOUNT("rows.csv: 5 bad rows left out, 4 taken; the first of them:");
  CHECK_ACCOUNT("rows.csv:3:3: row of 2 cells, expected 3 as in the first line (at '5')");
  CHECK_ACCOUNT("rows.csv:5:6: text after a closing quote");
  CHECK_ACCOUNT("rows.csv:6:3: column 'b' needs a number (at 'ten')");
  options.max_bad_rows = 4;
  import_badly(&options, GRADUS_ERR_DATA,
               "rows.csv:9:7: row of 4 cells, expected 3 as in the first line (at '4'); more than "
               "4 bad rows");
  options.max_bad_rows = 0;
  import_badly(&options, GRADUS_ERR_DATA, "rows.csv:3:3: row of 2 cells");
}

static void what_a_bad_row_holds_changes_nothing_else(void) {
  gr_import_options options = import_of(
      write_text("rows.csv", "a,b,y\n1,2,0.5\n1e30,x,1.5\n3,4,2.5\n\"5\n6,7,3.5\n8,9\0,4.5\n"));
  gr_dataset d;
  options.max_bad_rows = 3;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].x_type == GR_F32); /* 1e30 would have needed f64 */
  CU_ASSERT(d.split[GR_TRAIN].n_rows == 3);
  gr_dataset_free(&d);
  options.source[GR_TRAIN] = write_text("rows.csv", "a,y\n1,2\n\n3\n4\n");
  options.max_bad_rows = 1;
  import_badly(&options, GRADUS_ERR_DATA, "rows.csv:5:1: row of 1 cells");
  options.source[GR_TRAIN] = write_text("rows.csv", "a,y\n3\n");
  import_badly(&options, GRADUS_ERR_DATA, "bad rows only");
}

/* ---- progress ---- */

struct seen {
  int calls, wrong;
  uint64_t done;
};

static void watch(void *user, const gr_import_progress *now) {
  struct seen *seen = user;
  seen->wrong += now->done < seen->done || now->done > now->total || !now->phase;
  seen->done = now->done;
  seen->calls++;
}

static void progress_only_grows(void) {
  gr_text text = large_table();
  struct seen seen = {0};
  gr_import_options options = import_of(write_file("large.csv", text.data, text.length));
  options.on_progress = watch;
  options.progress_user = &seen;
  gr_dataset d;
  import_well(&options, &d);
  CU_ASSERT(seen.calls > 0 && seen.wrong == 0);
  gr_dataset_free(&d);
  gr_text_free(&text);
}

static void names_with_line_ends_stay_on_one_line(void) {
  gr_import_options options = import_of(write_text("n.csv", "\"a\nb\",\"a\nb\"\n1,2\n"));
  import_badly(&options, GRADUS_ERR_DATA, "column name 'a?b' occurs twice");
}

const gr_test stream_tests[] = {GR_TEST(files_larger_than_the_window_are_read_whole),
                                GR_TEST(a_pipe_can_be_imported_though_it_is_read_twice),
                                GR_TEST(a_record_may_be_longer_than_the_window),
                                GR_TEST(bad_rows_are_left_out_and_counted),
                                GR_TEST(what_a_bad_row_holds_changes_nothing_else),
                                GR_TEST(progress_only_grows),
                                GR_TEST(names_with_line_ends_stay_on_one_line),
                                GR_TEST_END};
