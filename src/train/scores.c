/* What each metric needs is added row by row, then a function of the table makes the number of it.
 * The largest outputs, errors in the targets' own units, and weights of classes are cheap; scores
 * for ranking are kept (train/ranks.h). */
#include <config.h>

#include "train/scores.h"

#include <math.h>
#include <string.h>

#include "base/elementary.h"
#include "base/memory.h"
#include "base/tree.h"
#include "kernel/kinds.h"

#define BLOCK 1024
#define LEAST_PROBABILITY 0x1p-23 /* as scikit-learn cuts those in single precision */
#define LEAST_TARGET 0x1p-52

/* Sums over rows; of a regression, the last ones for each target. */
enum { SUM_WEIGHT, SUM_TOP, SUM_LOG, SUM_BRIER, SUM_WRONG, SUM_WHOLE, N_SUMS };
enum { SUM_SIZE, SUM_SHARE, SUM_PINBALL, N_TARGET_SUMS };

typedef struct reading {
  const gr_scores *s;
  const gr_metrics *usual;
  double areas[2]; /* means over classes: ROC, precision */
} reading;

/* ---- rows ---- */

uint32_t gr_predicted_class(const float *outputs, uint32_t n_outputs) {
  uint32_t best = 0;
  if (n_outputs == 1) return outputs[0] > 0.5f;
  for (uint32_t j = 1; j < n_outputs; j++)
    if (outputs[j] > outputs[best]) best = j;
  return best;
}

/* Whether class c is among the k that come first by output, of equal ones those before. */
static bool is_among(const float *a, uint32_t n, uint32_t c, uint32_t k) {
  uint32_t before = 0;
  for (uint32_t j = 0; j < n; j++) before += a[j] > a[c] || (a[j] == a[c] && j < c);
  return before < k;
}

/* The probability of class c. */
static double probability(const float *a, uint32_t n, uint32_t c) {
  return n > 1 ? (double)a[c] : c == 1 ? (double)a[0] : 1 - (double)a[0];
}

static double cut(double p) {
  return p < LEAST_PROBABILITY       ? LEAST_PROBABILITY
         : p > 1 - LEAST_PROBABILITY ? 1 - LEAST_PROBABILITY
                                     : p;
}

static double brier_of(const float *a, uint32_t n, uint32_t n_classes, uint32_t c) {
  const double d = 1 - probability(a, n, c);
  double sum = d * d;
  if (n_classes == 2) return sum;
  for (uint32_t j = 0; j < n; j++)
    if (j != c) sum += (double)a[j] * (double)a[j];
  return sum;
}

/* Bin b holds confidences in (b/15, (b+1)/15]. */
static void add_to_bin(gr_scores *s, double confidence, double w, bool right) {
  int b = 0;
  while (b < GR_SCORE_BINS - 1 && confidence * GR_SCORE_BINS > b + 1) b++;
  s->bin[b][0] += w;
  s->bin[b][1] += w * confidence;
  s->bin[b][2] += right ? w : 0;
}

static void keep_scores(gr_scores *s, uint64_t row, const float *a, uint32_t c, float w) {
  gr_ranks *r = &s->ranks;
  r->label[row] = (int32_t)c;
  if (r->weight) r->weight[row] = w;
  if (r->n_columns == 1)
    r->score[row] = s->differ ? a[1] - a[0] : a[s->n_outputs - 1];
  else
    for (uint32_t j = 0; j < r->n_columns; j++) r->score[j * r->n + row] = a[j];
}

static void add_class_row(gr_scores *s, uint64_t at, uint64_t row, const float *a, double w) {
  const uint32_t c = (uint32_t)s->pass->rows.class_index[row], n = s->n_outputs,
                 said = gr_predicted_class(a, n);
  s->classes[c].actual += w;
  s->classes[said].predicted += w;
  if (c == said) s->classes[c].both += w;
  if (s->wanted & GR_METRIC_BIT(GR_METRIC_TOP_K))
    s->sums[SUM_TOP] += (n == 1 ? s->top_k > 1 || c == said : is_among(a, n, c, s->top_k)) ? w : 0;
  if (s->wanted & GR_METRIC_BIT(GR_METRIC_LOG_LOSS))
    s->sums[SUM_LOG] -= w * gr_ln(cut(probability(a, n, c)));
  if (s->wanted & GR_METRIC_BIT(GR_METRIC_BRIER))
    s->sums[SUM_BRIER] += w * brier_of(a, n, s->p->n_classes, c);
  if (s->wanted & GR_METRIC_BIT(GR_METRIC_ECE))
    add_to_bin(s, probability(a, n, said), w, c == said);
  if (s->ranks.n) keep_scores(s, at, a, c, (float)w);
}

