# One program per layer; suites mirror the modules. Without CUnit everything builds and only `make check` refuses.
if HAVE_CUNIT
check_LTLIBRARIES = libtest-support.la
libtest_support_la_SOURCES = %D%/support/test.h %D%/support/test.c %D%/support/numbers.h %D%/support/numbers.c \
	%D%/support/oracle.h %D%/support/oracle.c
libtest_support_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CUNIT_CFLAGS)
test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CUNIT_CFLAGS)
test_libs = libtest-support.la libgradus-internal.la $(CUNIT_LIBS)

include %D%/base/local.mk
include %D%/kernel/local.mk
include %D%/net/local.mk
include %D%/store/local.mk
include %D%/exec/local.mk
include %D%/train/local.mk
include %D%/interop/local.mk
include %D%/api/local.mk
include %D%/cli/local.mk
else
check-local:
	@echo "make check needs CUnit: apt-get install libcunit1-dev, then configure again" >&2; exit 1
endif
