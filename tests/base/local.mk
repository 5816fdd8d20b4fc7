check_PROGRAMS += test-base
TESTS += test-base
test_base_SOURCES = %D%/test_base.c
test_base_CPPFLAGS = $(test_cppflags)
test_base_LDADD = $(test_libs)
