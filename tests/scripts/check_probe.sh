#!/bin/sh
# The peak that bench measures against is only as good as its loop: disassembles the objects with
# the function gr_fma_rounds of each instruction set and looks at its inner loop. All the fused
# multiply-adds that are counted, on registers alone, the widest that the set has; each accumulator
# once a round; beside them nothing but a counter, a comparison and the jump.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

OBJDUMP=${OBJDUMP:-objdump}
command -v "$OBJDUMP" >/dev/null 2>&1 || skip "no objdump"
case " $CFLAGS " in
  *-fsanitize* | *-fprofile* | *--coverage*) skip "instrumented code" ;;
  *-O2* | *-O3*) ;;
  *) skip "not an optimised build" ;;
esac

# What is wrong with the loop in OBJECT, whose accumulators live in REGISTERS (a pattern).
findings() { # OBJECT REGISTERS
  $OBJDUMP -d --no-show-raw-insn "$1" | awk -v wanted="$2" '
    function is_fma(line) { return line ~ /^vfmadd/ || line ~ /^fmla / }
    function judge(from, to,   k, fma, other, operand, register) {
      for (k = from; k <= to; k++) if (is_fma(text[k])) fma++
      if (fma < 8) return
      loops++
      split("", times)
      for (k = from; k <= to; k++) {
        if (!is_fma(text[k])) { other++; last = text[k]; continue }
        if (text[k] ~ /[(\[]/) print "a fused multiply-add goes to memory: " text[k]
        if (text[k] !~ wanted) print "not in the widest registers: " text[k]
        n = split(text[k], operand, /[ ,]+/)
        register = operand[text[k] ~ /^fmla/ ? 2 : n]
        times[register]++
      }
      least = most = 0
      for (register in times) {
        chains++
        if (!least || times[register] < least) least = times[register]
        if (times[register] > most) most = times[register]
      }
      if (fma % 12) print fma " fused multiply-adds: a round has 12 on x86, 24 on aarch64"
      if (least != most) print "some accumulators are used " most " times a round, some " least
      if (chains < 8) print "only " chains " accumulators"
      if (other > 4) print other " instructions beside " fma " fused multiply-adds, such as " last
    }
    /^[0-9a-f]+ <.*>:$/ { inside = $2 ~ /^<_?gr_fma_rounds/; n_lines = 0; split("", line_at); next }
    inside && /^ *[0-9a-f]+:/ {
      address = $1; sub(/:/, "", address)
      n_lines++
      text[n_lines] = $0
      sub(/^[^:]*:[ \t]*/, "", text[n_lines])
      gsub(/\t/, " ", text[n_lines])
      line_at[address] = n_lines
      # Backward jumps: the target is the first bare hexadecimal word after the mnemonic.
      if (text[n_lines] ~ /^(j[a-z]+|b\.[a-z]+|cbn?z|tbn?z) /) {
        count = split(text[n_lines], word, /[ ,]+/)
        for (i = 2; i <= count; i++)
          if (word[i] in line_at) { judge(line_at[word[i]], n_lines); break }
      }
    }
    END { if (!loops) print "no loop with 8 fused multiply-adds in gr_fma_rounds" }'
}

for object in $(find "$GR_BUILD/src" -name '*probe*.o' | LC_ALL=C sort); do
  case $object in
    *avx512*) judge "${object#"$GR_BUILD"/}" "$(findings "$object" '%zmm')" ;;
    *avx2*) judge "${object#"$GR_BUILD"/}" "$(findings "$object" '%ymm')" ;;
    *neon*) judge "${object#"$GR_BUILD"/}" "$(findings "$object" '4s')" ;;
  esac
done
[ $((passed + failed)) -gt 0 ] || skip "no kernels for an instruction set in this build"
finish
