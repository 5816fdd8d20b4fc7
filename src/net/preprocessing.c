/* Life of what is done to the columns. Every array is optional: which are there depends on the
 * task. */
#include <config.h>

#include "net/preprocessing.h"

#include <string.h>

#include "base/memory.h"
#include "net/columns.h"

static void free_names(char **names, uint32_t n) {
  for (uint32_t i = 0; names && i < n; i++) gr_free(names[i]);
  gr_free(names);
}

void gr_preprocessing_free(gr_preprocessing *p) {
  gr_columns_free(p->columns);
  gr_free(p->shift);
  gr_free(p->factor);
  free_names(p->feature_names, p->n_inputs);
  gr_free(p->target_shift);
  gr_free(p->target_scale);
  gr_free(p->class_values);
  free_names(p->class_names, p->n_classes);
  *p = (gr_preprocessing){0};
}

static gradus_status copy_doubles(const double *from, uint32_t n, double **to, gradus_error *err) {
  if (!from) return GRADUS_OK;
  *to = gr_alloc(n, sizeof **to);
  if (!*to) return gr_fail_memory(err, "a copy of the preprocessing");
  memcpy(*to, from, n * sizeof **to);
  return GRADUS_OK;
}

static gradus_status copy_names(char *const *from, uint32_t n, char ***to, gradus_error *err) {
  if (!from) return GRADUS_OK;
  *to = gr_calloc(n, sizeof **to);
  bool copied = *to != NULL;
  for (uint32_t i = 0; copied && i < n; i++) {
    (*to)[i] = gr_strdup(from[i]);
    copied = (*to)[i] || !from[i];
  }
  return copied ? GRADUS_OK : gr_fail_memory(err, "a copy of the names of columns or classes");
}

uint32_t gr_preprocessing_columns(const gr_preprocessing *p) {
  return p->columns ? p->columns->n : p->n_inputs;
}

gradus_status gr_preprocessing_copy(const gr_preprocessing *from, gr_preprocessing *to,
                                    gradus_error *err) {
  gradus_status status;
  gr_preprocessing copy = {.n_inputs = from->n_inputs,
                           .task = from->task,
                           .n_targets = from->n_targets,
                           .repeats = from->repeats,
                           .log_target = from->log_target,
                           .temperature = from->temperature,
                           .n_classes = from->n_classes};
  GR_TRY_ELSE(fail, gr_columns_copy(from->columns, &copy.columns, err));
  GR_TRY_ELSE(fail, copy_doubles(from->shift, from->n_inputs, &copy.shift, err));
  GR_TRY_ELSE(fail, copy_doubles(from->factor, from->n_inputs, &copy.factor, err));
  GR_TRY_ELSE(fail, copy_names(from->feature_names, from->n_inputs, &copy.feature_names, err));
  GR_TRY_ELSE(fail, copy_doubles(from->target_shift, from->n_targets, &copy.target_shift, err));
  GR_TRY_ELSE(fail, copy_doubles(from->target_scale, from->n_targets, &copy.target_scale, err));
  GR_TRY_ELSE(fail, copy_doubles(from->class_values, from->n_classes, &copy.class_values, err));
  GR_TRY_ELSE(fail, copy_names(from->class_names, from->n_classes, &copy.class_names, err));
  *to = copy;
  return GRADUS_OK;
fail:
  gr_preprocessing_free(&copy);
  *to = copy;
  return status;
}

gradus_status gr_preprocessing_plain_targets(gr_preprocessing *p, gradus_error *err) {
  p->repeats = 1;
  p->target_shift = gr_calloc(p->n_targets, sizeof *p->target_shift);
  p->target_scale = gr_calloc(p->n_targets, sizeof *p->target_scale);
  if (!p->target_shift || !p->target_scale) return gr_fail_memory(err, "preprocessing");
  for (uint32_t k = 0; k < p->n_targets; k++) p->target_scale[k] = 1;
  return GRADUS_OK;
}
