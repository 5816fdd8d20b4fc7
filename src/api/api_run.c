/* gradus/run.h: a run directory as others than its trainer see it. */
#include <config.h>

#include "gradus/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/internal.h"
#include "base/clock.h"
#include "train/files.h"
#include "train/lock.h"
#include "train/run_directory.h"

static gradus_status check_directory(const char *directory, gradus_error *err) {
  gr_api_kind kind;
  if (strlen(directory) >= GR_RUN_PATH)
    return gr_fail(err, GRADUS_ERR_NOINPUT, "the run directory's name is too long");
  GR_TRY(gr_api_kind_of(directory, &kind, err));
  char lock[GR_RUN_FILE];
  gr_run_file(directory, "lock", lock);
  if (kind == GR_API_RUN && (gr_run_exists(directory) || gr_file_exists(lock))) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_NOINPUT, "%s: is no run directory (it holds no recipe.yaml)",
                 directory);
}

static gradus_run_state state_of(const gr_lock_holder *holder) {
  char here[256] = "";
  switch (holder->state) {
    case GR_LOCK_HERE:
      return GRADUS_RUN_HERE;
    case GR_LOCK_ELSEWHERE:
      return GRADUS_RUN_ELSEWHERE;
    case GR_LOCK_STALE:
      if (gethostname(here, sizeof here - 1) != 0) here[0] = '\0';
      return holder->host[0] && strcmp(holder->host, here) != 0 ? GRADUS_RUN_SILENT
                                                                : GRADUS_RUN_IDLE;
    case GR_LOCK_FREE:
      break;
  }
  return GRADUS_RUN_IDLE;
}

/* Nobody trains in it: is it at its end? */
static gradus_status look_at_end(const char *directory, int *finished, gradus_error *err) {
  gr_checkpoint newest = {0};
  bool found = false;
  GR_TRY(gr_api_read_state(directory, &newest, &found, err));
  *finished = found && newest.state.finished;
  gr_checkpoint_free(&newest);
  return GRADUS_OK;
}

gradus_status gradus_run_look(const char *run_directory, gradus_run_status *out,
                              gradus_error *err) {
  gradus_run_status now = {.struct_size = sizeof now};
  gr_lock_holder holder;
  char lock[GR_RUN_FILE];
  GR_API_NEED(run_directory, "run_directory");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&now, sizeof now, out, out->struct_size, "gradus_run_status", err));
  GR_TRY(check_directory(run_directory, err));
  gr_run_file(run_directory, "lock", lock);
  GR_TRY(gr_lock_look(lock, &holder, err));
  now = (gradus_run_status){.state = state_of(&holder)};
  if (now.state != GRADUS_RUN_IDLE)
    snprintf(now.holder, sizeof now.holder, "%s", holder.text);
  else
    GR_TRY(look_at_end(run_directory, &now.finished, err));
  gr_api_copy_out(out, out->struct_size, &now, sizeof now);
  return GRADUS_OK;
}

gradus_status gradus_run_stop(const char *run_directory, gradus_error *err) {
  char host[256] = "", stamp[GR_CLOCK_TEXT], who[400];
  GR_API_NEED(run_directory, "run_directory");
  GR_TRY(check_directory(run_directory, err));
  if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "unknown");
  gr_clock_stamp(stamp);
  snprintf(who, sizeof who, "asked to stop by process %ld on %s at %s\n", (long)getpid(), host,
           stamp);
  return gr_run_request_stop(run_directory, who, err);
}
