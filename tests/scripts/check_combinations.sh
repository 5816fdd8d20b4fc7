#!/bin/sh
# Every combination of what `make check` takes a part of: orders of a step, workers, losses with
# outputs, cuts of runs. In the current build.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

cd "$GR_BUILD" || exit 1
logs=${LONG:-$GR_BUILD/check-long}/combinations
mkdir -p "$logs" || exit 1
make test-exec test-train >"$logs/build.log" 2>&1 || fail "the build: see $logs/build.log"
GRADUS_TEST_ALL=1 OMP_WAIT_POLICY=${OMP_WAIT_POLICY-passive}
export GRADUS_TEST_ALL OMP_WAIT_POLICY

for program in test-exec test-train; do
  if "./$program" >"$logs/$program.log" 2>&1; then pass; else fail "see $logs/$program.log"; fi
done
finish
