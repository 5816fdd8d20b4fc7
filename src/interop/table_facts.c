/* What a column holds is found on the way through the rows; only how many texts differ takes a pass
 * of its own, for columns that have texts, as sets of hashes: nobody needs the texts themselves. */
#include <config.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "interop/table.h"

void gr_facts_start(gr_table *t) {
  t->n_rows = 0;
  gr_dictionary_free(&t->texts);
  for (uint32_t c = 0; c < t->n_columns; c++) {
    const gr_column_facts *old = &t->facts[c];
    t->facts[c] = (gr_column_facts){.is_whole = true,
                                    .counts_up = true,
                                    .needs_number = old->needs_number,
                                    .needs_value = old->needs_value};
  }
}

static void note_place(gr_place *place, const gr_record *record, const gr_cell *cell) {
  if (place->line) return;
  gr_record_place(record, cell->at, &place->line, &place->column);
  size_t n = cell->length < sizeof place->text ? cell->length : sizeof place->text - 1;
  while (n > 0 && n < cell->length && !gr_is_utf8(cell->text, n)) n--; /* not inside a character */
  memcpy(place->text, cell->text, n);
  place->text[n] = '\0';
}

static void note_number(gr_column_facts *f, const gr_record *record, const gr_cell *cell,
                        uint64_t number) {
  double value = cell->value, size = fabs(value);
  if (!(size <= 0x1p24) || (size > 0 && size < (double)FLT_MIN)) {
    f->is_wide = true;
    note_place(&f->first_wide, record, cell);
    if (!isfinite(value)) {
      f->n_infinite++;
      note_place(&f->first_infinite, record, cell);
    }
  }
  if (f->is_whole && (!(size <= 2147483647.0) || value != floor(value))) f->is_whole = false;
  if (f->counts_up && f->n_numbers > 0 && value != f->last + (double)(number - f->last_record))
    f->counts_up = false;
  f->last = value;
  f->last_record = number;
  f->n_numbers++;
}

static void note_cell(gr_column_facts *f, const gr_record *record, const gr_cell *cell,
                      uint64_t number) {
  switch (cell->kind) {
    case GR_CELL_NUMBER:
      note_number(f, record, cell, number);
      break;
    case GR_CELL_TEXT:
      f->n_texts++;
      note_place(&f->first_text, record, cell);
      break;
    case GR_CELL_EMPTY:
    case GR_CELL_MISSING:
      *(cell->kind == GR_CELL_EMPTY ? &f->n_empty : &f->n_missing_words) += 1;
      note_place(&f->first_missing, record, cell);
  }
}

gradus_status gr_facts_note(gr_table *t, const gr_record *record, gradus_error *err) {
  for (uint32_t c = 0; c < t->n_columns; c++)
    note_cell(&t->facts[c], record, &record->cells[c], t->record);
  t->n_rows++;
  if (t->watched == UINT32_MAX || t->texts.n > GR_MAX_WATCHED) return GRADUS_OK;
  const gr_cell *cell = &record->cells[t->watched];
  return gr_dictionary_add(&t->texts, cell->text, cell->length) == GR_NO_ENTRY
             ? gr_fail_memory(err, "distinct texts")
             : GRADUS_OK;
}

/* True where the row has what its columns need, else *column is the first that has not. */
bool gr_facts_want(const gr_table *t, const gr_record *record, uint32_t *column) {
  for (uint32_t c = 0; c < t->n_columns; c++) {
    const gr_column_facts *f = &t->facts[c];
    gr_cell_kind kind = record->cells[c].kind;
    bool bad =
        (f->needs_number && kind == GR_CELL_TEXT) ||
        (f->needs_value && (kind == GR_CELL_EMPTY || (f->needs_number && kind == GR_CELL_MISSING)));
    if (bad) return *column = c, false;
  }
  return true;
}

/* A column of numbers with fewer texts than numbers, few enough to be bad rows, needs numbers; the
 * target, and what else each row needs, a value. True where a pass under these demands will find
 * other facts. */
