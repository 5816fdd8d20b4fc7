# GR_SUMMARY: one screen: what will be built, with what, and the next command.
AC_DEFUN([GR_SUMMARY], [
AS_IF([test "x$gr_cunit" = xyes],
  [gr_next="make && make check"; gr_tests="yes (CUnit)"],
  [gr_next="make"; gr_tests="no: make check wants libcunit1-dev"])
gr_compiler=`$CC --version 2>/dev/null | sed 1q`
cat <<GR_END

  gradus $PACKAGE_VERSION
    compiler    $CC: $gr_compiler
    CFLAGS      $CFLAGS $OPENMP_CFLAGS
    kernels     $gr_isas
    HDF5        $gr_hdf5_version ($gr_hdf5)
    filters     gzip: yes, lz4: $gr_with_lz4, zstd: $gr_with_zstd
    libraries   shared: $enable_shared, static: $enable_static
    tests       $gr_tests
    install to  $prefix

  Next: $gr_next

GR_END
])
