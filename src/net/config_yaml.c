/* Configuration files: YAML by libyaml's events, checked against the key table as they come, so
 * that every complaint has a line and a column. The table bounds the depth: what is no section
 * of it is refused where it begins. No anchors, tags or second documents: a recipe needs none. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"
#include "net/config.h"

#define MAX_FILE 1048576 /* bytes; a complete recipe has two thousand */
#define PLACE 512        /* bytes of "file:line:column" */

typedef struct reader {
  yaml_parser_t parser;
  const char *name;  /* of the file, for messages */
  gr_config *config; /* what is being set */
  size_t *key_line;  /* [gr_n_keys] where a key was given, 0 = not yet */
  gr_text sections;  /* "|training|optimizer|": those given so far */
  gradus_error *err;
} reader;

/* A key of the file: its dotted name and where it stands. */
typedef struct entry {
  char name[2 * GR_KEY_NAME];
  char place[PLACE];
  size_t line;
} entry;

static void put_place(const reader *r, yaml_mark_t mark, char place[PLACE]) {
  snprintf(place, PLACE, "%.440s:%zu:%zu", r->name, mark.line + 1, mark.column + 1);
}

static gradus_status refuse(const reader *r, yaml_mark_t mark, const char *what) {
  char place[PLACE];
  put_place(r, mark, place);
  return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: %s", place, what);
}

static gradus_status syntax_error(const reader *r) {
  const yaml_parser_t *p = &r->parser;
  if (p->error == YAML_MEMORY_ERROR) return gr_fail_memory(r->err, r->name);
  const char *problem = p->problem ? p->problem : "unreadable";
  if (p->error == YAML_READER_ERROR)
    return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: not UTF-8 text: %s at byte %zu", r->name,
                   problem, p->problem_offset);
  char place[PLACE];
  put_place(r, p->problem_mark, place);
  return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: not valid YAML: %s", place, problem);
}

/* What YAML offers and recipes do not take. */
static const char *unwanted(const yaml_event_t *event) {
  const yaml_char_t *anchor = NULL, *tag = NULL;
  switch (event->type) {
    case YAML_ALIAS_EVENT:
      return "aliases (*name) are not supported here: write the value out";
    case YAML_SCALAR_EVENT:
      anchor = event->data.scalar.anchor;
      tag = event->data.scalar.tag;
      break;
    case YAML_SEQUENCE_START_EVENT:
      anchor = event->data.sequence_start.anchor;
      tag = event->data.sequence_start.tag;
      break;
    case YAML_MAPPING_START_EVENT:
      anchor = event->data.mapping_start.anchor;
      tag = event->data.mapping_start.tag;
      break;
    default:
      break;
  }
  if (anchor) return "anchors (&name) are not supported here";
  return tag ? "tags (!type) are not supported here" : NULL;
}

/* The next event, to be deleted by the caller; nothing to delete after a failure. */
static gradus_status next_event(reader *r, yaml_event_t *event) {
  if (!yaml_parser_parse(&r->parser, event)) return syntax_error(r);
  const char *why = unwanted(event);
  if (!why) return GRADUS_OK;
  gradus_status status = refuse(r, event->start_mark, why);
  yaml_event_delete(event);
  return status;
}

static const char *scalar_text(const yaml_event_t *event) {
  return (const char *)event->data.scalar.value;
}

static bool has_zero_byte(const yaml_event_t *event) {
  return memchr(event->data.scalar.value, 0, event->data.scalar.length) != NULL;
}

