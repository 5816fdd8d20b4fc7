/* The optimisers, one parameter at a time. */
#include <config.h>

#include "reference/updates.h"

#include <math.h>

#include "base/elementary.h" /* gr_exp: its bits are part of the contract */
#include "reference/functions.h"

/* Adam's step with bias correction folded into the rate and the root, in double, rounded once. */
static void adam(const ref_recipe *recipe, float g, double rate, double part, unsigned long t,
                 float *w, float *m, float *v) {
  const float beta1 = (float)recipe->beta1, one_minus_beta1 = (float)(1 - recipe->beta1);
  const float beta2 = (float)recipe->beta2, one_minus_beta2 = (float)(1 - recipe->beta2);
  const float corrected = (float)(rate / (1 - ref_power(recipe->beta1, t)) * part);
  const float root = (float)(1 / sqrt(1 - ref_power(recipe->beta2, t)));
  *m = ref_flush(fmaf(beta1, *m, one_minus_beta1 * g));
  *v = ref_flush(fmaf(beta2, *v, one_minus_beta2 * g * g));
  *w = fmaf(-corrected, *m / fmaf(sqrtf(*v), root, (float)recipe->epsilon), *w);
}

/* b2 v + (1 - b2) g^2 */
static float mean_square(const ref_recipe *recipe, float g, float v) {
  return ref_flush(fmaf((float)recipe->beta2, v, (float)(1 - recipe->beta2) * g * g));
}

static double nadam_mu(const ref_recipe *recipe, unsigned long t) {
  return recipe->beta1 * (1 - 0.5 * gr_exp((double)t * -0.04082199452025512955 / 250));
}

/* Dozat's step with all factors of gradient and mean gradient in double, rounded once. */
static void nadam(const ref_recipe *recipe, float g, double rate, double part, unsigned long t,
                  float *w, float *m, float *v) {
  double product = 1;
  for (unsigned long i = 1; i <= t; i++) product *= nadam_mu(recipe, i);
  const double mu = nadam_mu(recipe, t), next = nadam_mu(recipe, t + 1);
  const float of_g = (float)(rate * (1 - mu) / (1 - product) * part);
  const float of_m = (float)(rate * next / (1 - product * next) * part);
  const float root = (float)(1 / sqrt(1 - ref_power(recipe->beta2, t)));
  *m = ref_flush(fmaf((float)recipe->beta1, *m, (float)(1 - recipe->beta1) * g));
  *v = mean_square(recipe, g, *v);
  *w -= fmaf(of_g, g, of_m * *m) / fmaf(sqrtf(*v), root, (float)recipe->epsilon);
}

static float adadelta_step(const ref_recipe *recipe, float g, float *u, float *v) {
  const float epsilon = (float)recipe->epsilon;
  *v = mean_square(recipe, g, *v);
  const float x = sqrtf(*u + epsilon) / sqrtf(*v + epsilon) * g;
  *u = mean_square(recipe, x, *u);
  return x;
}

static float lion_direction(const ref_recipe *recipe, float g, float *m) {
  const float c = fmaf((float)recipe->beta1, *m, (float)(1 - recipe->beta1) * g);
  *m = ref_flush(fmaf((float)recipe->beta2, *m, (float)(1 - recipe->beta2) * g));
  return c == 0 ? c : copysignf(1, c);
}

/* What lamb steps along. */
float ref_lamb_direction(const ref_recipe *recipe, float g, float decay, unsigned long t, float w,
                         float *m, float *v) {
  const float first = (float)(1 / (1 - ref_power(recipe->beta1, t)));
  const float root = (float)(1 / sqrt(1 - ref_power(recipe->beta2, t)));
  *m = ref_flush(fmaf((float)recipe->beta1, *m, (float)(1 - recipe->beta1) * g));
  *v = mean_square(recipe, g, *v);
  return fmaf(decay, w, first * *m / fmaf(sqrtf(*v), root, (float)recipe->epsilon));
}

static int sign_of(float x) {
  return (x > 0) - (x < 0);
}

