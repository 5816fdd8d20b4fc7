# Kernels: the same sources compiled once per instruction set into a convenience library each; symbols carry its name (kernel/simd.h).
libgradus_internal_la_SOURCES += %D%/activation.def.h %D%/loss.def.h %D%/optimizer.def.h %D%/normalization.def.h %D%/kinds.h %D%/kinds.c \
	%D%/isa.def.h %D%/isa.h %D%/kernel.h %D%/select.c
kernel_sources = %D%/simd.h %D%/simd/generic.h %D%/simd/avx2.h %D%/simd/avx512.h %D%/simd/x86_transpose.h %D%/simd/neon.h %D%/elementary.h \
	%D%/activation.h %D%/optimizer.h %D%/gemm.c %D%/vector.c %D%/expansion.h %D%/expand.c %D%/loss_terms.h %D%/loss.c %D%/dropout.c %D%/normalize.c %D%/parametric.c %D%/front.c %D%/probe.c

noinst_LTLIBRARIES += libkernel_generic.la
libkernel_generic_la_SOURCES = $(kernel_sources)
# -Wno-psabi: vectors of 64 bytes are passed between inlined functions only.
libkernel_generic_la_CFLAGS = $(AM_CFLAGS) -Wno-psabi
libgradus_internal_la_LIBADD += libkernel_generic.la

if HAVE_AVX2
noinst_LTLIBRARIES += libkernel_avx2.la
libkernel_avx2_la_SOURCES = $(kernel_sources)
libkernel_avx2_la_CPPFLAGS = $(AM_CPPFLAGS) -DGR_KERNEL_ISA_AVX2
libkernel_avx2_la_CFLAGS = $(AM_CFLAGS) $(AVX2_CFLAGS)
libgradus_internal_la_LIBADD += libkernel_avx2.la
endif

if HAVE_AVX512
noinst_LTLIBRARIES += libkernel_avx512.la
libkernel_avx512_la_SOURCES = $(kernel_sources)
libkernel_avx512_la_CPPFLAGS = $(AM_CPPFLAGS) -DGR_KERNEL_ISA_AVX512
libkernel_avx512_la_CFLAGS = $(AM_CFLAGS) $(AVX512_CFLAGS)
libgradus_internal_la_LIBADD += libkernel_avx512.la
endif

if HAVE_NEON
noinst_LTLIBRARIES += libkernel_neon.la
libkernel_neon_la_SOURCES = $(kernel_sources)
libkernel_neon_la_CPPFLAGS = $(AM_CPPFLAGS) -DGR_KERNEL_ISA_NEON
libkernel_neon_la_CFLAGS = $(AM_CFLAGS) $(NEON_CFLAGS)
libgradus_internal_la_LIBADD += libkernel_neon.la
endif