/* `key:` with nothing behind it, or one of YAML's words for nothing. */
static bool is_null(const yaml_event_t *event) {
  const char *text = scalar_text(event);
  return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static gradus_status set_key(reader *r, const entry *key, const yaml_event_t *at,
                             const char *text) {
  char place[PLACE];
  put_place(r, at->start_mark, place);
  return gr_config_set(r->config, key->name, text, place, r->err);
}

static gradus_status read_scalar(reader *r, const entry *key, const yaml_event_t *event) {
  if (gr_key_is_section(key->name) && is_null(event)) return GRADUS_OK; /* an empty section */
  if (gr_key_is_section(key->name))
    return gr_config_set(r->config, key->name, "", key->place, r->err); /* says why not */
  if (is_null(event))
    return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: %s has no value", key->place, key->name);
  if (has_zero_byte(event)) return refuse(r, event->start_mark, "a zero byte in a value");
  return set_key(r, key, event, scalar_text(event));
}

/* [256, 128] -> "256,128"; [] -> "none". `start` is the event that opened the list. */
static gradus_status read_list(reader *r, const entry *key, const yaml_event_t *start) {
  const gr_key *row = gr_key_find(key->name);
  if (!row || (row->type != GR_KEY_WIDTHS && row->type != GR_KEY_REALS && row->type != GR_KEY_SET))
    return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: %s takes one value, not a list", key->place,
                   key->name);
  gradus_status status = GRADUS_OK;
  gr_text list = {0};
  yaml_event_t event;
  for (bool open = true; open && status == GRADUS_OK;) {
    GR_TRY_ELSE(done, next_event(r, &event));
    open = event.type != YAML_SEQUENCE_END_EVENT;
    if (open && (event.type != YAML_SCALAR_EVENT || has_zero_byte(&event)))
      status = refuse(r, event.start_mark, "expected a number in this list");
    else if (open)
      gr_text_printf(&list, list.data ? ",%s" : "%s", scalar_text(&event));
    yaml_event_delete(&event);
  }
  if (status == GRADUS_OK && list.failed) status = gr_fail_memory(r->err, key->name);
  if (status == GRADUS_OK) status = set_key(r, key, start, list.data ? list.data : "none");
done:
  gr_text_free(&list);
  return status;
}

/* A section may be given once under its own name, and a key once in all. */
static gradus_status note_once(reader *r, const entry *key, const gr_key *row) {
  char mark[2 * GR_KEY_NAME + 2];
  snprintf(mark, sizeof mark, "|%s|", key->name);
  if (!row && r->sections.data && strstr(r->sections.data, mark))
    return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: section '%s' is given twice", key->place,
                   key->name);
  if (!row) {
    gr_text_puts(&r->sections, mark);
    return r->sections.failed ? gr_fail_memory(r->err, r->name) : GRADUS_OK;
  }
  size_t *line = &r->key_line[row - gr_keys];
  if (*line)
    return gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: key '%s' is given twice, first in line %zu",
                   key->place, key->name, *line);
  *line = key->line;
  return GRADUS_OK;
}

/* Fills *key from a key's event inside `section` ("" at the top). Names too long for the table are
 * cut: they are unknown either way. */
static gradus_status read_key(reader *r, const char *section, const yaml_event_t *event,
                              entry *key) {
  if (event->type != YAML_SCALAR_EVENT)
    return refuse(r, event->start_mark, "expected the name of a key here");
  put_place(r, event->start_mark, key->place);
  key->line = event->start_mark.line + 1;
  snprintf(key->name, sizeof key->name, "%s%s%s", section, *section ? "." : "", scalar_text(event));
  const gr_key *row = gr_key_find(key->name);
  if (has_zero_byte(event) || (!row && !gr_key_is_section(key->name)))
    return gr_config_set(r->config, has_zero_byte(event) ? "" : key->name, "", key->place, r->err);
  return note_once(r, key, row);
}

static gradus_status read_section(reader *r, const char *section);

static gradus_status read_value(reader *r, const entry *key) {
  yaml_event_t event;
  GR_TRY(next_event(r, &event));
  gradus_status status;
  if (event.type == YAML_SCALAR_EVENT)
    status = read_scalar(r, key, &event);
  else if (event.type == YAML_SEQUENCE_START_EVENT)
    status = read_list(r, key, &event);
  else if (gr_key_is_section(key->name))
    status = read_section(r, key->name);
  else
    status = gr_fail(r->err, GRADUS_ERR_CONFIG, "%s: %s is a key and takes a value, not keys",
                     key->place, key->name);
  yaml_event_delete(&event);
  return status;
}

