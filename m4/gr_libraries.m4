# GR_REQUIRE(PREFIX, PKGCONFIG-MODULE, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE): by pkg-config, else by hand; else say what to install.
AC_DEFUN([GR_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [], [
    gr_save_LIBS=$LIBS
    AC_CHECK_HEADER([$3], [AC_CHECK_LIB([$4], [$5], [$1_LIBS="-l$4"; $1_CFLAGS=], [gr_missing="$gr_missing $6"])],
      [gr_missing="$gr_missing $6"])
    LIBS=$gr_save_LIBS
  ])
])

AC_DEFUN([GR_OPENMP], [
  gr_missing=
  AC_OPENMP
  AS_IF([test "x$ac_cv_prog_c_openmp" = xunsupported], [
    AS_CASE([$CC], [*clang*], [gr_missing="$gr_missing libomp-dev"], [gr_missing="$gr_missing libgomp1"])])
])

# GR_LIBRARIES: libyaml, xxhash, zlib; then stops with the list of Debian packages when something is missing.
AC_DEFUN([GR_LIBRARIES], [
  GR_REQUIRE([YAML], [yaml-0.1 >= 0.2.1], [yaml.h], [yaml], [yaml_parser_initialize], [libyaml-dev])
  GR_REQUIRE([XXHASH], [libxxhash >= 0.8.0], [xxhash.h], [xxhash], [XXH3_128bits_update], [libxxhash-dev])
  GR_REQUIRE([ZLIB], [zlib], [zlib.h], [z], [inflate], [zlib1g-dev])
  AS_IF([test -n "$gr_missing"],
    [AC_MSG_ERROR([missing libraries. On Debian or Ubuntu:
    apt-get install$gr_missing])])
])

# GR_CUNIT: only `make check` needs it.
AC_DEFUN([GR_CUNIT], [
  PKG_CHECK_MODULES([CUNIT], [cunit], [gr_cunit=yes], [
    AC_CHECK_HEADER([CUnit/Basic.h], [AC_CHECK_LIB([cunit], [CU_initialize_registry], [gr_cunit=yes; CUNIT_LIBS=-lcunit], [gr_cunit=no])], [gr_cunit=no])])
  AM_CONDITIONAL([HAVE_CUNIT], [test "x$gr_cunit" = xyes])
])
