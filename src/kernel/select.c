/* Which instruction set's kernels to use: what was compiled, what this CPU runs, what the user
 * wants. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/text.h"
#include "kernel/kernel.h"

extern const gr_kernels gr_kernels_generic;
#ifdef GR_HAVE_AVX2
extern const gr_kernels gr_kernels_avx2;
#endif
#ifdef GR_HAVE_AVX512
extern const gr_kernels gr_kernels_avx512;
#endif
#ifdef GR_HAVE_NEON
extern const gr_kernels gr_kernels_neon;
#endif

const char *const gr_isa_names[GR_N_ISAS] = {
#define GR_ISA_ROW(ID, name) #name,
#include "kernel/isa.def.h"
#undef GR_ISA_ROW
};

static const gr_kernels *const compiled[GR_N_ISAS] = {
    [GR_ISA_GENERIC] = &gr_kernels_generic,
#ifdef GR_HAVE_AVX2
    [GR_ISA_AVX2] = &gr_kernels_avx2,
#endif
#ifdef GR_HAVE_AVX512
    [GR_ISA_AVX512] = &gr_kernels_avx512,
#endif
#ifdef GR_HAVE_NEON
    [GR_ISA_NEON] = &gr_kernels_neon,
#endif
};

static int cpu_runs(gr_isa isa) {
  gr_cpu cpu = {0};
  gr_cpu_features(&cpu);
  const int avx2 = cpu.avx2 && cpu.fma && cpu.f16c;
  return isa == GR_ISA_GENERIC || (isa == GR_ISA_AVX2 && avx2) ||
         (isa == GR_ISA_AVX512 && avx2 && cpu.avx512) || (isa == GR_ISA_NEON && cpu.neon);
}

int gr_isa_available(gr_isa isa) {
  return isa < GR_N_ISAS && compiled[isa] && cpu_runs(isa);
}

const gr_kernels *gr_kernels_of(gr_isa isa) {
  return gr_isa_available(isa) ? compiled[isa] : &gr_kernels_generic;
}

static gradus_status by_name(const char *name, gr_isa *out, gradus_error *err) {
  for (int i = 0; i < GR_N_ISAS; i++)
    if (strcmp(name, gr_isa_names[i]) == 0) {
      *out = (gr_isa)i;
      return GRADUS_OK;
    }
  const char *near = gr_nearest_word(name, gr_isa_names, GR_N_ISAS);
  return gr_fail(err, GRADUS_ERR_CONFIG, "GRADUS_ISA: unknown instruction set '%s'; %s'%s'%s", name,
                 near ? "did you mean " : "one of ", near ? near : "generic, avx2, avx512, neon",
                 near ? "?" : "");
}

gradus_status gr_isa_choose(int wanted, gr_isa *out, gradus_error *err) {
  const char *name = getenv("GRADUS_ISA");
  gr_isa isa = GR_ISA_GENERIC;
  if (wanted >= 0 && wanted < GR_N_ISAS) {
    isa = (gr_isa)wanted;
  } else if (name && *name && strcmp(name, "auto") != 0) {
    GR_TRY(by_name(name, &isa, err));
  } else {
    for (int i = 0; i < GR_N_ISAS; i++)
      if (gr_isa_available((gr_isa)i)) isa = (gr_isa)i;
  }
  if (!gr_isa_available(isa))
    return gr_fail(
        err, GRADUS_ERR_CONFIG, "instruction set %s: %s", gr_isa_names[isa],
        compiled[isa] ? "this CPU does not have it" : "this build has no kernels for it");
  *out = isa;
  return GRADUS_OK;
}
