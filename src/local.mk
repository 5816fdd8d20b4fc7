# Everything but api and cli goes into one convenience library: tests reach internals through it, libgradus exports only GRADUS_API.
EXTRA_DIST += src/README.md
noinst_LTLIBRARIES += libgradus-internal.la
libgradus_internal_la_SOURCES =
libgradus_internal_la_LIBADD = $(HDF5_LIBS) $(YAML_LIBS) $(XXHASH_LIBS) $(ZLIB_LIBS) $(LZ4_LIBS) $(ZSTD_LIBS) -lm

include %D%/base/local.mk
include %D%/kernel/local.mk
include %D%/net/local.mk
include %D%/store/local.mk
include %D%/plan/local.mk
include %D%/exec/local.mk
include %D%/train/local.mk
include %D%/interop/local.mk
include %D%/api/local.mk
include %D%/cli/local.mk
