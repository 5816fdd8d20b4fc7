#!/bin/sh
# The product's inner loops must keep their accumulators in registers: disassembles the gemm objects
# of each instruction set, finds in the functions tile_* the innermost loops (backward jumps) with at
# least 8 fused multiply-adds, and fails where a vector goes to or comes from the stack. Addresses
# and counters there cost little (a load port is free) and are only told.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

OBJDUMP=${OBJDUMP:-objdump}
command -v "$OBJDUMP" >/dev/null 2>&1 || skip "no objdump"
case " $CFLAGS " in
  *-fsanitize* | *-fprofile* | *--coverage*) skip "instrumented code" ;;
  *-O2* | *-O3*) ;;
  *) skip "not an optimised build" ;;
esac

# "N loops" and a line for each that touches the stack, "note: ..." where no vector does. rbp (on ARM
# x29) is the stack where the function made it its frame pointer.
loops_of() {
  $OBJDUMP -d --no-show-raw-insn "$1" | awk '
    function number(hex,   i, v) {
      v = 0
      for (i = 1; i <= length(hex); i++) v = v * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
      return v
    }
    function judge_function(   i, j, k, inner, fma, bad, soft) {
      if (name !~ /^tile/) jumps = 0
      for (i = 1; i <= jumps; i++) {
        inner = 1
        for (j = 1; j <= jumps; j++)
          if (j != i && from[j] <= from[i] && to[j] >= to[i]) inner = 0
        if (!inner) continue
        fma = 0; bad = soft = ""
        for (k = to[i]; k <= from[i]; k++) {
          if (text[k] ~ /vfn?m(add|sub)|^fml[as]/) fma++
          if (text[k] ~ /\(%rsp|\[sp/ || (frame && text[k] ~ /\(%rbp|\[x29/)) {
            if (text[k] ~ /%[xyz]mm|[\t{][qdv][0-9]/) bad = text[k]; else soft = text[k]
          }
        }
        if (fma < 8) continue
        loops++
        if (bad != "") print name ": a loop with " fma " fused multiply-adds touches the stack: " bad
        else if (soft != "") print "note: " name ": in a loop with " fma " of them: " soft
      }
      n = jumps = frame = 0
      split("", line_at)
    }
    /^[0-9a-f]+ <.*>:$/ { judge_function(); name = $2; gsub(/[<>:]/, "", name); next }
    /^ *[0-9a-f]+:/ {
      address = $1; sub(/:/, "", address)
      n++
      text[n] = $0; sub(/^[^:]*:[ \t]*/, "", text[n])
      line_at[address] = n
      if (text[n] ~ /^mov +%rsp,%rbp|^(mov|add)\tx29, sp/) frame = 1
      if (text[n] ~ /^(j[a-z]+ |b(\.[a-z]+)?\t|[ct]bn?z\t)/) { # the address stands before <...>
        target = text[n]; sub(/ <.*/, "", target); sub(/.*[ \t]/, "", target)
        if ((target in line_at) && number(target) <= number(address)) {
          jumps++
          from[jumps] = n
          to[jumps] = line_at[target]
        }
      }
    }
    END { judge_function(); print loops + 0 " loops" }'
}

loops=0
for object in $(find "$GR_BUILD/src" -name '*gemm*.o' | grep -E '(avx2|avx512|neon)[^/]*$' | LC_ALL=C sort); do
  found=$(loops_of "$object")
  n=$(printf '%s\n' "$found" | sed -n 's/^\([0-9]*\) loops$/\1/p')
  loops=$((loops + n))
  printf '%s\n' "$found" | grep '^note: '
  judge "${object#"$GR_BUILD"/}" "$(printf '%s\n' "$found" | grep -v -e ' loops$' -e '^note: ')"
done
echo "$loops inner loops looked at"
[ "$passed" -eq 0 ] || [ "$loops" -gt 0 ] || fail "no inner loop was found in the gemm objects"
[ $((passed + failed)) -gt 0 ] || skip "no kernels for an instruction set in this build"
finish
