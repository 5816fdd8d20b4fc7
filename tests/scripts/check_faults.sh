#!/bin/sh
# Every position of every fault, every state that a loss of power can leave, a hundred thousand
# accidents of checkpoints, many limits: what `make check` samples. In the current build.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

cd "$GR_BUILD" || exit 1
logs=${LONG:-$GR_BUILD/check-long}/faults
mkdir -p "$logs" || exit 1
make libfaults-shim.la libfaults-plugin.la test-faults test-store >"$logs/build.log" 2>&1 ||
  fail "the build: see $logs/build.log"
GRADUS_TEST_ALL=1
export GRADUS_TEST_ALL

try() { # NAME COMMAND...
  log=$logs/$1.log
  shift
  if "$@" >"$log" 2>&1; then pass; else fail "see $log"; fi
  grep -E '^  (fault|E|short|memory)|changes, |\(bit ' "$log"
}
try faults ./test-faults faults
try crash ./test-faults crash
try hostile ./test-faults hostile
try accidents ./test-store accidents
try limits sh "$GR_SOURCE/tests/faults/limits.sh"
finish
