/* Digits as a hand would write them: each glyph is a few strokes through given points, bent by a
 * smooth random field, then slanted, turned, scaled and shifted, and drawn as lines of random width
 * by the distance from each pixel to the nearest stroke. The variety is chosen so that no linear
 * map tells the classes apart well, while a small network does. */
#include <config.h>

#include <math.h>

#include "base/elementary.h"
#include "interop/generate.h"

enum { SIDE = 28, MAX_POINTS = 13, MAX_STROKES = 3, CURVE_STEPS = 6 };

typedef enum shape { LINES, CURVE, LOOP } shape; /* straight pieces; smooth; smooth and closed */

/* Points in hundredths of a unit box, x to the right, y downwards. */
typedef struct stroke {
  shape shape;
  unsigned n_points;
  unsigned char points[MAX_POINTS][2];
} stroke;

typedef struct glyph {
  unsigned digit, n_strokes;
  stroke strokes[MAX_STROKES];
} glyph;

/* Rows of a digit stand together; one is chosen at random. */
static const glyph glyphs[] = {
    {0,
     1,
     {{LOOP, 8, {{50, 10}, {72, 22}, {78, 50}, {72, 78}, {50, 90}, {28, 78}, {22, 50}, {28, 22}}}}},
    {1, 1, {{LINES, 3, {{34, 30}, {54, 10}, {54, 90}}}}},
    {1, 1, {{LINES, 2, {{50, 10}, {50, 90}}}}},
    {1, 2, {{LINES, 3, {{34, 28}, {52, 10}, {52, 90}}}, {LINES, 2, {{34, 90}, {70, 90}}}}},
    {2,
     2,
     {{CURVE, 7, {{25, 30}, {36, 14}, {55, 10}, {72, 22}, {69, 42}, {50, 63}, {25, 88}}},
      {LINES, 2, {{25, 88}, {77, 88}}}}},
    {2,
     1,
     {{CURVE,
       11,
       {{26, 28},
        {38, 12},
        {58, 12},
        {71, 27},
        {63, 50},
        {42, 74},
        {28, 86},
        {25, 78},
        {36, 75},
        {55, 86},
        {78, 84}}}}},
    {3,
     2,
     {{CURVE, 6, {{26, 20}, {42, 10}, {64, 14}, {70, 29}, {60, 43}, {42, 47}}},
      {CURVE, 6, {{42, 47}, {66, 52}, {76, 68}, {66, 85}, {44, 90}, {24, 80}}}}},
    {3,
     2,
     {{LINES, 3, {{26, 12}, {72, 12}, {46, 44}}},
      {CURVE, 6, {{46, 44}, {68, 50}, {75, 68}, {64, 85}, {42, 90}, {24, 80}}}}},
    {4, 2, {{LINES, 3, {{38, 10}, {22, 58}, {78, 58}}}, {LINES, 2, {{62, 32}, {62, 90}}}}},
    {4, 1, {{LINES, 4, {{62, 90}, {62, 10}, {20, 63}, {80, 63}}}}},
    {5,
     2,
     {{LINES, 3, {{72, 12}, {32, 12}, {29, 45}}},
      {CURVE, 7, {{29, 45}, {48, 39}, {68, 47}, {74, 65}, {64, 84}, {43, 90}, {24, 80}}}}},
    {6,
     1,
     {{CURVE,
       10,
       {{66, 10},
        {42, 24},
        {27, 50},
        {26, 72},
        {40, 89},
        {62, 87},
        {73, 70},
        {64, 53},
        {44, 52},
        {27, 66}}}}},
    {7, 1, {{LINES, 3, {{22, 12}, {77, 12}, {42, 90}}}}},
    {7, 2, {{LINES, 3, {{22, 12}, {77, 12}, {44, 90}}}, {LINES, 2, {{38, 50}, {72, 50}}}}},
    {8,
     1,
     {{LOOP,
       12,
       {{50, 48},
        {31, 37},
        {31, 19},
        {50, 10},
        {69, 19},
        {69, 37},
        {50, 48},
        {27, 62},
        {27, 80},
        {50, 90},
        {73, 80},
        {73, 62}}}}},
    {9,
     2,
     {{LOOP, 7, {{70, 32}, {62, 14}, {43, 11}, {28, 22}, {29, 40}, {46, 50}, {64, 44}}},
      {CURVE, 3, {{71, 30}, {69, 60}, {60, 90}}}}},
    {9,
     2,
     {{LOOP, 7, {{70, 32}, {62, 14}, {43, 11}, {28, 22}, {29, 40}, {46, 50}, {64, 44}}},
      {CURVE, 5, {{71, 28}, {71, 60}, {62, 82}, {44, 90}, {28, 82}}}}},
};
enum { N_GLYPHS = sizeof glyphs / sizeof glyphs[0] };

