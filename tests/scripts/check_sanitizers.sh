#!/bin/sh
# The whole test suite under AddressSanitizer (leaks, too) and UndefinedBehaviorSanitizer, with gcc.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
UBSAN_OPTIONS=print_stacktrace=1
# HDF5 1.10.8 itself loses memory when it refuses a damaged file.
LSAN_OPTIONS=suppressions=$GR_SOURCE/tests/scripts/lsan.supp:print_suppressions=0
export ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
another_build sanitizers CC=gcc \
  CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
check_all
finish
