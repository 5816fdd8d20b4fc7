# Tests of this layer: through the shared library, as its users see it, and against an installed copy.
check_PROGRAMS += test-api
TESTS += test-api %D%/symbols.sh %D%/install.sh
test_api_SOURCES = %D%/test_api.c %D%/test_api_run.c %D%/test_api_metrics.c
test_api_CPPFLAGS = $(test_cppflags)
test_api_LDADD = libtest-support.la libgradus.la $(CUNIT_LIBS) -lm
dist_check_SCRIPTS += %D%/symbols.sh %D%/install.sh
EXTRA_DIST += examples/train.c
