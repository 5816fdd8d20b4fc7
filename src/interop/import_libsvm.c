/* LIBSVM files become dense rows of floats. The first pass finds how many rows and columns there
 * are and whether all labels are whole numbers; the second writes. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "interop/bad_rows.h"
#include "interop/import.h"
#include "interop/libsvm.h"
#include "interop/lines.h"
#include "interop/transform.h"

enum { BLOCK_BYTES = 1 << 20, LINES_BETWEEN_REPORTS = 1024, MAX_COLUMNS = 1 << 24 };

/* One file. */
typedef struct source {
  gr_input *stream; /* borrowed; NULL = absent */
  uint64_t n_rows, n_values;
  uint32_t n_columns; /* the largest index */
  bool has_qid;
  bool is_whole; /* every label is a whole number of 32 signed bits */
  gr_bad_rows bad;
} source;

typedef struct plan {
  gr_import_job *job;
  source source[GR_N_SPLITS];
  uint32_t n_columns;
  bool classes;
  gr_dtype y_type;
} plan;

/* Calls `visit` for each good row; its pairs are still to be read. What `visit` refuses makes a bad
 * row only where `deciding`. */
typedef gradus_status row_visitor(void *user, gr_libsvm_line *line, gradus_error *err);

static gradus_status walk(plan *p, source *s, bool deciding, row_visitor *visit, void *user,
                          gradus_error *err) {
  gr_lines lines = {0};
  gr_libsvm_line line;
  gr_meter *meter = &p->job->meter;
  uint64_t cursor = 0;
  bool more = true;
  gr_meter_begin(meter, deciding ? "looking" : "reading");
  gradus_status status = gr_lines_start(&lines, s->stream, err);
  while (status == GRADUS_OK) {
    status = gr_lines_next(&lines, &more, err);
    if (status != GRADUS_OK || !more) break;
    if (lines.number % LINES_BETWEEN_REPORTS == 0) gr_meter_at(meter, gr_input_consumed(s->stream));
    if (!deciding && gr_bad_rows_skip(&s->bad, lines.number, &cursor)) continue;
    status = gr_libsvm_begin(&line, gr_input_name(s->stream), lines.number, lines.line,
                             lines.length, err);
    if (status == GRADUS_OK && !line.is_blank) status = visit(user, &line, err);
    if (deciding) status = gr_bad_rows_add(&s->bad, lines.number, status, err);
  }
  gr_lines_end(&lines);
  gr_meter_end(meter, gr_input_length(s->stream));
  return status;
}

/* ---- the first pass ---- */

struct looking {
  source *source;
  uint32_t limit;    /* of columns */
  const char *whose; /* words for where that comes from */
};

static gradus_status look_at_row(void *user, gr_libsvm_line *line, gradus_error *err) {
  const struct looking *l = user;
  source *s = l->source;
  uint64_t n = 0;
  for (bool more = true;; n++) {
    GR_TRY(gr_libsvm_next(line, &more, err));
    if (!more) break;
    if (line->index > l->limit)
      return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:1: index %lu is beyond the %lu columns %s",
                     line->path, (unsigned long long)line->number, (unsigned long)line->index,
                     (unsigned long)l->limit, l->whose);
  }
  if (line->index > s->n_columns) s->n_columns = line->index;
  s->has_qid |= line->has_qid;
  s->is_whole &= fabs(line->label) <= 2147483647.0 && line->label == floor(line->label);
  s->n_values += n;
  s->n_rows++;
  return GRADUS_OK;
}

static gradus_status look(plan *p, int split, gradus_error *err) {
  source *s = &p->source[split];
  const gr_import_options *o = p->job->options;
  uint32_t fixed = p->job->old ? p->job->old->n_columns : o->n_columns;
  struct looking looking = {s, fixed ? fixed : MAX_COLUMNS,
                            p->job->old ? "of the file that is added to"
                            : fixed     ? "asked for"
                                        : "that rows can have"};
  s->is_whole = true;
  s->bad.max = o->max_bad_rows;
  GR_TRY(walk(p, s, true, look_at_row, &looking, err));
  if (s->n_rows == 0) return gr_fail(err, GRADUS_ERR_DATA, "%s: no rows", gr_input_name(s->stream));
  if (s->n_columns > p->n_columns) p->n_columns = s->n_columns;
  if (fixed) p->n_columns = fixed;
  gr_log_write(&o->log, GR_INFO, "%s: %s, %llu rows, %llu values, indices up to %lu",
               gr_split_names[split], gr_input_name(s->stream), (unsigned long long)s->n_rows,
               (unsigned long long)s->n_values, (unsigned long)s->n_columns);
  if (s->has_qid)
    gr_log_write(&o->log, GR_WARNING, "%s: query numbers (qid) are passed over",
                 gr_input_name(s->stream));
  gr_bad_rows_tell(&s->bad, gr_input_name(s->stream), s->n_rows, &o->log);
  return GRADUS_OK;
}

