#!/bin/sh
# The kills of tests/cli/kill.sh by the hundred: runs of it with other seeds until there were
# GRADUS_TEST_KILLS (300) kills.
wanted=${GRADUS_TEST_KILLS:-300} total=0 passed=0 failed=0
unset GRADUS_TEST_KILLS
cd "${GR_BUILD:-.}" || exit 1
log=$(mktemp "${TMPDIR:-/tmp}/gradus-kills-XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
seed=${GRADUS_TEST_SEED:-$$}
while [ "$total" -lt "$wanted" ] && [ $((passed + failed)) -lt "$wanted" ]; do
  seed=$((seed + 7919))
  if GRADUS_TEST_SEED=$seed sh "${GR_SOURCE:-.}/tests/cli/kill.sh" >"$log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    cat "$log"
  fi
  killed=$(sed -n 's/^killed \([0-9]*\) times$/\1/p' "$log")
  total=$((total + ${killed:-0}))
done
echo "killed $total times in $((passed + failed)) runs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$total" -ge "$wanted" ]
