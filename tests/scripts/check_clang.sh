#!/bin/sh
# The whole test suite, warnings being errors, with clang and its OpenMP runtime.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

command -v clang >/dev/null 2>&1 || skip "no clang"
another_build clang CC=clang
check_all
finish
