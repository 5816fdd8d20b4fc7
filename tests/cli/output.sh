#!/bin/sh
# A result that could not be written is a failure: exit status 74, one line.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals data.h5 -q >out 2>err || fail "spirals are generated"
expect 0 "a model" train data.h5 --hidden 4 --epochs 1 --run run -q
: >out

# unwritten SENTENCE: the last run failed with 74 and said so.
unwritten() {
  if [ "$code" -eq 74 ]; then pass; else fail "$1: exit $code, wanted 74"; fi
  says "standard output"
}
# full ARGS..., closed ARGS...: gradus with a full or closed standard output.
full() { code=0; "$gradus" "$@" >/dev/full 2>err || code=$?; }
closed() { code=0; "$gradus" "$@" >&- 2>err || code=$?; }

if [ -e /dev/full ]; then
  full --help
  unwritten "help on a full disk"
  full eval run data.h5
  unwritten "eval on a full disk"
  full inspect --json run
  unwritten "inspect on a full disk"
  full predict run data.h5
  unwritten "predict on a full disk"
  full train data.h5 --hidden 4 --epochs 1 --run report -q
  unwritten "train whose report is lost"
  check "keeps the model all the same" test -s report/final.h5
  same "the same" "$(digest run)" "$(digest report)"
else
  skip "no /dev/full"
fi
closed eval run data.h5
unwritten "eval with a closed standard output"
closed train data.h5 --hidden 4 --epochs 1 --run closed -q
unwritten "train with a closed standard output"
same "no message went into a data file" "$(digest run)" "$(digest closed)"
code=0
"$gradus" train data.h5 --hidden 4 --epochs 2 --run blind >out 2>&- || code=$?
check "a closed standard error does no harm" test $code -eq 0
expect 0 "the model is intact" eval blind data.h5
finish
