# GR_COMPILER: the language, the warnings we keep clean, and the flags that the arithmetic contract needs.
AC_DEFUN([GR_COMPILER], [
  GR_CFLAGS="-std=c11"
  for gr_flag in -ffp-contract=off -fno-math-errno -fno-trapping-math -fvisibility=hidden; do
    AC_MSG_CHECKING([whether $CC accepts $gr_flag])
    gr_save_CFLAGS=$CFLAGS; CFLAGS="$CFLAGS -Werror $gr_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); GR_CFLAGS="$GR_CFLAGS $gr_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$gr_save_CFLAGS
  done
  GR_WARNINGS=
  for gr_flag in -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wdouble-promotion -Wno-unknown-pragmas; do
    gr_save_CFLAGS=$CFLAGS; CFLAGS="$CFLAGS -Werror $gr_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [GR_WARNINGS="$GR_WARNINGS $gr_flag"])
    CFLAGS=$gr_save_CFLAGS
  done
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat warnings as errors (for developers)])])
  AS_IF([test "x$enable_werror" = xyes], [GR_WARNINGS="$GR_WARNINGS -Werror"])
  AC_SUBST([GR_CFLAGS])
  AC_SUBST([GR_WARNINGS])
])
