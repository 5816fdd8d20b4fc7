/* One training step, naively: every sample goes through the network alone, its gradient joins the
 * chain of its lane, lanes are added by a recursion that is the definition of the tree. */
#include <config.h>

#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/elementary.h" /* gr_exp: its bits are part of the contract */
#include "reference/functions.h"

/* One sample's outputs a[l] of each layer (a[0]: inputs), their slopes and dC/dz d[l]. */
typedef struct pass {
  float a[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], s[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      d[REF_MAX_LAYERS + 1][REF_MAX_WIDTH];
} pass;

/* Where a sample stands: what dropout depends on. */
typedef struct place {
  int trains;
  unsigned long step;
  size_t row; /* of the batch */
} place;

size_t ref_parameters(const ref_recipe *recipe) {
  size_t n = 0;
  for (size_t l = 1; l <= recipe->n_layers; l++) n += recipe->width[l] * (recipe->width[l - 1] + 1);
  return n;
}

/* Where the weights of layer l = 1.. begin; its biases follow them. */
static size_t weights_of(const ref_recipe *recipe, size_t l) {
  size_t at = 0;
  for (size_t k = 1; k < l; k++) at += recipe->width[k] * (recipe->width[k - 1] + 1);
  return at;
}

/* 16 partials, index i to partial i mod 16, added 8, 4, 2 and 1 apart. */
static float tree_of_16(float *partial) {
  for (size_t apart = 8; apart; apart /= 2)
    for (size_t i = 0; i < apart; i++) partial[i] += partial[i + apart];
  return partial[0];
}

/* What dropout multiplies output `unit` of layer `layer` (0: inputs) with, in row `row` of the
 * batch of step `step`. */
static float kept(const ref_recipe *recipe, const place *at, size_t layer, size_t unit) {
  const unsigned threshold = layer ? recipe->dropout : recipe->input_dropout;
  const uint32_t counter[4] = {(uint32_t)(unit | layer << 20),
                               (uint32_t)(at->row / 8) | (uint32_t)((uint64_t)at->step >> 32) << 21,
                               (uint32_t)at->step, 4};
  uint32_t word[4];
  if (!at->trains || threshold == 0 || layer == recipe->n_layers) return 1;
  ref_philox(counter, recipe->seed, word);
  const uint32_t draw = word[at->row % 8 / 2] >> (at->row % 2 ? 16 : 0) & 0xffff;
  return draw < threshold ? 0 : (float)(65536.0 / (65536.0 - threshold));
}

/* The last layer gives z: the loss makes the outputs of it. */
static void forward(const ref_recipe *recipe, const float *parameters, const float *x,
                    const place *at, pass *p) {
  for (size_t i = 0; i < recipe->width[0]; i++) {
    const float k = kept(recipe, at, 0, i);
    p->a[0][i] = k > 0 ? x[i] * k : 0;
  }
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
    const float *w = parameters + weights_of(recipe, l), *bias = w + n_in * n_out;
    for (size_t o = 0; o < n_out; o++) {
      float z = bias[o];
      for (size_t i = 0; i < n_in; i++) z = fmaf(p->a[l - 1][i], w[o * n_in + i], z);
      p->a[l][o] = z;
      if (l == recipe->n_layers) continue;
      ref_curve((int)recipe->activation[l - 1], z, &p->a[l][o], &p->s[l][o]);
      if (recipe->dropout == 0) continue;
      const float k = kept(recipe, at, l, o);
      p->a[l][o] = ref_flush(p->a[l][o] * k);
      p->s[l][o] = ref_flush(p->s[l][o] * k);
    }
  }
}

/* Column j of a sample's target: its y, or one-hot; for one output the class itself. */
static float target(const ref_sample *s, size_t j, size_t n) {
  if (s->y) return s->y[j];
  return n == 1 ? (float)s->label : (float)((size_t)s->label == j);
}

