#!/bin/sh
# Baseline objects must run on any CPU of the architecture: flags that leaked from the kernels of one
# instruction set show as ymm or zmm registers. The objects of each instruction set must have theirs.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

OBJDUMP=${OBJDUMP:-objdump}
command -v "$OBJDUMP" >/dev/null 2>&1 || skip "no objdump"
# shellcheck disable=SC2086
case $(${CC:-cc} $CFLAGS -dM -E -x c /dev/null 2>/dev/null) in
  *__AVX__*) skip "CFLAGS themselves ask for AVX" ;;
  *__x86_64__*) ;;
  *) skip "not x86-64" ;;
esac

registers() { $OBJDUMP -d --no-show-raw-insn "$1" | grep -o '%[yz]mm' | sort -u | tr '\n' ' '; }

for object in $(find "$GR_BUILD/src" -name '*.o' | LC_ALL=C sort); do
  name=${object#"$GR_BUILD"/}
  case $name in
    *avx512*)
      case $name in *gemm*) wanted=%zmm ;; *) wanted= ;; esac
      ;;
    *avx2*)
      case $(registers "$object") in *%zmm*) judge "$name" "zmm registers in an AVX2 object" ;; esac
      case $name in *gemm*) wanted=%ymm ;; *) wanted= ;; esac
      ;;
    *)
      found=$(registers "$object")
      judge "$name" "${found:+uses $found: flags of an instruction set leaked}"
      continue
      ;;
  esac
  case $(registers "$object") in
    *$wanted*) pass ;;
    *) judge "$name" "does not use $wanted registers" ;;
  esac
done
finish
