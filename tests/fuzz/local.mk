# Fuzz targets. Each is a program that replays tests/fuzz/corpus/NAME under `make check`; fuzz.sh (`make check-long`) builds the same
# sources with libFuzzer and lets it look for more. To add one: fuzz_NAME.c, its corpus, its name here and a stanza of four lines.
fuzz_targets = csv idx libsvm npy npz
fuzz_common = %D%/fuzz.h %D%/fuzz.c %D%/driver.c
fuzz_import = $(fuzz_common) %D%/import.h %D%/import.c
fuzz_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
# FUZZ_LDFLAGS: empty, or what fuzz.sh links with

check_PROGRAMS += fuzz-csv
fuzz_csv_SOURCES = $(fuzz_import) %D%/fuzz_csv.c
fuzz_csv_CPPFLAGS = $(fuzz_cppflags)
fuzz_csv_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_csv_LDADD = libgradus-internal.la

check_PROGRAMS += fuzz-idx
fuzz_idx_SOURCES = $(fuzz_import) %D%/fuzz_idx.c
fuzz_idx_CPPFLAGS = $(fuzz_cppflags)
fuzz_idx_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_idx_LDADD = libgradus-internal.la

check_PROGRAMS += fuzz-libsvm
fuzz_libsvm_SOURCES = $(fuzz_import) %D%/fuzz_libsvm.c
fuzz_libsvm_CPPFLAGS = $(fuzz_cppflags)
fuzz_libsvm_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_libsvm_LDADD = libgradus-internal.la

check_PROGRAMS += fuzz-npy
fuzz_npy_SOURCES = $(fuzz_import) %D%/fuzz_npy.c
fuzz_npy_CPPFLAGS = $(fuzz_cppflags)
fuzz_npy_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_npy_LDADD = libgradus-internal.la

check_PROGRAMS += fuzz-npz
fuzz_npz_SOURCES = $(fuzz_import) %D%/fuzz_npz.c
fuzz_npz_CPPFLAGS = $(fuzz_cppflags)
fuzz_npz_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_npz_LDADD = libgradus-internal.la

TESTS += fuzz-csv fuzz-idx fuzz-libsvm fuzz-npy fuzz-npz
EXTRA_DIST += %D%/corpus

# What fuzz.sh builds and runs: `make fuzz-programs FUZZ_LDFLAGS=-fsanitize=fuzzer`, `make -s fuzz-list`.
fuzz-programs: $(fuzz_targets:%=fuzz-%)
fuzz-list:
	@echo $(fuzz_targets)
.PHONY: fuzz-programs fuzz-list
