/* One training step, naively: every sample goes through the network alone, its gradient joins the
 * chain of its lane, lanes are added by a recursion that is the definition of the tree. */
#include <config.h>

#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/functions.h"
#include "reference/lbfgs.h"
#include "reference/updates.h"

/* One sample's outputs a[l] of each layer (a[0]: inputs), their slopes and dC/dz d[l]; and of
 * normalised layers zhat h[l], dC/d(gain zhat + shift) y[l] and 1 / deviation root[l]. */
typedef struct pass {
  float a[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], s[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      d[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], h[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      y[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], root[REF_MAX_LAYERS + 1];
} pass;

/* Where a sample stands: what dropout depends on. */
typedef struct place {
  int trains;
  unsigned long step;
  size_t row; /* of the batch */
} place;

/* Numbers of each neuron of layer l = 1.. beside its weights: bias, gain, shift, mean and variance.
 */
static size_t vectors_of(const ref_recipe *recipe, size_t l) {
  static const size_t vectors[] = {[REF_PLAIN] = 1, [REF_LAYER_NORM] = 3, [REF_BATCH_NORM] = 5};
  return vectors[recipe->normalization[l - 1]];
}

/* Those that gradients change. */
static size_t trained_of(const ref_recipe *recipe, size_t l) {
  return recipe->normalization[l - 1] == REF_PLAIN ? 1 : 3;
}

/* Where the weights of layer l = 1.. begin; its biases follow them. */
static size_t weights_of(const ref_recipe *recipe, size_t l) {
  size_t at = 0;
  for (size_t k = 1; k < l; k++)
    at += recipe->width[k] * (recipe->width[k - 1] + vectors_of(recipe, k));
  return at;
}

size_t ref_parameters(const ref_recipe *recipe) {
  return weights_of(recipe, recipe->n_layers + 1);
}

/* What dropout multiplies output `unit` of layer `layer` (0: inputs) with, in row `row` of the
 * batch of step `step`. */
static float kept(const ref_recipe *recipe, const place *at, size_t layer, size_t unit) {
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

/* What activation and dropout make of z[n_out]. */
static void activate(const ref_recipe *recipe, const place *at, size_t l, const float *z, pass *p) {
  for (size_t o = 0; o < recipe->width[l]; o++) {
    ref_curve((int)recipe->activation[l - 1], z[o], &p->a[l][o], &p->s[l][o]);
    if (recipe->dropout[l - 1] == 0) continue;
    const float k = kept(recipe, at, l, o);
    p->a[l][o] = ref_flush(p->a[l][o] * k);
    p->s[l][o] = ref_flush(p->s[l][o] * k);
  }
}

/* The biases of layer l, and its other vectors. */
static const float *vector_of(const ref_recipe *recipe, const float *parameters, size_t l,
                              size_t v) {
  return parameters + weights_of(recipe, l) + (recipe->width[l - 1] + v) * recipe->width[l];
}

static void take_inputs(const ref_recipe *recipe, const float *x, const place *at, pass *p) {
  for (size_t i = 0; i < recipe->width[0]; i++) {
    const float k = kept(recipe, at, 0, i);
    p->a[0][i] = k > 0 ? x[i] * k : 0;
  }
}

/* z of layer l, in h; the last layer leaves it to the loss, which makes the outputs of it. */
static void multiply(const ref_recipe *recipe, const float *parameters, size_t l, pass *p) {
  const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
  const float *w = parameters + weights_of(recipe, l), *bias = w + n_in * n_out;
  float *z = l == recipe->n_layers ? p->a[l] : p->h[l];
  for (size_t o = 0; o < n_out; o++) {
    z[o] = bias[o];
    for (size_t i = 0; i < n_in; i++) z[o] = fmaf(p->a[l - 1][i], w[o * n_in + i], z[o]);
  }
}

/* From z, or, where the batch has normalised it, from y, to the outputs of a hidden layer. */
static void finish(const ref_recipe *recipe, const float *parameters, const place *at, size_t l,
                   pass *p) {
  const ref_normalization kind = recipe->normalization[l - 1];
  if (kind == REF_LAYER_NORM)
    ref_normalize(vector_of(recipe, parameters, l, 1), vector_of(recipe, parameters, l, 2),
                  recipe->width[l], p->h[l], p->y[l], &p->root[l]);
  activate(recipe, at, l, kind == REF_PLAIN ? p->h[l] : p->y[l], p);
}

/* From the deltas of layer l to those of the one below, or, where it is normalised, to dC/d(gain
 * zhat + shift). */
static void multiply_back(const ref_recipe *recipe, const float *parameters, size_t l, pass *p) {
  const size_t n_in = recipe->width[l - 1];
  const float *w = parameters + weights_of(recipe, l);
  float *d = recipe->normalization[l - 2] == REF_PLAIN ? p->d[l - 1] : p->y[l - 1];
  for (size_t i = 0; i < n_in; i++) {
    float sum = 0;
    for (size_t o = 0; o < recipe->width[l]; o++) sum = fmaf(p->d[l][o], w[o * n_in + i], sum);
    d[i] = ref_flush(sum * p->s[l - 1][i]);
  }
  if (recipe->normalization[l - 2] == REF_LAYER_NORM)
    ref_normalize_back(vector_of(recipe, parameters, l - 1, 1), n_in, p->h[l - 1], d,
                       p->root[l - 1], p->d[l - 1]);
}

static void join_gradient(const ref_recipe *recipe, const pass *p, float *gradient) {
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
    float *g = gradient + weights_of(recipe, l), *g_bias = g + n_in * n_out;
    for (size_t o = 0; o < n_out; o++) {
      for (size_t i = 0; i < n_in; i++)
        g[o * n_in + i] = fmaf(p->a[l - 1][i], p->d[l][o], g[o * n_in + i]);
      if (recipe->normalization[l - 1] != REF_BATCH_NORM) g_bias[o] += p->d[l][o];
      if (recipe->normalization[l - 1] == REF_PLAIN) continue;
      g_bias[n_out + o] = fmaf(p->y[l][o], p->h[l][o], g_bias[n_out + o]);
      g_bias[2 * n_out + o] += p->y[l][o];
    }
  }
}

/* Mean, variance and 1 / deviation of each neuron of a layer over a batch. */
typedef struct statistics {
  float mean[REF_MAX_WIDTH], variance[REF_MAX_WIDTH], root[REF_MAX_WIDTH];
} statistics;

/* A batch on its way: n samples cut into lanes, the sums of the gradient and of loss and weight. */
typedef struct batch {
  const ref_recipe *recipe;
  const float *parameters;
  const ref_sample *sample;
  size_t n;
  unsigned long step;
  pass *p;        /* [n] */
  statistics *of; /* [n_layers + 1] */
  double *loss;   /* [n] weighted */
} batch;

typedef struct sums {
  float *gradient;
  double loss, weight;
} sums;

/* Room for the passes of a batch, kept for the next one: fresh pages cost more than the step. */
static pass *passes(size_t n) {
  static pass *room;
  static size_t most;
  if (n > most) {
    free(room);
    room = calloc(n, sizeof *room);
    if (!room) abort();
    most = n;
  }
  return room;
}

static void *allocate(size_t count, size_t size) {
  void *block = calloc(count, size);
  if (!block) abort();
  return block;
}

/* A chain over a lane takes in neuron j of layer l of a sample. */
typedef float chain(float sum, const pass *p, size_t l, size_t j, float mean);

static float chain_z(float sum, const pass *p, size_t l, size_t j, float mean) {
  (void)mean;
  return sum + p->h[l][j];
}

static float chain_squares(float sum, const pass *p, size_t l, size_t j, float mean) {
  return fmaf(p->h[l][j] - mean, p->h[l][j] - mean, sum);
}

static float chain_dy(float sum, const pass *p, size_t l, size_t j, float mean) {
  (void)mean;
  return sum + p->y[l][j];
}

static float chain_products(float sum, const pass *p, size_t l, size_t j, float mean) {
  (void)mean;
  return fmaf(p->y[l][j], p->h[l][j], sum);
}

/* Over lanes [lane, lane + n): left the largest power of two below n, right the rest. */
static float chain_lanes(const batch *b, size_t lane, size_t n, chain *take, size_t l, size_t j,
                         float mean) {
  if (n == 1) {
    const size_t first = lane * b->recipe->lane_rows, end = first + b->recipe->lane_rows;
    float sum = 0;
    for (size_t r = first; r < end && r < b->n; r++) sum = take(sum, &b->p[r], l, j, mean);
    return sum;
  }
  size_t left = 1;
  while (2 * left < n) left *= 2;
  return chain_lanes(b, lane, left, take, l, j, mean) +
         chain_lanes(b, lane + left, n - left, take, l, j, mean);
}

static size_t lanes_of(const batch *b) {
  return (b->n + b->recipe->lane_rows - 1) / b->recipe->lane_rows;
}

static float chain_mean(const batch *b, chain *take, size_t l, size_t j, float mean) {
  return chain_lanes(b, 0, lanes_of(b), take, l, j, mean) / (float)b->n;
}

static void normalize_batch(const batch *b, size_t l) {
  const float *gain = vector_of(b->recipe, b->parameters, l, 1),
              *shift = vector_of(b->recipe, b->parameters, l, 2);
  statistics *of = &b->of[l];
  for (size_t j = 0; j < b->recipe->width[l]; j++) {
    of->mean[j] = chain_mean(b, chain_z, l, j, 0);
    of->variance[j] = chain_mean(b, chain_squares, l, j, of->mean[j]);
    of->root[j] = 1 / sqrtf(of->variance[j] + 1e-5f);
    for (size_t r = 0; r < b->n; r++) {
      float *h = &b->p[r].h[l][j];
      *h = ref_flush((*h - of->mean[j]) * of->root[j]);
      b->p[r].y[l][j] = fmaf(gain[j], *h, shift[j]);
    }
  }
}

static void normalize_batch_back(const batch *b, size_t l) {
  const float *gain = vector_of(b->recipe, b->parameters, l, 1);
  for (size_t j = 0; j < b->recipe->width[l]; j++) {
    const float s = chain_mean(b, chain_dy, l, j, 0), t = chain_mean(b, chain_products, l, j, 0);
    for (size_t r = 0; r < b->n; r++) {
      pass *p = &b->p[r];
      p->d[l][j] = ref_flush(gain[j] * b->of[l].root[j] * fmaf(-p->h[l][j], t, p->y[l][j] - s));
    }
  }
}

/* A tenth of the way to the statistics of the batch, the variance without bias. */
static void track_batch(const batch *b, size_t l, float *parameters) {
  const size_t n = b->recipe->width[l];
  float *mean = parameters + weights_of(b->recipe, l) + (b->recipe->width[l - 1] + 3) * n,
        *variance = mean + n;
  const float unbiased = (float)((double)b->n / (double)(b->n - 1));
  for (size_t j = 0; j < n && b->n > 1; j++) {
    mean[j] = fmaf(0.1f, b->of[l].mean[j] - mean[j], mean[j]);
    variance[j] = fmaf(0.1f, b->of[l].variance[j] * unbiased - variance[j], variance[j]);
  }
}

/* Layer by layer, each for all samples. */
static void go_through(const batch *b) {
  const ref_recipe *recipe = b->recipe;
  const size_t last = recipe->n_layers;
  for (size_t r = 0; r < b->n; r++)
    take_inputs(recipe, b->sample[r].x, &(place){1, b->step, r}, &b->p[r]);
  for (size_t l = 1; l <= last; l++) {
    for (size_t r = 0; r < b->n; r++) multiply(recipe, b->parameters, l, &b->p[r]);
    if (recipe->normalization[l - 1] == REF_BATCH_NORM) normalize_batch(b, l);
    for (size_t r = 0; r < b->n && l < last; r++)
      finish(recipe, b->parameters, &(place){1, b->step, r}, l, &b->p[r]);
  }
  for (size_t r = 0; r < b->n; r++)
    b->loss[r] = (double)b->sample[r].weight *
                 (double)ref_sample_loss(recipe, &b->sample[r], b->p[r].a[last], b->p[r].d[last]);
  for (size_t l = last; l > 1; l--) {
    for (size_t r = 0; r < b->n; r++) multiply_back(recipe, b->parameters, l, &b->p[r]);
    if (recipe->normalization[l - 2] == REF_BATCH_NORM) normalize_batch_back(b, l - 1);
  }
}

static sums one_lane(const batch *b, size_t lane) {
  const size_t first = lane * b->recipe->lane_rows, end = first + b->recipe->lane_rows;
  sums s = {.gradient = allocate(ref_parameters(b->recipe), sizeof(float))};
  for (size_t r = first; r < end && r < b->n; r++) {
    s.loss += b->loss[r];
    s.weight += (double)b->sample[r].weight;
    join_gradient(b->recipe, &b->p[r], s.gradient);
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

/* Sum of squares of n values and n_more others, `apart` from one another: index i to partial i mod
 * 16. */
static float squares(const float *x, size_t n, const float *more, size_t n_more, size_t apart) {
  float partial[16] = {0};
  for (size_t i = 0; i < n + n_more; i++) {
    const float value = i < n ? x[i] : more[(i - n) * apart];
    partial[i % 16] = fmaf(value, value, partial[i % 16]);
  }
  return ref_tree_of_16(partial);
}

/* The tree over doubles: left the largest power of two below n, right the rest. */
static double tree_of(const double *x, size_t n) {
  if (n == 1) return *x;
  size_t left = 1;
  while (2 * left < n) left *= 2;
  return tree_of(x, left) + tree_of(x + left, n - left);
}

/* Those of neuron o of a gradient w of layer l, where W' is what is trained. */
static double ntk_squares(const ref_recipe *recipe, size_t l, const float *w, size_t o) {
  const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
  const double s = ref_group_of(recipe, l, 1).scale;
  return s * s * (double)squares(w + o * n_in, n_in, NULL, 0, 0) +
         (double)squares(NULL, 0, w + n_in * n_out + o, trained_of(recipe, l), n_out);
}

/* The norm of a vector like the parameters, a neuron with all that is its own at a time. */
static double norm_of(const ref_recipe *recipe, const float *vector) {
  double *rows = allocate(REF_MAX_LAYERS * REF_MAX_WIDTH, sizeof *rows);
  size_t n = 0;
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l];
    const float *w = vector + weights_of(recipe, l);
    for (size_t o = 0; o < n_out; o++)
      rows[n++] = recipe->ntk ? ntk_squares(recipe, l, w, o)
                              : (double)squares(w + o * n_in, n_in, w + n_in * n_out + o,
                                                trained_of(recipe, l), n_out);
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
      const double norm = sqrt((double)squares(row, n_in, NULL, 0, 0));
      for (size_t i = 0; i < n_in && norm > recipe->max_norm; i++)
        row[i] *= (float)(recipe->max_norm / norm);
    }
}

/* The norm of a layer's weights. */
static double layer_norm(const float *w, size_t n_in, size_t n_out) {
  double *rows = allocate(n_out, sizeof *rows);
  for (size_t o = 0; o < n_out; o++) rows[o] = (double)squares(w + o * n_in, n_in, NULL, 0, 0);
  const double norm = sqrt(tree_of(rows, n_out));
  free(rows);
  return norm;
}

/* The mean loss and, with weight decay, what that adds. */
static double objective_of(const ref_recipe *recipe, const float *parameters, const sums *s) {
  const double mean = s->loss / s->weight;
  double *rows = allocate(REF_MAX_LAYERS * REF_MAX_WIDTH, sizeof *rows);
  size_t n = 0;
  for (size_t l = 1; l <= recipe->n_layers; l++)
    for (size_t o = 0; o < recipe->width[l]; o++)
      rows[n++] = (double)squares(parameters + weights_of(recipe, l) + o * recipe->width[l - 1],
                                  recipe->width[l - 1], NULL, 0, 0);
  const double all = tree_of(rows, n);
  free(rows);
  return recipe->weight_decay > 0 ? mean + 0.5 * recipe->weight_decay * all : mean;
}

/* The weights of layer l by their mean gradient g, which becomes their direction. */
static void lamb_layer(const ref_recipe *recipe, ref_state *s, size_t l, float *g, double rate,
                       unsigned long t) {
  const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l], at = weights_of(recipe, l);
  float *w = s->parameters + at;
  for (size_t i = 0; i < n_in * n_out; i++) {
    if (recipe->clip_value > 0) g[i] = ref_clip(g[i], (float)recipe->clip_value);
    if (recipe->l1 > 0 && w[i] != 0) g[i] += copysignf((float)recipe->l1, w[i]);
    g[i] = ref_lamb_direction(recipe, g[i], (float)(recipe->weight_decay * recipe->decay_part), t,
                              w[i], &s->moment1[at + i], &s->moment2[at + i]);
  }
  const double of_w = layer_norm(w, n_in, n_out), of_u = layer_norm(g, n_in, n_out);
  const float ratio = of_w > 0 && of_u > 0 ? (float)(of_w / of_u) : 1;
  for (size_t i = 0; i < n_in * n_out; i++) w[i] = fmaf(-(float)rate, g[i] * ratio, w[i]);
}

double ref_step(const ref_recipe *recipe, ref_state *state, const ref_sample *sample, size_t n,
                unsigned long step, double learning_rate) {
  const batch b = {recipe,
                   state->parameters,
                   sample,
                   n,
                   step,
                   passes(n),
                   allocate(recipe->n_layers + 1, sizeof(statistics)),
                   allocate(n, sizeof(double))};
  go_through(&b);
  const sums s = tree(&b, 0, lanes_of(&b));
  const double norm = (double)(float)(1 / s.weight) * norm_of(recipe, s.gradient);
  const int clips = recipe->clip_norm > 0 && norm > recipe->clip_norm;
  const double objective = objective_of(recipe, state->parameters, &s);
  state->grew = objective > state->objective;
  state->objective = objective;
  if (state->memory)
    ref_lbfgs_step(recipe, state->memory, state->parameters, objective, s.gradient,
                   (float)(1 / s.weight), learning_rate);
  for (size_t l = 1; l <= recipe->n_layers && !state->memory; l++) {
    const size_t first = weights_of(recipe, l), n_out = recipe->width[l];
    const size_t weights = recipe->width[l - 1] * n_out,
                 all = weights + trained_of(recipe, l) * n_out;
    const int whole = recipe->optimizer == REF_LAMB;
    for (size_t i = 0; i < all; i++) {
      float scale = (float)(1 / s.weight * ref_group_of(recipe, l, i < weights).scale);
      if (clips) scale = (float)((double)scale * (recipe->clip_norm / norm));
      s.gradient[first + i] *= scale;
    }
    if (whole)
      lamb_layer(recipe, state, l, s.gradient + first,
                 learning_rate * ref_group_of(recipe, l, 1).rate, step + 1);
    for (size_t i = whole ? weights : 0; i < all; i++) {
      const ref_group group = ref_group_of(recipe, l, i < weights);
      ref_update(recipe, state, first + i, s.gradient[first + i], &group, learning_rate, step + 1);
    }
    if (recipe->normalization[l - 1] == REF_BATCH_NORM) track_batch(&b, l, state->parameters);
  }
  if (recipe->max_norm > 0) constrain(recipe, state->parameters);
  free(s.gradient);
  free(b.of);
  free(b.loss);
  return s.loss;
}

static void normalize_by_running(const ref_recipe *recipe, const float *parameters, size_t l,
                                 pass *p) {
  const float *v[5];
  for (size_t i = 0; i < 5; i++) v[i] = vector_of(recipe, parameters, l, i);
  for (size_t j = 0; j < recipe->width[l]; j++) {
    p->h[l][j] = ref_flush((p->h[l][j] - v[3][j]) * (1 / sqrtf(v[4][j] + 1e-5f)));
    p->y[l][j] = fmaf(v[1][j], p->h[l][j], v[2][j]);
  }
}

float ref_evaluate(const ref_recipe *recipe, const float *parameters, const ref_sample *sample,
                   float *outputs) {
  pass *p = passes(1);
  const place at = {0};
  take_inputs(recipe, sample->x, &at, p);
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    multiply(recipe, parameters, l, p);
    if (recipe->normalization[l - 1] == REF_BATCH_NORM)
      normalize_by_running(recipe, parameters, l, p);
    if (l < recipe->n_layers) finish(recipe, parameters, &at, l, p);
  }
  const float loss =
      ref_sample_loss(recipe, sample, p->a[recipe->n_layers], p->d[recipe->n_layers]);
  memcpy(outputs, p->a[recipe->n_layers], recipe->width[recipe->n_layers] * sizeof *outputs);
  return loss;
}
