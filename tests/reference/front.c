/* Inputs, one by one: dropped, multiplied by factors that are trained. */
#include <config.h>

#include "reference/front.h"

#include <math.h>

#include "reference/functions.h"
#include "reference/updates.h"

float ref_kept(const ref_recipe *recipe, const place *at, size_t layer, size_t unit) {
  const unsigned most = layer ? recipe->dropout[layer - 1] : recipe->input_dropout,
                 threshold = (unsigned)(recipe->dropout_part * most + 0.5);
  const uint32_t counter[4] = {(uint32_t)(unit | layer << 20),
                               (uint32_t)(at->row / 8) | (uint32_t)((uint64_t)at->step >> 32) << 21,
                               (uint32_t)at->step, 4};
  uint32_t word[4];
  if (!at->trains || most == 0 || layer == recipe->n_layers) return 1;
  ref_philox(counter, recipe->seed, word);
  const uint32_t draw = word[at->row % 8 / 2] >> (at->row % 2 ? 16 : 0) & 0xffff;
  return draw < threshold ? 0 : (float)(65536.0 / (65536.0 - threshold));
}

size_t ref_front_parameters(const ref_recipe *recipe) {
  return recipe->scale_rate > 0 ? recipe->width[0] : 0;
}

void ref_front(const ref_recipe *recipe, const float *front, const float *x, const place *at,
               pass *p) {
  for (size_t i = 0; i < recipe->width[0]; i++) {
    const float k = ref_kept(recipe, at, 0, i);
    p->a[0][i] = p->h[0][i] = k > 0 ? x[i] * k : 0;
    if (recipe->scale_rate > 0) p->a[0][i] = ref_flush(p->h[0][i] * front[i]);
  }
}

void ref_front_back(const ref_recipe *recipe, const float *parameters, pass *p) {
  const size_t n_in = recipe->width[0];
  for (size_t i = 0; i < n_in; i++) {
    float sum = 0;
    for (size_t o = 0; o < recipe->width[1]; o++)
      sum = fmaf(p->d[1][o], parameters[o * n_in + i], sum);
    p->d[0][i] = ref_flush(sum);
  }
}

void ref_front_gradient(const ref_recipe *recipe, const pass *p, float *g) {
  for (size_t i = 0; i < ref_front_parameters(recipe); i++)
    g[i] = fmaf(p->d[0][i], p->h[0][i], g[i]);
}

size_t ref_front_squares(const ref_recipe *recipe, const float *front, double *rows, size_t n) {
  for (size_t i = 0; i < ref_front_parameters(recipe); i++)
    rows[n++] = (double)(front[i] * front[i]);
  return n;
}

/* The factors of the inputs: as weights, at a learning rate of their own. */
void ref_front_update(const ref_recipe *recipe, ref_state *state, size_t first, float scale,
                      const float *gradient, double learning_rate, unsigned long t) {
  const ref_group group = {.rate = recipe->scale_rate, .scale = 1, .decays = 1};
  for (size_t i = first; i < first + ref_front_parameters(recipe); i++)
    ref_update(recipe, state, i, gradient[i] * scale, &group, learning_rate, t);
}
