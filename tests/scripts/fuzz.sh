#!/bin/sh
# Each fuzz target with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer, for
# FUZZ_SECONDS each (default 60), from its corpus. What crashes is kept in $LONG/findings/NAME: put
# it into tests/fuzz/corpus/NAME together with the repair.
#
#   sh tests/scripts/fuzz.sh [NAME...]     with FUZZ_SECONDS, and FUZZ_BUILD=DIR to use a build again
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

command -v clang >/dev/null 2>&1 || skip "no clang"
probe=$(mktemp -d) || exit 1
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n > 1u << 30; }' >"$probe/p.c"
clang -fsanitize=fuzzer,address "$probe/p.c" -o "$probe/p" >/dev/null 2>&1 || skip "clang has no libFuzzer"
rm -rf "$probe"

seconds=${FUZZ_SECONDS:-60}
corpus=$(cd "$GR_SOURCE" && pwd)/tests/fuzz/corpus
if [ -n "$FUZZ_BUILD" ]; then
  cd "$FUZZ_BUILD" || exit 1
else
  another_build fuzz CC=clang CPPFLAGS=-DGR_LIBFUZZER \
    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
fi
make -j"$jobs" fuzz-programs FUZZ_LDFLAGS=-fsanitize=fuzzer >fuzz-build.log 2>&1 ||
  build_failed "the fuzz targets" fuzz-build.log

ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
LSAN_OPTIONS=suppressions=$GR_SOURCE/tests/scripts/lsan.supp:print_suppressions=0
export ASAN_OPTIONS LSAN_OPTIONS
[ $# -gt 0 ] || set -- $(make -s fuzz-list)
for name; do
  found=$LONG/findings/$name
  mkdir -p "$found" "grown/$name"
  if ./fuzz-"$name" -max_total_time="$seconds" -max_len=4096 -timeout=60 -rss_limit_mb=2048 \
    -malloc_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$found/" "grown/$name" "$corpus/$name" \
    >"fuzz-$name.log" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz-$name.log") executions in $seconds s, $(
      ls "grown/$name" | wc -l) inputs grown"
    pass
  else
    tail -n 30 "fuzz-$name.log"
    fail "$name: see fuzz-$name.log and $found"
  fi
done
finish