/* One term: value and derivative by x, which is the output, or z; then *x becomes the output. */
static float term(const ref_recipe *r, size_t j, float *x, float y, float *d) {
  const float e = *x - y, size = fabsf(e), c = r->parameter, z = *x;
  switch (r->loss) {
    case REF_MSE:
      *d = e + e;
      return e * e;
    case REF_MAE:
      *d = size > 0 ? copysignf(1, e) : e;
      return size;
    case REF_HUBER: {
      const float m = size < c ? size : c;
      *d = copysignf(m, e);
      return m * fmaf(-0.5f, m, size);
    }
    case REF_LOG_COSH: {
      const float value = size + (ref_log_one_plus(ref_exp(size * -2)) - 0x1.62e43p-1f);
      *d = ref_tanh(e);
      return value > 0 ? value : 0;
    }
    case REF_QUANTILE: {
      const float t = r->levels[j % r->n_levels];
      *d = e < 0 ? 0 - t : e > 0 ? 1 - t : e;
      return e < 0 ? 0 - t * e : 0 - (t - 1) * e;
    }
    case REF_HINGE:
    case REF_SQUARED_HINGE: {
      const float s = fmaf(2, y, -1), out = fmaf(-s, z, 1), m = fmaf(z, 0, out > 0 ? out : 0);
      *d = r->loss == REF_HINGE ? 0 - (m > 0 ? s : 0) : 0 - 2 * (m * s);
      return r->loss == REF_HINGE ? m : m * m;
    }
    case REF_POISSON:
      *x = ref_exp(z);
      *d = *x - y;
      return fmaf(-y, z, *x);
    case REF_GAMMA: {
      const float share = y * ref_exp(0 - z);
      *x = ref_exp(z);
      *d = 1 - share;
      return z + share;
    }
    case REF_TWEEDIE: {
      const float low = ref_exp((1 - c) * z), high = ref_exp((2 - c) * z);
      *x = ref_exp(z);
      *d = fmaf(-y, low, high);
      return high / (2 - c) - y * low / (1 - c);
    }
    default: { /* max(z, 0) - z y + ln(1 + e^-|z|) */
      if (r->loss == REF_CROSS_ENTROPY) y = fmaf(y, 1 - r->smoothing, 0.5f * r->smoothing);
      const float f = ref_log_one_plus(ref_exp(-fabsf(z))), loss = fmaf(-z, y, z > 0 ? z : 0) + f;
      *x = ref_sigmoid(z);
      *d = *x - y;
      return loss;
    }
  }
}

/* Focal: cross-entropy c of a target with probability 1 - q, times a number; *d likewise. */
static float focus(float g, float q, float c, float *factor) {
  const float power = ref_unit_power(q, g), ratio = q < 0x1p-100f ? 1 : c / q;
  *factor = power * fmaf(g * (1 - q), ratio, 1);
  return c * power;
}

static float terms(const ref_recipe *r, const ref_sample *s, size_t n, float *a, float *d) {
  float partial[16] = {0}, factor, slope;
  const int of_z = r->loss == REF_CROSS_ENTROPY || r->loss == REF_FOCAL ||
                   (r->loss >= REF_POISSON && r->loss <= REF_TWEEDIE),
            sum = r->loss == REF_QUADRATIC;
  const float share = sum ? 1 : 1 / (float)n, scale = s->weight * share;
  for (size_t j = 0; j < n; j++) {
    const float y = target(s, j, n);
    if (!of_z) ref_curve((int)r->activation[r->n_layers - 1], a[j], &a[j], &slope);
    if (r->loss == REF_QUADRATIC) {
      d[j] = a[j] - y;
      partial[j % 16] = fmaf(d[j], d[j], partial[j % 16]);
    } else {
      float loss = term(r, j, &a[j], y, &d[j]);
      if (r->loss == REF_FOCAL) {
        loss = focus(r->parameter, fabsf(d[j]), loss, &factor);
        d[j] *= factor;
      }
      partial[j % 16] += loss;
    }
    d[j] = ref_flush(of_z ? d[j] : d[j] * slope) * scale;
  }
  const float total = tree_of_16(partial);
  return r->loss == REF_QUADRATIC ? 0.5f * total : sum ? total : share * total;
}

/* With what smoothing and focal make of it. */
static float softmax(const ref_recipe *r, const ref_sample *s, size_t n, float *a, float *d) {
  float partial[16] = {0}, apart[16] = {0}, most = a[0], factor;
  for (size_t j = 1; j < n; j++) most = a[j] > most ? a[j] : most;
  const float own = a[s->label], chosen = own - most;
  for (size_t j = 0; j < n; j++) apart[j % 16] += own - a[j];
  for (size_t j = 0; j < n; j++) partial[j % 16] += a[j] = ref_exp(a[j] - most);
  const float total = tree_of_16(partial), low = r->smoothing / (float)n;
  for (size_t j = 0; j < n; j++) {
    const float hot = (size_t)s->label == j;
    a[j] = ref_flush(a[j] / total);
    d[j] =
        ref_flush(a[j] - (r->smoothing > 0 ? fmaf(hot, 1 - r->smoothing, low) : hot)) * s->weight;
  }
  float loss = ref_log(total) - chosen;
  if (r->smoothing > 0) loss += r->smoothing * (tree_of_16(apart) / (float)n);
  if (r->loss != REF_FOCAL) return loss;
  loss = focus(r->parameter, 1 - a[s->label], loss, &factor);
  for (size_t j = 0; j < n; j++) d[j] = ref_flush(d[j] * factor);
  return loss;
}

