/* The header is the text of a Python dictionary with three entries, in any order:
 *   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
 * It is parsed as that and nothing more: no expression is evaluated, no object unpickled. */
#include <config.h>

#include "interop/npy.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MAX_HEADER = 1 << 20, TYPE = 16 };

struct parser {
  const gr_dense *array;
  const char *start, *p, *end;
};

/* What the dictionary says. */
struct header {
  char descr[TYPE];
  bool has_descr, has_order, has_shape;
};

static gradus_status expected(const struct parser *r, const char *what, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: its header at character %zu: expected %s",
                 gr_input_name(r->array->stream), (size_t)(r->p - r->start), what);
}

static void skip_blanks(struct parser *r) {
  while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t')) r->p++;
}

static bool take(struct parser *r, char c) {
  skip_blanks(r);
  if (r->p == r->end || *r->p != c) return false;
  r->p++;
  return true;
}

static bool take_word(struct parser *r, const char *word) {
  size_t n = strlen(word);
  skip_blanks(r);
  if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
  r->p += n;
  return true;
}

/* 'text' or "text" of fewer than TYPE bytes. */
static gradus_status take_text(struct parser *r, char out[TYPE], gradus_error *err) {
  skip_blanks(r);
  char quote = r->p < r->end ? *r->p : '\0';
  if (quote != '\'' && quote != '"') return expected(r, "a text in quotes", err);
  const char *first = ++r->p;
  while (r->p < r->end && *r->p != quote) r->p++;
  size_t n = (size_t)(r->p - first);
  if (r->p == r->end || n >= TYPE) return expected(r, "a short text in quotes", err);
  memcpy(out, first, n);
  out[n] = '\0';
  r->p++;
  return GRADUS_OK;
}

static gradus_status take_descr(struct parser *r, struct header *h, gradus_error *err) {
  skip_blanks(r);
  h->has_descr = true;
  if (r->p < r->end && *r->p == '[')
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: holds records (a structured type); expected an array of plain numbers",
                   gr_input_name(r->array->stream));
  return take_text(r, h->descr, err);
}

static gradus_status take_order(struct parser *r, struct header *h, gr_dense *a,
                                gradus_error *err) {
  h->has_order = true;
  a->fortran = take_word(r, "True");
  return a->fortran || take_word(r, "False") ? GRADUS_OK : expected(r, "True or False", err);
}

static gradus_status take_shape(struct parser *r, struct header *h, gr_dense *a,
                                gradus_error *err) {
  h->has_shape = true;
  if (!take(r, '(')) return expected(r, "a shape in parentheses", err);
  for (a->n_dimensions = 0; !take(r, ')');) {
    if (a->n_dimensions > 0 && !take(r, ',')) return expected(r, "a comma", err);
    if (take(r, ')')) break;
    const char *first = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') r->p++;
    if (a->n_dimensions == GR_MAX_DIMENSIONS) return expected(r, "at most 32 dimensions", err);
    if (!gr_parse_u64(first, (size_t)(r->p - first), &a->dims[a->n_dimensions++]))
      return expected(r, "a number of elements", err);
    (void)take(r, 'L'); /* Python 2 */
  }
  return GRADUS_OK;
}

static gradus_status take_entry(struct parser *r, struct header *h, gr_dense *a,
                                gradus_error *err) {
  char key[TYPE];
  GR_TRY(take_text(r, key, err));
  if (!take(r, ':')) return expected(r, "a colon", err);
  if (strcmp(key, "descr") == 0) return take_descr(r, h, err);
  if (strcmp(key, "fortran_order") == 0) return take_order(r, h, a, err);
  if (strcmp(key, "shape") == 0) return take_shape(r, h, a, err);
  return expected(r, "descr, fortran_order or shape", err);
}