/* Keys and values up to the end of a mapping that has been opened. */
static gradus_status read_section(reader *r, const char *section) {
  for (;;) {
    yaml_event_t event;
    entry key;
    GR_TRY(next_event(r, &event));
    bool end = event.type == YAML_MAPPING_END_EVENT;
    gradus_status status = end ? GRADUS_OK : read_key(r, section, &event, &key);
    yaml_event_delete(&event);
    if (end || status != GRADUS_OK) return status;
    GR_TRY(read_value(r, &key));
  }
}

/* One document that is a mapping, or is empty. */
static gradus_status read_stream(reader *r) {
  bool seen = false;
  for (;;) {
    yaml_event_t event;
    GR_TRY(next_event(r, &event));
    gradus_status status = GRADUS_OK;
    bool end = event.type == YAML_STREAM_END_EVENT;
    if (event.type == YAML_DOCUMENT_START_EVENT && seen)
      status = refuse(r, event.start_mark, "a second document: expected one");
    else if (event.type == YAML_DOCUMENT_START_EVENT)
      seen = true;
    else if (event.type == YAML_MAPPING_START_EVENT)
      status = read_section(r, "");
    else if (event.type == YAML_SEQUENCE_START_EVENT ||
             (event.type == YAML_SCALAR_EVENT && !is_null(&event)))
      status = refuse(r, event.start_mark, "expected keys and values, such as 'training:'");
    yaml_event_delete(&event);
    if (end || status != GRADUS_OK) return status;
  }
}

/* Sets keys in a copy, which takes the place of *config when all went well. */
gradus_status gr_config_parse(gr_config *config, const char *text, size_t length, const char *name,
                              gradus_error *err) {
  if (length > MAX_FILE)
    return gr_fail(err, GRADUS_ERR_CONFIG, "%s: longer than a configuration can be (1 MiB)", name);
  gr_config copy;
  GR_TRY(gr_config_copy(config, &copy, err));
  reader r = {.name = name, .config = &copy, .err = err};
  gradus_status status = GRADUS_ERR_RESOURCES;
  r.key_line = gr_calloc(gr_n_keys, sizeof *r.key_line);
  if (r.key_line && yaml_parser_initialize(&r.parser)) {
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    status = read_stream(&r);
    yaml_parser_delete(&r.parser);
  } else {
    (void)gr_fail_memory(err, name);
  }
  gr_free(r.key_line);
  gr_text_free(&r.sections);
  if (status == GRADUS_OK) {
    gr_config_free(config);
    *config = copy;
  } else {
    gr_config_free(&copy);
  }
  return status;
}

static gradus_status read_all(int fd, const char *path, gr_text *out, gradus_error *err) {
  char block[4096];
  ssize_t n;
  do {
    n = read(fd, block, sizeof block); /* may be a pipe */
    if (n < 0 && errno != EINTR)
      return gr_fail_errno(err, GRADUS_ERR_IO, errno, "cannot read '%.400s'", path);
    if (n > 0) gr_text_append(out, block, (size_t)n);
  } while (n != 0 && out->length <= MAX_FILE && !out->failed);
  return out->failed ? gr_fail_memory(err, "a configuration file") : GRADUS_OK;
}

gradus_status gr_config_read(gr_config *config, const char *path, gradus_error *err) {
  int fd = gr_open(path, O_RDONLY, 0);
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "cannot open '%.400s'", path);
  gr_text text = {0};
  gradus_status status = read_all(fd, path, &text, err);
  (void)gr_close(fd); /* it was only read */
  if (status == GRADUS_OK)
    status = gr_config_parse(config, text.data ? text.data : "", text.length, path, err);
  gr_text_free(&text);
  return status;
}
