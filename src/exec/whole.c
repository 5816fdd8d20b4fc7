/* What cannot be done tile by tile: an update that depends on the norm of the whole gradient, and
 * rows of weights that have a largest norm. The gradient waits in a buffer like the weights; ranks
 * share the rows of weights, a neuron each, for the sums of squares, and every rank adds all of
 * them by the tree. */
#include <config.h>

#include <math.h>

#include "exec/step.h"
#include "net/groups.h"
#include "plan/lanes.h"

/* Sums of squares of the rows of a panel of a layer. */
static void sum_rows(const gr_step *s, const gr_plan_layer *layer, size_t panel, const float *p,
                     double *rows) {
  _Alignas(64) float sums[16];
  s->engine->kernels->row_squares(layer->n_in, p, 0, NULL, 0, sums);
  for (size_t o = 16 * panel; o < 16 * panel + 16 && o < layer->n_out; o++)
    rows[layer->first_row + o] = (double)sums[o % 16];
}

/* Those of the gradient of a panel: of a matrix W = s W' the gradient of W' counts, s times that of
 * W. */
static void gradient_squares(const gr_step *s, uint32_t l, size_t panel, double sums[16]) {
  const gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[l];
  const size_t gradient = engine->plan.gradient, stride = 16 * layer->panels_out;
  const float *w = gr_at(engine, gradient + layer->weights + 16 * panel * (size_t)layer->n_in),
              *vectors = gr_at(engine, gradient + layer->bias + 16 * panel);
  const double scale = gr_group_terms_of(&engine->config, GR_GROUP_WEIGHTS, l, layer->n_in).scale;
  _Alignas(64) float all[16], rest[16] = {0};
  if (scale == 1) {
    engine->kernels->row_squares(layer->n_in, w, layer->n_trained, vectors, stride, all);
  } else {
    engine->kernels->row_squares(layer->n_in, w, 0, NULL, 0, all);
    engine->kernels->row_squares(0, w, layer->n_trained, vectors, stride, rest);
  }
  for (size_t j = 0; j < 16; j++) sums[j] = scale * scale * (double)all[j] + (double)rest[j];
}

void gr_whole_squares(const gr_step *s, int rank) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  double sums[16];
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    size_t panel, end;
    gr_plan_row_panels(plan, l, rank, &panel, &end);
    for (; panel < end; panel++) {
      gradient_squares(s, l, panel, sums);
      for (size_t o = 16 * panel; o < 16 * panel + 16 && o < layer->n_out; o++)
        engine->row_squares[layer->first_row + o] = sums[o % 16];
      if (plan->compares)
        sum_rows(
            s, layer, panel,
            gr_at(engine, plan->parameters + layer->weights + 16 * panel * (size_t)layer->n_in),
            engine->row_sums[0]);
    }
  }
}

double gr_whole_norm(const gr_step *s) {
  const gr_engine *engine = s->engine;
  const double norm = sqrt(gr_tree_sum(engine->row_squares, engine->plan.n_rows));
  return engine->plan.searches ? norm : s->scale * norm;
}

/* Clipping by norm (Pascanu, Mikolov and Bengio 2013, algorithm 1): a longer gradient is shortened
 * to the threshold. */
static void clip(const gr_step *s, double norm, gr_update_coefficients *u) {
  const double most = s->engine->config.optimizer.clip_norm;
  if (most > 0 && norm > most) u->scale = (float)((double)u->scale * (most / norm));
}

void gr_whole_direct(const gr_step *s, int rank, double norm) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    gr_update_coefficients u = s->update[l].weights;
    clip(s, norm, &u);
    size_t panel, end;
    gr_plan_row_panels(plan, l, rank, &panel, &end);
    for (; panel < end; panel++) {
      const size_t n = 16 * (size_t)layer->n_in, at = layer->weights + n * panel;
      float *w = gr_at(engine, plan->parameters + at), *g = gr_at(engine, plan->gradient + at);
      engine->kernels->direction(&u, n, w, g, gr_at(engine, plan->moment[0] + at),
                                 gr_at(engine, plan->moment[1] + at));
      sum_rows(s, layer, panel, w, engine->row_sums[0]);
      sum_rows(s, layer, panel, g, engine->row_sums[1]);
    }
  }
}

