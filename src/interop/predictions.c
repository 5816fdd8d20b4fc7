/* Three formats, one table: CSV for people and spreadsheets, .npy for NumPy, HDF5 for the rest. The
 * format follows the name. It does not know what a model is: outputs and names come as arrays. */
#include <config.h>

#include "interop/predictions.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "interop/output.h"
#include "store/array.h"

typedef struct prediction_format prediction_format;

struct gr_predictions {
  uint64_t n_rows;
  uint32_t n_outputs;
  const char *const *class_names; /* [n_classes] or NULL */
  uint32_t n_classes;
  bool labels; /* each on its own: no one class is the answer */
  const prediction_format *format;
  gr_output output;       /* .csv and .npy */
  gr_array_writer *array; /* .h5 */
};
typedef gr_predictions prediction_table;

/* One format: how a row is written, and what comes before the first; NULL: by gr_array_writer. */
struct prediction_format {
  const char *extension;
  void (*put_heading)(gr_text *out, const prediction_table *t);
  void (*put_row)(gr_text *out, const prediction_table *t, const float *row);
};

/* A field of RFC 4180: quoted where it holds a comma, a quote, a line end or outer blanks. */
static void put_field(gr_text *out, const char *field) {
  size_t n = strlen(field);
  bool quote = strpbrk(field, ",\"\r\n") || (n > 0 && (field[0] == ' ' || field[n - 1] == ' '));
  if (!quote) {
    gr_text_append(out, field, n);
    return;
  }
  gr_text_puts(out, "\"");
  for (const char *p = field; *p; p++)
    gr_text_append(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
  gr_text_puts(out, "\"");
}

static void put_float(gr_text *out, float value) {
  char digits[GR_DOUBLE_TEXT];
  gr_text_append(out, digits, gr_format_float(digits, value));
}

static void put_heading(gr_text *out, const prediction_table *t) {
  if (t->class_names) {
    if (!t->labels) gr_text_puts(out, "class");
    for (uint32_t i = 0; i < t->n_classes; i++) {
      gr_text name = {0};
      gr_text_printf(&name, "p(%s)", t->class_names[i]);
      if (i || !t->labels) gr_text_puts(out, ",");
      if (name.failed)
        out->failed = true;
      else
        put_field(out, name.data);
      gr_text_free(&name);
    }
  } else if (t->n_outputs == 1) {
    gr_text_puts(out, "prediction");
  } else {
    for (uint32_t i = 0; i < t->n_outputs; i++)
      gr_text_printf(out, "%sprediction_%lu", i ? "," : "", (unsigned long)i + 1);
  }
  gr_text_puts(out, "\n");
}

/* Two classes with one output: the output is the probability of class 1. */
static float probability(const prediction_table *t, const float *row, uint32_t i) {
  if (t->n_outputs == t->n_classes) return row[i];
  return i == 0 ? 1 - row[0] : row[0];
}

static void put_class_row(gr_text *out, const prediction_table *t, const float *row) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < t->n_classes; i++)
    if (probability(t, row, i) > probability(t, row, best)) best = i;
  put_field(out, t->class_names[best]);
  for (uint32_t i = 0; i < t->n_classes; i++) {
    gr_text_puts(out, ",");
    put_float(out, probability(t, row, i));
  }
}

static void put_target_row(gr_text *out, const prediction_table *t, const float *row) {
  for (uint32_t i = 0; i < t->n_outputs; i++) {
    if (i) gr_text_puts(out, ",");
    put_float(out, row[i]);
  }
}

static void put_csv_row(gr_text *out, const prediction_table *t, const float *row) {
  (t->class_names && !t->labels ? put_class_row : put_target_row)(out, t, row);
  gr_text_puts(out, "\n");
}

/* Format of the NumPy Enhancement Proposal 1: magic, version 1.0, length of the heading in two
 * bytes, heading padded by blanks to a multiple of 64 and ended by a newline, then the values. */
static void put_npy_heading(gr_text *out, const prediction_table *t) {
  enum { FIXED = 10, ALIGNMENT = 64, MAX = 192 };
  char heading[MAX];
  int n = snprintf(heading, sizeof heading,
                   "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %lu), }",
                   (unsigned long long)t->n_rows, (unsigned long)t->n_outputs);
  size_t used = (size_t)n;
  while ((FIXED + used + 1) % ALIGNMENT != 0) heading[used++] = ' ';
  heading[used++] = '\n';
  const char length[2] = {(char)(used & 0xff), (char)(used >> 8)};
  gr_text_append(out, "\x93NUMPY\x01\x00", 8);
  gr_text_append(out, length, 2);
  gr_text_append(out, heading, used);
}

