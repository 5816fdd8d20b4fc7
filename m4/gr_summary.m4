AC_DEFUN([GR_SUMMARY], [
AS_IF([test "x$gr_cunit" = xyes], [gr_next="make && make check"], [gr_next="make    (make check wants libcunit1-dev)"])
cat <<GR_END

  gradus $PACKAGE_VERSION
    compiler    $CC
    flags       $CFLAGS $OPENMP_CFLAGS
    kernels     $gr_isas
    HDF5        ${gr_hdf5:-found without pkg-config}
    CUnit       $gr_cunit
    prefix      $prefix
  Next: $gr_next

GR_END
])