/* The sample's loss; outputs and their deltas in p. */
static float apply_loss(const ref_recipe *recipe, const ref_sample *s, pass *p) {
  const size_t l = recipe->n_layers, n = recipe->width[l];
  if (recipe->activation[l - 1] == REF_SOFTMAX) return softmax(recipe, s, n, p->a[l], p->d[l]);
  return terms(recipe, s, n, p->a[l], p->d[l]);
}

static void backward(const ref_recipe *recipe, const float *parameters, pass *p) {
  for (size_t l = recipe->n_layers; l > 1; l--) {
    const size_t n_in = recipe->width[l - 1];
    const float *w = parameters + weights_of(recipe, l);
    for (size_t i = 0; i < n_in; i++) {
      float sum = 0;
      for (size_t o = 0; o < recipe->width[l]; o++) sum = fmaf(p->d[l][o], w[o * n_in + i], sum);
      p->d[l - 1][i] = ref_flush(sum * p->s[l - 1][i]);
    }
  }
}

static void join_gradient(const ref_recipe *recipe, const pass *p, float *gradient) {
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
    float *g = gradient + weights_of(recipe, l), *g_bias = g + n_in * n_out;
    for (size_t o = 0; o < n_out; o++) {
      for (size_t i = 0; i < n_in; i++)
        g[o * n_in + i] = fmaf(p->a[l - 1][i], p->d[l][o], g[o * n_in + i]);
      g_bias[o] += p->d[l][o];
    }
  }
}

/* A batch on its way: n samples cut into lanes, the sums of the gradient and of loss and weight. */
typedef struct batch {
  const ref_recipe *recipe;
  const float *parameters;
  const ref_sample *sample;
  size_t n;
  unsigned long step;
  pass *p;
} batch;

typedef struct sums {
  float *gradient;
  double loss, weight;
} sums;

static void *allocate(size_t count, size_t size) {
  void *block = calloc(count, size);
  if (!block) abort();
  return block;
}

static sums one_lane(const batch *b, size_t lane) {
  const size_t first = lane * b->recipe->lane_rows, end = first + b->recipe->lane_rows;
  sums s = {.gradient = allocate(ref_parameters(b->recipe), sizeof(float))};
  for (size_t r = first; r < end && r < b->n; r++) {
    const double weight = (double)b->sample[r].weight;
    const place at = {1, b->step, r};
    forward(b->recipe, b->parameters, b->sample[r].x, &at, b->p);
    s.loss += weight * (double)apply_loss(b->recipe, &b->sample[r], b->p);
    s.weight += weight;
    backward(b->recipe, b->parameters, b->p);
    join_gradient(b->recipe, b->p, s.gradient);
  }
  return s;
}

/* The tree over lanes [lane, lane + n): left the largest power of two below n, right the rest. */
static sums tree(const batch *b, size_t lane, size_t n) {
  if (n == 1) return one_lane(b, lane);
  size_t left = 1;
  while (2 * left < n) left *= 2;
  sums s = tree(b, lane, left);
  const sums right = tree(b, lane + left, n - left);
  for (size_t i = 0; i < ref_parameters(b->recipe); i++) s.gradient[i] += right.gradient[i];
  s.loss += right.loss;
  s.weight += right.weight;
  free(right.gradient);
  return s;
}