static void judge_layers(const gr_step *s, float *ratio) {
  const gr_engine *engine = s->engine;
  for (uint32_t l = 0; l < engine->plan.n_layers; l++) {
    const gr_plan_layer *layer = &engine->plan.layer[l];
    const double w = sqrt(gr_tree_sum(engine->row_sums[0] + layer->first_row, layer->n_out)),
                 u = sqrt(gr_tree_sum(engine->row_sums[1] + layer->first_row, layer->n_out));
    ratio[l] = w > 0 && u > 0 ? (float)(w / u) : 1.0f;
  }
}

double gr_whole_objective(const gr_step *s) {
  const gr_engine *engine = s->engine;
  const double decay = engine->config.optimizer.weight_decay, mean = engine->loss / s->weight;
  return decay > 0 ? mean + 0.5 * decay * gr_tree_sum(engine->row_sums[0], engine->plan.n_rows)
                   : mean;
}

void gr_whole_judge(const gr_step *s, gr_verdict *verdict) {
  const gr_engine *engine = s->engine;
  if (engine->plan.directs) judge_layers(s, verdict->ratio);
  verdict->objective = engine->plan.compares ? gr_whole_objective(s) : 0;
  verdict->grew =
      engine->plan.compares && verdict->objective > engine->objective[(s->number + 1) % 2];
}

void gr_whole_apply(const gr_step *s, const gr_verdict *verdict, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  gr_update_coefficients weights = s->update[u->layer].weights, bias = s->update[u->layer].bias;
  clip(s, verdict->norm, &weights);
  clip(s, verdict->norm, &bias);
  weights.grew = bias.grew = verdict->grew;
  if (plan->directs) /* w <- w - r (ratio u) */
    weights = (gr_update_coefficients){.optimizer = GR_SGD,
                                       .scale = verdict->ratio[u->layer],
                                       .learning_rate = weights.learning_rate};
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = gr_gradient_at(plan, u, p);
    gr_gradient_apply(s, &weights, at, 16 * (size_t)u->n_inputs,
                      gr_at(engine, plan->gradient + at));
  }
  gr_gradient_renew_back(engine, u);
  for (uint32_t v = 0; u->input == 0 && v < plan->layer[u->layer].n_trained; v++) {
    const size_t at = gr_gradient_vector_at(plan, u, v);
    gr_gradient_apply(s, &bias, at, 16 * (size_t)u->n_panels, gr_at(engine, plan->gradient + at));
  }
}

void gr_whole_average(const gr_step *s, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  if (s->average_share == 0) return;
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = gr_gradient_at(plan, u, p);
    engine->kernels->average(16 * (size_t)u->n_inputs, s->average_share,
                             gr_at(engine, plan->average + at),
                             gr_at(engine, plan->parameters + at));
  }
  for (uint32_t v = 0; u->input == 0 && v < plan->layer[u->layer].n_vectors; v++) {
    const size_t at = gr_gradient_vector_at(plan, u, v);
    engine->kernels->average(16 * (size_t)u->n_panels, s->average_share,
                             gr_at(engine, plan->average + at),
                             gr_at(engine, plan->parameters + at));
  }
}

/* Factors of the rows of a panel of weights; false where all are 1. */
static bool row_factors(const float *sums, double most, float *factors) {
  bool any = false;
  for (int j = 0; j < 16; j++) {
    const double norm = sqrt((double)sums[j]);
    factors[j] = norm > most ? (float)(most / norm) : 1.0f;
    any |= norm > most;
  }
  return any;
}

void gr_whole_constrain(const gr_step *s, int rank) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    size_t panel, end;
    gr_plan_row_panels(plan, l, rank, &panel, &end);
    for (; panel < end; panel++) {
      _Alignas(64) float sums[16], factors[16];
      const gr_unit u = {
          .layer = l, .n_inputs = layer->n_in, .panel = (uint32_t)panel, .n_panels = 1};
      float *w = gr_at(engine, plan->parameters + gr_gradient_at(plan, &u, 0));
      engine->kernels->row_squares(layer->n_in, w, 0, NULL, 0, sums);
      if (row_factors(sums, engine->config.optimizer.max_norm, factors)) {
        engine->kernels->scale_rows(layer->n_in, w, factors);
        gr_gradient_renew_back(engine, &u);
      }
      if (plan->averages) gr_whole_average(s, &u);
    }
  }
}
