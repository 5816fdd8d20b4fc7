/* gradus, the program: finds the command, runs it, turns its status into one line on standard error
 * and an exit status. All results of commands go through standard output, and a result that could
 * not be written is a failure too. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include <gradus/tool.h>
#include <gradus/version.h>

/* A closed standard stream would give its number to the next file opened, and messages would be
 * written into data. The number is taken instead, in the direction that fails on use. */
static void fill_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) return;
}

/* A data file that is mapped and becomes shorter, or a disk that fails under it, is a signal. */
static void on_bus_error(int number) {
  static const char text[] =
      "gradus: a data file became shorter, or could not be read, while it was in "
      "use; checkpoints are as they were\n";
  (void)number;
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(74); /* nobody to tell */
  _exit(74);
}

static void print_version(void) {
  printf("gradus %s\n", gradus_version());
}

static gradus_status run_command(const gr_command *command, int argc, char **argv,
                                 gradus_error *err) {
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, NULL, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) {
    gr_cli_prefix(err, command->name);
    return status;
  }
  if (parsed.help) return gr_help_command(command, stdout), GRADUS_OK;
  if (parsed.version) return print_version(), GRADUS_OK;
  return command->run(command, argc, argv, err);
}

static gradus_status run(int argc, char **argv, gradus_error *err) {
  const gr_command *command;
  const char *first = argc > 1 ? argv[1] : NULL;
  if (!first)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "a command is missing; 'gradus --help' lists them");
  if (strcmp(first, "--version") == 0) return print_version(), GRADUS_OK;
  if (strcmp(first, "--list-options") == 0) return gr_help_list(stdout), GRADUS_OK;
  int help = strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0;
  if (help && argc < 3) return gr_help_program(stdout), GRADUS_OK;
  if (first[0] == '-' && !help)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "unknown option '%s'; usage: gradus COMMAND [OPTIONS] [ARGUMENTS]", first);
  gradus_status status = gr_command_find(help ? argv[2] : first, &command, err);
  if (status != GRADUS_OK) return status;
  if (help) return gr_help_command(command, stdout), GRADUS_OK;
  return run_command(command, argc - 2, argv + 2, err);
}

int main(int argc, char **argv) {
  gradus_error err = {.status = GRADUS_OK, .message = ""};
  fill_standard_streams();
  (void)signal(SIGBUS, on_bus_error);
  gradus_prepare_process();
  gradus_status status = run(argc, argv, &err);
  if (status != GRADUS_OK) {
    err.status = status;
    fflush(stdout);
    gr_cli_print_error(&err);
  }
  gradus_status written = gr_cli_flush(&err);
  if (written != GRADUS_OK && status != GRADUS_ERR_IO) gr_cli_print_error(&err);
  if (status == GRADUS_OK) status = written;
  return gradus_status_exit_code(status);
}
