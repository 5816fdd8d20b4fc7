/* Numbers with gaps, and texts that repeat, can be learned from; texts that hardly repeat tell rows
 * apart and nothing else. Which levels are worth an input is decided when a model is fitted. */
#include <config.h>

#include "interop/table_judge.h"

#include <string.h>

enum { MAX_LEVELS = 10000 }; /* a text column of more is not thought of as categorical */

static bool looks_like_decimal_comma(const char *text) {
  size_t before = strspn(text, "+-0123456789");
  size_t after = text[before] == ',' ? strspn(text + before + 1, "0123456789") : 0;
  return before > 0 && after > 0 && text[before + 1 + after] == '\0';
}

/* Why a column with texts is not taken. */
static void say_text(const gr_table *t, uint32_t column, gr_text *reason) {
  const gr_column_facts *f = &t->facts[column];
  const uint32_t n = t->n_distinct[column];
  gr_text_printf(reason, "text, %s%lu distinct value%s in %llu cells",
                 n > GR_MAX_COUNTED ? "more than " : "",
                 (unsigned long)(n > GR_MAX_COUNTED ? GR_MAX_COUNTED : n), n == 1 ? "" : "s",
                 (unsigned long long)(t->n_rows - f->n_empty));
  if (f->n_numbers > 0)
    gr_text_printf(reason, " ('%s' at %s:%llu:%llu, but %llu cells are numbers)",
                   f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column, (unsigned long long)f->n_numbers);
  if (f->n_empty > 0)
    gr_text_printf(reason, ", %llu of %llu cells are empty", (unsigned long long)f->n_empty,
                   (unsigned long long)t->n_rows);
  if (f->n_numbers == 0 && n > t->n_rows / 2) gr_text_puts(reason, " (an identifier?)");
}

static void say_comma(const gr_table *t, const gr_column_facts *f, gr_text *reason) {
  gr_text_printf(reason, "text: '%s' at %s:%llu:%llu has a decimal comma, expected a point",
                 f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                 (unsigned long long)f->first_text.column);
}

/* Levels occur twice and more on average. */
static gradus_status judge_text(gr_table *t, uint32_t column, gr_judgement *out, gr_text *reason,
                                gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  *out = GR_JUDGED_USELESS;
  if (looks_like_decimal_comma(f->first_text.text)) {
    say_comma(t, f, reason);
    return GRADUS_OK;
  }
  GR_TRY(gr_table_count_texts(t, err));
  const uint64_t n = t->n_distinct[column];
  if (n <= MAX_LEVELS && 2 * n <= t->n_rows - f->n_empty)
    *out = GR_JUDGED_CATEGORICAL;
  else
    say_text(t, column, reason);
  return GRADUS_OK;
}

/* Ends in "id" ("PassengerId", "user_id") or is one of the usual names of row numbers. */
bool gr_names_a_row(const char *name) {
  static const char *const words[] = {"id", "ID", "Id", "index", "Index", "row", "Row", "rownames"};
  size_t n = strlen(name);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    size_t length = strlen(words[i]);
    bool whole = strcmp(name, words[i]) == 0;
    bool suffix = i < 3 && n > length && strcmp(name + n - length, words[i]) == 0 &&
                  (i == 2 || name[n - length - 1] == '_' || name[n - length - 1] == ' ');
    if (whole || suffix) return true;
  }
  return false;
}

static void say_infinite(const gr_table *t, const gr_column_facts *f, gr_text *reason) {
  gr_text_printf(reason, "'%s' at %s:%llu:%llu is infinite", f->first_infinite.text, t->path,
                 (unsigned long long)f->first_infinite.line,
                 (unsigned long long)f->first_infinite.column);
}

gradus_status gr_judge_column(gr_table *t, uint32_t column, gr_judgement *out, gr_text *reason,
                              gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  *out = GR_JUDGED_USELESS;
  if (f->n_texts > 0) return judge_text(t, column, out, reason, err);
  if (f->n_empty + f->n_missing_words == t->n_rows)
    gr_text_printf(reason, "all cells are %s in %s", f->n_missing_words ? "missing" : "empty",
                   t->path);
  else if (f->n_infinite > 0)
    say_infinite(t, f, reason);
  else
    *out = GR_JUDGED_NUMERIC;
  return GRADUS_OK;
}

void gr_judge_follower(const gr_table *t, uint32_t column, bool categorical, gr_text *reason) {
  const gr_column_facts *f = &t->facts[column];
  if (categorical) return;
  if (f->n_texts > 0)
    gr_text_printf(reason, "'%s' at %s:%llu:%llu is no number", f->first_text.text, t->path,
                   (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column);
  else if (f->n_infinite > 0)
    say_infinite(t, f, reason);
}
