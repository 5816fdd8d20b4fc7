/* Instruction sets that kernels exist for, and the choice among them. */
#ifndef GR_KERNEL_ISA_H
#define GR_KERNEL_ISA_H

#include "base/status.h"

typedef enum gr_isa {
#define GR_ISA_ROW(ID, name) GR_ISA_##ID,
#include "kernel/isa.def.h"
#undef GR_ISA_ROW
  GR_N_ISAS
} gr_isa;

/* "generic", "avx2", "avx512", "neon" by number. */
extern const char *const gr_isa_names[GR_N_ISAS];

/* True where kernels for it were compiled and this CPU runs them. */
int gr_isa_available(gr_isa isa);

/* `wanted` is a gr_isa, or -1: the environment variable GRADUS_ISA, else the best available.
 * Unknown or unavailable: GRADUS_ERR_CONFIG. */
gradus_status gr_isa_choose(int wanted, gr_isa *out, gradus_error *err);

#endif