/* Adam's step with bias correction folded into the rate and the root, in double, rounded once. */
static void adam(const ref_recipe *recipe, float g, double rate, unsigned long t, float *w,
                 float *m, float *v) {
  const float beta1 = (float)recipe->beta1, one_minus_beta1 = (float)(1 - recipe->beta1);
  const float beta2 = (float)recipe->beta2, one_minus_beta2 = (float)(1 - recipe->beta2);
  const float corrected = (float)(rate / (1 - ref_power(recipe->beta1, t)));
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
static void nadam(const ref_recipe *recipe, float g, double rate, unsigned long t, float *w,
                  float *m, float *v) {
  double product = 1;
  for (unsigned long i = 1; i <= t; i++) product *= nadam_mu(recipe, i);
  const double mu = nadam_mu(recipe, t), next = nadam_mu(recipe, t + 1);
  const float of_g = (float)(rate * (1 - mu) / (1 - product));
  const float of_m = (float)(rate * next / (1 - product * next));
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

/* Within -limit and limit. */
static float clip(float g, float limit) {
  return g > limit ? limit : g < -limit ? -limit : g;
}

/* Parameter i by its mean gradient g; biases (not `decays`) do not decay. */
static void update(const ref_recipe *recipe, ref_state *s, size_t i, float g, int decays,
                   double rate, unsigned long t) {
  const double decay = decays ? recipe->weight_decay : 0;
  if (recipe->clip_value > 0) g = clip(g, (float)recipe->clip_value);
  if (decays && recipe->l1 > 0 && s->parameters[i] != 0)
    g += copysignf((float)recipe->l1, s->parameters[i]);
  float *w = &s->parameters[i], *m = &s->moment1[i], *v = &s->moment2[i];
  const float mu = (float)recipe->momentum, r = (float)rate, epsilon = (float)recipe->epsilon;
  if (recipe->optimizer == REF_ADAMW || recipe->optimizer == REF_LION)
    *w = fmaf(-(float)(rate * decay), *w, *w);
  else
    g = fmaf((float)decay, *w, g);
  switch (recipe->optimizer) {
    case REF_SGD:
      *w = fmaf(-(float)rate, g, *w);
      break;
    case REF_MOMENTUM:
      *m = ref_flush(fmaf(mu, *m, g));
      *w = fmaf(-(float)rate, *m, *w);
      break;
    case REF_NESTEROV:
      *m = ref_flush(fmaf(mu, *m, g));
      *w = fmaf(-(float)rate, fmaf(mu, *m, g), *w);
      break;
    case REF_ADAM:
    case REF_ADAMW:
      adam(recipe, g, rate, t, w, m, v);
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
      nadam(recipe, g, rate, t, w, m, v);
      break;
    case REF_LION:
      *w = fmaf(-r, lion_direction(recipe, g, m), *w);
      break;
  }
}

/* Sum of squares of n values and, where given, one more: index i to partial i mod 16. */
static float squares(const float *x, size_t n, const float *more) {
  float partial[16] = {0};
  for (size_t i = 0; i < n; i++) partial[i % 16] = fmaf(x[i], x[i], partial[i % 16]);
  if (more) partial[n % 16] = fmaf(*more, *more, partial[n % 16]);
  return tree_of_16(partial);
}

/* The tree over doubles: left the largest power of two below n, right the rest. */
static double tree_of(const double *x, size_t n) {
  if (n == 1) return *x;
  size_t left = 1;
  while (2 * left < n) left *= 2;
  return tree_of(x, left) + tree_of(x + left, n - left);
}

/* The norm of a vector like the parameters, a neuron with its bias at a time. */
static double norm_of(const ref_recipe *recipe, const float *vector) {
  double *rows = allocate(REF_MAX_LAYERS * REF_MAX_WIDTH, sizeof *rows);
  size_t n = 0;
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
    const float *w = vector + weights_of(recipe, l);
    for (size_t o = 0; o < n_out; o++)
      rows[n++] = (double)squares(w + o * n_in, n_in, w + n_in * n_out + o);
  }
  const double norm = sqrt(tree_of(rows, n));
  free(rows);
  return norm;
}

/* Rows of weights are shortened to the largest norm. */
static void constrain(const ref_recipe *recipe, float *parameters) {
  for (size_t l = 1; l <= recipe->n_layers; l++)
    for (size_t o = 0; o < recipe->width[l]; o++) {
      const size_t n_in = recipe->width[l - 1];
      float *row = parameters + weights_of(recipe, l) + o * n_in;
      const double norm = sqrt((double)squares(row, n_in, NULL));
      for (size_t i = 0; i < n_in && norm > recipe->max_norm; i++)
        row[i] *= (float)(recipe->max_norm / norm);
    }
}

double ref_step(const ref_recipe *recipe, ref_state *state, const ref_sample *sample, size_t n,
                unsigned long step, double learning_rate) {
  const batch b = {recipe, state->parameters, sample, n, step, allocate(1, sizeof(pass))};
  const sums s = tree(&b, 0, (n + recipe->lane_rows - 1) / recipe->lane_rows);
  float scale = (float)(1 / s.weight);
  const double norm = (double)scale * norm_of(recipe, s.gradient);
  if (recipe->clip_norm > 0 && norm > recipe->clip_norm)
    scale = (float)((double)scale * (recipe->clip_norm / norm));
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t first = weights_of(recipe, l), biases = recipe->width[l];
    const size_t weights = recipe->width[l - 1] * biases;
    for (size_t i = 0; i < weights + biases; i++)
      update(recipe, state, first + i, s.gradient[first + i] * scale, i < weights, learning_rate,
             step + 1);
  }
  if (recipe->max_norm > 0) constrain(recipe, state->parameters);
  free(s.gradient);
  free(b.p);
  return s.loss;
}

float ref_evaluate(const ref_recipe *recipe, const float *parameters, const ref_sample *sample,
                   float *outputs) {
  pass *p = allocate(1, sizeof *p);
  const place at = {0};
  forward(recipe, parameters, sample->x, &at, p);
  const float loss = apply_loss(recipe, sample, p);
  memcpy(outputs, p->a[recipe->n_layers], recipe->width[recipe->n_layers] * sizeof *outputs);
  free(p);
  return loss;
}
