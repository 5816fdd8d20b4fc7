/* One row per instruction set, of each architecture slowest first: GR_ISA_ROW(ID, name). */
GR_ISA_ROW(GENERIC, generic)
GR_ISA_ROW(AVX2, avx2)
GR_ISA_ROW(AVX512, avx512)
GR_ISA_ROW(NEON, neon)
