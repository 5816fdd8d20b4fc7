/* Classes are weighed for training alone: validation, metrics and the best model go by the rows as
 * they are. */
#include <config.h>

#include "train/weights.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/kinds.h"
#include "net/class_weight.h"
#include "train/classes.h"

gradus_status gr_check_offsets(const gr_config *config, const gr_dataset *data, gr_split_id id,
                               gradus_error *err) {
  const gr_loss_kind *loss = &gr_losses[config->training.loss];
  if (!data->split[id].offset || loss->output == GR_OUTPUT_EXPONENTIAL) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s/offset is for training.loss poisson, gamma and tweedie, not %s",
                 gr_dataset_label(data), gr_split_names[id], loss->name);
}

/* Weight of the rows of each class that are trained on. */
static void count(const gr_prepared *p, double *weight) {
  const gr_rows *rows = &p->train.rows;
  for (uint64_t r = 0; r < rows->n_rows; r++)
    if (!p->held.n || gr_row_set_holds(&p->train_set, r))
      weight[rows->class_index[r]] += rows->weight ? (double)rows->weight[r] : 1;
}

static void balance(double *weight, uint32_t n) {
  double all = 0;
  uint32_t present = 0;
  for (uint32_t k = 0; k < n; k++) {
    all += weight[k];
    present += weight[k] > 0;
  }
  for (uint32_t k = 0; k < n; k++) weight[k] = weight[k] > 0 ? all / (present * weight[k]) : 1;
}

static gradus_status no_class(const gr_preprocessing *p, const gr_class_weight *given,
                              gradus_error *err) {
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)given->length, given->name);
  const char *nearest = gr_nearest_word(name, (const char *const *)p->class_names, p->n_classes);
  return gr_fail(err, GRADUS_ERR_CONFIG, "training.class_weight: '%s' is no class; %s '%s'%s", name,
                 nearest ? "did you mean" : "the first is", nearest ? nearest : p->class_names[0],
                 nearest ? "?" : "");
}

static gradus_status take_given(const gr_preprocessing *p, const char *text, double *weight,
                                gradus_error *err) {
  gr_class_weight given;
  for (uint32_t k = 0; k < p->n_classes; k++) weight[k] = 1;
  while (gr_class_weight_next(&text, &given)) {
    uint32_t k = 0;
    while (k < p->n_classes && (strlen(p->class_names[k]) != given.length ||
                                memcmp(p->class_names[k], given.name, given.length) != 0))
      k++;
    if (k == p->n_classes) return no_class(p, &given, err);
    weight[k] = given.weight;
  }
  return GRADUS_OK;
}

static void tell(gr_prepared *p, const double *weight) {
  enum { SHOWN = 10 };
  const gr_preprocessing *pre = &p->preprocessing;
  gr_text_puts(&p->notes, "training.class_weight:");
  for (uint32_t k = 0; k < pre->n_classes && k < SHOWN; k++)
    gr_text_printf(&p->notes, "%s %s=%.5g", k ? "," : "", pre->class_names[k], weight[k]);
  gr_text_puts(&p->notes, pre->n_classes > SHOWN ? ", ...\n" : "\n");
}

static gradus_status multiply(gr_prepared *p, const double *weight, gradus_error *err) {
  const gr_rows *rows = &p->train.rows;
  bool any = false;
  p->class_weighted = gr_alloc(rows->n_rows, sizeof *p->class_weighted);
  if (!p->class_weighted) return gr_fail_memory(err, "weights of rows");
  for (uint64_t r = 0; r < rows->n_rows; r++) {
    const double own = rows->weight ? (double)rows->weight[r] : 1;
    p->class_weighted[r] = (float)(own * weight[rows->class_index[r]]);
    any |= p->class_weighted[r] > 0 && (!p->held.n || gr_row_set_holds(&p->train_set, r));
  }
  p->trained.weight = p->class_weighted;
  return any ? GRADUS_OK
             : gr_fail(err, GRADUS_ERR_CONFIG,
                       "training.class_weight: every row that is trained on has weight 0");
}

gradus_status gr_weigh_classes(gr_prepared *p, gradus_error *err) {
  const char *text = p->config.training.class_weight;
  const gr_preprocessing *pre = &p->preprocessing;
  p->trained = p->train.rows;
  if (!gr_class_weight_any(text)) return GRADUS_OK;
  double *weight = gr_calloc(pre->n_classes, sizeof *weight);
  if (!weight) return gr_fail_memory(err, "weights of classes");
  gradus_status status = GRADUS_OK;
  if (strcmp(text, "balanced") == 0) {
    count(p, weight);
    balance(weight, pre->n_classes);
  } else {
    status = take_given(pre, text, weight, err);
  }
  if (status == GRADUS_OK) tell(p, weight);
  if (status == GRADUS_OK) status = multiply(p, weight, err);
  gr_free(weight);
  return status;
}
