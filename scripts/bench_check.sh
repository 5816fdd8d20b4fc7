#!/bin/sh
# bench_check.sh check|record: what share of the machine's own FMA peak the standard shapes reach, compared with what is stored for
# this processor, or stored anew. Run at the top of the build tree on a quiet machine (`make bench-check`, `make bench-record`).
# `check` ends with 1 where a shape lost more than BENCH_TOLERANCE percent of its share, or nothing is stored for this machine.
#
# The share of the fastest stretch counts, and of BENCH_RUNS runs the best: a disturbance slows steps down, nothing speeds them up.
#   BENCH_SHAPES     names of `gradus bench --shapes`                 [all]
#   BENCH_THREADS    numbers of threads                               [1,auto]
#   BENCH_ISA        instruction set                                  [auto]
#   BENCH_SECONDS    for each measurement                             [0.3]
#   BENCH_RUNS       of which the best counts                         [3]
#   BENCH_TOLERANCE  percent                                          [5]
#   BENCH_RATIOS     the file: cpu, isa, threads, shape, percent      [data/bench/ratios.tsv of the source tree]
#   GRADUS           the program                                      [./gradus]
mode=${1:-}
ratios=${BENCH_RATIOS:-${GR_SOURCE:-.}/data/bench/ratios.tsv}
gradus=${GRADUS:-./gradus}
case $mode in check | record) ;; *)
  echo "usage: bench_check.sh check|record" >&2
  exit 2
  ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/gradus-bench-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

: >"$work/lines"
run=0
while [ "$run" -lt "${BENCH_RUNS:-3}" ]; do
  run=$((run + 1))
  "$gradus" bench --table ${BENCH_SHAPES:+--shapes "$BENCH_SHAPES"} --threads "${BENCH_THREADS:-1,auto}" \
    --isa "${BENCH_ISA:-auto}" --seconds "${BENCH_SECONDS:-0.3}" --json >>"$work/lines" || exit 1
done

# Best share of each cpu, isa, number of threads and shape, in the order they were measured.
awk '
  function value(key,   at, rest) {
    at = index($0, "\"" key "\": ")
    if (!at) return ""
    rest = substr($0, at + length(key) + 4)
    if (rest ~ /^"/) { rest = substr(rest, 2); sub(/".*/, "", rest) } else sub(/[,}].*/, "", rest)
    return rest
  }
  {
    name = value("cpu") "\t" value("isa") "\t" value("threads") "\t" value("shape")
    time = value("best_us") * value("peak_gflops")
    if (time <= 0) next
    share = value("flops") / time / 10
    if (!(name in best)) order[++n] = name
    if (share > best[name]) best[name] = share
  }
  END { for (i = 1; i <= n; i++) printf "%s\t%.2f\n", order[i], best[order[i]] }' "$work/lines" >"$work/new"
[ -s "$work/new" ] || { echo "bench_check.sh: nothing was measured" >&2; exit 1; }

if [ "$mode" = record ]; then
  # Rows of the same name are replaced, others stay; sorted, so that two recordings can be compared.
  {
    echo "# Percent of the FMA peak of the same run, fastest stretch: cpu, isa, threads, shape, percent (make bench-record)."
    { cat "$work/new"; [ ! -f "$ratios" ] || grep -v '^#' "$ratios"; } |
      awk -F '\t' '!seen[$1 FS $2 FS $3 FS $4]++' | LC_ALL=C sort
  } >"$work/file" && cat "$work/file" >"$ratios" || exit 1
  cat "$work/new"
  echo "stored in $ratios"
  exit 0
fi

[ -f "$ratios" ] || { echo "bench_check.sh: no file $ratios; make bench-record writes it" >&2; exit 1; }
awk -F '\t' -v tolerance="${BENCH_TOLERANCE:-5}" '
  /^#/ { next }
  { name = $1 FS $2 FS $3 FS $4 }
  FNR == NR { stored[name] = $5; next }
  !(name in stored) { unknown++; last = $1 ", " $2; next }
  {
    known++
    change = 100 * ($5 / stored[name] - 1)
    verdict = change < -tolerance ? "LOSS" : change > tolerance ? "gain" : "same"
    if (verdict == "LOSS") losses++
    printf "%-4s  %-6s %3d threads  %6.2f %% of the peak, stored %6.2f  (%+.1f %%)\n", verdict, $4, $3, $5, stored[name], change
  }
  END {
    if (unknown) printf "%d measured without a stored value (%s); make bench-record stores them\n", unknown, last
    printf "%d compared, %d lost more than %s %%\n", known, losses, tolerance
    exit losses > 0 || known == 0
  }' "$ratios" "$work/new"
