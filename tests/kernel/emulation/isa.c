/* Takes the place of src/kernel/select.c in the emulated programs: generic, and the AVX-512 kernels
 * compiled against an emulation of their instructions, whatever this CPU has. */
#include <config.h>

#include "kernel/kernel.h"

extern const gr_kernels gr_kernels_generic, gr_kernels_avx512;

const char *const gr_isa_names[GR_N_ISAS] = {
#define GR_ISA_ROW(ID, name) #name,
#include "kernel/isa.def.h"
#undef GR_ISA_ROW
};

int gr_isa_available(gr_isa isa) {
  return isa == GR_ISA_GENERIC || isa == GR_ISA_AVX512;
}

const gr_kernels *gr_kernels_of(gr_isa isa) {
  return isa == GR_ISA_AVX512 ? &gr_kernels_avx512 : &gr_kernels_generic;
}

gradus_status gr_isa_choose(int wanted, gr_isa *out, gradus_error *err) {
  *out = wanted == GR_ISA_GENERIC ? GR_ISA_GENERIC : GR_ISA_AVX512;
  return wanted < 0 || gr_isa_available(*out) ? GRADUS_OK
                                              : gr_fail(err, GRADUS_ERR_CONFIG, "not emulated");
}
