#!/bin/sh
# INT, TERM, USR1, XCPU and a time limit: checkpoint, exit 75, and the same command line goes on to
# the same bits. USR2: checkpoint and go on. A second INT ends at once.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
. "$source_dir/tests/cli/workload.sh"

# A shell starts what it puts into the background with INT ignored, and gradus leaves it so.
prepare 60
undisturbed
begin ignored
check "INT ignored: training has begun" await is_training
kill -s INT $child
leave
if [ "$code" -eq 0 ]; then pass; else fail "INT ignored: exit $code, wanted 0"; fi
agrees ignored
start="env --default-signal=INT $gradus"
$start --version >/dev/null 2>&1 || {
  skip "this env cannot undo that"
  finish
}
for signal in INT TERM USR1 XCPU; do
  begin "run-$signal"
  check "$signal: training has begun" await is_training
  kill -s "$signal" $child
  leave
  if [ "$code" -eq 75 ]; then pass; else fail "$signal: exit $code, wanted 75"; fi
  check "$signal: says that it stopped" grep -q '^stopped' out
  check "$signal: shows the command that goes on" grep -q "gradus train data.h5 .*run-$signal" out
  check "$signal: one line of gradus" test "$(grep -c '^gradus: ' err)" -eq 1
  # shellcheck disable=SC2086
  expect 0 "$signal: the same command goes on" train data.h5 $workload --run "run-$signal" -q
  agrees "run-$signal"
done

begin run-USR2
check "USR2: training has begun" await is_training
kill -s USR2 $child
leave
if [ "$code" -eq 0 ]; then pass; else fail "USR2: exit $code, wanted 0"; fi
agrees run-USR2

begin run-twice
check "twice INT: training has begun" await is_training
kill -s INT $child
kill -s INT $child
leave
case $code in
  130 | 75) pass ;;
  *) fail "twice INT: exit $code, wanted 130 (or 75 where the checkpoint was quicker)" ;;
esac
# shellcheck disable=SC2086
expect 0 "twice INT: the same command goes on" train data.h5 $workload --run run-twice -q
agrees run-twice

# shellcheck disable=SC2086
expect 75 "a time limit stops" train data.h5 $workload --run limited --time-limit 50ms -q
says "gradus: "
rounds=0 code=75
while [ "$code" -eq 75 ] && [ $rounds -lt 500 ]; do
  # shellcheck disable=SC2086
  run train data.h5 $workload --run limited --time-limit 300ms --threads $((rounds % 2 + 1)) -q
  rounds=$((rounds + 1))
done
if [ "$code" -eq 0 ]; then pass; else fail "$rounds short sessions end: exit $code"; fi
agrees limited
finish
