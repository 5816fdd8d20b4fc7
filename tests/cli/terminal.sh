#!/bin/sh
# On a terminal one live line, erased before anything else is said; elsewhere a line per epoch.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals data.h5 -q >out 2>err || fail "spirals are generated"
arguments="train data.h5 --hidden 8 --epochs 3"
if ! script -qec true /dev/null >/dev/null 2>&1; then
  skip "no script(1): nothing seen on a terminal"
  finish
fi
escape=$(printf '\033')

# seen RUN ENVIRONMENT...: what a terminal shows of a run, a line of `screen` per drawing.
seen() {
  directory=$1
  shift
  script -qec "stty cols ${columns:-80}; env $* $gradus $arguments --run $directory" typescript \
    >/dev/null 2>&1 </dev/null
  tr '\r' '\n' <typescript >screen
}

seen live TERM=xterm
check "a live line is drawn" grep -q "^$escape\[K.*epoch" screen
check "with the last epoch" grep -q "epoch 3/3" screen
check "with losses and rate" grep -q "loss .* samples/s" screen
check "in colour" grep -q "$escape\[1m" screen
sed "s/$escape\[[0-9]*[mK]//g" screen | grep '^epoch' >lines
check "never wider than the terminal" test -z "$(grep -E '.{80}' lines)"
columns=30
seen narrow TERM=xterm
sed "s/$escape\[[0-9]*[mK]//g" screen | grep '^epoch' >lines
check "nor than a narrow one" test -s lines -a -z "$(grep -E '.{30}' lines)"
columns=80
seen plain TERM=xterm NO_COLOR=1
check "NO_COLOR takes the colours away" test -z "$(grep "$escape\[1m" screen)"
check "not the line" grep -q "^$escape\[K.*epoch" screen
seen dumb TERM=dumb
check "a dumb terminal gets plain lines" test -z "$(grep "$escape" screen)"
check "one per epoch" test "$(grep -c '^epoch ' screen)" -eq 3
arguments="$arguments -q"
seen quiet TERM=xterm
check "-q draws nothing" test -z "$(grep 'epoch .*/3' screen)"

# shellcheck disable=SC2086
expect 0 "no terminal" train data.h5 --hidden 8 --epochs 3 --run pipe
check "no control characters" test -z "$(grep "$escape" err)"
check "a line per epoch" test "$(grep -c '^epoch ' err)" -eq 3
check "results are on standard output alone" test -z "$(grep '^epoch ' out)"
finish
