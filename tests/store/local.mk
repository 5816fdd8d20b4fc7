check_PROGRAMS += test-store
TESTS += test-store
test_store_SOURCES = %D%/suites.h %D%/files.c %D%/test_store.c %D%/test_store_dataset.c \
	%D%/test_store_foreign.c %D%/test_store_refused.c %D%/test_store_checkpoint.c %D%/test_store_damage.c \
	%D%/sources.c %D%/encoders.c %D%/test_store_source.c %D%/test_store_chunks.c \
	%D%/test_store_virtual.c %D%/test_store_broken.c \
	%D%/test_store_accidents.c %D%/test_store_ahead.c %D%/test_store_print.c %D%/test_store_events.c
test_store_CPPFLAGS = $(test_cppflags) -I$(srcdir)/%D%
test_store_LDADD = $(test_libs)
