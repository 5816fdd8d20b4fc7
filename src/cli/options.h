/* Commands and their options as tables: one parser for all, and the help texts from the same rows.
 */
#ifndef GR_CLI_OPTIONS_H
#define GR_CLI_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include <gradus/status.h>

/* What follows an option and what it is stored as in the command's struct of values. */
typedef enum gr_option_kind {
  GR_OPTION_FLAG,     /* nothing; int 1 */
  GR_OPTION_TEXT,     /* const char *, borrowed from argv */
  GR_OPTION_COUNT,    /* uint64_t */
  GR_OPTION_REAL,     /* double */
  GR_OPTION_DURATION, /* double, seconds */
  GR_OPTION_THREADS,  /* int, 0 for auto */
  GR_OPTION_SETTING   /* key=value, handed to the sink of keys */
} gr_option_kind;

/* One row; a table ends with a row whose name is NULL. */
typedef struct gr_option {
  const char *name; /* long option without dashes */
  char letter;      /* short option, or 0 */
  gr_option_kind kind;
  size_t offset;     /* in the command's struct of values */
  const char *value; /* what --help calls the value; NULL for flags */
  const char *help;
} gr_option;

typedef struct gr_command {
  const char *name, *arguments;
  int least, most; /* positional arguments */
  int takes_keys;  /* the options of gradus-config(5) besides its own */
  const char *summary;
  const gr_option *options;
  gradus_status (*run)(const struct gr_command *command, int argc, char **argv, gradus_error *err);
} gr_command;

/* The table of commands; gr_n_commands rows. */
extern const gr_command gr_commands[];
extern const size_t gr_n_commands;

#define GR_COMMAND(name, arguments, least, most, takes_keys, summary)               \
  extern const gr_option gr_##name##_options[];                                     \
  gradus_status gr_command_##name(const gr_command *command, int argc, char **argv, \
                                  gradus_error *err);
#include "cli/command.def.h"
#undef GR_COMMAND

/* Rows that most commands share, written once. `type` is the command's struct of values. */
#define GR_OPTION_ROW_QUIET(type) \
  { "quiet", 'q', GR_OPTION_FLAG, offsetof(type, quiet), NULL, "no progress and no remarks" }
#define GR_OPTION_ROW_JSON(type) \
  { "json", 0, GR_OPTION_FLAG, offsetof(type, json), NULL, "print the result as JSON" }
#define GR_OPTION_ROW_OVERWRITE(type)                                \
  {                                                                  \
    "overwrite", 0, GR_OPTION_FLAG, offsetof(type, overwrite), NULL, \
        "replace the output file where there is one"                 \
  }
#define GR_OPTION_END \
  { NULL, 0, GR_OPTION_FLAG, 0, NULL, NULL }

/* Files of a data set on a command line, and one more; larger numbers go into a list file. */
#define GR_MOST_ARGUMENTS 1025

/* What a command line says besides option values. */
typedef struct gr_parsed {
  const char *arguments[GR_MOST_ARGUMENTS];
  int n_arguments;
  int help, version; /* asked for: nothing after that was looked at */
} gr_parsed;

/* Receives each key given on the command line, in order. `option` is what the user typed. */
typedef gradus_status (*gr_key_sink)(const char *option, const char *key, const char *value,
                                     void *user, gradus_error *err);

/* Parses argv[0..argc) (the words after the command's name). Option values go into *values, keys to
 * `sink`; either may be NULL: then all is checked as well, and nothing stored. GRADUS_ERR_USAGE
 * names the option and the nearest valid word. */
gradus_status gr_options_parse(const gr_command *command, int argc, char **argv, void *values,
                               gr_key_sink sink, void *user, gr_parsed *parsed, gradus_error *err);

/* The command called `name`; GRADUS_ERR_USAGE names the nearest. */
gradus_status gr_command_find(const char *name, const gr_command **out, gradus_error *err);

/* Help texts: of the program, and of one command. */
void gr_help_program(FILE *out);
void gr_help_command(const gr_command *command, FILE *out);

/* Every command and option, one "command --option" a line: what documentation must cover. */
void gr_help_list(FILE *out);

#endif
