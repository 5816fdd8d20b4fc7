# Tests of this layer: check_PROGRAMS += ..., TESTS += ...
check_PROGRAMS += test-train
TESTS += test-train
test_train_SOURCES = %D%/data.h %D%/data.c %D%/runs.h %D%/runs.c %D%/test_train.h %D%/test_train.c %D%/test_train_prepare.c %D%/test_train_run.c \
	%D%/test_train_resume.c %D%/test_train_stream.c %D%/test_train_save.c %D%/test_train_lock.c %D%/test_train_budget.c %D%/test_train_full.c %D%/test_train_range.c %D%/test_train_nonfinite.c %D%/test_train_data_change.c %D%/test_train_audit.c %D%/test_train_metrics.c %D%/test_train_weights.c %D%/test_train_understand.c %D%/test_train_residual.c
test_train_CPPFLAGS = $(test_cppflags)
test_train_LDADD = $(test_libs)
