# Checks of the tree and of the objects; each ends with a line "N passed, N failed".
dist_check_SCRIPTS += \
	%D%/check_layers.sh \
	%D%/check_style.sh \
	%D%/check_isa_leak.sh \
	%D%/check_stack.sh \
	%D%/check_probe.sh \
	%D%/check_bench.sh
TESTS += $(tree_checks)
tree_checks = %D%/check_layers.sh %D%/check_style.sh %D%/check_isa_leak.sh %D%/check_stack.sh %D%/check_probe.sh %D%/check_bench.sh

# `make check-long`: what takes minutes. A long check is a script that is run at the top of the build tree with the environment
# of the tests and LONG, a folder to build in; to add one, put it into this list.
long_checks = %D%/check_sanitizers.sh %D%/check_clang.sh %D%/check_install.sh %D%/check_races.sh tests/kernel/check_avx512_emulated.sh \
	%D%/check_neon.sh %D%/fuzz.sh %D%/check_combinations.sh %D%/check_kills.sh %D%/check_faults.sh %D%/slurm.sh
EXTRA_DIST += %D%/lib.sh %D%/build.sh %D%/lsan.supp $(long_checks)

check-long: check
	@$(AM_TESTS_ENVIRONMENT) \
	status=0; \
	for script in $(long_checks); do \
	  echo "== $$script"; \
	  LONG='$(abs_top_builddir)/check-long' $(SHELL) $(top_srcdir)/$$script || test $$? -eq 77 || status=1; \
	done; \
	exit $$status

# Speed, on a quiet machine only and therefore no part of `make check`: a table of the standard shapes; and their share of the
# machine's peak, compared with what is stored for it or stored anew.
bench: gradus
	./gradus bench --table
bench-check: gradus
	@GR_SOURCE='$(abs_top_srcdir)' $(SHELL) $(top_srcdir)/scripts/bench_check.sh check
bench-record: gradus
	@GR_SOURCE='$(abs_top_srcdir)' $(SHELL) $(top_srcdir)/scripts/bench_check.sh record
EXTRA_DIST += scripts/bench_check.sh data/bench/ratios.tsv

clean-local: clean-check-long
clean-check-long:
	-rm -rf check-long
.PHONY: check-long clean-check-long bench bench-check bench-record scaling
