/* Life, names and use of fitted columns; fitting is in columns_fit.c. A model's columns meet a
 * table by name: the table may have others besides, in any order, and its own dictionaries of
 * levels. */
#include <config.h>

#include "net/columns.h"

#include <string.h>

#include "base/dictionary.h"
#include "base/memory.h"

const char *const gr_column_uses[GR_N_USES] = {"numeric", "categorical", "dropped"};

static void free_column(gr_fitted_column *c) {
  gr_free(c->name);
  gr_free(c->reason);
  gr_free(c->points);
  gr_free(c->extra);
  for (uint32_t k = 0; c->levels && k < c->n_levels; k++) gr_free(c->levels[k]);
  gr_free(c->levels);
}

void gr_columns_free(gr_columns *columns) {
  if (!columns) return;
  for (uint32_t j = 0; columns->column && j < columns->n + columns->n_left_out; j++)
    free_column(&columns->column[j]);
  gr_free(columns->column);
  gr_free(columns->target_name);
  gr_free(columns);
}

/* ---- copies ---- */

static bool copy_text(const char *from, char **to) {
  *to = gr_strdup(from);
  return *to || !from;
}

uint32_t gr_column_extra_numbers(const gr_fitted_column *c) {
  return c->embedding == GR_EXPAND_BINS ? c->n_extra + 1 : c->n_extra / 2 + 1;
}

static bool copy_doubles(const double *from, size_t n, double **to) {
  *to = NULL;
  if (!from) return true;
  *to = gr_alloc(n, sizeof **to);
  if (*to) memcpy(*to, from, n * sizeof **to);
  return *to != NULL;
}

static bool copy_column(const gr_fitted_column *from, gr_fitted_column *to) {
  *to = *from;
  to->name = to->reason = NULL;
  to->points = to->extra = NULL;
  to->levels = NULL;
  if (!copy_text(from->name, &to->name) || !copy_text(from->reason, &to->reason) ||
      !copy_doubles(from->points, 2 * (size_t)from->n_points, &to->points) ||
      !copy_doubles(from->extra, gr_column_extra_numbers(from), &to->extra))
    return false;
  if (!from->levels) return true;
  to->levels = gr_calloc(from->n_levels ? from->n_levels : 1, sizeof *to->levels);
  for (uint32_t k = 0; to->levels && k < from->n_levels; k++)
    if (!copy_text(from->levels[k], &to->levels[k])) return false;
  return to->levels != NULL;
}

gradus_status gr_columns_copy(const gr_columns *from, gr_columns **out, gradus_error *err) {
  *out = NULL;
  if (!from) return GRADUS_OK;
  gr_columns *to = gr_calloc(1, sizeof *to);
  bool done = to != NULL;
  if (done) {
    *to = *from;
    to->column = gr_calloc((size_t)from->n + from->n_left_out, sizeof *to->column);
    done = copy_text(from->target_name, &to->target_name) && to->column;
  }
  for (uint32_t j = 0; done && j < from->n + from->n_left_out; j++)
    done = copy_column(&from->column[j], &to->column[j]);
  if (done) {
    *out = to;
    return GRADUS_OK;
  }
  gr_columns_free(to);
  return gr_fail_memory(err, "a copy of the columns");
}

gradus_status gr_columns_leave_out(gr_columns *columns, const char *name, const char *reason,
                                   gradus_error *err) {
  const size_t n = (size_t)columns->n + columns->n_left_out;
  gr_fitted_column *more = gr_realloc(columns->column, n + 1, sizeof *more);
  if (!more) return gr_fail_memory(err, "columns");
  columns->column = more;
  more[n] = (gr_fitted_column){
      .use = GR_USE_DROPPED, .name = gr_strdup(name), .reason = gr_strdup(reason)};
  columns->n_left_out++;
  return more[n].name && more[n].reason ? GRADUS_OK : gr_fail_memory(err, "columns");
}

/* ---- use ---- */

static bool is_plain(const gr_fitted_column *c, uint32_t input) {
  return c->use == GR_USE_NUMERIC && c->scaling == GR_EXPAND_LINEAR && c->n_inputs == 1 &&
         c->first == input;
}

bool gr_columns_are_plain(const gr_columns *columns) {
  for (uint32_t j = 0; j < columns->n; j++)
    if (!is_plain(&columns->column[j], j)) return false;
  return true;
}