static void rprop(float g, double rate, int grew, float *w, float *size, float *last) {
  const int x = sign_of(*last), same = x * sign_of(g);
  const float old = *size > 0 ? *size : (float)rate;
  if (same > 0) *size = old * 1.2f < 50 ? old * 1.2f : 50;
  if (same < 0) *size = old * 0.5f > 1e-6f ? old * 0.5f : 1e-6f;
  if (same == 0) *size = old;
  *last = same < 0 ? 0 : ref_flush(g);
  if (same < 0)
    *w += grew ? (float)x * old : 0;
  else
    *w -= (float)sign_of(g) * *size;
}

/* Within -limit and limit. */
float ref_clip(float g, float limit) {
  return g > limit ? limit : g < -limit ? -limit : g;
}

ref_group ref_group_of(const ref_recipe *recipe, size_t l, int weights) {
  ref_group group = {.rate = recipe->bias_rate, .scale = 1, .decays = weights};
  if (!weights) return group;
  group.rate = l == 1 ? recipe->first_layer_rate : 1;
  if (recipe->ntk) group.scale = 1 / sqrt((double)recipe->width[l - 1]);
  return group;
}

/* Clipping, l1 and weight decay: the gradient that the optimiser sees, or w made smaller. */
static float regularize(const ref_recipe *recipe, const ref_group *group, float g, double rate,
                        float *w) {
  const double decay = group->decays ? recipe->weight_decay * recipe->decay_part : 0;
  if (recipe->clip_value > 0) g = ref_clip(g, (float)recipe->clip_value);
  if (group->decays && recipe->l1 > 0 && *w != 0) g += copysignf((float)recipe->l1, *w);
  if (recipe->optimizer == REF_ADAMW || recipe->optimizer == REF_LION)
    *w = fmaf(-(float)(rate * group->rate * decay), *w, *w);
  else if (recipe->optimizer != REF_LAMB)
    g = fmaf((float)(decay / group->scale), *w, g);
  return g;
}

void ref_update(const ref_recipe *recipe, ref_state *s, size_t i, float g, const ref_group *group,
                double rate, unsigned long t) {
  float *w = &s->parameters[i], *m = &s->moment1[i], *v = &s->moment2[i];
  const double part = group->rate * group->scale;
  const float mu = (float)recipe->momentum, r = (float)(rate * part),
              epsilon = (float)recipe->epsilon;
  g = regularize(recipe, group, g, rate, w);
  switch (recipe->optimizer) {
    case REF_SGD:
      *w = fmaf(-r, g, *w);
      break;
    case REF_MOMENTUM:
      *m = ref_flush(fmaf(mu, *m, g));
      *w = fmaf(-r, *m, *w);
      break;
    case REF_NESTEROV:
      *m = ref_flush(fmaf(mu, *m, g));
      *w = fmaf(-r, fmaf(mu, *m, g), *w);
      break;
    case REF_ADAM:
    case REF_ADAMW:
      adam(recipe, g, rate, part, t, w, m, v);
      break;
    case REF_ADAGRAD:
      *m = ref_flush(fmaf(g, g, *m));
      *w = fmaf(-r, g / (sqrtf(*m) + epsilon), *w);
      break;
    case REF_RMSPROP:
      *m = mean_square(recipe, g, *m);
      *w = fmaf(-r, g / (sqrtf(*m) + epsilon), *w);
      break;
    case REF_RMSPROP_MOMENTUM:
      *v = mean_square(recipe, g, *v);
      *m = ref_flush(fmaf(mu, *m, g / (sqrtf(*v) + epsilon)));
      *w = fmaf(-r, *m, *w);
      break;
    case REF_ADADELTA:
      *w = fmaf(-r, adadelta_step(recipe, g, m, v), *w);
      break;
    case REF_NADAM:
      nadam(recipe, g, rate, part, t, w, m, v);
      break;
    case REF_RPROP:
      rprop(g, rate, s->grew, w, m, v);
      break;
    case REF_LAMB: /* of biases */
      *w = fmaf(-r, ref_lamb_direction(recipe, g, 0, t, *w, m, v), *w);
      break;
    case REF_LION:
      *w = fmaf(-r, lion_direction(recipe, g, m), *w);
      break;
    case REF_LBFGS: /* reference/lbfgs.c */
      break;
  }
}
