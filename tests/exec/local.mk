# Tests of this layer: check_PROGRAMS += ..., TESTS += ...
check_PROGRAMS += test-exec
TESTS += test-exec
test_exec_SOURCES = %D%/exec_tests.h %D%/cells.h %D%/watch.h %D%/watch.c %D%/fixture.c %D%/test_exec.c %D%/test_plan.c %D%/test_order.c %D%/test_team.c %D%/test_traffic.c %D%/test_reference.c %D%/test_same_bits.c %D%/test_runs.c %D%/test_search.c \
	%D%/test_golden.c %D%/test_gradients.c %D%/test_textbook.c %D%/test_evaluation.c %D%/test_finite.c %D%/test_whole.c %D%/test_parametrization.c \
	tests/reference/reference.h tests/reference/reference.c tests/reference/functions.h tests/reference/functions.c tests/reference/updates.h tests/reference/updates.c tests/reference/lbfgs.h tests/reference/lbfgs.c \
	tests/reference/loss.c
test_exec_CPPFLAGS = $(test_cppflags) -I$(srcdir)/%D% -DGR_TEST_SOURCE='"$(abs_top_srcdir)"'
test_exec_LDADD = $(test_libs) -lm
EXTRA_DIST += data/README.md data/golden/steps.txt

# The tables of docs/scaling.md: what the planner's model says of machines that are not at hand.
check_PROGRAMS += scaling-table
scaling_table_SOURCES = %D%/scaling.c
scaling_table_LDADD = libgradus-internal.la
scaling: scaling-table
	./scaling-table
EXTRA_DIST += docs/scaling.md
