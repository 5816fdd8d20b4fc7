# What is missing is collected in gr_missing (Debian packages) and gr_note (lines to add), and told once, by GR_LIBRARIES.

# GR_REQUIRE(PREFIX, PKGCONFIG-MODULE, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE): by pkg-config, else by hand.
AC_DEFUN([GR_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [], [
    gr_save_LIBS=$LIBS
    AC_CHECK_HEADER([$3], [AC_CHECK_LIB([$4], [$5], [$1_LIBS="-l$4"; $1_CFLAGS=], [gr_missing="$gr_missing $6"])],
      [gr_missing="$gr_missing $6"])
    LIBS=$gr_save_LIBS
  ])
])

# GR_OPENMP: gcc (libgomp) or clang (libomp). There is no build without it.
AC_DEFUN([GR_OPENMP], [
  gr_missing=; gr_note=
  AC_ARG_VAR([OPENMP_CFLAGS], [compiler flags for OpenMP @<:@-fopenmp@:>@])
  : ${OPENMP_CFLAGS="-fopenmp"}
  AC_MSG_CHECKING([whether $CC $OPENMP_CFLAGS makes OpenMP programs])
  gr_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $OPENMP_CFLAGS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <omp.h>
    #if !defined _OPENMP || _OPENMP < 201511
    #error OpenMP 4.5 is wanted
    #endif]], [[int n = 0;
    #pragma omp parallel
    {
    #pragma omp atomic
      n += omp_get_thread_num();
    }
    return n + omp_get_max_threads();]])], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      #ifndef __clang__
      #error gcc
      #endif]], [])], [gr_missing="$gr_missing libomp-dev"], [gr_missing="$gr_missing gcc"])])
  CFLAGS=$gr_save_CFLAGS
])

# GR_OPTIONAL(PREFIX, NAME, PKGCONFIG-MODULE, DEBIAN-PACKAGE): used where it is, unless --without-NAME; sets gr_with_NAME for the
# summary.
AC_DEFUN([GR_OPTIONAL], [
  AC_ARG_WITH([$2], [AS_HELP_STRING([--without-$2], [refuse data sets compressed with $2])], [], [with_$2=auto])
  gr_with_$2="no ($4)"
  AS_IF([test "x$with_$2" != xno], [PKG_CHECK_MODULES([$1], [$3], [
    gr_with_$2=yes
    AC_DEFINE([HAVE_$1], [1], [data sets compressed with $2 can be read])
  ], [AS_IF([test "x$with_$2" = xyes], [gr_missing="$gr_missing $4"])])])
])

# GR_LIBRARIES: libyaml, xxhash, zlib, and if they are there lz4 and zstd; then stops with everything that is missing.
AC_DEFUN([GR_LIBRARIES], [
  GR_REQUIRE([YAML], [yaml-0.1 >= 0.2.1], [yaml.h], [yaml], [yaml_parser_initialize], [libyaml-dev])
  GR_REQUIRE([XXHASH], [libxxhash >= 0.8.0], [xxhash.h], [xxhash], [XXH3_128bits_update], [libxxhash-dev])
  GR_REQUIRE([ZLIB], [zlib], [zlib.h], [z], [inflate], [zlib1g-dev])
  GR_OPTIONAL([LZ4], [lz4], [liblz4 >= 1.7.5], [liblz4-dev])
  GR_OPTIONAL([ZSTD], [zstd], [libzstd >= 1.3.0], [libzstd-dev])
  AS_IF([test -n "$gr_missing" && test -z "$PKG_CONFIG"], [gr_missing="$gr_missing pkg-config"])
  AS_IF([test -n "$gr_missing"],
    [AC_MSG_ERROR([not everything that gradus needs is here.$gr_note
  On Debian or Ubuntu:
    apt-get install$gr_missing])])
])

# GR_CUNIT: only `make check` needs it.
AC_DEFUN([GR_CUNIT], [
  PKG_CHECK_MODULES([CUNIT], [cunit], [gr_cunit=yes], [
    gr_cunit=no
    AC_CHECK_HEADER([CUnit/Basic.h],
      [AC_CHECK_LIB([cunit], [CU_initialize_registry], [gr_cunit=yes; CUNIT_LIBS=-lcunit; CUNIT_CFLAGS=], [:])])])
  AM_CONDITIONAL([HAVE_CUNIT], [test "x$gr_cunit" = xyes])
])
