# GR_ISA: which instruction sets this compiler can make kernels for; a new one is one more GR_PROBE_ISA.
#
# GR_PROBE_ISA(NAME, FLAGS, PROGRAM): links a program with the very intrinsics used: that a compiler accepts a flag proves nothing.
# Gives $(NAME_CFLAGS) and HAVE_NAME to the makefiles (for the objects of that instruction set alone) and GR_HAVE_NAME to config.h.
AC_DEFUN([GR_PROBE_ISA], [
  AC_MSG_CHECKING([whether $CC makes $1 kernels])
  gr_save_CFLAGS=$CFLAGS; CFLAGS="$CFLAGS $2"
  AC_LINK_IFELSE([$3], [gr_isa_$1=yes], [gr_isa_$1=no])
  CFLAGS=$gr_save_CFLAGS
  AC_MSG_RESULT([$gr_isa_$1])
  AS_IF([test "x$gr_isa_$1" = xyes],
    [gr_isas="$gr_isas $1"; AC_DEFINE([GR_HAVE_]m4_toupper([$1]), [1], [$1 kernels are compiled])])
  AC_SUBST(m4_toupper([$1])[_CFLAGS], ["$2"])
  AM_CONDITIONAL([HAVE_]m4_toupper([$1]), [test "x$gr_isa_$1" = xyes])
])

AC_DEFUN([GR_ISA], [
  gr_isas=generic
  GR_PROBE_ISA([avx2], [-mavx2 -mfma -mf16c -mtune=haswell],
    [AC_LANG_PROGRAM([[#include <immintrin.h>]],
    [[__m256 a = _mm256_set1_ps(1); a = _mm256_fmadd_ps(a, a, a);
      __m256 h = _mm256_cvtph_ps(_mm_setzero_si128());
      return _mm256_movemask_ps(_mm256_add_ps(a, h));]])])
  GR_PROBE_ISA([avx512], [-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512],
    [AC_LANG_PROGRAM([[#include <immintrin.h>]],
    [[__m512 a = _mm512_set1_ps(1); a = _mm512_fmadd_ps(a, a, a);
      return (int)_mm512_cmp_ps_mask(a, a, _CMP_LT_OQ) + (int)_mm512_reduce_add_ps(_mm512_maskz_mov_ps(3, a));]])])
  # No flags: NEON is part of AArch64. 32-bit ARM has arm_neon.h, too, but neither division nor the narrow multiply-add by lane.
  GR_PROBE_ISA([neon], [],
    [AC_LANG_PROGRAM([[#include <arm_neon.h>
    #ifndef __aarch64__
    #error not AArch64
    #endif]],
    [[float32x4_t a = vdupq_n_f32(1); a = vfmaq_lane_f32(a, a, vdup_n_f32(2), 0);
      float32x4_t h = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(0)));
      return (int)vgetq_lane_f32(vdivq_f32(vsqrtq_f32(a), vtrn1q_f32(a, h)), 0);]])])
])