/* Where the columns of the data are: by name, or by position. */
struct places {
  const gr_raw_column *raw;
  uint32_t n_raw;
  bool by_name;
  gr_dictionary names; /* entry = column */
};

static gradus_status find_places(const gr_columns *columns, const gr_raw_column *raw,
                                 uint32_t n_raw, struct places *out, gradus_error *err) {
  *out = (struct places){.raw = raw, .n_raw = n_raw, .by_name = raw != NULL};
  for (uint32_t j = 0; j < columns->n; j++) out->by_name &= columns->column[j].name != NULL;
  for (uint32_t j = 0; raw && j < n_raw; j++) out->by_name &= raw[j].name != NULL;
  if (!out->by_name && n_raw != columns->n)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%u columns, but the model was trained on %u (they are matched by position, as "
                   "not both have names)",
                   (unsigned)n_raw, (unsigned)columns->n);
  for (uint32_t j = 0; out->by_name && j < n_raw; j++)
    if (gr_dictionary_add(&out->names, raw[j].name, strlen(raw[j].name)) == GR_NO_ENTRY)
      return gr_fail_memory(err, "column names");
  if (out->names.n < n_raw && out->by_name)
    return gr_fail(err, GRADUS_ERR_DATA, "two columns have the same name");
  return GRADUS_OK;
}

static gradus_status find_column(const struct places *p, const gr_columns *columns, uint32_t j,
                                 uint32_t *out, gradus_error *err) {
  const gr_fitted_column *c = &columns->column[j];
  *out = p->by_name ? gr_dictionary_find(&p->names, c->name, strlen(c->name)) : j;
  if (*out == GR_NO_ENTRY)
    return gr_fail(err, GRADUS_ERR_DATA, "has no column '%s', which the model was trained with",
                   c->name);
  const bool categorical = c->use == GR_USE_CATEGORICAL;
  if (!p->raw || p->raw[*out].categorical == categorical) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "column '%s' is %s, but it was %s when the model was trained",
                 c->name ? c->name : "", categorical ? "numeric" : "categorical",
                 categorical ? "categorical" : "numeric");
}

/* Where a level of the data goes among the column's inputs. */
static gradus_status map_levels(const gr_fitted_column *c, const gr_raw_column *raw, int32_t unseen,
                                int32_t *code, gradus_error *err) {
  gr_dictionary known = {0};
  gradus_status status = GRADUS_OK;
  for (uint32_t k = 0; k < c->n_levels && status == GRADUS_OK; k++)
    if (gr_dictionary_add(&known, c->levels[k], strlen(c->levels[k])) == GR_NO_ENTRY)
      status = gr_fail_memory(err, "levels");
  for (uint32_t k = 0; k < raw->n_levels && status == GRADUS_OK; k++) {
    const uint32_t at = gr_dictionary_find(&known, raw->levels[k], strlen(raw->levels[k]));
    code[k] = at == GR_NO_ENTRY ? unseen : (int32_t)at;
  }
  gr_dictionary_free(&known);
  return status;
}

static gr_expand_step step_of(const gr_fitted_column *c, gr_expand_kind kind, uint32_t column,
                              uint32_t first, uint32_t n) {
  return (gr_expand_step){.kind = kind,
                          .column = column,
                          .first = first,
                          .n = n,
                          .shift = c->shift,
                          .factor = c->factor,
                          .fill = c->fill,
                          .missing = -1,
                          .unseen = -1};
}

static gradus_status add_levels(gr_column_expansion *out, const gr_fitted_column *c,
                                const gr_raw_column *raw, uint32_t column, size_t *codes_used,
                                gradus_error *err) {
  gr_expand_step s = step_of(c, GR_EXPAND_LEVELS, column, c->first, c->n_inputs);
  int32_t *code = out->codes + *codes_used;
  if (c->other_input) s.unseen = (int32_t)c->n_levels;
  if (c->missing_input) s.missing = (int32_t)c->n_inputs - 1;
  s.n_codes = raw ? raw->n_levels : c->n_levels;
  s.code = code;
  if (raw)
    GR_TRY(map_levels(c, raw, s.unseen, code, err));
  else
    for (uint32_t k = 0; k < s.n_codes; k++) code[k] = (int32_t)k;
  *codes_used += s.n_codes;
  out->steps[out->expansion.n_steps++] = s;
  return GRADUS_OK;
}

