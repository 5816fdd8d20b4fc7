/* Bracketing and zooming, one evaluation per call. A point that cannot be evaluated (the objective
 * is infinite or NaN) is one that is too far. What finds no point that will do ends at the best one
 * seen, or along the gradient, or not at all. */
#include <config.h>

#include "net/line_search.h"

#include <math.h>
#include <stddef.h>

#include "kernel/kinds.h"

#define FARTHEST 1e10     /* largest t */
#define GAIN 0x1p-30      /* of the objective, that counts as one */
#define LONGER 10         /* times, that a step becomes at most while nothing brackets */
#define FROM_THE_ENDS 0.1 /* of a bracket, where no trial is made */

static double as_float(double t) {
  return (double)(float)t;
}

static double rounding_of(const gr_search *s) {
  return GR_SEARCH_ROUNDING * fabs(s->f0);
}

/* Where the cubic through two points has its minimum (Nocedal and Wright 2006, eq. 3.59), or, of
 * values that cannot be told apart, the line through their slopes its zero; NaN: nowhere. */
static double minimum_of(const gr_search *s, gr_search_point a, gr_search_point b) {
  if (!isfinite(a.f) || !isfinite(b.f)) return (double)NAN;
  if (fabs(a.f - b.f) <= rounding_of(s)) return a.t - a.slope * (b.t - a.t) / (b.slope - a.slope);
  const double d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t),
               root = d1 * d1 - a.slope * b.slope;
  if (!(root >= 0)) return (double)NAN;
  const double d2 = b.t > a.t ? sqrt(root) : -sqrt(root);
  return b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
}

/* Inside of the bracket, not too near to its ends. */
static double between(const gr_search *s) {
  const double left = s->low.t < s->high.t ? s->low.t : s->high.t,
               right = s->low.t < s->high.t ? s->high.t : s->low.t,
               margin = FROM_THE_ENDS * (right - left), t = minimum_of(s, s->low, s->high);
  if (isnan(t)) return as_float(left + 0.5 * (right - left));
  return as_float(t < left + margin ? left + margin : t > right - margin ? right - margin : t);
}

/* Further than b, where the slope still goes down. */
static double beyond(const gr_search *s, gr_search_point a, gr_search_point b) {
  const double least = b.t + 0.01 * (b.t - a.t), most = LONGER * b.t, t = minimum_of(s, a, b);
  if (isnan(t)) return as_float(most);
  return as_float(t < least ? least : t > most ? most : t);
}

static gr_search_action accept(gr_search *s, const gr_search_trial *trial, double tolerance) {
  const double gain = s->f0 - trial->f;
  if (s->phase != GR_SEARCH_START) {
    s->iterations++;
    s->still = gain <= GAIN * fabs(s->f0) ? s->still + 1 : 0;
  }
  s->f0 = trial->f;
  s->norm = trial->norm;
  s->t = 0;
  if (trial->norm <= tolerance)
    s->end = GR_SEARCH_FLAT;
  else if (s->still >= GR_SEARCH_STILL)
    s->end = GR_SEARCH_STILL_STANDING;
  return GR_SEARCH_ACCEPT;
}

/* No point will do: back to the best one, if it is any better than x. */
static gr_search_action give_up(gr_search *s) {
  if (s->low.t > 0 && s->low.f < s->f0) {
    s->phase = GR_SEARCH_RETURN;
    s->t = s->low.t;
    return GR_SEARCH_TRY;
  }
  s->t = 0;
  if (s->pairs > 0) return GR_SEARCH_STEEPEST;
  s->end = GR_SEARCH_NO_DESCENT;
  return GR_SEARCH_STOP;
}

/* The next trial, unless the bracket has no room for one or there were too many. */
static gr_search_action go_to(gr_search *s, double t) {
  if (s->trials >= GR_SEARCH_TRIALS || t > FARTHEST || t <= 0 || t == s->low.t || t == s->high.t)
    return give_up(s);
  s->t = t;
  return GR_SEARCH_TRY;
}

static gr_search_action zoom(gr_search *s) {
  s->phase = GR_SEARCH_ZOOM;
  return go_to(s, between(s));
}

/* Algorithm 3.6, from its line that has evaluated. */
static gr_search_action narrow(gr_search *s, gr_search_point p, bool above) {
  if (above || p.f > s->low.f + rounding_of(s)) {
    s->high = p;
  } else {
    if (p.slope * (s->high.t - s->low.t) >= 0) s->high = s->low;
    s->low = p;
  }
  return zoom(s);
}

/* Algorithm 3.5, from its line that has evaluated. */
static gr_search_action extend(gr_search *s, gr_search_point p, bool above) {
  if (above || (s->trials > 1 && p.f > s->low.f + rounding_of(s))) {
    s->high = p;
    return zoom(s);
  }
  const gr_search_point last = s->low;
  s->low = p;
  s->high = last;
  if (p.slope >= 0) return zoom(s);
  return go_to(s, beyond(s, last, p));
}

gr_search_action gr_search_take(gr_search *s, const gr_search_trial *trial, double tolerance) {
  const bool finite = isfinite(trial->f) && isfinite(trial->slope) && isfinite(trial->norm);
  const gr_search_point p = {s->t, finite ? trial->f : (double)INFINITY, finite ? trial->slope : 0};
  const double decrease = GR_SEARCH_DECREASE * s->t * trial->slope0;
  if (s->phase == GR_SEARCH_START || s->phase == GR_SEARCH_RETURN)
    return accept(s, trial, tolerance);
  if (s->trials++ == 0) s->low = (gr_search_point){0, s->f0, trial->slope0};
  const bool above = !finite || p.f > s->f0 + decrease + rounding_of(s),
             higher = s->trials > 1 && p.f > s->low.f + rounding_of(s);
  if (!above && !higher && fabs(p.slope) <= -GR_SEARCH_CURVATURE * trial->slope0)
    return accept(s, trial, tolerance);
  return s->phase == GR_SEARCH_BRACKET ? extend(s, p, above) : narrow(s, p, above);
}

void gr_search_begin(gr_search *s, double rate) {
  s->phase = GR_SEARCH_BRACKET;
  s->trials = 0;
  s->t = as_float(s->pairs == 0 && s->norm > 1 ? rate / s->norm : rate);
  s->low = s->high = (gr_search_point){0};
}

bool gr_search_is_valid(const gr_search *s) {
  return s->phase < GR_N_SEARCH_PHASES && s->pairs <= GR_LBFGS_PAIRS &&
         s->newest < GR_LBFGS_PAIRS && s->end < GR_N_SEARCH_ENDS && isfinite(s->t);
}

const char *gr_search_reason(uint64_t end) {
  static const char *const reasons[GR_N_SEARCH_ENDS] = {
      [GR_SEARCH_FLAT] = "the norm of the gradient is within optimizer.tolerance",
      [GR_SEARCH_STILL_STANDING] = "the objective does not fall any more",
      [GR_SEARCH_NO_DESCENT] = "no step lowers the objective"};
  return end < GR_N_SEARCH_ENDS ? reasons[end] : NULL;
}