static void add_label(gr_scores *s, uint32_t k, double p, bool is, double w) {
  const bool said = p > s->threshold;
  const double right = is ? p : 1 - p, share = w / s->p->n_targets;
  gr_class_counts *label = &s->classes[k];
  label->actual += is ? w : 0;
  label->predicted += said ? w : 0;
  label->both += is && said ? w : 0;
  s->sums[SUM_WRONG] += is != said ? share : 0;
  if (s->wanted & GR_METRIC_BIT(GR_METRIC_LOG_LOSS)) s->sums[SUM_LOG] -= share * gr_ln(cut(right));
  s->sums[SUM_BRIER] += share * ((1 - right) * (1 - right));
}

static void add_label_row(gr_scores *s, uint64_t at, uint64_t row, const float *a, double w) {
  const uint32_t n = s->p->n_targets;
  const float *y = s->pass->rows.targets + row * n;
  gr_ranks *r = &s->ranks;
  bool whole = true;
  for (uint32_t k = 0; k < n; k++) {
    const bool is = y[k] > 0.5f;
    add_label(s, k, (double)a[k], is, w);
    whole &= is == ((double)a[k] > s->threshold);
    if (!r->n) continue;
    r->score[k * r->n + at] = a[k];
    r->label[k * r->n + at] = is;
  }
  if (r->weight) r->weight[at] = (float)w;
  s->sums[SUM_WHOLE] += whole ? w : 0;
}

static void add_number_row(gr_scores *s, uint64_t row, const float *a, double w) {
  const gr_preprocessing *p = s->p;
  for (uint32_t k = 0; k < p->n_targets; k++) {
    double *sums = s->sums + N_SUMS + (size_t)k * N_TARGET_SUMS;
    const double t = (double)s->pass->rows.targets[row * p->n_targets + k],
                 e = (t - (double)a[k]) * p->target_scale[k],
                 y = fabs(t * p->target_scale[k] + p->target_shift[k]),
                 level = s->levels[k % s->n_levels];
    sums[SUM_SIZE] += w * fabs(e);
    sums[SUM_SHARE] += w * (fabs(e) / (y > LEAST_TARGET ? y : LEAST_TARGET));
    sums[SUM_PINBALL] += w * (e > 0 ? level * e : (level - 1) * e);
  }
}

/* ---- blocks ---- */

static double *stacked(const gr_scores *s, unsigned i) {
  return s->sums + (size_t)(1 + i) * s->n_sums;
}

static void fold(gr_scores *s) {
  double *below = stacked(s, s->depth - 2);
  const double *top = stacked(s, s->depth - 1);
  for (uint32_t i = 0; i < s->n_sums; i++) below[i] += top[i];
  s->depth--;
}

static void end_block(gr_scores *s) {
  if (s->in_block == 0) return;
  memcpy(stacked(s, s->depth++), s->sums, s->n_sums * sizeof *s->sums);
  memset(s->sums, 0, s->n_sums * sizeof *s->sums);
  for (unsigned merges = gr_tree_merges(s->n_blocks++); merges > 0; merges--) fold(s);
  s->in_block = 0;
}

gradus_status gr_scores_take(void *scores, uint64_t first, uint64_t n, const float *outputs,
                             gradus_error *err) {
  gr_scores *s = scores;
  const gr_rows *rows = &s->pass->rows;
  uint64_t number[BLOCK];
  (void)err;
  for (uint64_t from = 0; from < n; from += BLOCK) {
    const uint64_t some = n - from < BLOCK ? n - from : BLOCK;
    gr_row_order_numbers(&s->pass->order, NULL, first + from, some, number);
    for (uint64_t i = 0; i < some; i++) {
      const float *a = outputs + (from + i) * s->n_outputs;
      const double w = rows->weight ? (double)rows->weight[number[i]] : 1;
      s->sums[SUM_WEIGHT] += w;
      if (rows->class_index)
        add_class_row(s, first + from + i, number[i], a, w);
      else if (s->p->task == GR_MULTILABEL)
        add_label_row(s, first + from + i, number[i], a, w);
      else
        add_number_row(s, number[i], a, w);
      if (++s->in_block == BLOCK) end_block(s);
    }
  }
  return GRADUS_OK;
}

/* ---- from sums to metrics ---- */

static double sum_of(const reading *r, uint32_t which) {
  return stacked(r->s, 0)[which];
}

static double mean_of(const reading *r, uint32_t which) {
  return sum_of(r, which) / sum_of(r, SUM_WEIGHT);
}

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

static double accuracy(const reading *r) {
  return r->usual->accuracy;
}

static double rmse(const reading *r) {
  return r->usual->rmse;
}

static double r2(const reading *r) {
  return r->usual->r2;
}