static void add_numeric(gr_column_expansion *out, const gr_fitted_column *c, uint32_t column) {
  gr_expand_step s = step_of(c, c->scaling, column, c->first, 1);
  s.n_points = c->n_points;
  s.x = c->points;
  s.y = c->points ? c->points + c->n_points : NULL;
  out->steps[out->expansion.n_steps++] = s;
  if (c->n_extra > 0) {
    s = step_of(c, c->embedding, column, c->first + 1, c->n_extra);
    s.x = c->extra;
    s.n_points = gr_column_extra_numbers(c);
    if (c->embedding == GR_EXPAND_WAVES) {
      s.shift = s.x++[0];
      s.factor = 1;
      s.n_points--;
    }
    out->steps[out->expansion.n_steps++] = s;
  }
  if (c->missing_input)
    out->steps[out->expansion.n_steps++] =
        step_of(c, GR_EXPAND_MISSING, column, c->first + 1 + c->n_extra, 1);
}

static gradus_status allocate_steps(const gr_columns *columns, const gr_raw_column *raw,
                                    uint32_t n_raw, gr_column_expansion *out, gradus_error *err) {
  size_t codes = 0;
  for (uint32_t j = 0; j < n_raw; j++) codes += raw ? raw[j].n_levels : columns->column[j].n_levels;
  out->steps = gr_alloc(3 * (size_t)columns->n, sizeof *out->steps);
  out->codes = gr_alloc(codes ? codes : 1, sizeof *out->codes);
  return out->steps && out->codes ? GRADUS_OK : gr_fail_memory(err, "the expansion of columns");
}

/* By column of the data, as a row is gone through once; few are out of place. */
static void sort_steps(gr_expand_step *steps, size_t n) {
  for (size_t gap = n / 2; gap > 0; gap /= 2)
    for (size_t i = gap; i < n; i++) {
      const gr_expand_step s = steps[i];
      size_t at = i;
      for (; at >= gap && steps[at - gap].column > s.column; at -= gap) steps[at] = steps[at - gap];
      steps[at] = s;
    }
}

static gradus_status make_steps(const gr_columns *columns, const struct places *p,
                                gr_column_expansion *out, gradus_error *err) {
  size_t codes = 0;
  out->plain = gr_columns_are_plain(columns) && p->n_raw == columns->n;
  for (uint32_t j = 0; j < columns->n; j++) {
    const gr_fitted_column *c = &columns->column[j];
    uint32_t at;
    if (c->use == GR_USE_DROPPED) continue;
    GR_TRY(find_column(p, columns, j, &at, err));
    out->plain &= at == j;
    if (c->use == GR_USE_CATEGORICAL)
      GR_TRY(add_levels(out, c, p->raw ? &p->raw[at] : NULL, at, &codes, err));
    else
      add_numeric(out, c, at);
  }
  sort_steps(out->steps, out->expansion.n_steps);
  return GRADUS_OK;
}

gradus_status gr_columns_expand(const gr_columns *columns, const gr_raw_column *raw, uint32_t n_raw,
                                gr_column_expansion *out, gradus_error *err) {
  struct places places = {.raw = NULL};
  *out = (gr_column_expansion){.expansion = {.n_columns = n_raw}};
  gradus_status status = find_places(columns, raw, n_raw, &places, err);
  if (status == GRADUS_OK) status = allocate_steps(columns, raw, n_raw, out, err);
  if (status == GRADUS_OK) status = make_steps(columns, &places, out, err);
  gr_dictionary_free(&places.names);
  out->expansion.step = out->steps;
  if (status != GRADUS_OK) gr_column_expansion_free(out);
  return status;
}

void gr_column_expansion_free(gr_column_expansion *e) {
  gr_free(e->steps);
  gr_free(e->codes);
  *e = (gr_column_expansion){.plain = false};
}

/* ---- for people ---- */

static void name_input(const gr_fitted_column *c, uint32_t k, gr_text *out) {
  const char *name = c->name ? c->name : "";
  const bool missing = c->missing_input && k + 1 == c->n_inputs;
  gr_text_puts(out, name);
  if (missing)
    gr_text_puts(out, " is missing");
  else if (c->use == GR_USE_CATEGORICAL)
    gr_text_printf(out, " = %s", k < c->n_levels ? c->levels[k] : "other");
  else if (k > 0)
    gr_text_printf(out, " %s %u", c->embedding == GR_EXPAND_BINS ? "bin" : "wave", (unsigned)k);
}

