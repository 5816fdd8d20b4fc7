# The program as a user types it: each script is one test.
cli_tests = %D%/usage.sh %D%/help.sh %D%/manual.sh %D%/precedence.sh %D%/commands.sh %D%/bench.sh %D%/input.sh \
	%D%/runs.sh %D%/signals.sh %D%/stop.sh %D%/kill.sh %D%/predict.sh %D%/tables.sh %D%/models.sh %D%/terminal.sh %D%/output.sh %D%/readme.sh %D%/pytorch.sh
dist_check_SCRIPTS += $(cli_tests)
EXTRA_DIST += %D%/lib.sh %D%/workload.sh
TESTS += $(cli_tests)
