/* Sums of columns, addition of gradients, and the second copy of the weights. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

/* n_rows additions from +0: n_rows u times the sum of magnitudes at most. */
static void column_sums_keep_their_contract(void) {
  static const size_t rows[] = {0, 1, 2, 3, 16, 37, 257, 600};
  gr_test_stream s = {gr_test_seed() + 10};
  GR_EACH_ISA(k) for (size_t c = 0; c < 8; c++) for (size_t panels = 1; panels < 5; panels++) {
    const size_t n = rows[c], ld = 16 * (panels + c % 3);
    float *delta = gr_test_floats(n * ld), *g = gr_test_floats(16 * panels),
          *wanted = gr_test_floats(16 * panels);
    gr_test_poison(delta, n * ld);
    gr_test_poison(g, 16 * panels);
    for (size_t r = 0; r < n; r++) gr_test_fill(&s, delta + r * ld, 16 * panels, 1);
    k->column_sums(n, panels, delta, ld, g);
    generic_kernels()->column_sums(n, panels, delta, ld, wanted);
    GR_CHECK(gr_test_difference(g, wanted, 16 * panels) == 16 * panels, "%s: %zu rows", isa_name(k),
             n);
    for (size_t j = 0; j < 16 * panels; j++) {
      double sum = 0, size = 0;
      for (size_t r = 0; r < n; r++) {
        sum += (double)delta[r * ld + j];
        size += fabs((double)delta[r * ld + j]);
      }
      GR_CHECK(fabs((double)g[j] - sum) <= (double)n * GR_ROUNDOFF * size,
               "%s: column %zu of %zu rows", isa_name(k), j, n);
    }
    gr_test_release();
  }
}

/* One addition an element: the very bits of a scalar loop. */
static void addition_adds(void) {
  gr_test_stream s = {gr_test_seed() + 11};
  GR_EACH_ISA(k) for (size_t n = 0; n <= 160; n += 16) {
    float *sum = gr_test_floats(n), *addend = gr_test_floats(n), *wanted = gr_test_floats(n);
    gr_test_fill(&s, sum, n, 1);
    gr_test_fill(&s, addend, n, 1000);
    for (size_t i = 0; i < n; i++) wanted[i] = sum[i] + addend[i];
    k->add(n, sum, addend);
    GR_CHECK(gr_test_difference(sum, wanted, n) == n, "%s, n = %zu", isa_name(k), n);
    gr_test_release();
  }
}

/* One operation an element, then flushed: the very bits of a scalar loop; a product in the place of
 * a factor; what lies beside the panels stays. */
static void rows_are_added_and_multiplied(void) {
  gr_test_stream s = {gr_test_seed() + 16};
  GR_EACH_ISA(k) for (size_t n = 0; n <= 9; n++) for (size_t panels = 0; panels < 4; panels++) {
    const size_t ld = 16 * (panels + 1), size = n * ld;
    float *x = gr_test_floats(size), *y = gr_test_floats(size), *sum = gr_test_floats(size),
          *product = gr_test_floats(size);
    gr_test_fill(&s, x, size, 1);
    gr_test_fill(&s, y, size, 1);
    for (size_t i = 0; i < size; i += 5) {
      y[i] = i % 2 ? -x[i] : 0x1p-60f;
      x[i] = i % 2 ? x[i] : 0x1p-60f;
    }
    for (size_t i = 0; i < size; i++) {
      const float a = x[i] + y[i], m = x[i] * y[i];
      const int inside = i % ld < 16 * panels;
      sum[i] = !inside ? x[i] : fabsf(a) < 0x1p-100f ? 0 : a;
      product[i] = !inside ? x[i] : fabsf(m) < 0x1p-100f ? 0 : m;
    }
    float *copy = gr_test_floats(size);
    if (size) memcpy(copy, x, size * sizeof *x);
    k->add_rows(n, panels, x, y, ld);
    k->multiply_rows(n, panels, copy, y, copy, ld);
    GR_CHECK(
        gr_test_difference(x, sum, size) == size && gr_test_difference(copy, product, size) == size,
        "%s: %zu rows, %zu panels", isa_name(k), n, panels);
    gr_test_release();
  }
}

/* The panels of weights [n_out][n_in] whose element (o, i) is 100 o + i, padding poisoned. */
static float *numbered_panels(size_t n_in, size_t n_out) {
  float *w = gr_test_floats(16 * gr_test_panels(n_out) * n_in);
  gr_test_poison(w, 16 * gr_test_panels(n_out) * n_in);
  for (size_t o = 0; o < n_out; o++)
    for (size_t i = 0; i < n_in; i++) w[(o / 16 * n_in + i) * 16 + o % 16] = (float)(100 * o + i);
  return w;
}

/* Counts the elements of a back copy that are not as they must be; its padding must hold -1. */
static int wrong_in_back(const float *back, size_t n_in, size_t n_out) {
  int wrong = 0;
  for (size_t i = 0; i < 16 * gr_test_panels(n_in); i++)
    for (size_t o = 0; o < n_out; o++)
      wrong += back[(i / 16 * n_out + o) * 16 + i % 16] != (i < n_in ? (float)(100 * o + i) : -1);
  return wrong;
}

