#!/bin/sh
# Data races: the test programs under ThreadSanitizer, with clang, libomp and Archer, which tells
# ThreadSanitizer what OpenMP's barriers order. gcc's runtime would give false reports. First a
# program with a race must be reported and a right one must not, or the check proves nothing.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

command -v clang >/dev/null 2>&1 || skip "no clang"
TSAN_OPTIONS='ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66'
ARCHER_OPTIONS=enable=1
export TSAN_OPTIONS ARCHER_OPTIONS
mkdir -p "$LONG" || exit 1
seed=$(mktemp -d "$LONG/races-XXXXXX") || exit 1
trap 'rm -rf "$seed"' EXIT

# 2 threads add to one number, with the guard $1 before the addition.
seeded() {
  cat >"$seed/$2.c" <<END
#include <stdio.h>
int main(void) {
  int n = 0;
#pragma omp parallel num_threads(2)
  for (int i = 0; i < 100000; i++) {
$1
    n++;
  }
#pragma omp parallel num_threads(2)
#pragma omp single
  n++;
  return printf("%d\n", n) < 0;
}
END
  clang -g -O1 -fopenmp -fsanitize=thread -o "$seed/$2" "$seed/$2.c" || skip "clang has no OpenMP"
  "$seed/$2" >"$seed/$2.out" 2>&1
}

if seeded '' racing; then fail "a race that was planted is not reported: is Archer there?"; else pass; fi
if seeded '#pragma omp critical' right; then
  pass
else
  fail "a right program is reported: is libarcher.so there (libomp-dev)?"
  head -n 30 "$seed/right.out"
fi
[ "$failed" -eq 0 ] || finish

# -fopenmp here is for the example program: Archer wakes only where the program itself links libomp.
another_build races CC=clang CFLAGS='-O1 -g -fsanitize=thread -fopenmp'
check_all
finish
