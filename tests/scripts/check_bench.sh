#!/bin/sh
# The guard of speed itself, on a program that says what it is told: what it stores it finds again,
# a loss is one, the best run counts, and another machine's values are not compared with.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/gradus-guard-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
cat >"$work/gradus" <<'PROGRAM'
#!/bin/sh
n=$(cat "$FAKE/run" 2>/dev/null || echo 0)
echo $((n + 1)) >"$FAKE/run"
[ "$n" = 1 ] || slow=2
for t in 1 2; do
  echo "{\"shape\": \"K\", \"cpu\": \"$CPU\", \"isa\": \"avx2\", \"threads\": $t, \"step_us\": 9e9, \"best_us\": $((${slow:-1} * BEST)), \"peak_gflops\": $((100 * t)), \"flops\": 8e+06}"
done
PROGRAM
chmod +x "$work/gradus"

guard() { # MODE CPU BEST
  rm -f "$work/run"
  FAKE=$work CPU=$2 BEST=$3 GRADUS=$work/gradus BENCH_RATIOS=$work/ratios \
    sh "$GR_SOURCE/scripts/bench_check.sh" "$1" >"$work/out" 2>&1
}
expect() { # STATUS SENTENCE WORDS
  if [ "$status" -eq "$1" ] && grep -q -e "$3" "$work/out"; then pass
  else fail "$2: status $status, wanted $1 and '$3':"; cat "$work/out"; fi
}

guard check "CPU one" 100; status=$?
expect 1 "without a file there is nothing to compare with" "bench-record"
guard record "CPU one" 100; status=$?
expect 0 "values are stored" "stored in"
# 8e6 FLOP in 100 us are 80 GFLOP/s: 80 % of one thread's peak, 40 % of two threads'. The second of
# three runs is the undisturbed one.
printf 'CPU one\tavx2\t1\tK\t80.00\nCPU one\tavx2\t2\tK\t40.00\n' >"$work/wanted"
judge "what is stored" "$(grep -v '^#' "$work/ratios" | diff "$work/wanted" - 2>&1)"
guard check "CPU one" 104; status=$?
expect 0 "4 % slower is within the tolerance" "2 compared, 0 lost"
guard check "CPU one" 106; status=$?
expect 1 "6 % slower is a loss" "^LOSS  K "
guard check "CPU one" 90; status=$?
expect 0 "faster is a gain" "^gain  K "
guard check "CPU two" 100; status=$?
expect 1 "another machine has nothing stored" "2 measured without a stored value (CPU two, avx2)"
guard record "CPU two" 200; status=$?
expect 0 "it gets rows of its own" "stored in"
guard record "CPU one" 50; status=$?
judge "rows are replaced by name" "$(grep -v '^#' "$work/ratios" | cut -f 1,3,5 | tr '\t\n' ' ,' |
  grep -v '^CPU one 1 160.00,CPU one 2 80.00,CPU two 1 40.00,CPU two 2 20.00,$')"
guard nonsense "CPU one" 50; status=$?
expect 2 "other words are refused" "usage"
finish
