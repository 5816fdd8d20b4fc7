# Fuzz targets. Each is a program that replays tests/fuzz/corpus/NAME under `make check`; fuzz.sh (`make check-long`) builds the same
# sources with libFuzzer and lets it look for more. To add one: fuzz_NAME.c, its corpus, its name here and a stanza of four lines.
fuzz_targets = csv idx libsvm npy npz config options checkpoint dataset
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

check_PROGRAMS += fuzz-config
fuzz_config_SOURCES = $(fuzz_common) %D%/fuzz_config.c
fuzz_config_CPPFLAGS = $(fuzz_cppflags)
fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_config_LDADD = libgradus-internal.la

# The program without its main.
check_PROGRAMS += fuzz-options
fuzz_options_SOURCES = $(fuzz_common) %D%/fuzz_options.c $(gradus_program)
fuzz_options_CPPFLAGS = $(fuzz_cppflags)
fuzz_options_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_options_LDADD = libgradus.la -lm

fuzz_h5 = $(fuzz_common) %D%/h5_input.h %D%/h5_input.c
check_PROGRAMS += fuzz-dataset
fuzz_dataset_SOURCES = $(fuzz_h5) %D%/fuzz_dataset.c
fuzz_dataset_CPPFLAGS = $(fuzz_cppflags)
fuzz_dataset_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_dataset_LDADD = libgradus-internal.la

check_PROGRAMS += fuzz-checkpoint
fuzz_checkpoint_SOURCES = $(fuzz_h5) %D%/checkpoint_input.h %D%/checkpoint_input.c %D%/fuzz_checkpoint.c
fuzz_checkpoint_CPPFLAGS = $(fuzz_cppflags)
fuzz_checkpoint_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_checkpoint_LDADD = libgradus-internal.la

# By hand only: HDF5 itself dies of some of these files.
EXTRA_PROGRAMS += fuzz-hdf5
fuzz_hdf5_SOURCES = $(fuzz_h5) %D%/checkpoint_input.h %D%/checkpoint_input.c %D%/fuzz_hdf5.c
fuzz_hdf5_CPPFLAGS = $(fuzz_cppflags)
fuzz_hdf5_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_hdf5_LDADD = libgradus-internal.la

TESTS += fuzz-csv fuzz-idx fuzz-libsvm fuzz-npy fuzz-npz fuzz-config fuzz-options fuzz-checkpoint fuzz-dataset
EXTRA_DIST += %D%/corpus

# What fuzz.sh builds and runs: `make fuzz-programs FUZZ_LDFLAGS=-fsanitize=fuzzer`, `make -s fuzz-list`.
fuzz-programs: $(fuzz_targets:%=fuzz-%)
fuzz-list:
	@echo $(fuzz_targets)
.PHONY: fuzz-programs fuzz-list