static double top_k(const reading *r) {
  return mean_of(r, SUM_TOP);
}

static double log_loss(const reading *r) {
  return mean_of(r, SUM_LOG);
}

static double brier(const reading *r) {
  return mean_of(r, SUM_BRIER);
}

/* The mean recall of the classes that occur. */
static double balanced_accuracy(const reading *r) {
  double sum = 0;
  uint32_t n = 0;
  for (uint32_t c = 0; c < r->s->p->n_classes; c++) {
    const gr_class_counts *class = &r->s->classes[c];
    if (!(class->actual > 0)) continue;
    sum += class->both / class->actual;
    n++;
  }
  return sum / n;
}

/* Of two classes that of the second; else the mean of those that occur or are said to, and of all
 * labels. */
static double f1(const reading *r) {
  const uint32_t n_classes = r->s->p->n_classes;
  const bool labels = r->s->p->task == GR_MULTILABEL, two = n_classes == 2 && !labels;
  double sum = 0;
  uint32_t n = 0;
  for (uint32_t c = two; c < n_classes; c++) {
    const gr_class_counts *class = &r->s->classes[c];
    const double all = class->actual + class->predicted;
    if (!(all > 0) && !two && !labels) continue;
    sum += ratio(2 * class->both, all);
    n++;
  }
  return sum / n;
}

static double f1_micro(const reading *r) {
  double both = 0, all = 0;
  for (uint32_t c = 0; c < r->s->p->n_classes; c++) {
    both += r->s->classes[c].both;
    all += r->s->classes[c].actual + r->s->classes[c].predicted;
  }
  return ratio(2 * both, all);
}

static double hamming(const reading *r) {
  return mean_of(r, SUM_WRONG);
}

static double subset_accuracy(const reading *r) {
  return mean_of(r, SUM_WHOLE);
}

/* Gorodkin 2004, equation 8, from the sums of rows and columns of the confusion matrix. */
static double mcc(const reading *r) {
  double right = 0, cross = 0, actual = 0, predicted = 0;
  const double all = sum_of(r, SUM_WEIGHT);
  for (uint32_t c = 0; c < r->s->p->n_classes; c++) {
    const gr_class_counts *class = &r->s->classes[c];
    right += class->both;
    cross += class->actual * class->predicted;
    actual += class->actual * class->actual;
    predicted += class->predicted * class->predicted;
  }
  const double spread = (all * all - actual) * (all * all - predicted);
  return spread > 0 ? (right * all - cross) / sqrt(spread) : 0;
}

static double auc(const reading *r) {
  return r->areas[0];
}

static double pr_auc(const reading *r) {
  return r->areas[1];
}

static double ece(const reading *r) {
  double sum = 0;
  for (int b = 0; b < GR_SCORE_BINS; b++) sum += fabs(r->s->bin[b][1] - r->s->bin[b][2]);
  return sum / sum_of(r, SUM_WEIGHT);
}

static double mean_over_targets(const reading *r, uint32_t which) {
  double sum = 0;
  const uint32_t n = r->s->p->n_targets;
  for (uint32_t k = 0; k < n; k++) sum += mean_of(r, N_SUMS + k * N_TARGET_SUMS + which);
  return sum / n;
}

static double mae(const reading *r) {
  return mean_over_targets(r, SUM_SIZE);
}

static double mape(const reading *r) {
  return mean_over_targets(r, SUM_SHARE);
}

static double pinball(const reading *r) {
  return mean_over_targets(r, SUM_PINBALL);
}

typedef double metric_function(const reading *r);
static metric_function *const functions[GR_N_METRICS] = {
#define GR_METRIC(ID, name, tasks, better, needs, function) [GR_METRIC_##ID] = function,
#include "net/metric.def.h"
#undef GR_METRIC
};

/* Areas: of two classes that of the second, else the mean of each class against the rest, of those
 * that have rows on both sides. */
static void find_areas(gr_scores *s, double areas[2]) {
  const uint32_t n = s->ranks.n_columns;
  uint32_t defined = 0;
  areas[0] = areas[1] = 0;
  for (uint32_t k = 0; k < n; k++) {
    const bool second = n == 1 || s->ranks.own_labels;
    const gr_areas found = gr_ranks_areas(&s->ranks, k, second ? 1 : (int32_t)k);
    if (isnan(found.roc)) continue;
    areas[0] += found.roc;
    areas[1] += found.precision;
    defined++;
  }
  for (int i = 0; i < 2; i++) areas[i] = defined ? areas[i] / defined : (double)NAN;
}

