/* One parser for every command: a word that starts with a dash is looked up in the command's table,
 * then, where the command takes them, among the keys of gradus-config(5). Nothing is stored before
 * it was understood. Abbreviated options are refused with the whole word, so that scripts survive
 * new options. */
#include <config.h>

#include "cli/options.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cli/nearest.h"
#include "cli/number.h"
#include "cli/output.h"
#include <gradus/recipe.h>

const gr_command gr_commands[] = {
#define GR_COMMAND(name, arguments, least, most, takes_keys, summary) \
  {#name, arguments, least, most, takes_keys, summary, gr_##name##_options, gr_command_##name},
#include "cli/command.def.h"
#undef GR_COMMAND
};
const size_t gr_n_commands = sizeof gr_commands / sizeof gr_commands[0];

/* The walk over one command line. */
typedef struct parser {
  const gr_command *command;
  int argc, next;
  char **argv;
  void *values;
  gr_key_sink sink;
  void *user;
  gr_parsed parsed;
  gradus_error *err;
} parser;

/* An option as the user typed it. */
typedef struct typed_word {
  const char *text;   /* "--epochs=3" */
  const char *name;   /* "epochs=3" */
  int length;         /* of the name alone */
  const char *joined; /* the value that came in the same word, or NULL */
} typed_word;

gradus_status gr_command_find(const char *name, const gr_command **out, gradus_error *err) {
  gr_nearest nearest = gr_nearest_start(name);
  for (size_t i = 0; i < gr_n_commands; i++) {
    if (strcmp(gr_commands[i].name, name) == 0) return *out = &gr_commands[i], GRADUS_OK;
    gr_nearest_offer(&nearest, gr_commands[i].name);
  }
  if (nearest.best)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "unknown command '%s'; did you mean '%s'?", name,
                       nearest.best);
  return gr_cli_fail(err, GRADUS_ERR_USAGE, "unknown command '%s'; 'gradus --help' lists them",
                     name);
}

static int is_named(const typed_word *word, const char *name) {
  return strlen(name) == (size_t)word->length && memcmp(name, word->name, strlen(name)) == 0;
}

static gradus_status unknown_option(const parser *p, const typed_word *word) {
  char typed[64];
  snprintf(typed, sizeof typed, "%.*s", word->length, word->name);
  gr_nearest nearest = gr_nearest_start(typed);
  for (const gr_option *option = p->command->options; option->name; option++)
    gr_nearest_offer(&nearest, option->name);
  gr_nearest_offer(&nearest, "help");
  gr_nearest_offer(&nearest, "version");
  gradus_key key;
  for (size_t i = 0; p->command->takes_keys && i < gradus_key_count(); i++)
    if (gradus_key_at(i, &key) == GRADUS_OK && key.option) gr_nearest_offer(&nearest, key.option);
  int typed_length = (int)(word->name - word->text) + word->length;
  if (nearest.best)
    return gr_cli_fail(p->err, GRADUS_ERR_USAGE, "unknown option '%.*s'; did you mean '--%s'?",
                       typed_length, word->text, nearest.best);
  return gr_cli_fail(p->err, GRADUS_ERR_USAGE,
                     "unknown option '%.*s'; 'gradus %s --help' lists them", typed_length,
                     word->text, p->command->name);
}

/* Values by kind: how the text is read, and what was expected where it cannot be. */
typedef union stored_value {
  int number;
  const char *text;
  uint64_t count;
  double real;
} stored_value;

static bool read_flag(const char *text, stored_value *out) {
  (void)text;
  out->number = 1;
  return true;
}

static bool read_text(const char *text, stored_value *out) {
  out->text = text;
  return true;
}

static bool read_count(const char *text, stored_value *out) {
  return gr_number_count(text, &out->count);
}

static bool read_real(const char *text, stored_value *out) {
  return gr_number_real(text, &out->real);
}

static bool read_duration(const char *text, stored_value *out) {
  return gr_number_duration(text, &out->real);
}

static bool read_threads(const char *text, stored_value *out) {
  return gr_number_threads(text, &out->number);
}

static const struct {
  size_t size;
  bool (*read)(const char *text, stored_value *out);
  const char *expected;
} kinds[] = {
    [GR_OPTION_FLAG] = {sizeof(int), read_flag, ""},
    [GR_OPTION_TEXT] = {sizeof(const char *), read_text, ""},
    [GR_OPTION_COUNT] = {sizeof(uint64_t), read_count, "a whole number"},
    [GR_OPTION_REAL] = {sizeof(double), read_real, "a number"},
    [GR_OPTION_DURATION] = {sizeof(double), read_duration, "a time such as 90s, 30min or 12h"},
    [GR_OPTION_THREADS] = {sizeof(int), read_threads, "auto or a number of threads"},
};

static gradus_status store(const parser *p, const gr_option *option, const char *text) {
  stored_value read;
  if (!kinds[option->kind].read(text, &read))
    return gr_cli_fail(p->err, GRADUS_ERR_USAGE, "--%s: '%s' is not %s", option->name, text,
                       kinds[option->kind].expected);
  if (p->values) memcpy((char *)p->values + option->offset, &read, kinds[option->kind].size);
  return GRADUS_OK;
}

