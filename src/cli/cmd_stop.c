/* gradus stop: asks the trainer of a run directory to checkpoint and stop, and may wait until it
 * has gone. The request is a file, so that it works from another host, too. */
#include <config.h>

#include <stdio.h>
#include <time.h>

#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

#define LOOK_SECONDS 0.1 /* between two looks while waiting */

typedef struct stop_values {
  int quiet;
  double wait;
} stop_values;

const gr_option gr_stop_options[] = {
    {"wait", 0, GR_OPTION_DURATION, offsetof(stop_values, wait), "T",
     "wait until it has stopped, at most this long (90s, 30min)"},
    GR_OPTION_ROW_QUIET(stop_values),
    GR_OPTION_END};

static gradus_status look(const char *run, gradus_run_status *out, gradus_error *err) {
  *out = (gradus_run_status){.struct_size = sizeof *out};
  return gradus_run_look(run, out, err);
}

static void say(const stop_values *values, const char *run, const char *what) {
  if (values->quiet) return;
  gr_cli_put(stdout, run);
  fputs(": ", stdout);
  gr_cli_put(stdout, what);
  putchar('\n');
}

static void say_asked(const stop_values *values, const char *run, const gradus_run_status *now) {
  char text[800];
  snprintf(
      text, sizeof text, "asked %s to stop%s", now->holder,
      now->state == GRADUS_RUN_SILENT ? "; it was not heard of for minutes, and may be gone" : "");
  say(values, run, text);
}

static gradus_status wait_for_end(const stop_values *values, const char *run, gradus_error *err) {
  const struct timespec pause = {.tv_nsec = (long)(LOOK_SECONDS * 1e9)};
  gradus_run_status now;
  for (double waited = 0; waited < values->wait; waited += LOOK_SECONDS) {
    gradus_status status = look(run, &now, err);
    if (status != GRADUS_OK) return status;
    if (now.state == GRADUS_RUN_IDLE) {
      say(values, run, now.finished ? "finished meanwhile" : "stopped");
      return GRADUS_OK;
    }
    fflush(stdout);
    (void)nanosleep(&pause, NULL);
  }
  return gr_cli_fail(err, GRADUS_ERR_FAILED,
                     "%s: has not stopped yet: %s; it stops after the step it is in and the "
                     "checkpoint it writes",
                     run, now.holder);
}

gradus_status gr_command_stop(const gr_command *command, int argc, char **argv, gradus_error *err) {
  stop_values values = {0};
  gr_parsed parsed;
  gradus_run_status now;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  const char *run = parsed.arguments[0];
  status = look(run, &now, err);
  if (status != GRADUS_OK) return status;
  if (now.state == GRADUS_RUN_IDLE) {
    say(&values, run,
        now.finished ? "is finished; there is nothing to stop"
                     : "nobody trains in it; there is nothing to stop");
    return GRADUS_OK;
  }
  status = gradus_run_stop(run, err);
  if (status != GRADUS_OK) return status;
  say_asked(&values, run, &now);
  return values.wait > 0 ? wait_for_end(&values, run, err) : GRADUS_OK;
}
