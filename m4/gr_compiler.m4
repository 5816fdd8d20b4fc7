# GR_NEED_COMPILER: before anything expands AC_PROG_CC, whose own message names no package.
AC_DEFUN([GR_NEED_COMPILER], [
  gr_have_compiler=no
  for gr_word in "$CC" gcc cc clang; do
    AS_IF([test -n "$gr_word" && command -v "${gr_word%% *}" >/dev/null 2>&1], [gr_have_compiler=yes; break])
  done
  AS_IF([test "$gr_have_compiler" = no], [AC_MSG_ERROR([no C compiler found. On Debian or Ubuntu:
    apt-get install gcc make pkg-config libhdf5-dev libyaml-dev libxxhash-dev zlib1g-dev libcunit1-dev])])
])

# GR_TRY_CFLAG(FLAG, IF-ACCEPTED, IF-NOT)
AC_DEFUN([GR_TRY_CFLAG], [
  gr_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [CFLAGS=$gr_save_CFLAGS; $2], [CFLAGS=$gr_save_CFLAGS; $3])
])

# GR_COMPILER: the language, the warnings we keep clean, and the flags that the arithmetic contract needs.
AC_DEFUN([GR_COMPILER], [
  GR_CFLAGS="-std=c11"
  AC_MSG_CHECKING([whether $CC accepts -ffp-contract=off])
  GR_TRY_CFLAG([-ffp-contract=off], [AC_MSG_RESULT([yes]); GR_CFLAGS="$GR_CFLAGS -ffp-contract=off"],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([this compiler may fuse multiplications and additions at will, and then no two builds agree. Use gcc or clang])])
  for gr_flag in -fno-math-errno -fno-trapping-math -fvisibility=hidden; do
    AC_MSG_CHECKING([whether $CC accepts $gr_flag])
    GR_TRY_CFLAG([$gr_flag], [AC_MSG_RESULT([yes]); GR_CFLAGS="$GR_CFLAGS $gr_flag"], [AC_MSG_RESULT([no])])
  done
  GR_WARNINGS=
  for gr_flag in -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
      -Wdouble-promotion -Wno-unknown-pragmas; do
    GR_TRY_CFLAG([$gr_flag], [GR_WARNINGS="$GR_WARNINGS $gr_flag"])
  done
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat warnings as errors (for developers)])])
  AS_IF([test "x$enable_werror" = xyes], [GR_WARNINGS="$GR_WARNINGS -Werror"])
  AC_SUBST([GR_CFLAGS])
  AC_SUBST([GR_WARNINGS])
  GR_ARITHMETIC
])

# GR_ARITHMETIC: refuses flags under which equal recipes would not give equal bits.
AC_DEFUN([GR_ARITHMETIC], [
  AC_MSG_CHECKING([whether float arithmetic is IEEE 754, with no excess precision])
  gr_save_CFLAGS=$CFLAGS
  CFLAGS="$GR_CFLAGS $CFLAGS"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
    #if defined __FAST_MATH__ || (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__)
    #error -ffast-math or -Ofast
    #endif
    #include <float.h>
    #if FLT_EVAL_METHOD != 0 || FLT_RADIX != 2 || FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
    #error float is not evaluated as float
    #endif]], [])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([CFLAGS="$gr_save_CFLAGS" break the promise of equal bits. Leave out -ffast-math and -Ofast; on 32-bit x86 add -msse2 -mfpmath=sse])])
  CFLAGS=$gr_save_CFLAGS
])
