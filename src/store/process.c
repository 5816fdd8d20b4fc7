/* HDF5's process-wide switches, and what build of it this is. The library proper never calls
 * gr_store_prepare_process: its host may have other plans for HDF5. */
#include <config.h>

#include "store/process.h"

#include <hdf5.h>
#include <stdio.h>

void gr_store_prepare_process(void) {
  /* Nothing can be done where one of these fails, and nothing is lost by going on. */
  (void)H5dont_atexit();
  (void)H5PLset_loading_state(0);
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

bool gr_store_is_threadsafe(void) {
  hbool_t safe = 0;
  return H5is_library_threadsafe(&safe) >= 0 && safe;
}

void gr_store_describe_hdf5(char *out) {
  unsigned major = 0, minor = 0, release = 0;
  hbool_t safe = 0;
  int known = H5get_libversion(&major, &minor, &release) >= 0;
  int asked = H5is_library_threadsafe(&safe) >= 0;
  int deflate = H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0,
      szip = H5Zfilter_avail(H5Z_FILTER_SZIP) > 0;
  if (!known)
    snprintf(out, 128, "unknown version");
  else
    snprintf(out, 128, "%u.%u.%u, %s, %s, %s", major, minor, release,
             asked && safe ? "thread-safe" : "not thread-safe", deflate ? "gzip" : "no gzip",
             szip ? "szip" : "no szip");
}
