# Tests of this layer: check_PROGRAMS += ..., TESTS += ...
check_PROGRAMS += test-interop
TESTS += test-interop
test_interop_SOURCES = %D%/test_interop.h %D%/test_interop.c %D%/test_interop_text.c %D%/test_interop_table.c \
	%D%/test_interop_idx.c %D%/test_interop_stream.c %D%/test_interop_numpy.c %D%/test_interop_libsvm.c \
	%D%/test_interop_append.c %D%/test_interop_generate.c %D%/test_interop_predictions.c
test_interop_CPPFLAGS = $(test_cppflags)
test_interop_LDADD = $(test_libs)