static void put_npy_row(gr_text *out, const prediction_table *t, const float *row) {
  for (uint32_t i = 0; i < t->n_outputs; i++) {
    uint32_t bits;
    memcpy(&bits, &row[i], sizeof bits);
    const char bytes[4] = {(char)(bits & 0xff), (char)(bits >> 8 & 0xff), (char)(bits >> 16 & 0xff),
                           (char)(bits >> 24)};
    gr_text_append(out, bytes, 4);
  }
}

static const prediction_format formats[] = {{".csv", put_heading, put_csv_row},
                                            {".npy", put_npy_heading, put_npy_row},
                                            {".h5", NULL, NULL},
                                            {".hdf5", NULL, NULL}};

static const prediction_format *format_of(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  if (strcmp(path, "-") == 0) return &formats[0];
  for (size_t i = 0; dot && i < sizeof formats / sizeof formats[0]; i++)
    if (strcasecmp(dot, formats[i].extension) == 0) return &formats[i];
  return NULL;
}

static gradus_status begin(gr_predictions *p, const char *path, bool overwrite, gradus_error *err) {
  if (!p->format->put_row)
    return gr_array_open_h5(path, overwrite, "predictions", p->n_rows, p->n_outputs, &p->array,
                            err);
  GR_TRY(gr_output_open(&p->output, path, overwrite, err));
  p->format->put_heading(&p->output.buffer, p);
  return GRADUS_OK;
}

static gradus_status open_table(const char *path, bool overwrite, const prediction_table *table,
                                gr_predictions **out, gradus_error *err) {
  const uint32_t n_outputs = table->n_outputs, n_classes = table->n_classes;
  const prediction_format *format = format_of(path);
  *out = NULL;
  if (!format)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "%s: predictions are written as .csv, .npy or .h5 (- is CSV on standard output)",
                   path);
  bool two_by_one = n_classes == 2 && n_outputs == 1 && !table->labels;
  if (n_outputs == 0 || (table->class_names && n_classes != n_outputs && !two_by_one))
    return gr_fail(err, GRADUS_ERR_INTERNAL, "%s: %u outputs for %u classes", path,
                   (unsigned)n_outputs, (unsigned)n_classes);
  gr_predictions *p = gr_calloc(1, sizeof *p);
  if (!p) return gr_fail_memory(err, "predictions");
  *p = *table;
  p->format = format;
  const gradus_status status = begin(p, path, overwrite, err);
  if (status != GRADUS_OK) return gr_predictions_close(p, status, err);
  *out = p;
  return GRADUS_OK;
}

gradus_status gr_predictions_open(const char *path, bool overwrite, uint64_t n_rows,
                                  uint32_t n_outputs, const char *const *class_names,
                                  uint32_t n_classes, gr_predictions **out, gradus_error *err) {
  const prediction_table table = {
      .n_rows = n_rows, .n_outputs = n_outputs, .class_names = class_names, .n_classes = n_classes};
  return open_table(path, overwrite, &table, out, err);
}

gradus_status gr_predictions_open_labels(const char *path, bool overwrite, uint64_t n_rows,
                                         uint32_t n_labels, const char *const *names,
                                         gr_predictions **out, gradus_error *err) {
  const prediction_table table = {.n_rows = n_rows,
                                  .n_outputs = n_labels,
                                  .class_names = names,
                                  .n_classes = n_labels,
                                  .labels = true};
  return open_table(path, overwrite, &table, out, err);
}

gradus_status gr_predictions_put(gr_predictions *p, const float *outputs, uint64_t n,
                                 gradus_error *err) {
  if (p->array) return gr_array_put(p->array, outputs, n, err);
  for (uint64_t r = 0; r < n; r++) {
    p->format->put_row(&p->output.buffer, p, outputs + (size_t)r * p->n_outputs);
    GR_TRY(gr_output_drain(&p->output, err));
  }
  return GRADUS_OK;
}

gradus_status gr_predictions_close(gr_predictions *p, gradus_status status, gradus_error *err) {
  if (!p) return status;
  if (p->array)
    status = gr_array_close(p->array, status, err);
  else if (status == GRADUS_OK)
    status = gr_output_commit(&p->output, err);
  gr_output_close(&p->output);
  gr_free(p);
  return status;
}

gradus_status gr_predictions_write(const char *path, bool overwrite, const float *outputs,
                                   uint64_t n_rows, uint32_t n_outputs,
                                   const char *const *class_names, uint32_t n_classes,
                                   gradus_error *err) {
  gr_predictions *p = NULL;
  gradus_status status =
      gr_predictions_open(path, overwrite, n_rows, n_outputs, class_names, n_classes, &p, err);
  if (status == GRADUS_OK) status = gr_predictions_put(p, outputs, n_rows, err);
  return gr_predictions_close(p, status, err);
}
