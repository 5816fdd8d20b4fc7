#!/bin/sh
# gradus stop, the lock and its holder, starts that are refused, limits of time and processor, a
# full disk.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
. "$source_dir/tests/cli/workload.sh"

prepare 3000
long=$workload

begin run
check "training has begun" await is_training
refuses 73 "a run in use names host, process and start" "process $child on $(hostname)|since" -- \
  train data.h5 --run run -q
expect 0 "stop asks and waits" stop run --wait 60s
check "it says whom it asked" grep -q "^run: asked process $child on $(hostname), since .* to stop" out
check "and that it has stopped" grep -qx 'run: stopped' out
leave
if [ "$code" -eq 75 ]; then pass; else fail "stop: exit $code, wanted 75"; fi
check "why is said once" test "$(grep -c 'STOP file' err)" -eq 1
check "as an error message" grep -q '^gradus: stopped (STOP file) at step .*; the same command goes on from ' err
check "the request is gone" test ! -e run/STOP
check "log.txt has it, too" grep -q 'stopped (STOP file)' run/log.txt
expect 0 "nothing to stop" stop run
check "says so" grep -qx 'run: nobody trains in it; there is nothing to stop' out
check "and leaves nothing" test ! -e run/STOP
expect 0 "quietly" stop run -q
check "nothing printed" test ! -s out
refuses 66 "no such run" absent -- stop absent
mkdir folder
refuses 66 "no run there" "folder|no run directory" -- stop folder
refuses 66 "not a directory" data.h5 -- stop data.h5
expect 0 "a short run" train data.h5 --hidden 6 --epochs 1 --threads 1 --run short -q
expect 0 "finished" stop short
check "says so" grep -qx 'short: is finished; there is nothing to stop' out

# By hand, and from before a start.
echo >run/STOP
# shellcheck disable=SC2086
expect 75 "an old request does not stop a new start" train data.h5 $long --run run --time-limit 1s
check "it says so" grep -q 'run/STOP was there before this start: removed' err
check "it went on until its limit" grep -q 'stopped (time limit)' err

# A holder that was killed.
begin run
check "training has begun" await is_training
kill -s KILL $child
leave 2>/dev/null
expect 0 "a killed run is not running" stop run
check "says so" grep -q 'nobody trains' out
# shellcheck disable=SC2086
expect 75 "it is taken over" train data.h5 $long --run run --time-limit 1s
check "and from whom" grep -q "taken over from process $child on .*, which is gone" err

# What is refused leaves nothing behind.
refuses 66 "--resume from a missing file" absent.h5 -- train data.h5 --run new/er --resume absent.h5 -q
check "no directory" test ! -e new
echo junk >junk.h5
refuses 65 "--resume from something else" junk.h5 -- train data.h5 --run new/er --resume junk.h5 -q
check "no directory" test ! -e new

# The job's end, and the command line before it.
SLURM_JOB_END_TIME=$(($(date +%s) + 3))
export SLURM_JOB_END_TIME
# shellcheck disable=SC2086
expect 75 "the job's end stops" train data.h5 $long --run job
check "it is said at the start" grep -q 'time limit 0:0[0-3] (SLURM_JOB_END_TIME)' err
check "the checkpoint is there in time" \
  test "$(find job/checkpoints -name 'step-*.h5' -newermt "@$SLURM_JOB_END_TIME" | wc -l)" -eq 0
SLURM_JOB_END_TIME=1000 expect 0 "an end long past is no limit" \
  train data.h5 --hidden 6 --epochs 1 --threads 1 --run past
check "a warning" grep -q 'warning: SLURM_JOB_END_TIME' err
unset SLURM_JOB_END_TIME

# Processor time: the kernel sends XCPU.
code=0
# shellcheck disable=SC2086
(ulimit -S -t 1 && exec "$gradus" train data.h5 $long --run cpu -q) >out 2>err || code=$?
if [ "$code" -eq 75 ]; then pass; else fail "a limit of processor time: exit $code, wanted 75"; fi

# A disk that is full for the checkpoints (files may have 40 KiB, logs stay below; what it says goes to a
# process without that limit): training goes on. The runtime of ThreadSanitizer keeps tables in a file
# that the limit would cut.
full_disk() {
  # shellcheck disable=SC2086
  (ulimit -f 40 && exec "$gradus" train $same_full --set checkpoint.every=10ms \
    --set checkpoint.max_overhead=1 --run full 2>&1 >out)
  echo "exit $?"
}
same_full="data.h5 --hidden 200,200 --epochs 12 --batch-size 16 --threads 1"
case ${CFLAGS:-} in
  *sanitize=thread*) skip "a full disk under ThreadSanitizer" ;;
  *)
    full_disk | cat >err
    check "a full disk: exit 74" grep -qx 'exit 74' err
    check "warnings on the way" grep -q 'warning: .*checkpoints/step-.*; training goes on and tries again' err
    check "it got to its last epoch" grep -q '^epoch 12/12' err
    check "the last one is an error" grep -q '^gradus: full/.*checkpoints/step-' err
    ;;
esac
# shellcheck disable=SC2086
expect 0 "there is room again" train $same_full --run full -q
# shellcheck disable=SC2086
expect 0 "and the result" train $same_full --run roomy -q
same "is the same" "$(digest roomy)" "$(digest full)"
check "metrics.jsonl too" cmp roomy/metrics.jsonl full/metrics.jsonl
finish
