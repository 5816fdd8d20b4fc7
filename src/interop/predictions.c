/* Three formats, one table: CSV for people and spreadsheets, .npy for NumPy, HDF5 for the rest. The
 * format follows the name. It does not know what a model is: outputs and names come as arrays. */
#include <config.h>

#include "interop/predictions.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "interop/output.h"
#include "store/array.h"

typedef struct prediction_table {
  const float *outputs; /* [n_rows][n_outputs] */
  uint64_t n_rows;
  uint32_t n_outputs;
  const char *const *class_names; /* [n_classes] or NULL */
  uint32_t n_classes;
} prediction_table;

typedef gradus_status write_function(const prediction_table *table, const char *path,
                                     bool overwrite, gradus_error *err);

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
    gr_text_puts(out, "class");
    for (uint32_t i = 0; i < t->n_classes; i++) {
      gr_text name = {0};
      gr_text_printf(&name, "p(%s)", t->class_names[i]);
      gr_text_puts(out, ",");
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

static gradus_status write_csv(const prediction_table *t, const char *path, bool overwrite,
                               gradus_error *err) {
  gr_output output = {0};
  gradus_status status;
  GR_TRY_ELSE(done, gr_output_open(&output, path, overwrite, err));
  put_heading(&output.buffer, t);
  for (uint64_t r = 0; r < t->n_rows; r++) {
    const float *row = t->outputs + (size_t)r * t->n_outputs;
    (t->class_names ? put_class_row : put_target_row)(&output.buffer, t, row);
    gr_text_puts(&output.buffer, "\n");
    GR_TRY_ELSE(done, gr_output_drain(&output, err));
  }
  status = gr_output_commit(&output, err);
done:
  gr_output_close(&output);
  return status;
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

static gradus_status write_npy(const prediction_table *t, const char *path, bool overwrite,
                               gradus_error *err) {
  gr_output output = {0};
  gradus_status status;
  GR_TRY_ELSE(done, gr_output_open(&output, path, overwrite, err));
  put_npy_heading(&output.buffer, t);
  for (uint64_t i = 0; i < t->n_rows * t->n_outputs; i++) {
    uint32_t bits;
    memcpy(&bits, &t->outputs[i], sizeof bits);
    const char bytes[4] = {(char)(bits & 0xff), (char)(bits >> 8 & 0xff), (char)(bits >> 16 & 0xff),
                           (char)(bits >> 24)};
    gr_text_append(&output.buffer, bytes, 4);
    GR_TRY_ELSE(done, gr_output_drain(&output, err));
  }
  status = gr_output_commit(&output, err);
done:
  gr_output_close(&output);
  return status;
}

static gradus_status write_h5(const prediction_table *t, const char *path, bool overwrite,
                              gradus_error *err) {
  return gr_array_write_h5(path, overwrite, "predictions", t->outputs, t->n_rows, t->n_outputs,
                           err);
}

static const struct {
  const char *extension;
  write_function *write;
} formats[] = {{".csv", write_csv}, {".npy", write_npy}, {".h5", write_h5}, {".hdf5", write_h5}};

static write_function *format_of(const char *path) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  if (strcmp(path, "-") == 0) return write_csv;
  for (size_t i = 0; dot && i < sizeof formats / sizeof formats[0]; i++)
    if (strcasecmp(dot, formats[i].extension) == 0) return formats[i].write;
  return NULL;
}

gradus_status gr_predictions_write(const char *path, bool overwrite, const float *outputs,
                                   uint64_t n_rows, uint32_t n_outputs,
                                   const char *const *class_names, uint32_t n_classes,
                                   gradus_error *err) {
  write_function *write = format_of(path);
  if (!write)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "%s: predictions are written as .csv, .npy or .h5 (- is CSV on standard output)",
                   path);
  bool two_by_one = n_classes == 2 && n_outputs == 1;
  if (n_outputs == 0 || (class_names && n_classes != n_outputs && !two_by_one))
    return gr_fail(err, GRADUS_ERR_INTERNAL, "%s: %u outputs for %u classes", path,
                   (unsigned)n_outputs, (unsigned)n_classes);
  const prediction_table table = {outputs, n_rows, n_outputs, class_names, n_classes};
  return write(&table, path, overwrite, err);
}