static gradus_status parse(struct parser *r, struct header *h, gr_dense *a, gradus_error *err) {
  if (!take(r, '{')) return expected(r, "a dictionary", err);
  while (!take(r, '}')) {
    GR_TRY(take_entry(r, h, a, err));
    if (!take(r, ',') && r->p < r->end && *r->p != '}') return expected(r, "a comma", err);
  }
  skip_blanks(r);
  if (r->p < r->end) return expected(r, "the end of the header", err);
  if (!h->has_descr || !h->has_order || !h->has_shape)
    return expected(r, "descr, fortran_order and shape", err);
  return GRADUS_OK;
}

static gradus_status find_type(gr_dense *a, const char *descr, gradus_error *err) {
  static const struct {
    const char *name;
    gr_dtype type;
  } types[] = {{"b1", GR_U8},  {"u1", GR_U8},  {"i1", GR_I8},  {"u2", GR_U16},
               {"i2", GR_I16}, {"u4", GR_U32}, {"i4", GR_I32}, {"u8", GR_U64},
               {"i8", GR_I64}, {"f2", GR_F16}, {"f4", GR_F32}, {"f8", GR_F64}};
  static const char *const others[][2] = {{"O", "objects (a pickle, which is a program)"},
                                          {"S", "texts"},
                                          {"U", "texts"},
                                          {"V", "raw bytes"},
                                          {"c", "complex numbers"},
                                          {"M", "dates"},
                                          {"m", "time spans"}};
  const uint16_t probe = 1;
  bool little = *(const unsigned char *)&probe == 1;
  const char *name = gr_input_name(a->stream), *kind = descr + (strchr("<>|=", descr[0]) != NULL);
  for (size_t i = 0; descr[0] && i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(kind, types[i].name) != 0) continue;
    a->type = types[i].type;
    a->swap = gr_dtype_size(a->type) > 1 && descr[0] == (little ? '>' : '<');
    return GRADUS_OK;
  }
  for (size_t i = 0; descr[0] && i < sizeof others / sizeof others[0]; i++)
    if (kind[0] == others[i][0][0])
      return gr_fail(err, GRADUS_ERR_DATA, "%s: holds %s; expected an array of plain numbers", name,
                     others[i][1]);
  return gr_fail(err, GRADUS_ERR_DATA, "%s: its header says type '%s'; expected a plain number",
                 name, descr);
}

/* Magic, version, length of the text. */
static gradus_status read_length(gr_dense *a, size_t *length, gradus_error *err) {
  unsigned char head[12];
  const char *name = gr_input_name(a->stream);
  size_t got;
  GR_TRY(gr_input_read(a->stream, head, 10, &got, err));
  if (got < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: does not start as a NumPy array does", name);
  if (head[6] < 1 || head[6] > 3)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: NumPy format version %d; expected 1, 2 or 3", name,
                   head[6]);
  *length = (size_t)head[8] | (size_t)head[9] << 8;
  a->offset = 10;
  if (head[6] > 1) {
    GR_TRY(gr_input_read_all(a->stream, head + 10, 2, err));
    *length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    a->offset = 12;
  }
  if (*length > MAX_HEADER)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: a header of %zu bytes; expected at most %d", name,
                   *length, MAX_HEADER);
  a->offset += *length;
  return GRADUS_OK;
}

gradus_status gr_npy_read_header(gr_dense *a, gradus_error *err) {
  size_t length = 0;
  GR_TRY(read_length(a, &length, err));
  char *text = gr_alloc(length, 1);
  if (!text) return gr_fail_memory(err, "a header");
  struct header h = {.descr = ""};
  gradus_status status = gr_input_read_all(a->stream, text, length, err);
  struct parser r = {.array = a, .start = text, .p = text, .end = text + length};
  if (status == GRADUS_OK) status = parse(&r, &h, a, err);
  if (status == GRADUS_OK) status = find_type(a, h.descr, err);
  gr_free(text);
  if (status != GRADUS_OK) return status;
  if (a->n_dimensions == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is a single value; one row per sample was expected",
                   gr_input_name(a->stream));
  if (a->n_dimensions == 1) a->fortran = false;
  return gr_dense_check(a, err);
}
