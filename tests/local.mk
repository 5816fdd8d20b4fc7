# One program per layer; suites mirror the modules. Without CUnit everything builds and only `make check` refuses.
#
# Every test, program or script, ends with 0 for passed, 77 for skipped. Each finds in its environment:
#   GR_SOURCE, GR_BUILD   top of the source tree, top of the build tree (the current directory)
#   CC, CFLAGS            of this build, for scripts that compile or judge objects
#   OMP_WAIT_POLICY       passive unless it is set: the threads of small teams, of which tests make thousands on processors that
#                         they share, would else spin in between, for more time than all that is tested takes
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	GR_SOURCE='$(abs_top_srcdir)'; export GR_SOURCE; \
	GR_BUILD='$(abs_top_builddir)'; export GR_BUILD; \
	CC='$(CC)'; export CC; \
	CFLAGS='$(CFLAGS)'; export CFLAGS; \
	OMP_WAIT_POLICY=$${OMP_WAIT_POLICY-passive}; export OMP_WAIT_POLICY;

if HAVE_CUNIT
check_LTLIBRARIES = libtest-support.la
libtest_support_la_SOURCES = %D%/support/test.h %D%/support/test.c %D%/support/numbers.h %D%/support/numbers.c \
	%D%/support/oracle.h %D%/support/oracle.c %D%/support/oracle_bound.c %D%/support/control.h
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
include %D%/faults/local.mk
else
check-local:
	@echo "make check needs CUnit: apt-get install libcunit1-dev, then configure again" >&2; exit 1
endif
include %D%/fuzz/local.mk
include %D%/scripts/local.mk
