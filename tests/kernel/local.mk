# Tests of this layer: check_PROGRAMS += ..., TESTS += ...
check_PROGRAMS += test-kernel
TESTS += test-kernel
test_kernel_SOURCES = %D%/kernel_tests.h %D%/test_kernel.c %D%/test_products.c %D%/test_gradient.c %D%/test_vectors.c \
	%D%/test_updates.c %D%/test_gather.c %D%/test_activations.c %D%/test_loss.c %D%/test_softmax.c %D%/test_elementary.c %D%/test_environment.c %D%/test_normalize.c %D%/test_parametric.c
test_kernel_CPPFLAGS = $(test_cppflags) -I$(srcdir)/%D%
test_kernel_LDADD = $(test_libs) -lm
EXTRA_DIST += %D%/emulation/isa.c %D%/emulation/immintrin.h