/* Numbers of a row: what each is for. */
enum { VARIANT, SLANT, TURN, WIDTH, HEIGHT, SHIFT_X, SHIFT_Y, PEN, INK, FIELD };

/* How the points of a glyph reach the picture. */
typedef struct hand {
  double matrix[2][2], shift[2]; /* unit box, centred, to pixels */
  double wave[4][4];             /* bending: amplitude, two frequencies, phase; two per direction */
} hand;

static double between(const gr_sample *s, unsigned k, double low, double high) {
  return low + (high - low) * gr_sample_uniform(s, k);
}

static hand take_hand(const gr_sample *s) {
  hand h;
  double slant = between(s, SLANT, -0.35, 0.45), turn = between(s, TURN, -0.25, 0.25);
  double width = between(s, WIDTH, 15, 25), height = between(s, HEIGHT, 17, 25);
  double c = gr_cos(turn), d = gr_sin(turn);
  h.matrix[0][0] = c * width;
  h.matrix[0][1] = -c * slant * height - d * height;
  h.matrix[1][0] = d * width;
  h.matrix[1][1] = -d * slant * height + c * height;
  h.shift[0] = SIDE / 2.0 + between(s, SHIFT_X, -3, 3);
  h.shift[1] = SIDE / 2.0 + between(s, SHIFT_Y, -3, 3);
  for (unsigned i = 0; i < 4; i++) {
    h.wave[i][0] = between(s, FIELD + 4 * i, 0, 0.05);
    h.wave[i][1] = between(s, FIELD + 4 * i + 1, -7, 7);
    h.wave[i][2] = between(s, FIELD + 4 * i + 2, -7, 7);
    h.wave[i][3] = between(s, FIELD + 4 * i + 3, 0, 6.3);
  }
  return h;
}

static double bend(const double wave[4], double x, double y) {
  return wave[0] * gr_sin(wave[1] * x + wave[2] * y + wave[3]);
}

static void place_point(const hand *h, const unsigned char point[2], double out[2]) {
  double x = point[0] / 100.0 - 0.5, y = point[1] / 100.0 - 0.5;
  double u = x + bend(h->wave[0], x, y) + bend(h->wave[1], x, y);
  double v = y + bend(h->wave[2], x, y) + bend(h->wave[3], x, y);
  out[0] = h->matrix[0][0] * u + h->matrix[0][1] * v + h->shift[0];
  out[1] = h->matrix[1][0] * u + h->matrix[1][1] * v + h->shift[1];
}

static int clamp_pixel(double at) {
  return at < 0 ? 0 : at > SIDE - 1 ? SIDE - 1 : (int)at;
}

static double smaller(double a, double b) {
  return b < a ? b : a;
}

/* Lowers `square`, the squared distances of pixel centres to the strokes, around one piece. Farther
 * than `reach` does not matter. */
