/* Two loops over products. Sums go over the places that hold vectors in ascending order, so that
 * they do not depend on how the memory came about. */
#include <config.h>

#include "net/lbfgs.h"

#include <math.h>
#include <string.h>

#define LEAST_CURVATURE 0x1p-33 /* s y over y y */
#define LEAST_COSINE 0x1p-20   /* of the angle to the steepest descent: below it rounding decides */
#define LARGEST_SQUARE 0x1p100 /* of a direction: the farthest trial along it is still a float */

static bool is_live(const gr_search *s, uint32_t place) {
  const uint64_t age = (s->newest + GR_LBFGS_PAIRS - place) % GR_LBFGS_PAIRS;
  return age < s->pairs;
}

int gr_lbfgs_vectors(const gr_search *s, int place[GR_LBFGS_VECTORS]) {
  int n = 0;
  for (uint32_t i = 0; i < 2 * GR_LBFGS_PAIRS; i++)
    if (is_live(s, i % GR_LBFGS_PAIRS)) place[n++] = (int)i;
  place[n++] = GR_LBFGS_GRADIENT;
  return n;
}

void gr_lbfgs_keep(gr_lbfgs *memory) {
  gr_search *s = &memory->search;
  const uint32_t next = gr_lbfgs_next(s);
  const double *y = memory->product[GR_LBFGS_PAIRS + next];
  if (y[next] > LEAST_CURVATURE * y[GR_LBFGS_PAIRS + next]) {
    s->newest = next;
    if (s->pairs < GR_LBFGS_PAIRS) s->pairs++;
  } else if (s->pairs == GR_LBFGS_PAIRS) {
    s->pairs--; /* it has been written over */
  }
}

/* Vector `of` times the sum of c[i] vector i. */
static double product_with(const gr_lbfgs *m, int of, const double *c) {
  int place[GR_LBFGS_VECTORS];
  const int n = gr_lbfgs_vectors(&m->search, place);
  double sum = 0;
  for (int k = 0; k < n; k++) sum += c[place[k]] * m->product[of][place[k]];
  return sum;
}

/* Algorithm 7.4, the result in c. */
static void two_loops(const gr_lbfgs *m, double c[GR_LBFGS_VECTORS]) {
  const gr_search *s = &m->search;
  double alpha[GR_LBFGS_PAIRS];
  memset(c, 0, GR_LBFGS_VECTORS * sizeof *c);
  c[GR_LBFGS_GRADIENT] = 1;
  for (uint64_t age = 0; age < s->pairs; age++) {
    const uint32_t i = gr_lbfgs_place(s, age), y = GR_LBFGS_PAIRS + i;
    alpha[age] = product_with(m, (int)i, c) / m->product[i][y];
    c[y] -= alpha[age];
  }
  const uint32_t newest = (uint32_t)s->newest, y_newest = GR_LBFGS_PAIRS + newest;
  const double scale = m->product[newest][y_newest] / m->product[y_newest][y_newest]; /* eq. 7.20 */
  for (int k = 0; k < GR_LBFGS_VECTORS; k++) c[k] *= scale;
  for (uint64_t age = s->pairs; age-- > 0;) {
    const uint32_t i = gr_lbfgs_place(s, age), y = GR_LBFGS_PAIRS + i;
    c[i] += alpha[age] - product_with(m, (int)y, c) / m->product[i][y];
  }
}

/* Whether minus the sum of c goes down, by more than rounding. */
static bool descends(const gr_lbfgs *m, const double *c) {
  int place[GR_LBFGS_VECTORS];
  const int n = gr_lbfgs_vectors(&m->search, place);
  double square = 0;
  for (int k = 0; k < n; k++) square += c[place[k]] * product_with(m, place[k], c);
  const double slope = product_with(m, GR_LBFGS_GRADIENT, c),
               norm = sqrt(m->product[GR_LBFGS_GRADIENT][GR_LBFGS_GRADIENT]);
  return square > 0 && square < LARGEST_SQUARE && slope > LEAST_COSINE * norm * sqrt(square);
}

void gr_lbfgs_steepest(gr_lbfgs *memory, float coefficient[GR_LBFGS_VECTORS]) {
  memory->search.pairs = 0;
  for (int k = 0; k < GR_LBFGS_VECTORS; k++) coefficient[k] = 0;
  coefficient[GR_LBFGS_GRADIENT] = -1;
}

void gr_lbfgs_direction(gr_lbfgs *memory, float coefficient[GR_LBFGS_VECTORS]) {
  double c[GR_LBFGS_VECTORS];
  if (memory->search.pairs > 0) two_loops(memory, c);
  if (memory->search.pairs == 0 || !descends(memory, c)) {
    gr_lbfgs_steepest(memory, coefficient);
    return;
  }
  for (int k = 0; k < GR_LBFGS_VECTORS; k++) coefficient[k] = -(float)c[k];
}
