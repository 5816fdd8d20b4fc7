#!/bin/sh
# The AVX-512 kernels where no CPU has AVX-512: their sources compiled against SIMDe's emulation (Debian:
# libsimde-dev), then the tests of kernels and engine run with them as the best instruction set.
# Emulated multiply-adds are two real 256-bit ones, so the CPU must have AVX2 and FMA.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

CC=${CC:-cc}
kernel=$GR_SOURCE/src/kernel
emulation=$GR_SOURCE/tests/kernel/emulation
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

printf '#include <simde/x86/avx512.h>\n' | $CC -E - >/dev/null 2>&1 || skip "no SIMDe (libsimde-dev)"
grep -qs '^flags.* avx2 ' /proc/cpuinfo && grep -qs '^flags.* fma ' /proc/cpuinfo ||
  skip "this CPU lacks AVX2 or FMA"

# What the build compiles kernels with, but for the instruction set.
flags="-std=c11 -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp"
includes="-I$GR_BUILD -I$GR_SOURCE/src -I$GR_SOURCE/include"

compile() { # compile NAME SOURCE FLAG...
  name=$1
  source=$2
  shift 2
  # shellcheck disable=SC2086
  $CC $flags $CFLAGS $includes "$@" -c "$source" -o "$work/$name.o" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "compiling $source"
    finish
  }
}
for file in gemm vector loss; do
  compile "$file" "$kernel/$file.c" -isystem "$emulation" -DGR_KERNEL_ISA_AVX512 -mavx2 -mfma \
    -mf16c -w
done
compile isa "$emulation/isa.c"

# The programs of `make check` once more; objects here come before those of the library.
run() { # run LAYER
  (cd "$GR_BUILD" && make "test-$1") >"$work/log" 2>&1 || {
    tail -n 20 "$work/log"
    fail "make test-$1"
    return
  }
  # shellcheck disable=SC2086
  $CC $flags $CFLAGS "$work"/*.o "$GR_BUILD"/tests/"$1"/test_"$1"-*.o $2 \
    "$GR_BUILD/.libs/libtest-support.a" "$GR_BUILD/.libs/libgradus-internal.a" -lcunit -lxxhash -lm -o "$work/test-$1" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log"
    fail "linking test-$1"
    return
  }
  "$work/test-$1" >"$work/log" 2>&1
  grep -E 'FAILED|^ +[0-9]+\. ' "$work/log" | head -n 40 | cut -c 1-200
  passed=$((passed + $(grep -c '\.\.\.passed' "$work/log")))
  failed=$((failed + $(grep -c '\.\.\.FAILED' "$work/log")))
  grep -q 'Run Summary' "$work/log" || fail "test-$1 did not end"
}
run kernel ""
run exec "$(echo "$GR_BUILD"/tests/reference/test_exec-*.o)"
finish
