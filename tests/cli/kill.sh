#!/bin/sh
# SIGKILL at random instants, other threads and instruction sets in between: the same final bits.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
. "$source_dir/tests/cli/workload.sh"

seed=${GRADUS_TEST_SEED:-$$}
echo "seed $seed (GRADUS_TEST_SEED replays another)"
prepare 120
undisturbed

# random N: the next of a seeded row of numbers, from 0 to N-1.
random() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  drawn=$((seed / 65536 % $1))
}

killed=0 code=137 round=0
while [ "$code" -eq 137 ] && [ $round -lt 60 ]; do
  round=$((round + 1))
  random 3
  threads=$((drawn + 1)) isa=auto
  [ $((round % 3)) -ne 0 ] || isa=generic
  [ $killed -lt 6 ] || threads=1 isa=auto
  begin killed --threads $threads --set resources.isa=$isa
  random $((duration / 4 + 100))
  if [ $killed -lt 6 ]; then
    sleep "$(printf '%d.%03d' $((drawn / 1000)) $((drawn % 1000)))"
    kill -s KILL "$child" 2>/dev/null
  fi
  leave
  [ "$code" -ne 137 ] || killed=$((killed + 1))
  if [ "$code" -eq 0 ] && [ $killed -lt 2 ]; then # done too early: once more, and killed sooner
    rm -rf killed
    duration=$((duration / 2)) killed=0 code=137
  fi
done 2>/dev/null
if [ "$code" -eq 0 ]; then pass; else fail "the run ends after $round rounds: exit $code"; fi
check "it was killed at least twice" test $killed -ge 2
echo "killed $killed times"
agrees killed

# A checkpoint that was damaged is passed over for the one before it.
begin damaged
check "training has begun" await is_training
enough() { test "$(find damaged/checkpoints -name 'step-*.h5' | wc -l)" -ge 2; }
check "two checkpoints" await enough
kill -s KILL $child
leave 2>/dev/null
newest=$(find damaged/checkpoints -name 'step-*.h5' | sort | tail -1)
printf 'x' | dd of="$newest" bs=1 seek=9000 conv=notrunc 2>/dev/null
refuses 65 "a damaged checkpoint is refused" "$(basename "$newest")" -- inspect --digest "$newest"
# shellcheck disable=SC2086
expect 0 "the one before it is taken" train data.h5 $workload --run damaged
check "and it is said why" grep -q "$(basename "$newest")" err
agrees damaged

# Where none is intact the run is not begun anew over what is left of it.
for file in damaged/checkpoints/step-*.h5; do
  printf 'x' | dd of="$file" bs=1 seek=9000 conv=notrunc 2>/dev/null
  newest=$(basename "$file")
done
contents() { find damaged -type f ! -name lock -exec cksum {} + | sort; }
before=$(contents)
# shellcheck disable=SC2086
refuses 65 "nothing intact" "damaged/checkpoints|$newest|--run" -- \
  train data.h5 $workload --run damaged
same "nothing is overwritten" "$before" "$(contents)"
finish
