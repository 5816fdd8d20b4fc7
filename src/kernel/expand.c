/* gather for tables: rows whose columns become inputs each in its own way. Columns are turned into
 * doubles a few at a time, on the stack, and the steps that belong to them applied. It is scalar:
 * a row of a table has tens of columns, and the first layer costs a thousand times as much. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/elementary.h"
#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { SOME_COLUMNS = 64, AHEAD_ROWS = 8 };

#define AS_DOUBLES(type)                                                \
  do {                                                                  \
    type value;                                                         \
    for (size_t j = 0; j < n; j++) {                                    \
      memcpy(&value, (const char *)x + j * sizeof value, sizeof value); \
      out[j] = (double)value;                                           \
    }                                                                   \
  } while (0)

/* binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
static double from_half(uint16_t half) {
  const double sign = half >> 15 ? -1 : 1, fraction = half & 0x3ff;
  int exponent = half >> 10 & 0x1f;
  if (exponent == 0x1f) return fraction > 0 ? (double)NAN : sign * (double)INFINITY;
  double value = exponent ? 1024 + fraction : fraction;
  for (int e = exponent ? exponent : 1; e < 25; e++) value *= 0.5;
  for (int e = 25; e < exponent; e++) value *= 2;
  return sign * value;
}

static void as_doubles(const void *x, gr_dtype type, size_t n, double *out) {
  uint16_t half;
  switch (type) {
    case GR_U8:
      AS_DOUBLES(uint8_t);
      break;
    case GR_I8:
      AS_DOUBLES(int8_t);
      break;
    case GR_U16:
      AS_DOUBLES(uint16_t);
      break;
    case GR_I16:
      AS_DOUBLES(int16_t);
      break;
    case GR_U32:
      AS_DOUBLES(uint32_t);
      break;
    case GR_I32:
      AS_DOUBLES(int32_t);
      break;
    case GR_U64:
      AS_DOUBLES(uint64_t);
      break;
    case GR_I64:
      AS_DOUBLES(int64_t);
      break;
    case GR_F32:
      AS_DOUBLES(float);
      break;
    case GR_F64:
      AS_DOUBLES(double);
      break;
    default:
      for (size_t j = 0; j < n; j++) {
        memcpy(&half, (const char *)x + j * sizeof half, sizeof half);
        out[j] = from_half(half);
      }
  }
}

/* The last k with x[k] <= v; x[0] <= v < x[n - 1]. */
static uint32_t find_point(const double *x, uint32_t n, double v) {
  uint32_t low = 0, high = n - 1;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (x[middle] <= v)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static double curve(const gr_expand_step *s, double v) {
  const uint32_t last = s->n_points - 1;
  if (v <= s->x[0]) return s->y[0];
  if (v >= s->x[last]) return s->y[last];
  const uint32_t k = find_point(s->x, s->n_points, v);
  return s->y[k] + (v - s->x[k]) / (s->x[k + 1] - s->x[k]) * (s->y[k + 1] - s->y[k]);
}

static double smooth(const gr_expand_step *s, double v) {
  const double z = (v - s->shift) * s->factor, third = z / 3;
  return z / sqrt(1 + third * third);
}

static float linear(const gr_expand_step *s, bool in_float, double v) {
  if (in_float) return ((float)v - (float)s->shift) * (float)s->factor;
  return (float)((v - s->shift) * s->factor);
}

static void bins(const gr_expand_step *s, double v, float *dst) {
  for (uint32_t t = 0; t < s->n; t++) {
    double part = (v - s->x[t]) / (s->x[t + 1] - s->x[t]);
    if (part < 0 && t > 0) part = 0;
    if (part > 1 && t + 1 < s->n) part = 1;
    dst[t] = (float)part;
  }
}

/* Where z is far out its fast waves say nothing any more; the functions want |x| <= 1e5. */
static void waves(const gr_expand_step *s, double v, float *dst) {
  static const double two_pi = 6.283185307179586476925, far = 1e5;
  const double z = (v - s->shift) * s->factor;
  for (uint32_t k = 0; k < s->n_points; k++) {
    double angle = two_pi * s->x[k] * z;
    angle = angle > far ? far : angle < -far ? -far : angle;
    dst[2 * k] = (float)gr_cos(angle);
    dst[2 * k + 1] = (float)gr_sin(angle);
  }
}

static void levels(const gr_expand_step *s, double v, float *dst) {
  int32_t input = s->missing;
  if (!isnan(v)) input = v >= 0 && v < s->n_codes ? s->code[(size_t)v] : s->unseen;
  for (uint32_t k = 0; k < s->n; k++) dst[k] = 0;
  if (input >= 0) dst[input] = 1;
}

static void apply(const gr_expand_step *s, bool in_float, double raw, float *dst) {
  const double v = isnan(raw) ? s->fill : raw;
  switch (s->kind) {
    case GR_EXPAND_LINEAR:
      *dst = linear(s, in_float, v);
      break;
    case GR_EXPAND_SMOOTH:
      *dst = (float)smooth(s, v);
      break;
    case GR_EXPAND_CURVE:
      *dst = (float)curve(s, v);
      break;
    case GR_EXPAND_MISSING:
      *dst = isnan(raw) ? 1.0f : 0.0f;
      break;
    case GR_EXPAND_BINS:
      bins(s, v, dst);
      break;
    case GR_EXPAND_WAVES:
      waves(s, v, dst);
      break;
    case GR_EXPAND_LEVELS:
      levels(s, raw, dst);
      break;
  }
}

static void expand_row(const gr_expansion *e, gr_dtype type, const char *x, float *dst) {
  double value[SOME_COLUMNS];
  const size_t size = gr_dtype_size(type);
  const bool in_float = type <= GR_F32;
  size_t i = 0;
  while (i < e->n_steps) {
    const uint32_t from = e->step[i].column,
                   n = e->n_columns - from < SOME_COLUMNS ? e->n_columns - from : SOME_COLUMNS;
    as_doubles(x + from * size, type, n, value);
    for (; i < e->n_steps && e->step[i].column - from < n; i++) {
      const gr_expand_step *s = &e->step[i];
      apply(s, in_float, value[s->column - from], dst + s->first);
    }
  }
}

void GR_SUFFIX(gr_expand)(const gr_gather *g); /* called by vector.c alone */
void GR_SUFFIX(gr_expand)(const gr_gather *g) {
  const size_t row_bytes = g->expansion->n_columns * gr_dtype_size(g->type);
  for (size_t r = 0; r < g->n_rows; r++) {
    const size_t ahead = r + AHEAD_ROWS;
    if (ahead < g->n_rows || ahead - g->n_rows < g->n_next)
      __builtin_prefetch(
          (const char *)g->x +
              (ahead < g->n_rows ? g->index[ahead] : g->next[ahead - g->n_rows]) * row_bytes,
          0, 2);
    expand_row(g->expansion, g->type, (const char *)g->x + g->index[r] * row_bytes,
               g->dst + r * g->ld);
  }
}
