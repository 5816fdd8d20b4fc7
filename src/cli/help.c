/* Help texts from the tables that the parser reads, so that they cannot disagree: wrapped at 79
 * columns, the same on a terminal and in a pipe. */
#include <config.h>

#include "cli/options.h"

#include <string.h>

#include "cli/output.h"
#include <gradus/recipe.h>

enum { COMMAND_INDENT = 12, OPTION_INDENT = 27, COLUMNS = 79 };

/* Words of `text` from column `indent` on; what stands left of it is `width` wide. */
static void put_wrapped(FILE *out, int width, int indent, const char *text) {
  if (width + 2 > indent) {
    putc('\n', out);
    width = 0;
  }
  fprintf(out, "%*s", indent - width, "");
  int column = indent;
  while (*text) {
    int n = (int)strcspn(text, " ");
    if (column > indent && column + 1 + n > COLUMNS) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
    }
    if (column > indent) column += fprintf(out, " ");
    fprintf(out, "%.*s", n, text);
    column += n;
    text += n + (text[n] == ' ');
  }
  putc('\n', out);
}

static void put_row(FILE *out, const char *left, const char *help) {
  fprintf(out, "  %s", left);
  put_wrapped(out, 2 + (int)strlen(left), OPTION_INDENT, help);
}

static void put_option(FILE *out, const gr_option *option) {
  char left[96], letter[8] = "";
  if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
  snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
           option->value ? option->value : "");
  put_row(out, left, option->help);
}

/* What the value of a key is called. */
static const char *value_name(const gradus_key *key) {
  static const char *const names[][2] = {
      {"integer", "N"},   {"seed", "N"},        {"real", "X"},
      {"choice", "NAME"}, {"widths", "N,N..."}, {"layers", "N,N..."},
      {"duration", "T"},  {"size", "SIZE"},     {"bool", "[=BOOL]"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(key->type, names[i][0]) == 0) return names[i][1];
  return "TEXT";
}

static void append(char *text, size_t size, const char *more) {
  size_t n = strlen(text);
  snprintf(text + n, size - n, "%s", more);
}

/* "help (auto, a, b, c) [default: d]" */
static void describe_key(const gradus_key *key, char *text, size_t size) {
  snprintf(text, size, "%s", key->help ? key->help : "");
  const char *separator = " (";
  if (key->choices && key->may_be_auto) {
    append(text, size, " (auto");
    separator = ", ";
  }
  for (const char *const *choice = key->choices; choice && *choice; choice++) {
    append(text, size, separator);
    append(text, size, *choice);
    separator = ", ";
  }
  if (key->choices) append(text, size, ")");
  if (!key->default_value || !*key->default_value) return;
  append(text, size, " [default: ");
  append(text, size, key->default_value);
  append(text, size, "]");
}

static void put_key(FILE *out, const gradus_key *key) {
  char left[160], text[640];
  int is_bool = strcmp(key->type, "bool") == 0;
  if (key->option)
    snprintf(left, sizeof left, "--%s%s%s", key->option, is_bool ? "" : " ", value_name(key));
  else
    snprintf(left, sizeof left, "--set %s=%s", key->name, is_bool ? "BOOL" : value_name(key));
  describe_key(key, text, sizeof text);
  put_row(out, left, text);
}

/* The section of a key: what stands before its dot. */
static int section_length(const gradus_key *key) {
  return (int)strcspn(key->name, ".");
}

/* A key whose option the command uses for something of its own is left to --set. */
static int is_taken(const gr_command *command, const gradus_key *key) {
  for (const gr_option *option = command->options; key->option && option->name; option++)
    if (strcmp(option->name, key->option) == 0) return 1;
  return 0;
}

static void put_keys(const gr_command *command, FILE *out) {
  gradus_key key, last = {.name = ""};
  for (size_t i = 0; i < gradus_key_count(); i++) {
    if (gradus_key_at(i, &key) != GRADUS_OK) continue;
    int n = section_length(&key);
    if (n != section_length(&last) || strncmp(key.name, last.name, (size_t)n) != 0)
      fprintf(out, "\nKeys of section %.*s (YAML, --set %.*s.KEY=VALUE, or these options):\n", n,
              key.name, n, key.name);
    last = key;
    if (is_taken(command, &key)) key.option = NULL;
    put_key(out, &key);
  }
  fputs("\nPresets:\n", out);
  for (size_t i = 0; gradus_preset_name(i); i++)
    put_row(out, gradus_preset_name(i), gradus_preset_help(i));
}

void gr_help_command(const gr_command *command, FILE *out) {
  fprintf(out, "Usage: gradus %s [OPTIONS]%s%s\n", command->name, *command->arguments ? " " : "",
          command->arguments);
  fprintf(out, "gradus %s: %s.\n\nOptions:\n", command->name, command->summary);
  for (const gr_option *option = command->options; option->name; option++) put_option(out, option);
  put_row(out, "-h, --help", "print this help");
  put_row(out, "--version", "print the version");
  if (command->takes_keys) put_keys(command, out);
  fputs("\nMore in gradus(1).\n", out);
}

void gr_help_program(FILE *out) {
  fputs(
      "Usage: gradus COMMAND [OPTIONS] [ARGUMENTS]\n"
      "Trains dense neural networks on multicore CPUs, reproducibly and resumably.\n\n"
      "Commands:\n",
      out);
  for (size_t i = 0; i < gr_n_commands; i++) {
    fprintf(out, "  %s", gr_commands[i].name);
    put_wrapped(out, 2 + (int)strlen(gr_commands[i].name), COMMAND_INDENT, gr_commands[i].summary);
  }
  fputs(
      "\n'gradus COMMAND --help' shows the options of a command. A first session:\n"
      "  gradus generate digits digits.h5\n"
      "  gradus train digits.h5\n",
      out);
}

void gr_help_list(FILE *out) {
  for (size_t i = 0; i < gr_n_commands; i++) {
    const gr_command *command = &gr_commands[i];
    fprintf(out, "%s\n", command->name);
    for (const gr_option *option = command->options; option->name; option++) {
      fprintf(out, "%s --%s\n", command->name, option->name);
      if (option->letter) fprintf(out, "%s -%c\n", command->name, option->letter);
    }
    gradus_key key;
    for (size_t k = 0; command->takes_keys && k < gradus_key_count(); k++)
      if (gradus_key_at(k, &key) == GRADUS_OK && key.option && !is_taken(command, &key))
        fprintf(out, "%s --%s\n", command->name, key.option);
  }
}