bool gr_facts_demand(gr_table *t, const uint32_t needed[GR_MAX_NEEDED]) {
  bool any = false;
  for (uint32_t c = 0; c < t->n_columns; c++) {
    gr_column_facts *f = &t->facts[c];
    bool numbers = f->n_numbers > f->n_texts && f->n_texts <= t->bad.max;
    f->needs_number = numbers;
    f->needs_value = false;
    for (int i = 0; i < GR_MAX_NEEDED; i++) f->needs_value |= c == needed[i];
    any = any || (numbers && f->n_texts > 0) ||
          (f->needs_value && f->n_empty + (numbers ? f->n_missing_words : 0) > 0);
  }
  return any;
}

/* ---- how many texts differ ---- */

enum { GROUP = 32 }; /* columns of a pass: sets take up to 2 MiB each */

/* Hashes in open addressing, 0 = free. */
struct set {
  uint64_t *slots;
  size_t n_slots;
  uint32_t n, column;
};

struct counting {
  struct set sets[GROUP];
  unsigned n;
};

/* FNV-1a (Fowler, Noll, Vo), mixed once more for the low bits; never 0. With 10^5 texts two have
 * the same with probability 3e-10. */
static uint64_t hash(const gr_cell *cell) {
  uint64_t h = 0xcbf29ce484222325u;
  for (uint32_t i = 0; i < cell->length; i++)
    h = (h ^ (unsigned char)cell->text[i]) * 0x100000001b3u;
  h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
  h ^= h >> 32;
  return h ? h : 1;
}

static bool insert(struct set *set, uint64_t h) {
  size_t slot = (size_t)h & (set->n_slots - 1);
  while (set->slots[slot] && set->slots[slot] != h) slot = (slot + 1) & (set->n_slots - 1);
  bool is_new = set->slots[slot] == 0;
  set->slots[slot] = h;
  return is_new;
}

static bool grow(struct set *set) {
  struct set larger = {.n_slots = set->n_slots ? set->n_slots * 2 : 64};
  larger.slots = gr_calloc(larger.n_slots, sizeof *larger.slots);
  if (!larger.slots) return false;
  for (size_t i = 0; i < set->n_slots; i++)
    if (set->slots[i]) (void)insert(&larger, set->slots[i]);
  gr_free(set->slots);
  set->slots = larger.slots;
  set->n_slots = larger.n_slots;
  return true;
}

static gradus_status count_row(void *user, uint64_t row, const gr_record *record,
                               gradus_error *err) {
  struct counting *counting = user;
  (void)row;
  for (unsigned i = 0; i < counting->n; i++) {
    struct set *set = &counting->sets[i];
    const gr_cell *cell = &record->cells[set->column];
    if (cell->length == 0 || set->n > GR_MAX_COUNTED) continue;
    if (2 * (size_t)set->n >= set->n_slots && !grow(set))
      return gr_fail_memory(err, "distinct texts");
    set->n += insert(set, hash(cell));
  }
  return GRADUS_OK;
}

static gradus_status count_group(gr_table *t, struct counting *counting, gradus_error *err) {
  if (counting->n == 0) return GRADUS_OK;
  gr_meter_expect(t->meter, gr_input_length(t->stream));
  gradus_status status = gr_table_walk(t, count_row, counting, err);
  for (unsigned i = 0; i < counting->n; i++) {
    t->n_distinct[counting->sets[i].column] = counting->sets[i].n;
    gr_free(counting->sets[i].slots);
  }
  counting->n = 0;
  return status;
}

gradus_status gr_table_count_texts(gr_table *t, gradus_error *err) {
  struct counting counting = {.n = 0};
  if (t->n_distinct) return GRADUS_OK;
  t->n_distinct = gr_calloc(t->n_columns, sizeof *t->n_distinct);
  if (!t->n_distinct) return gr_fail_memory(err, "a table");
  for (uint32_t c = 0; c < t->n_columns; c++) {
    if (t->facts[c].n_texts == 0) continue;
    counting.sets[counting.n++] = (struct set){.column = c};
    if (counting.n == GROUP) GR_TRY(count_group(t, &counting, err));
  }
  return count_group(t, &counting, err);
}
