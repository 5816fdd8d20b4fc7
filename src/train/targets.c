/* The targets of a regression: what a loss asks of them, and the units they are trained in. */
#include <config.h>

#include "train/targets.h"

#include "base/elementary.h"
#include "base/memory.h"
#include "kernel/kinds.h"
#include "train/classes.h"

/* Losses of an exponential output want targets that are not negative, gamma none that is 0. */
static gradus_status check_signs(const gr_config *config, const gr_dataset *data,
                                 gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  const gr_loss loss = (gr_loss)config->training.loss;
  const bool positive = loss == GR_GAMMA;
  if (gr_losses[loss].output != GR_OUTPUT_EXPONENTIAL) return GRADUS_OK;
  for (uint64_t i = 0; i < train->n_rows * train->y_columns; i++) {
    const double y = gr_element(train->y, train->y_type, i);
    if (y > 0 || (y == 0 && !positive)) continue;
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: train/y is %g in row %llu, but training.loss %s wants targets %s 0",
                   gr_dataset_label(data), y, (unsigned long long)(i / train->y_columns),
                   gr_losses[loss].name, positive ? "above" : "not below");
  }
  return GRADUS_OK;
}

gradus_status gr_target_log(const gr_dataset *data, gr_split_id id, uint64_t at, double *y,
                            gradus_error *err) {
  const double value = *y;
  *y = gr_ln(value);
  if (value > 0) return GRADUS_OK;
  char number[GR_DOUBLE_TEXT];
  gr_format_double(number, value);
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s/y is %s in row %llu, but data.target_transform log wants targets above 0",
                 gr_dataset_label(data), gr_split_names[id], number,
                 (unsigned long long)(at / data->split[id].y_columns));
}

/* Moments of y, or of its logarithms. */
static gradus_status fit_moments(gr_preprocessing *p, const gr_dataset *data, gr_fit_rows rows,
                                 gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  const uint64_t n = train->n_rows * train->y_columns;
  if (!p->log_target) return gr_fit_moments(&rows, p->target_shift, p->target_scale, err);
  double *logs = gr_alloc(n, sizeof *logs);
  gradus_status status = logs ? GRADUS_OK : gr_fail_memory(err, "targets");
  for (uint64_t i = 0; i < n && status == GRADUS_OK; i++) {
    logs[i] = gr_element(train->y, train->y_type, i);
    status = gr_target_log(data, GR_TRAIN, i, &logs[i], err);
  }
  rows.x = logs;
  rows.type = GR_F64;
  if (status == GRADUS_OK) status = gr_fit_moments(&rows, p->target_shift, p->target_scale, err);
  gr_free(logs);
  return status;
}

/* Moments of the columns of y, once for each of their outputs. */
static void repeat(double *values, uint32_t n, uint32_t repeats) {
  for (uint32_t k = n; k-- > 0;) values[k] = values[k / repeats];
}

/* Targets are standardised where the output can follow: an output that is squashed keeps its
 * units, that of an exponential is measured in means of the target. A constant target keeps its
 * scale. */
gradus_status gr_fit_targets(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_preprocessing *p = &out->preprocessing;
  const gr_row_order order = {.permutation = gr_permutation_identity(out->n_train),
                              .map = out->map,
                              .set = out->map || !out->held.n ? NULL : &out->train_set};
  const gr_fit_rows rows = {train->y, train->y_type, train->y_columns, &order, out->n_train,
                            NULL,     false};
  p->target_shift = gr_calloc(p->n_targets, sizeof *p->target_shift);
  p->target_scale = gr_calloc(p->n_targets, sizeof *p->target_scale);
  if (!p->target_shift || !p->target_scale) return gr_fail_memory(err, "preprocessing");
  const int output = out->config.network.output_activation;
  GR_TRY(check_signs(&out->config, data, err));
  const bool wanted = output == GR_EXPONENTIAL || out->config.data.standardize_target;
  if (wanted && (output == GR_IDENTITY || output == GR_EXPONENTIAL)) {
    gradus_status status = fit_moments(p, data, rows, err);
    if (status != GRADUS_OK && !p->log_target)
      gr_error_prefix(err, "%s: train/y", gr_dataset_label(data));
    GR_TRY(status);
  }
  for (uint32_t k = 0; output == GR_EXPONENTIAL && k < train->y_columns; k++) {
    p->target_scale[k] = p->target_shift[k];
    p->target_shift[k] = 0;
  }
  repeat(p->target_shift, p->n_targets, p->repeats);
  repeat(p->target_scale, p->n_targets, p->repeats);
  for (uint32_t k = 0; k < p->n_targets; k++)
    if (!(p->target_scale[k] > 0)) p->target_scale[k] = 1;
  return GRADUS_OK;
}
