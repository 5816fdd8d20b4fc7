check_PROGRAMS += test-base
TESTS += test-base
test_base_SOURCES = %D%/suites.h %D%/test_base.c %D%/test_base_cpu.c
test_base_CPPFLAGS = $(test_cppflags) -I$(srcdir)/%D%
test_base_LDADD = $(test_libs)
