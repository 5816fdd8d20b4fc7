/* Inputs of this release are columns that hold a number in each row: texts and gaps need encodings
 * that the trainer does not have yet, and guessing them here would be worse than saying so. */
#include <config.h>

#include "interop/table_judge.h"

#include <string.h>

enum { MAX_LEVELS = 64 }; /* a text column of more is not thought of as categorical */

static bool looks_like_decimal_comma(const char *text) {
  size_t before = strspn(text, "+-0123456789");
  size_t after = text[before] == ',' ? strspn(text + before + 1, "0123456789") : 0;
  return before > 0 && after > 0 && text[before + 1 + after] == '\0';
}

/* Why a column with texts is not taken. */
static gradus_status say_text(gr_table *t, uint32_t column, gr_text *reason, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  GR_TRY(gr_table_count_texts(t, err));
  uint32_t n = t->n_distinct[column];
  if (looks_like_decimal_comma(f->first_text.text)) {
    gr_text_printf(reason, "text: '%s' at %s:%llu:%llu has a decimal comma, expected a point",
                   f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column);
    return GRADUS_OK;
  }
  bool few = n <= MAX_LEVELS && n < (t->n_rows + 1) / 2;
  gr_text_printf(reason, few ? "text with %s%lu level%s" : "text, %s%lu distinct value%s",
                 n > GR_MAX_COUNTED ? "more than " : "",
                 (unsigned long)(n > GR_MAX_COUNTED ? GR_MAX_COUNTED : n), n == 1 ? "" : "s");
  if (f->n_numbers > 0)
    gr_text_printf(reason, " ('%s' at %s:%llu:%llu, but %llu cells are numbers)",
                   f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column, (unsigned long long)f->n_numbers);
  if (f->n_empty > 0)
    gr_text_printf(reason, ", %llu of %llu cells are empty", (unsigned long long)f->n_empty,
                   (unsigned long long)t->n_rows);
  if (few)
    gr_text_puts(reason, "; categorical inputs are not yet supported");
  else if (f->n_numbers == 0 && n > t->n_rows / 2)
    gr_text_puts(reason, " (an identifier?)");
  return GRADUS_OK;
}

static void say_missing(const gr_table *t, const gr_column_facts *f, gr_text *reason) {
  unsigned long long n = f->n_empty + f->n_missing_words, rows = t->n_rows;
  const char *what = f->n_missing_words ? "missing" : "empty";
  if (n == rows)
    gr_text_printf(reason, "all cells are %s in %s", what, t->path);
  else
    gr_text_printf(reason,
                   "%llu of %llu cells %s %s (the first at %s:%llu:%llu); missing values are not "
                   "yet supported",
                   n, rows, n == 1 ? "is" : "are", what, t->path,
                   (unsigned long long)f->first_missing.line,
                   (unsigned long long)f->first_missing.column);
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

/* What keeps column `column` of table `t` from being an input; leaves `reason` empty if nothing. */
gradus_status gr_judge_column(gr_table *t, uint32_t column, gr_text *reason, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  if (f->n_texts > 0) return say_text(t, column, reason, err);
  if (f->n_empty + f->n_missing_words > 0)
    say_missing(t, f, reason);
  else if (f->n_infinite > 0)
    say_infinite(t, f, reason);
  return GRADUS_OK;
}
