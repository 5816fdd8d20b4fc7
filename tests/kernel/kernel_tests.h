/* What the contract suites of the kernels share: every check runs once for each instruction set
 * that was compiled and that this CPU has. */
#ifndef GR_TESTS_KERNEL_KERNEL_TESTS_H
#define GR_TESTS_KERNEL_KERNEL_TESTS_H

#include "kernel/kernel.h"
#include "support/numbers.h"
#include "support/oracle.h"
#include "support/test.h"

/* Declares `for (each available instruction set but the first, generic)` with k its kernels. */
#define GR_EACH_OTHER_ISA(k)                                                                \
  for (int isa_ = 1; isa_ < GR_N_ISAS; isa_++)                                              \
    for (const gr_kernels *k = gr_isa_available((gr_isa)isa_) ? gr_kernels_of((gr_isa)isa_) \
                                                              : NULL;                       \
         k; k = NULL)

/* The same with generic. */
#define GR_EACH_ISA(k)                                                                      \
  for (int isa_ = 0; isa_ < GR_N_ISAS; isa_++)                                              \
    for (const gr_kernels *k = gr_isa_available((gr_isa)isa_) ? gr_kernels_of((gr_isa)isa_) \
                                                              : NULL;                       \
         k; k = NULL)

static inline const gr_kernels *generic_kernels(void) {
  return gr_kernels_of(GR_ISA_GENERIC);
}
static inline const char *isa_name(const gr_kernels *k) {
  return gr_isa_names[k->isa];
}

extern const gr_test product_tests[], gradient_tests[], vector_tests[], update_tests[],
    gather_tests[], activation_tests[], loss_tests[], softmax_tests[], elementary_tests[],
    environment_tests[], normalize_tests[], parametric_tests[];

#endif