static void the_back_copy_is_the_transpose(void) {
  GR_EACH_ISA(k)
  for (size_t n_in = 1; n_in <= 35; n_in++)
    for (size_t n_out = 1; n_out <= 35; n_out++) {
      const size_t size = 16 * gr_test_panels(n_in) * n_out;
      float *w = numbered_panels(n_in, n_out), *back = gr_test_floats(size);
      for (size_t i = 0; i < size; i++) back[i] = -1;
      for (size_t o = 0; o < n_out; o += 16) {
        const size_t n = n_out - o < 16 ? n_out - o : 16, half = n_in > 16 ? 16 : 0;
        const float *panel = w + o * n_in;
        if (n_out % 2) { /* in two pieces, as the pieces of an update do it */
          k->transpose_panel(half, n, panel, back + 16 * o, 16 * n_out);
          k->transpose_panel(n_in - half, n, panel + 16 * half, back + half * n_out + 16 * o,
                             16 * n_out);
        } else {
          k->transpose_panel(n_in, n, panel, back + 16 * o, 16 * n_out);
        }
      }
      GR_CHECK(wrong_in_back(back, n_in, n_out) == 0, "%s: %zu inputs, %zu outputs", isa_name(k),
               n_in, n_out);
      gr_test_release();
    }
}

/* Column j: elements j, j + 16 .. of the panel and then of the bias, to 16 partials, in a tree. */
static float squares_of_column(const float *panel, size_t n, const float *bias, size_t j) {
  float partial[16] = {0};
  for (size_t i = 0; i < n; i++)
    partial[i % 16] = fmaf(panel[16 * i + j], panel[16 * i + j], partial[i % 16]);
  if (bias) partial[n % 16] = fmaf(bias[j], bias[j], partial[n % 16]);
  for (size_t apart = 8; apart; apart /= 2)
    for (size_t i = 0; i < apart; i++) partial[i] += partial[i + apart];
  return partial[0];
}

static void rows_of_weights_are_measured_and_scaled(void) {
  gr_test_stream s = {gr_test_seed() + 12};
  GR_EACH_ISA(k) for (size_t n = 1; n <= 70; n++) {
    float *panel = gr_test_floats(16 * n), *bias = gr_test_floats(16), *sums = gr_test_floats(16),
          *with = gr_test_floats(16), *scaled = gr_test_floats(16 * n);
    gr_test_fill(&s, panel, 16 * n, 3);
    gr_test_fill(&s, bias, 16, 3);
    k->row_squares(n, panel, 0, NULL, 0, sums);
    k->row_squares(n, panel, 1, bias, 0, with);
    memcpy(scaled, panel, 16 * n * sizeof *panel);
    k->scale_rows(n, scaled, bias);
    for (size_t j = 0; j < 16; j++) {
      GR_CHECK(sums[j] == squares_of_column(panel, n, NULL, j) &&
                   with[j] == squares_of_column(panel, n, bias, j),
               "%s: column %zu of %zu inputs", isa_name(k), j, n);
      for (size_t i = 0; i < n; i++)
        GR_CHECK(scaled[16 * i + j] == panel[16 * i + j] * bias[j], "%s: row %zu", isa_name(k), i);
    }
    gr_test_release();
  }
}

static void averages_move_by_their_share(void) {
  static const float shares[] = {0, 0.1f, 0.5f, 1};
  gr_test_stream s = {gr_test_seed() + 13};
  GR_EACH_ISA(k) for (size_t c = 0; c < 4; c++) {
    float *a = gr_test_floats(48), *w = gr_test_floats(48), *wanted = gr_test_floats(48);
    gr_test_fill(&s, a, 48, 3);
    gr_test_fill(&s, w, 48, 3);
    for (size_t i = 0; i < 48; i++)
      wanted[i] = shares[c] == 1 ? w[i] : fmaf(shares[c], w[i] - a[i], a[i]);
    k->average(48, shares[c], a, w);
    GR_CHECK(gr_test_difference(a, wanted, 48) == 48, "%s, share %g", isa_name(k),
             (double)shares[c]);
    gr_test_release();
  }
}

static void the_table_of_an_instruction_set_is_complete(void) {
  GR_EACH_ISA(k) {
    CU_ASSERT_EQUAL((int)k->isa, isa_);
    CU_ASSERT(k->tile_rows >= 1 && k->tile_panels >= 1);
    const double flops = k->fma_rounds(1000); /* whole vectors of 16, two operations each */
    GR_CHECK(flops >= 32e3 && fmod(flops, 32e3) == 0, "%s counts %g operations", isa_name(k),
             flops);
  }
}

const gr_test vector_tests[] = {
    GR_TEST(column_sums_keep_their_contract),
    GR_TEST(addition_adds),
    GR_TEST(rows_are_added_and_multiplied),
    GR_TEST(the_back_copy_is_the_transpose),
    GR_TEST(rows_of_weights_are_measured_and_scaled),
    GR_TEST(averages_move_by_their_share),
    GR_TEST(the_table_of_an_instruction_set_is_complete),
    GR_TEST_END,
};