/* The value of an option: in the same word, else the next one. */
static gradus_status take_value(parser *p, const typed_word *word, const char **value) {
  if (word->joined) return *value = word->joined, GRADUS_OK;
  if (p->next >= p->argc)
    return gr_cli_fail(p->err, GRADUS_ERR_USAGE, "option '%s' needs a value", word->text);
  *value = p->argv[p->next++];
  return GRADUS_OK;
}

/* --set key=value */
static gradus_status take_setting(const parser *p, const char *setting) {
  const char *equals = strchr(setting, '=');
  char key[128];
  if (!equals || equals == setting || equals - setting >= (ptrdiff_t)sizeof key)
    return gr_cli_fail(p->err, GRADUS_ERR_USAGE,
                       "--set: '%s' is not key=value, such as training.epochs=20", setting);
  snprintf(key, sizeof key, "%.*s", (int)(equals - setting), setting);
  return p->sink ? p->sink("--set", key, equals + 1, p->user, p->err) : GRADUS_OK;
}

static gradus_status take_option(parser *p, const gr_option *option, const typed_word *word) {
  const char *value = NULL;
  if (option->kind == GR_OPTION_FLAG) {
    if (word->joined)
      return gr_cli_fail(p->err, GRADUS_ERR_USAGE, "option '%.*s' takes no value",
                         (int)(word->name - word->text) + word->length, word->text);
  } else {
    gradus_status status = take_value(p, word, &value);
    if (status != GRADUS_OK) return status;
  }
  if (option->kind == GR_OPTION_SETTING) return take_setting(p, value);
  return store(p, option, value);
}

/* A key of gradus-config(5) by its long option; a bool needs no value. */
static gradus_status take_key(parser *p, const gradus_key *key, const typed_word *word) {
  const char *value = "true";
  if (strcmp(key->type, "bool") != 0 || word->joined) {
    gradus_status status = take_value(p, word, &value);
    if (status != GRADUS_OK) return status;
  }
  if (!p->sink) return GRADUS_OK;
  char option[72];
  snprintf(option, sizeof option, "--%s", key->option);
  return p->sink(option, key->name, value, p->user, p->err);
}

static gradus_status take_long(parser *p, const char *text) {
  const char *name = text + 2, *equals = strchr(name, '=');
  typed_word word = {text, name, (int)(equals ? (size_t)(equals - name) : strlen(name)),
                     equals ? equals + 1 : NULL};
  if (strcmp(name, "help") == 0) return p->parsed.help = 1, GRADUS_OK;
  if (strcmp(name, "version") == 0) return p->parsed.version = 1, GRADUS_OK;
  for (const gr_option *option = p->command->options; option->name; option++)
    if (is_named(&word, option->name)) return take_option(p, option, &word);
  gradus_key key;
  for (size_t i = 0; p->command->takes_keys && i < gradus_key_count(); i++)
    if (gradus_key_at(i, &key) == GRADUS_OK && key.option && is_named(&word, key.option))
      return take_key(p, &key, &word);
  return unknown_option(p, &word);
}

static gradus_status take_short(parser *p, const char *text) {
  typed_word word = {text, text + 1, 1, text[2] ? text + 2 : NULL};
  if (strcmp(text, "-h") == 0) return p->parsed.help = 1, GRADUS_OK;
  for (const gr_option *option = p->command->options; option->name; option++)
    if (option->letter && option->letter == text[1]) return take_option(p, option, &word);
  word.length = (int)strlen(word.name);
  return unknown_option(p, &word);
}

static gradus_status take_argument(parser *p, const char *text) {
  if (p->parsed.n_arguments >= p->command->most)
    return gr_cli_fail(p->err, GRADUS_ERR_USAGE, "unexpected argument '%s'; usage: gradus %s%s%s",
                       text, p->command->name, *p->command->arguments ? " " : "",
                       p->command->arguments);
  p->parsed.arguments[p->parsed.n_arguments++] = text;
  return GRADUS_OK;
}

gradus_status gr_options_parse(const gr_command *command, int argc, char **argv, void *values,
                               gr_key_sink sink, void *user, gr_parsed *parsed, gradus_error *err) {
  parser p = {command, argc, 0, argv, values, sink, user, {.n_arguments = 0}, err};
  gradus_status status = GRADUS_OK;
  int only_arguments = 0;
  while (p.next < argc && status == GRADUS_OK && !p.parsed.help && !p.parsed.version) {
    const char *text = argv[p.next++];
    if (only_arguments || text[0] != '-' || !text[1])
      status = take_argument(&p, text);
    else if (strcmp(text, "--") == 0)
      only_arguments = 1;
    else
      status = text[1] == '-' ? take_long(&p, text) : take_short(&p, text);
  }
  if (status != GRADUS_OK) return status;
  if (p.parsed.n_arguments < command->least && !p.parsed.help && !p.parsed.version)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "an argument is missing; usage: gradus %s %s",
                       command->name, command->arguments);
  *parsed = p.parsed;
  return GRADUS_OK;
}
