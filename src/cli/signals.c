/* A handler may run at any instruction, so it does nothing but set flags: its own, and through the
 * library's two async-signal-safe requests those of the trainer. */
#include <config.h>

#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

static gradus_trainer *_Atomic watched;
static atomic_int stop_asked, checkpoint_asked, interrupts;

static void on_stop(int number) {
  if (number == SIGINT && atomic_fetch_add(&interrupts, 1) > 0) _exit(130);
  atomic_store(&stop_asked, 1);
  gradus_trainer *trainer = atomic_load(&watched);
  if (trainer) gradus_trainer_request_stop(trainer);
}

static void on_checkpoint(int number) {
  (void)number;
  atomic_store(&checkpoint_asked, 1);
  gradus_trainer *trainer = atomic_load(&watched);
  if (trainer) gradus_trainer_request_checkpoint(trainer);
}

static const struct {
  int number;
  void (*handler)(int);
} actions[] = {{SIGINT, on_stop},
               {SIGTERM, on_stop},
               {SIGUSR1, on_stop},
               {SIGXCPU, on_stop},
               {SIGUSR2, on_checkpoint}};
enum { N_ACTIONS = sizeof actions / sizeof actions[0] };
static bool caught[N_ACTIONS];

gradus_status gr_signals_begin(gradus_error *err) {
  struct sigaction action = {.sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < N_ACTIONS; i++) {
    struct sigaction old;
    bool known = sigaction(actions[i].number, NULL, &old) == 0;
    if (known && old.sa_handler == SIG_IGN) continue; /* nohup, or the background of a script */
    action.sa_handler = actions[i].handler;
    caught[i] = known && sigaction(actions[i].number, &action, NULL) == 0;
    if (!caught[i])
      return gr_cli_fail(err, GRADUS_ERR_FAILED, "cannot catch signal %d: %s", actions[i].number,
                         strerror(errno));
  }
  /* A terminal or pipe that went away must not end a run of days. */
  action.sa_handler = SIG_IGN;
  if (sigaction(SIGPIPE, &action, NULL) != 0)
    return gr_cli_fail(err, GRADUS_ERR_FAILED, "cannot ignore SIGPIPE: %s", strerror(errno));
  return GRADUS_OK;
}

void gr_signals_watch(gradus_trainer *trainer) {
  atomic_store(&watched, trainer);
  if (atomic_load(&stop_asked)) gradus_trainer_request_stop(trainer);
  if (atomic_load(&checkpoint_asked)) gradus_trainer_request_checkpoint(trainer);
}

void gr_signals_end(void) {
  for (int i = 0; i < N_ACTIONS; i++)
    if (caught[i]) (void)signal(actions[i].number, SIG_DFL);
  atomic_store(&watched, NULL);
}
