/* What the table of metrics says, and whom a metric suits. How they are computed is in
 * train/scores.c: here nothing is measured. */
#include <config.h>

#include "net/metric.h"

#include "kernel/kinds.h"

enum {
  CLASSES = 1u << GR_CLASSIFICATION,
  NUMBERS = 1u << GR_REGRESSION,
  LABELS = 1u << GR_MULTILABEL,
  EITHER = CLASSES | LABELS,
  LOW = 0,
  HIGH = 1
};

const gr_metric_kind gr_metrics_table[GR_N_METRICS] = {
#define GR_METRIC(ID, name, tasks, better, needs, function) \
  [GR_METRIC_##ID] = {name, tasks, better, GR_NEEDS_##needs},
#include "net/metric.def.h"
#undef GR_METRIC
};
_Static_assert(GR_N_METRICS < 64, "a set of metrics is 64 bits");

static bool has_task(const gr_config *config, gr_metric metric) {
  return config->data.task == GR_AUTO ||
         (gr_metrics_table[metric].tasks >> config->data.task & 1u) != 0;
}

/* Outputs that are no probabilities have no log-loss; whatever they are, they can be ranked. */
static bool has_outputs(const gr_config *config, gr_metric metric) {
  const int loss = config->training.loss;
  return gr_metrics_table[metric].needs != GR_NEEDS_PROBABILITIES || loss == GR_AUTO ||
         gr_losses[loss].output == GR_OUTPUT_PROBABILITY;
}

bool gr_metric_suits(const gr_config *config, gr_metric metric) {
  return has_task(config, metric) && has_outputs(config, metric);
}

gr_metric_set gr_metrics_suiting(const gr_config *config) {
  gr_metric_set set = 0;
  for (int m = 0; m < GR_N_METRICS; m++)
    if (gr_metric_suits(config, (gr_metric)m)) set |= GR_METRIC_BIT(m);
  return set;
}

gr_metric gr_metric_judged(const gr_config *config) {
  const int metric = config->training.metric;
  return metric > 0 ? (gr_metric)(metric - 1) : GR_N_METRICS;
}

gr_metric_set gr_metrics_wanted(const gr_config *config) {
  const gr_metric judged = gr_metric_judged(config);
  gr_metric_set set = GR_METRIC_USUAL | config->training.metrics;
  if (config->data.task == GR_MULTILABEL)
    set |= GR_METRIC_BIT(GR_METRIC_F1_MICRO) | GR_METRIC_BIT(GR_METRIC_HAMMING);
  if (judged != GR_N_METRICS) set |= GR_METRIC_BIT(judged);
  return set & gr_metrics_suiting(config);
}

void gr_metrics_list(gr_metric_set set, gr_text *out) {
  bool any = false;
  for (int m = 0; m < GR_N_METRICS; m++) {
    if (!(set & GR_METRIC_BIT(m))) continue;
    gr_text_printf(out, "%s%s", any ? ", " : "", gr_metrics_table[m].name);
    any = true;
  }
}

uint32_t gr_metric_place(gr_metric_set set, gr_metric metric) {
  return (uint32_t)__builtin_popcountll(set & (GR_METRIC_BIT(metric) - 1));
}

static gradus_status refuse(const gr_config *config, const char *key, gr_metric metric,
                            gradus_error *err) {
  gr_text names = {0};
  gr_metrics_list(gr_metrics_suiting(config), &names);
  gr_fail(err, GRADUS_ERR_CONFIG, "%s: %s %s; there are %s", key, gr_metrics_table[metric].name,
          has_task(config, metric)
              ? "wants outputs that are probabilities (training.loss cross-entropy or focal)"
              : "is not for this data.task",
          names.data ? names.data : "others");
  gr_text_free(&names);
  return GRADUS_ERR_CONFIG;
}

gradus_status gr_metrics_check(const gr_config *config, gradus_error *err) {
  const gr_metric judged = gr_metric_judged(config);
  for (int m = 0; m < GR_N_METRICS; m++)
    if ((config->training.metrics & GR_METRIC_BIT(m)) && !gr_metric_suits(config, (gr_metric)m))
      return refuse(config, "training.metrics", (gr_metric)m, err);
  if (judged != GR_N_METRICS && !gr_metric_suits(config, judged))
    return refuse(config, "training.early_stopping.metric", judged, err);
  return GRADUS_OK;
}
