#!/bin/sh
# SIGKILL at random instants, other threads and instruction sets in between: the same final bits in
# weights, optimizer, history, best model and metrics.jsonl, and the same end by early stopping.
# GRADUS_TEST_KILLS: how many at most (20); make check-long repeats it until there were 300.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"
. "$source_dir/tests/cli/workload.sh"

seed=${GRADUS_TEST_SEED:-$$} kills=${GRADUS_TEST_KILLS:-20}
echo "seed $seed (GRADUS_TEST_SEED replays another)"
# Early stopping ends it after some 60 % of its epochs.
prepare $((kills * 20))
workload="$workload --patience $((kills * 2))"
undisturbed

# random N: the next of a seeded row of numbers, from 0 to N-1.
random() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  drawn=$((seed / 65536 % $1))
}

# kill_after_a_while: at most 300 ms, less where the whole run is short.
kill_after_a_while() {
  random $((duration / 4 + 100 < 300 ? duration / 4 + 100 : 300))
  sleep "$(printf '0.%03d' $drawn)"
  kill -s KILL "$child" 2>/dev/null
}

killed=0 code=137 round=0
while [ "$code" -eq 137 ] && [ $round -lt $((kills * 3)) ]; do
  round=$((round + 1))
  random 3
  threads=$((drawn + 1)) isa=auto
  [ $((round % 3)) -ne 0 ] || isa=generic
  [ $killed -lt "$kills" ] || threads=1 isa=auto
  begin killed --threads $threads --set resources.isa=$isa
  [ $killed -ge "$kills" ] || kill_after_a_while
  leave
  [ "$code" -ne 137 ] || killed=$((killed + 1))
  if [ "$code" -eq 0 ] && [ $killed -lt $((kills / 4)) ]; then # done too early: killed sooner
    rm -rf killed
    duration=$((duration / 2)) killed=0 code=137
  fi
done 2>/dev/null
if [ "$code" -eq 0 ]; then pass; else fail "the run ends after $round rounds: exit $code"; fi
check "it was killed often" test $killed -ge $((kills / 4))
echo "killed $killed times"
agrees killed
check "it stopped early" grep -q '"stopped_early":true' killed/metrics.jsonl
check "the same metrics.csv" cmp whole/metrics.csv killed/metrics.csv
same "the same best model" "$(digest whole/best.h5)" "$(digest killed/best.h5)"

# Everything in the file but what tells of time.
cat >same.py <<'END'
import sys, h5py
def content(path):
    found = {}
    def visit(name, node):
        for key, value in node.attrs.items():
            if key != "wall_seconds":
                found[name + "@" + key] = repr(value)
        if isinstance(node, h5py.Dataset):
            found[name] = node[()].tobytes() if node.shape else repr(node[()])
    with h5py.File(path, "r") as f:
        f.visititems(visit)
    return found
a, b = content(sys.argv[1]), content(sys.argv[2])
print(*sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k)))
sys.exit(a != b or len(a) < 20)
END
python=$(find_python)
if [ -n "$python" ]; then
  for file in final.h5 best.h5; do
    check "$file: the same weights, moments, history and state" "$python" same.py whole/$file killed/$file
  done
else
  skip "no python with h5py to compare moments and history"
fi

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