void gr_scores_finish(gr_scores *s, const gr_metrics *metrics, double *values) {
  reading r = {.s = s, .usual = metrics, .areas = {(double)NAN, (double)NAN}};
  end_block(s);
  while (s->depth > 1) fold(s);
  if (s->ranks.n && s->depth) find_areas(s, r.areas);
  for (int m = 0; m < GR_N_METRICS; m++)
    values[m] = (GR_METRIC_USUAL & GR_METRIC_BIT(m)) || (s->depth && (s->wanted & GR_METRIC_BIT(m)))
                    ? functions[m](&r)
                    : (double)NAN;
}

/* ---- room ---- */

/* Columns of scores that are ranked. */
static uint32_t ranked_columns(const gr_preprocessing *p) {
  return p->n_classes == 2 && p->task != GR_MULTILABEL ? 1 : p->n_classes;
}

static double ranks_bytes(const gr_preprocessing *p, const gr_pass *pass) {
  const bool weighted = pass->rows.weight != NULL, labels = p->task == GR_MULTILABEL;
  return (double)gr_ranks_bytes(1, ranked_columns(p), weighted, labels) * (double)pass->n;
}

bool gr_scores_fit(const gr_preprocessing *p, const gr_pass *pass, uint64_t memory) {
  return memory == 0 || ranks_bytes(p, pass) <= (double)memory;
}

static gradus_status open_ranks(gr_scores *s, const gr_pass *pass, uint64_t memory,
                                gradus_error *err) {
  const gr_metric_set ranked = GR_METRIC_BIT(GR_METRIC_AUC) | GR_METRIC_BIT(GR_METRIC_PR_AUC);
  const bool weighted = pass->rows.weight != NULL, labels = s->p->task == GR_MULTILABEL;
  const double bytes = ranks_bytes(s->p, pass);
  if (!(s->wanted & ranked) || pass->n == 0) return GRADUS_OK;
  if (!gr_scores_fit(s->p, pass, memory))
    return gr_fail(err, GRADUS_ERR_RESOURCES,
                   "auc and pr_auc of %llu rows need %.0f MiB for scores, resources.memory is "
                   "%llu MiB; leave them out, or validate on fewer rows",
                   (unsigned long long)pass->n, bytes / 0x1p20 + 1,
                   (unsigned long long)(memory >> 20));
  return gr_ranks_open(&s->ranks, pass->n, ranked_columns(s->p), weighted, labels, err);
}

static gradus_status make_sums(gr_scores *s, const gr_preprocessing *p, gradus_error *err) {
  size_t n;
  const bool numbers = p->task == GR_REGRESSION;
  s->n_sums = N_SUMS + (numbers ? p->n_targets * N_TARGET_SUMS : 0);
  unsigned depth = 2;
  for (uint64_t blocks = s->pass->n / BLOCK; blocks > 0; blocks /= 2) depth++;
  if (gr_multiply(s->n_sums, 1 + depth, &n)) s->sums = gr_calloc(n, sizeof *s->sums);
  if (!numbers) s->classes = gr_calloc(p->n_classes, sizeof *s->classes);
  return s->sums && (numbers || s->classes) ? GRADUS_OK : gr_fail_memory(err, "metrics");
}

gradus_status gr_scores_open(gr_scores *scores, const gr_config *config, const gr_preprocessing *p,
                             const gr_pass *pass, gr_metric_set wanted, uint64_t memory,
                             gradus_error *err) {
  static const double median = 0.5;
  const bool quantiles = config->training.loss == GR_QUANTILE;
  *scores = (gr_scores){
      .p = p,
      .pass = pass,
      .wanted = wanted,
      .n_outputs = (uint32_t)config->network.outputs,
      .top_k = (uint32_t)config->training.top_k,
      .n_levels = quantiles ? config->training.n_quantiles : 1,
      .levels = quantiles ? config->training.quantiles : &median,
      .threshold = gr_losses[config->training.loss].output == GR_OUTPUT_IDENTITY ? 0 /* a margin */
                                                                                 : 0.5,
      .differ = config->network.outputs == 2 && config->network.output_activation != GR_SOFTMAX};
  gradus_status status = make_sums(scores, p, err);
  if (status == GRADUS_OK) status = open_ranks(scores, pass, memory, err);
  if (status != GRADUS_OK) gr_scores_close(scores);
  return status;
}

void gr_scores_close(gr_scores *scores) {
  gr_free(scores->sums);
  gr_free(scores->classes);
  gr_ranks_close(&scores->ranks);
  *scores = (gr_scores){0};
}

void gr_scores_begin(gr_scores *s) {
  s->depth = 0;
  s->n_blocks = s->in_block = 0;
  memset(s->sums, 0, s->n_sums * sizeof *s->sums);
  if (s->classes) memset(s->classes, 0, s->p->n_classes * sizeof *s->classes);
  memset(s->bin, 0, sizeof s->bin);
}
