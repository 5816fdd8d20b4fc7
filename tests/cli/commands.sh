#!/bin/sh
# Each command as a user types it, on generated data.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

python=$(find_python)
is_json() {
  if [ -z "$python" ]; then skip "no python to read JSON"; return 0; fi
  "$python" -c 'import json, sys
for line in sys.stdin: json.loads(line)' <out
}

expect 0 "digits" generate digits digits.h5 --train-rows 800 --valid-rows 200 --test-rows 200
check "generate says what came out" grep -q '784' out
expect 0 "the same seed" generate digits again.h5 --train-rows 800 --valid-rows 200 --test-rows 200 -q
check "-q prints nothing" test ! -s out
same "gives the same data" "$(digest digits.h5)" "$(digest again.h5)"
expect 0 "another seed" generate digits other.h5 --train-rows 800 --seed 7 -q
check "gives other data" test "$(digest digits.h5)" != "$(digest other.h5)"
expect 0 "a split of no rows" generate digits other.h5 --overwrite --train-rows 80 --test-rows 0
check "is left out" test "$(grep -c -e '^train:' -e '^test:' out)" = 1
refuses 2 "but not the training split" "train rows" -- generate digits none.h5 --train-rows 0
refuses 73 "an existing file is kept" "digits.h5" -- generate spirals digits.h5
same "untouched" "$(digest digits.h5)" "$(digest again.h5)"
expect 0 "unless told otherwise" generate spirals again.h5 --overwrite --json
check "generate --json" is_json

expect 0 "train" train digits.h5 --hidden 32 --epochs 3 --run run
check "says how it went" grep -q 'finished: epoch 3' out
check "and how good the model is" grep -Eq 'test +accuracy 0\.[0-9]{4}' out
check "and what to try next" grep -q 'gradus eval run digits.h5' out
check "with a line per epoch" test "$(grep -c '^epoch ' err)" -eq 3
for file in recipe.yaml run.json metrics.jsonl final.h5; do
  check "the run holds $file" test -s run/$file
done
check "one line of metrics per epoch and a final one" test "$(wc -l <run/metrics.jsonl)" -eq 4
expect 0 "a finished run is finished" train digits.h5 --hidden 32 --epochs 3 --run run --json -q
check "and says so" grep -q '"already_finished": true' out
check "train --json" is_json
check "-q leaves standard error empty" test ! -s err
expect 0 "without --run the same command finds its run" train digits.h5 --hidden 8 --epochs 1 -q
expect 0 "again" train digits.h5 --hidden 8 --epochs 1 -q
check "already finished" grep -q 'already finished' out
check "in runs/digits-DIGEST" test "$(find runs -mindepth 1 -maxdepth 1 -name 'digits-????????' | wc -l)" -eq 1
expect 0 "the stored recipe reproduces the run" train --config run/recipe.yaml digits.h5 --run copy -q
same "to the last bit" "$(digest run)" "$(digest copy)"

# Four lanes of 64 rows, and a short last batch; how the threads share a step is no part of a recipe.
shared="--hidden 40,17 --batch-size 256 --optimizer momentum --epochs 2"
# shellcheck disable=SC2086
{
  expect 0 "one thread" train digits.h5 $shared --threads 1 --run one -q
  for strategy in tiles lanes columns grid; do
    expect 0 "three that share by $strategy" \
      train digits.h5 $shared --threads 3 --strategy $strategy --run $strategy -q
    same "have the same bits" "$(digest one)" "$(digest $strategy)"
    check "and the same recipe" cmp one/recipe.yaml $strategy/recipe.yaml
    expect 0 "the plan" train digits.h5 $shared --threads 3 --strategy $strategy --dry-run
    check "says $strategy" grep -Eq "^step .* by $strategy, " out err
  done
  refuses 78 "a way to share that is none" "--strategy|'columns'" -- \
    train digits.h5 $shared --strategy column --run none -q
}

expect 0 "eval" eval run digits.h5
check "says accuracy" grep -Eq '^test \(200 rows\): accuracy 0\.[0-9]{4}, loss ' out
check "and a confusion matrix of ten rows" test "$(sed '1,/^confusion/d' out | grep -c '^  [0-9]')" -eq 10
expect 0 "of another split" eval run digits.h5 --split valid --threads 2 --json
check "eval --json" is_json
check "with a matrix" grep -q '"split": "valid".*"confusion": \[\[' out
expect 0 "spirals" generate spirals spirals.h5 -q
refuses 65 "data of another width" "784" -- eval run spirals.h5
expect 0 "train without a test split" train other.h5 --hidden 4 --epochs 1 --run other -q

expect 0 "predict prints CSV" predict run digits.h5
check "a line per row" test "$(grep -vc '[a-z]' out)" -ge 200
expect 0 "inspect" inspect run/final.h5
check "shows shapes" grep -q '784' out
for file in digits.h5 run run/final.h5; do
  expect 0 "inspect --json $file" inspect --json $file
  check "reads as JSON" is_json
done
expect 0 "a digest is 32 hex digits" inspect --digest run
check "and nothing else" grep -Eqx '[0-9a-f]{32}' out
expect 0 "seal a checkpoint that is intact" seal run/final.h5
expect 0 "bench" bench --layers 20,30,5 --batch-size 16 --seconds 0.05 --threads 1,2
check "prints a row for each" test "$(grep -c '^ *[12] ' out)" -eq 2
expect 0 "bench --json" bench --layers 20,30,5 --batch-size 16 --seconds 0.05 --threads 1,2 --json
check "prints a line for each" test "$(wc -l <out)" -eq 2
check "of JSON" is_json
for key in step_us best_us samples_per_s gflops peak_gflops pct_peak threads batch isa; do
  check "with $key" grep -q "\"$key\": " out
done
expect 0 "doctor" doctor
check "speaks of HDF5" grep -q 'HDF5' out
expect 0 "doctor --json" doctor --json
check "reads as JSON" is_json
threads=$(grep -o '"used": *[0-9]*' out)
OMP_PROC_BIND=true expect 0 "doctor where OpenMP binds threads" doctor --json
same "has as many" "$threads" "$(grep -o '"used": *[0-9]*' out)"

cat >table.csv <<'CSV'
width,colour,height,kind
1.5,red,2,small
2.5,blue,3,large
0.5,red,1,small
3.5,blue,5,large
1.0,red,1.5,small
4.0,blue,4,large
CSV
expect 0 "import a table" import --train table.csv --target kind table.h5
check "says what happened to each column" grep -q 'colour' err
expect 0 "inspect it" inspect table.h5
check "a line for each column" grep -qx '  width: numeric' out
check "and no blank at the end of a line" test "$(grep -c ' $' out)" -eq 0
expect 0 "and train on it" train table.h5 --epochs 2 --hidden 4 --run table --valid-split 0 -q
expect 0 "and predict class names" predict table table.h5
check "as they were called" grep -Eq '^"?(small|large)' out
expect 0 "a regression" generate friedman1 friedman.h5 -q
expect 0 "trains" train friedman.h5 --epochs 2 --run friedman -q
check "and says rmse and r2" grep -Eq 'test +rmse .*, r2 ' out
finish