static void draw_piece(double square[SIDE][SIDE], const double a[2], const double b[2],
                       double reach) {
  double dx = b[0] - a[0], dy = b[1] - a[1], length2 = dx * dx + dy * dy;
  int left = clamp_pixel(smaller(a[0], b[0]) - reach),
      top = clamp_pixel(smaller(a[1], b[1]) - reach);
  int right = clamp_pixel(-smaller(-a[0], -b[0]) + reach);
  int bottom = clamp_pixel(-smaller(-a[1], -b[1]) + reach);
  for (int row = top; row <= bottom; row++) {
    for (int column = left; column <= right; column++) {
      double x = column + 0.5 - a[0], y = row + 0.5 - a[1];
      double along = length2 > 0 ? (x * dx + y * dy) / length2 : 0;
      along = along < 0 ? 0 : along > 1 ? 1 : along;
      x -= along * dx;
      y -= along * dy;
      square[row][column] = smaller(square[row][column], x * x + y * y);
    }
  }
}

/* The curve of Catmull and Rom from p1 to p2, whose neighbours are p0 and p3, at t. */
static double spline(double p0, double p1, double p2, double p3, double t) {
  double a = 3 * (p1 - p2) + p3 - p0, b = 2 * p0 - 5 * p1 + 4 * p2 - p3;
  return p1 + 0.5 * t * (p2 - p0 + t * (b + t * a));
}

static void draw_span(double square[SIDE][SIDE], const double *p[4], unsigned steps, double reach) {
  double from[2] = {p[1][0], p[1][1]};
  for (unsigned i = 1; i <= steps; i++) {
    double t = (double)i / steps, to[2];
    for (int k = 0; k < 2; k++) to[k] = spline(p[0][k], p[1][k], p[2][k], p[3][k], t);
    draw_piece(square, from, to, reach);
    from[0] = to[0];
    from[1] = to[1];
  }
}

static void draw_stroke(double square[SIDE][SIDE], const hand *h, const stroke *s, double reach) {
  double at[MAX_POINTS][2];
  unsigned n = s->n_points;
  for (unsigned i = 0; i < n; i++) place_point(h, s->points[i], at[i]);
  for (unsigned i = 0; i + (s->shape != LOOP) < n; i++) {
    const double *p[4] = {at[i], at[i], at[(i + 1) % n], at[(i + 1) % n]};
    if (s->shape == LOOP || i > 0) p[0] = at[(i + n - 1) % n];
    if (s->shape == LOOP || i + 2 < n) p[3] = at[(i + 2) % n];
    if (s->shape == LINES)
      draw_piece(square, p[1], p[2], reach);
    else
      draw_span(square, p, CURVE_STEPS, reach);
  }
}

static const glyph *choose_glyph(unsigned digit, double u) {
  unsigned first = 0, n = 0;
  while (glyphs[first].digit != digit) first++;
  while (first + n < N_GLYPHS && glyphs[first + n].digit == digit) n++;
  return &glyphs[first + (unsigned)(u * n)];
}

/* Sum of four uniform bytes, shifted and scaled to mean 0 and deviation 1: near enough to normal.
 * A byte has variance (256^2 - 1) / 12. */
static double grain(const uint8_t bytes[4]) {
  const double deviation = 147.80054127099805;
  return (bytes[0] + bytes[1] + bytes[2] + bytes[3] - 510) / deviation;
}

void gr_draw_digit(const gr_sample *s, void *x, void *y) {
  uint8_t *pixels = x, bytes[16];
  double square[SIDE][SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) square[i / SIDE][i % SIDE] = 1e9;
  unsigned digit = gr_sample_class(s, 10);
  const glyph *g = choose_glyph(digit, gr_sample_uniform(s, VARIANT));
  hand h = take_hand(s);
  double pen = between(s, PEN, 0.6, 1.7), ink = between(s, INK, 0.75, 1);
  for (unsigned i = 0; i < g->n_strokes; i++) draw_stroke(square, &h, &g->strokes[i], pen + 2);
  for (unsigned i = 0; i < SIDE * SIDE; i++) {
    if (i % 4 == 0) gr_sample_bytes(s, i / 4, bytes);
    double cover = pen + 0.5 - sqrt(square[i / SIDE][i % SIDE]);
    cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
    double value = 255 * (ink * cover + s->noise * grain(bytes + 4 * (i % 4))) + 0.5;
    pixels[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
  }
  *(uint8_t *)y = (uint8_t)digit;
}
