# GR_HDF5: HDF5 >= 1.10.7 (the first with H5Pset_file_locking), serial or parallel build. Tried in this order, each by linking a
# program: HDF5_CFLAGS and HDF5_LIBS as given; --with-hdf5=DIR alone if given; else pkg-config (hdf5-serial, hdf5, hdf5-openmpi,
# hdf5-mpich), what h5cc or h5pcc show, and plain -lhdf5.
m4_define([GR_HDF5_MINIMUM], [1.10.7])

# GR_HDF5_TRY(NAME): does a program link with $gr_cflags and $gr_libs? Sets gr_hdf5 and the HDF5 variables; else notes a version that is too old.
AC_DEFUN([GR_HDF5_TRY], [
  gr_save_CPPFLAGS=$CPPFLAGS; gr_save_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $gr_cflags"; LIBS="$gr_libs $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <hdf5.h>
    #if !H5_VERSION_GE(1,10,7)
    #error too old
    #endif]], [[return H5Pset_file_locking(H5P_DEFAULT, 0, 1) < 0;]])],
    [gr_hdf5=$1; HDF5_CFLAGS=$gr_cflags; HDF5_LIBS=$gr_libs],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <hdf5.h>]], [])], [gr_hdf5_unfit="$gr_hdf5_unfit $1"])])
  CPPFLAGS=$gr_save_CPPFLAGS; LIBS=$gr_save_LIBS
])

# GR_HDF5_WRAPPER(H5CC): tries the flags that a compiler wrapper shows, with those of the MPI wrapper below it.
AC_DEFUN([GR_HDF5_WRAPPER], [
  gr_cflags=; gr_libs=
  gr_shown=`$1 -show 2>/dev/null`
  AS_CASE([${gr_shown%% *}], [*mpi*], [gr_shown="$gr_shown `${gr_shown%% *} -show 2>/dev/null`"])
  for gr_word in $gr_shown; do
    AS_CASE([$gr_word],
      [-I*], [gr_cflags="$gr_cflags $gr_word"],
      [-L*|-l*|-Wl,-rpath*|*.a|*.so], [gr_libs="$gr_libs $gr_word"])
  done
  AS_IF([test -n "$gr_libs"], [GR_HDF5_TRY([$1])])
])

AC_DEFUN([GR_HDF5], [
  AC_ARG_WITH([hdf5], [AS_HELP_STRING([--with-hdf5=DIR], [HDF5 (serial or parallel) is installed under DIR])], [], [with_hdf5=])
  AC_ARG_VAR([HDF5_CFLAGS], [preprocessor flags for HDF5, instead of looking for it])
  AC_ARG_VAR([HDF5_LIBS], [linker flags for HDF5, instead of looking for it])
  AS_CASE([$with_hdf5], [yes], [with_hdf5=], [no], [AC_MSG_ERROR([gradus needs HDF5: its data sets and checkpoints are HDF5 files])])
  AC_MSG_CHECKING([for HDF5 >= GR_HDF5_MINIMUM])
  gr_hdf5=; gr_hdf5_unfit=; gr_hdf5_version=
  AS_IF([test -n "$HDF5_LIBS$HDF5_CFLAGS"], [
    gr_cflags=$HDF5_CFLAGS; gr_libs=${HDF5_LIBS:--lhdf5}
    GR_HDF5_TRY([HDF5_LIBS])
  ], [test -n "$with_hdf5"], [
    for gr_lib in lib lib64; do
      AS_IF([test -z "$gr_hdf5" && test -d "$with_hdf5/$gr_lib"], [
        gr_cflags="-I$with_hdf5/include"; gr_libs="-L$with_hdf5/$gr_lib -Wl,-rpath,$with_hdf5/$gr_lib -lhdf5"
        GR_HDF5_TRY(["$with_hdf5"])
      ])
    done
    for gr_wrapper in "$with_hdf5/bin/h5cc" "$with_hdf5/bin/h5pcc"; do
      AS_IF([test -z "$gr_hdf5" && test -x "$gr_wrapper"], [GR_HDF5_WRAPPER([$gr_wrapper])])
    done
    AM_DISTCHECK_CONFIGURE_FLAGS="--with-hdf5='$with_hdf5'"
  ], [
    for gr_module in hdf5-serial hdf5 hdf5-openmpi hdf5-mpich; do
      AS_IF([test -z "$gr_hdf5" && test -n "$PKG_CONFIG" && $PKG_CONFIG --exists $gr_module], [
        gr_cflags=`$PKG_CONFIG --cflags $gr_module`; gr_libs=`$PKG_CONFIG --libs $gr_module`
        GR_HDF5_TRY([$gr_module])
      ])
    done
    for gr_wrapper in h5cc h5pcc; do
      AS_IF([test -z "$gr_hdf5" && command -v $gr_wrapper >/dev/null 2>&1], [GR_HDF5_WRAPPER([$gr_wrapper])])
    done
    AS_IF([test -z "$gr_hdf5"], [gr_cflags=; gr_libs=-lhdf5; GR_HDF5_TRY([-lhdf5])])
  ])
  AS_IF([test -n "$gr_hdf5"], [
    GR_HDF5_VERSION
    AC_MSG_RESULT([$gr_hdf5_version ($gr_hdf5)])
  ], [
    AC_MSG_RESULT([no])
    gr_missing="$gr_missing libhdf5-dev"
    AS_IF([test -n "$gr_hdf5_unfit"],
      [gr_note="$gr_note
  HDF5 is there ($gr_hdf5_unfit ) but older than GR_HDF5_MINIMUM or without its library."])
    AS_IF([test -n "$with_hdf5"], [gr_note="$gr_note
  No HDF5 >= GR_HDF5_MINIMUM under --with-hdf5=$with_hdf5 (include/hdf5.h and lib/libhdf5, or bin/h5cc)."])
  ])
  AC_SUBST([AM_DISTCHECK_CONFIGURE_FLAGS])
])

# GR_HDF5_VERSION: for the summary: "1.10.8", or "1.10.8 parallel".
AC_DEFUN([GR_HDF5_VERSION], [
  gr_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $HDF5_CFLAGS"
  AC_COMPUTE_INT([gr_n], [H5_VERS_MAJOR * 1000000 + H5_VERS_MINOR * 1000 + H5_VERS_RELEASE], [#include <hdf5.h>], [gr_n=0])
  gr_hdf5_version=`expr $gr_n / 1000000`.`expr $gr_n / 1000 % 1000`.`expr $gr_n % 1000`
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <hdf5.h>
    #ifndef H5_HAVE_PARALLEL
    #error serial
    #endif]], [])], [gr_hdf5_version="$gr_hdf5_version parallel"])
  CPPFLAGS=$gr_save_CPPFLAGS
])
