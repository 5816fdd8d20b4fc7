#!/bin/sh
# The learning-rate range test: a file of rates and losses, a suggestion, and no run.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

expect 0 "digits are generated" generate digits digits.h5 --train-rows 600 --valid-rows 0 -q
expect 0 "a range test" train digits.h5 --hidden 16 --range-test range.csv
check "it suggests a rate" grep -q '^the loss falls fastest at --learning-rate [0-9.e-]*$' out
check "each step has a line" test "$(wc -l <range.csv)" -gt 100
check "the columns have names" grep -qx 'step,learning_rate,loss,smooth_loss' range.csv
check "no run is made" test ! -e runs
mv range.csv first.csv
expect 0 "the same by other threads" train digits.h5 --hidden 16 --range-test range.csv --threads 2 --json
check "it is the same file" cmp first.csv range.csv
check "JSON has the suggestion" grep -q '"suggestion": 0\.' out
expect 73 "a file that cannot be made" train digits.h5 --range-test none/range.csv
expect 78 "full batches have none" train digits.h5 --optimizer rprop --range-test range.csv
expect 0 "a run with a budget" train digits.h5 --hidden 16 --run budget --max-steps 7 -q
check "it ends with that step" grep -q '"event":"final","epoch":2,"step":7' budget/metrics.jsonl
expect 78 "a budget does not grow" train digits.h5 --hidden 16 --run budget --max-steps 8 -q
finish