/* Whole numbers are classes, unless told otherwise. */
static gradus_status decide_labels(plan *p, gradus_error *err) {
  const gr_import_options *o = p->job->options;
  const char *fraction = NULL;
  gr_dtype old_type = GR_N_DTYPES;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (p->source[s].stream && !p->source[s].is_whole)
      fraction = gr_input_name(p->source[s].stream);
    if (p->job->old && p->job->old->split[s].y_columns) old_type = p->job->old->split[s].y_type;
  }
  bool wanted = o->task == GR_CLASSIFICATION || old_type == GR_I32;
  p->classes = wanted || (o->task == GR_AUTO && !fraction && !o->log_target && !p->job->old);
  p->y_type = p->classes ? GR_I32 : GR_F32;
  if (wanted && fraction)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: holds labels that are not whole; classes are",
                   fraction);
  gr_log_write(&o->log, GR_INFO, "labels: %s",
               p->classes      ? "classification (whole numbers; else say the task is regression)"
               : o->log_target ? "regression on their natural logarithm"
                               : "regression");
  return GRADUS_OK;
}

static void tell_density(const plan *p) {
  double values = 0, cells = 0;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    values += (double)p->source[s].n_values;
    cells += (double)p->source[s].n_rows * (double)p->n_columns;
  }
  if (values * 50 < cells)
    gr_log_write(&p->job->options->log, GR_WARNING,
                 "only 1 cell in %llu holds a value; the file has them all, %llu MiB of floats",
                 (unsigned long long)(cells / (values > 0 ? values : 1)),
                 (unsigned long long)(cells * 4 / 1048576));
}

/* ---- the second pass ---- */

struct filling {
  const plan *plan;
  int split;
  uint64_t room, n;
  float *x;
  void *y;
};

static gradus_status flush(struct filling *f, gradus_error *err) {
  const gr_sink *sink = f->plan->job->sink;
  uint64_t n = f->n;
  f->n = 0;
  if (n == 0) return GRADUS_OK;
  GR_TRY(sink->put(sink->user, f->split, GR_FIELD_X, f->x, n, err));
  return sink->put(sink->user, f->split, GR_FIELD_Y, f->y, n, err);
}

static gradus_status fill_row(void *user, gr_libsvm_line *line, gradus_error *err) {
  struct filling *f = user;
  const plan *p = f->plan;
  float *row = f->x + f->n * p->n_columns;
  memset(row, 0, p->n_columns * sizeof *row);
  for (bool more = true;;) {
    GR_TRY(gr_libsvm_next(line, &more, err));
    if (!more) break;
    if (line->index > p->n_columns)
      return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:1: the file has changed meanwhile", line->path,
                     (unsigned long long)line->number);
    row[line->index - 1] = (float)line->value;
  }
  double label = line->label;
  if (p->job->options->log_target && !gr_transform_log(&label))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s:%llu:1: the label is not above 0, so it has no logarithm", line->path,
                   (unsigned long long)line->number);
  if (p->classes)
    ((int32_t *)f->y)[f->n] = (int32_t)label;
  else
    ((float *)f->y)[f->n] = (float)label;
  return ++f->n == f->room ? flush(f, err) : GRADUS_OK;
}

static gradus_status fill(plan *p, int split, gradus_error *err) {
  source *s = &p->source[split];
  size_t row = p->n_columns * sizeof(float);
  struct filling f = {.plan = p, .split = split, .room = BLOCK_BYTES / row ? BLOCK_BYTES / row : 1};
  if (f.room > s->n_rows) f.room = s->n_rows;
  f.x = gr_alloc(f.room, row);
  f.y = gr_alloc(f.room, gr_dtype_size(p->y_type));
  gradus_status status =
      f.x && f.y ? walk(p, s, false, fill_row, &f, err) : gr_fail_memory(err, "a block of rows");
  if (status == GRADUS_OK) status = flush(&f, err);
  gr_free(f.x);
  gr_free(f.y);
  return status;
}

static gradus_status begin(plan *p, gradus_error *err) {
  gr_dataset shape = {.layout = "gradus", .n_columns = p->n_columns};
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->source[s].stream)
      shape.split[s] = (gr_split){
          .n_rows = p->source[s].n_rows, .x_type = GR_F32, .y_type = p->y_type, .y_columns = 1};
  gradus_status status = p->job->sink->begin(p->job->sink->user, &shape, err);
  gr_dataset_free(&shape);
  return status;
}

static gradus_status check_options(const gr_import_job *job, gradus_error *err) {
  if (job->options->target)
    return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': LIBSVM files have no named columns",
                   job->options->target);
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (job->source[s].labels_path)
      return gr_fail(err, GRADUS_ERR_USAGE,
                     "%s,%s: a LIBSVM file holds its own labels; name one file",
                     job->source[s].path, job->source[s].labels_path);
  return GRADUS_OK;
}

static gradus_status build(plan *p, gradus_error *err) {
  GR_TRY(check_options(p->job, err));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    p->source[s].stream = p->job->source[s].stream;
    if (p->source[s].stream)
      gr_meter_expect(&p->job->meter, 2 * gr_input_length(p->source[s].stream));
  }
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->source[s].stream) GR_TRY(look(p, s, err));
  if (p->n_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "no row holds any value; expected index:value");
  GR_TRY(decide_labels(p, err));
  tell_density(p);
  GR_TRY(begin(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->source[s].stream) GR_TRY(fill(p, s, err));
  return GRADUS_OK;
}

gradus_status gr_import_libsvm(gr_import_job *job, gradus_error *err) {
  plan p = {.job = job};
  gradus_status status = build(&p, err);
  for (int s = 0; s < GR_N_SPLITS; s++) gr_bad_rows_clear(&p.source[s].bad);
  return status;
}
