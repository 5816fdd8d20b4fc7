/* The live line is drawn anew each time, cut to the terminal's present width, so that a resized
 * window and a long line do no harm. How often it is drawn is the library's choice (about ten times
 * a second). */
#include <config.h>

#include "cli/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/number.h"

enum { BAR = 20, LINE = 512 };

static int is_set(const char *variable) {
  const char *value = getenv(variable);
  return value && *value;
}

gr_progress gr_progress_start(int quiet) {
  const char *terminal = getenv("TERM");
  gr_progress progress = {.quiet = quiet};
  progress.live =
      !quiet && isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
  progress.colour = progress.live && !is_set("NO_COLOR");
  return progress;
}

static int terminal_width(void) {
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
  return size.ws_col;
}

__attribute__((format(printf, 3, 4))) static void append(char *line, size_t size,
                                                         const char *format, ...) {
  size_t n = strlen(line);
  va_list args;
  va_start(args, format);
  vsnprintf(line + n, size - n, format, args);
  va_end(args);
}

/* A live line has to fit 80 columns; a plain one uses the words of metrics.jsonl. */
typedef struct line_style {
  const char *gap, *train_loss, *valid_loss;
  int digits;
} line_style;
static const line_style live_style = {" ", "loss", "valid", 4};
static const line_style plain_style = {"  ", "train_loss", "valid_loss", 5};

static void append_number(char *line, size_t size, const line_style *style, const char *name,
                          double value) {
  if (isfinite(value)) append(line, size, "%s%s %.*g", style->gap, name, style->digits, value);
}

static void append_measures(char *line, size_t size, const line_style *style,
                            const gradus_progress *now) {
  char number[GR_NUMBER_TEXT];
  append_number(line, size, style, style->train_loss, now->train_loss);
  append_number(line, size, style, style->valid_loss, now->valid_loss);
  if (now->metric_name) append_number(line, size, style, now->metric_name, now->metric);
  if (now->eta_seconds >= 0)
    append(line, size, "%sETA %s", style->gap, gr_number_clock(number, now->eta_seconds));
  if (now->data_wait > 0.0005)
    append(line, size, "%sdata wait %.*f%%", style->gap, now->data_wait < 0.0995 ? 1 : 0,
           100 * now->data_wait);
  if (now->samples_per_second > 0)
    append(line, size, "%s%s samples/s", style->gap,
           gr_number_short(number, now->samples_per_second));
}

static void append_epoch(char *line, size_t size, const gradus_progress *now) {
  char last[24];
  int width = snprintf(last, sizeof last, "%llu", (unsigned long long)now->epochs);
  append(line, size, "epoch %*llu/%s", width, (unsigned long long)now->epoch, last);
}

/* A bar in the room that is left; none where that is too little to tell anything. */
static void append_bar(char *line, size_t size, int room, double share) {
  char bar[BAR + 1];
  int width = room - 3 < BAR ? room - 3 : BAR;
  if (width < 5) return;
  int full = share >= 1 ? width : (int)(share * width);
  memset(bar, '.', (size_t)width);
  memset(bar, '#', (size_t)full);
  append(line, size, " [%.*s]", width, bar);
}

/* "head [bar] line", cut to the terminal's width. */
static void draw(gr_progress *progress, const char *head, double share, const char *line) {
  char bar[BAR + 8] = "";
  int room = terminal_width() - 1, n = (int)strlen(head);
  append_bar(bar, sizeof bar, room - n - (int)strlen(line), share);
  if (n > room) n = room;
  room -= n + (int)strlen(bar);
  fprintf(stderr, "\r\033[K%s%.*s%s%s%.*s", progress->colour ? "\033[1m" : "", n, head,
          progress->colour ? "\033[0m" : "", bar, room > 0 ? room : 0, line);
  fflush(stderr);
  progress->drawn = 1;
}

static void show_live(gr_progress *progress, const gradus_progress *now) {
  char epoch[64] = "", line[LINE] = "";
  append_epoch(epoch, sizeof epoch, now);
  append_measures(line, sizeof line, &live_style, now);
  draw(progress, epoch, now->steps > 0 ? (double)now->step / (double)now->steps : 0, line);
}

void gr_progress_work(gr_progress *progress, const char *phase, uint64_t done, uint64_t total,
                      double seconds, double eta_seconds) {
  char line[LINE] = "", number[GR_NUMBER_TEXT];
  double share = total > 0 ? (double)done / (double)total : 0;
  if (!progress->live) return;
  append(line, sizeof line, " %3.0f %%", 100 * share);
  if (eta_seconds >= 0) append(line, sizeof line, " ETA %s", gr_number_clock(number, eta_seconds));
  if (eta_seconds >= 0 && seconds > 0) /* before, there is nothing to tell of */
    append(line, sizeof line, " %sB/s", gr_number_short(number, (double)done / seconds));
  draw(progress, phase, share, line);
}

static void show_epoch(const gradus_progress *now) {
  char line[LINE] = "";
  append_epoch(line, sizeof line, now);
  append_measures(line, sizeof line, &plain_style, now);
  fprintf(stderr, "%s\n", line);
}

void gr_progress_show(gr_progress *progress, const gradus_progress *now) {
  if (progress->quiet) return;
  if (progress->live)
    show_live(progress, now);
  else if (now->epoch_finished)
    show_epoch(now);
}

void gr_progress_clear(gr_progress *progress) {
  if (progress->drawn) fputs("\r\033[K", stderr);
  progress->drawn = 0;
}

void gr_progress_end(gr_progress *progress) {
  if (progress->drawn) putc('\n', stderr);
  progress->drawn = 0;
}
