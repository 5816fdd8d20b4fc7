# A training long enough to be interrupted, and how to follow it; sourced after lib.sh.
# shellcheck shell=sh

# prepare EPOCHS: a data set, and the options of the training in $workload.
prepare() {
  "$gradus" generate spirals data.h5 -q --train-rows 4000 --valid-rows 500 --test-rows 500 \
    >out 2>err || fail "spirals are generated"
  workload="--hidden 48,48 --batch-size 16 --epochs $1 --set checkpoint.every=50ms --set checkpoint.max_overhead=1"
  # One thread where nothing else is said: other processes on the cores must not stretch the tests.
  workload="$workload --threads 1"
}

# undisturbed: trains in `whole`; $whole is its digest, $duration how long it took (ms).
undisturbed() {
  begun=$(date +%s%N)
  # shellcheck disable=SC2086
  expect 0 "an undisturbed run" train data.h5 $workload --run whole -q
  duration=$((($(date +%s%N) - begun) / 1000000))
  whole=$(digest whole)
}

# begin RUN ARGS...: train in the background in directory RUN, process id in $child; by the command
# $start where that is set.
begin() {
  directory=$1
  shift
  rm -f background.out background.err # what the one before said must not be taken for this one
  # shellcheck disable=SC2086
  ${start:-$gradus} train data.h5 $workload --run "$directory" "$@" >background.out 2>background.err &
  child=$!
}

# training RUN: it has finished an epoch of this session.
is_training() { grep -q '^epoch ' background.err; }

# leave: the exit status of the background run in $code.
leave() {
  code=0
  wait $child || code=$?
  cp background.out out
  cp background.err err
}

# agrees RUN: the same final bits and the same metrics as the undisturbed run.
agrees() {
  same "$1: the same digest" "$whole" "$(digest "$1")"
  check "$1: the same metrics.jsonl" cmp whole/metrics.jsonl "$1/metrics.jsonl"
}
