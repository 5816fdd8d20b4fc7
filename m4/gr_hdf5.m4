# GR_HDF5: HDF5 >= 1.10.7 (H5Pset_file_locking), by --with-hdf5=DIR, pkg-config (hdf5-serial, hdf5), or h5cc.
AC_DEFUN([GR_HDF5], [
  AC_ARG_WITH([hdf5], [AS_HELP_STRING([--with-hdf5=DIR], [HDF5 installed under DIR])], [], [with_hdf5=])
  gr_hdf5=
  AS_IF([test -n "$with_hdf5"], [
    gr_hdf5="--with-hdf5"; HDF5_CFLAGS="-I$with_hdf5/include"; HDF5_LIBS="-L$with_hdf5/lib -Wl,-rpath,$with_hdf5/lib -lhdf5"
  ], [
    PKG_CHECK_EXISTS([hdf5-serial], [gr_hdf5=hdf5-serial], [PKG_CHECK_EXISTS([hdf5], [gr_hdf5=hdf5])])
    AS_IF([test -n "$gr_hdf5"], [
      HDF5_CFLAGS=`$PKG_CONFIG --cflags $gr_hdf5`; HDF5_LIBS=`$PKG_CONFIG --libs $gr_hdf5`
    ], [
      AC_PATH_PROGS([H5CC], [h5cc h5pcc])
      AS_IF([test -n "$H5CC"], [
        gr_hdf5=$H5CC
        for gr_word in `$H5CC -show`; do
          AS_CASE([$gr_word], [-I*], [HDF5_CFLAGS="$HDF5_CFLAGS $gr_word"], [-L*|-l*|*.a], [HDF5_LIBS="$HDF5_LIBS $gr_word"])
        done
      ], [HDF5_LIBS=-lhdf5])
    ])
  ])
  gr_save_CPPFLAGS=$CPPFLAGS; gr_save_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $HDF5_CFLAGS"; LIBS="$HDF5_LIBS $LIBS"
  AC_MSG_CHECKING([for HDF5 >= 1.10.7])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <hdf5.h>
    #if !H5_VERSION_GE(1,10,7)
    #error too old
    #endif]], [[return H5Pset_file_locking(H5P_DEFAULT, 0, 1) < 0;]])],
    [AC_MSG_RESULT([yes ($gr_hdf5)])], [AC_MSG_RESULT([no]); gr_missing="$gr_missing libhdf5-dev"])
  CPPFLAGS=$gr_save_CPPFLAGS; LIBS=$gr_save_LIBS
  AC_SUBST([HDF5_CFLAGS])
  AC_SUBST([HDF5_LIBS])
])
