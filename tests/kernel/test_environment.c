/* The floating-point environment: kernels run in the standard one, callers find theirs again. */
#include <config.h>

#include <fenv.h>
#include <string.h>

#include "kernel_tests.h"
#include "support/control.h"

/* Division as the machine does it at this place: operands and result pass through volatile memory,
 * so that a compiler neither folds it nor carries it past a change of the environment. */
static float quotient(float a, float b) {
  volatile float x = a, y = b, result;
  result = x / y;
  return result;
}

static void the_rounding_mode_of_the_caller_returns(void) {
  static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  const float third = quotient(1, 3), minus_third = quotient(-1, 3);
  GR_EACH_ISA(k) for (int i = 0; i < 4; i++) {
    CU_ASSERT_EQUAL(fesetround(modes[i]), 0);
    const unsigned saved = k->environment_enter();
    const float inside = quotient(1, 3), minus_inside = quotient(-1, 3);
    k->environment_leave(saved);
    const int after = fegetround();
    fesetround(FE_TONEAREST);
    GR_CHECK(inside == third && minus_inside == minus_third, "%s: mode %d inside", isa_name(k), i);
    GR_CHECK(after == modes[i], "%s: mode %d is %x afterwards", isa_name(k), i, (unsigned)after);
  }
}

static void subnormals_exist_inside_and_the_callers_flags_return(void) {
#ifdef GR_CONTROL
  const unsigned before = gr_control(), low = GR_CONTROL_FLAGS & -GR_CONTROL_FLAGS,
                 sets[] = {0, low, GR_CONTROL_FLAGS - low, GR_CONTROL_FLAGS};
  GR_EACH_ISA(k) for (int i = 0; i < 4; i++) {
    const unsigned set = GR_CONTROL_STANDARD | sets[i] | GR_CONTROL_ROUNDING;
    gr_control_set(set);
    const unsigned saved = k->environment_enter();
    const float result = quotient(0x1p-126f, 4), operand = quotient(0x1p-149f, 0.5f);
    const unsigned during = gr_control();
    k->environment_leave(saved);
    const unsigned after = gr_control();
    gr_control_set(before);
    GR_CHECK(result == 0x1p-128f && operand == 0x1p-148f, "%s: subnormals are lost", isa_name(k));
    GR_CHECK((during & (GR_CONTROL_FLAGS | GR_CONTROL_ROUNDING)) == 0, "%s: %x inside", isa_name(k),
             during);
    GR_CHECK(after == set, "%s: %x afterwards", isa_name(k), after);
  }
#else
  CU_PASS("this architecture has no flags that C can reach");
#endif
}

const gr_test environment_tests[] = {
    GR_TEST(the_rounding_mode_of_the_caller_returns),
    GR_TEST(subnormals_exist_inside_and_the_callers_flags_return),
    GR_TEST_END,
};