char **gr_columns_input_names(const gr_columns *columns) {
  char **names = gr_calloc(columns->n_inputs, sizeof *names);
  bool done = names != NULL;
  for (uint32_t j = 0; done && j < columns->n; j++) {
    const gr_fitted_column *c = &columns->column[j];
    for (uint32_t k = 0; k < c->n_inputs && done; k++) {
      gr_text name = {0};
      name_input(c, k, &name);
      gr_text_puts(&name, "");
      names[c->first + k] = name.failed ? NULL : gr_strdup(name.data ? name.data : "");
      done = names[c->first + k] != NULL;
      gr_text_free(&name);
    }
  }
  if (done) return names;
  for (uint32_t i = 0; names && i < columns->n_inputs; i++) gr_free(names[i]);
  gr_free(names);
  return NULL;
}

static void describe_numeric(const gr_fitted_column *c, gr_text *out) {
  static const char *const words[] = {
      [GR_EXPAND_LINEAR] = "", [GR_EXPAND_SMOOTH] = ", cut smoothly"};
  if (c->scaling == GR_EXPAND_CURVE) {
    gr_text_printf(out, "by %u quantiles to a normal one", (unsigned)c->n_points);
  } else {
    gr_text_puts(out, "less ");
    gr_text_put_double(out, c->shift);
    gr_text_puts(out, ", times ");
    gr_text_put_double(out, c->factor);
    gr_text_puts(out, words[c->scaling]);
  }
  if (c->n_extra > 0)
    gr_text_printf(out, "; %u %s",
                   (unsigned)(c->embedding == GR_EXPAND_BINS ? c->n_extra : c->n_extra / 2),
                   c->embedding == GR_EXPAND_BINS ? "bins" : "frequencies");
  gr_text_puts(out, "; missing: ");
  gr_text_put_double(out, c->fill);
  if (c->missing_input) gr_text_puts(out, " and an indicator");
}

void gr_column_describe(const gr_fitted_column *c, gr_text *out) {
  if (c->use == GR_USE_DROPPED) {
    gr_text_printf(out, "dropped: %s", c->reason ? c->reason : "");
    return;
  }
  if (c->use == GR_USE_NUMERIC) {
    gr_text_puts(out, "numeric: ");
    describe_numeric(c, out);
    return;
  }
  gr_text_printf(out, "categorical: %u level%s", (unsigned)c->n_levels,
                 c->n_levels == 1 ? "" : "s");
  if (c->other_input) gr_text_puts(out, ", one for all others");
  if (c->missing_input) gr_text_puts(out, ", one for missing");
}

static bool same_numbers(const double *a, const double *b, size_t n) {
  return n == 0 || (a && b ? memcmp(a, b, n * sizeof *a) == 0 : a == b);
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_column(const gr_fitted_column *a, const gr_fitted_column *b) {
  const double x[] = {a->fill, a->shift, a->factor}, y[] = {b->fill, b->shift, b->factor};
  if (!same_text(a->name, b->name) || a->use != b->use || a->n_inputs != b->n_inputs ||
      (a->n_inputs > 0 && a->first != b->first) || a->missing_input != b->missing_input ||
      a->scaling != b->scaling || a->n_points != b->n_points || a->n_extra != b->n_extra ||
      (a->n_extra > 0 && a->embedding != b->embedding) || a->n_levels != b->n_levels ||
      a->other_input != b->other_input || !same_numbers(x, y, 3) ||
      !same_numbers(a->points, b->points, (size_t)2 * a->n_points) ||
      !same_numbers(a->extra, b->extra, a->n_extra ? gr_column_extra_numbers(a) : 0))
    return false;
  for (uint32_t i = 0; i < a->n_levels; i++)
    if (!same_text(a->levels[i], b->levels[i])) return false;
  return true;
}

bool gr_columns_are_same(const gr_columns *a, const gr_columns *b) {
  if (!a || !b) return a == b;
  if (a->n != b->n || a->n_inputs != b->n_inputs) return false;
  for (uint32_t j = 0; j < a->n; j++)
    if (!same_column(&a->column[j], &b->column[j])) return false;
  return true;
}
