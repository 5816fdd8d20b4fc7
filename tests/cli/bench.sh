#!/bin/sh
# gradus bench: any shape, the standard ones, plans, phases; and the same steps as train's.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

python=$(find_python)
# holds KEY...: each line of the last output is a JSON object with these keys, none of them NaN.
holds() {
  if [ -z "$python" ]; then skip "no python to read JSON"; return 0; fi
  "$python" -c 'import json, sys
def refuse(word): raise ValueError(word)
lines = [json.loads(line, parse_constant=refuse) for line in sys.stdin]
assert lines
for line in lines:
    for key in sys.argv[1:]: assert key in line, key' "$@" <out
}

small="--layers 20,30,5 --batch-size 16 --seconds 0.02"
# shellcheck disable=SC2086
{
  expect 0 "any shape" bench $small --threads 1,2
  check "a row for each number of threads" test "$(grep -c '^ *[12] ' out)" -eq 2
  expect 0 "as JSON" bench $small --threads 1,2 --json
  check "a line for each" test "$(wc -l <out)" -eq 2
  check "with its keys" holds layers batch threads isa cpu step_us best_us samples_per_s gflops \
    peak_gflops pct_peak flops bytes_moved working_set_bytes level bandwidth_gbs limit
  check "the speed of memory is not measured unasked" grep -q '"bandwidth_gbs": null' out
  # batch (6 sum n_in n_out - 2 n_in n_out of the first layer) = 16 (6 * 750 - 2 * 600)
  check "the operations of a step are those of the formula" grep -q '"flops": 52800,' out
  expect 0 "phases" bench $small --threads 1 --phases
  check "are shown by name" grep -q '^ *weight_gradient ' out
  check "with what limits the step" grep -Eq '^ *limited by (FMA|L2|L3|memory|overhead);' out
  expect 0 "phases as JSON" bench $small --threads 1 --phases --json
  check "are keys" grep -q '"phases": {"gather": [0-9.e-]*, "forward": ' out
  check "and the limit is named" grep -Eq '"limit": "(FMA|L2|L3|memory|overhead)"' out
  expect 0 "an instruction set" bench $small --isa generic --json --threads 1
  check "is the one used" grep -q '"isa": "generic"' out
  expect 0 "other optimizers and losses" bench $small --optimizer adam --loss quadratic \
    --activation sigmoid --json --threads 1
  check "are the ones used" \
    grep -q '"output_activation": "sigmoid", "loss": "quadratic", "optimizer": "adam"' out
}
expect 0 "one output" bench --layers 6,4,1 --batch-size 10 --seconds 0.02 --threads 1 --json
check "is a sigmoid" grep -q '"output_activation": "sigmoid", "loss": "cross-entropy"' out
expect 0 "no hidden layer" bench --layers 6,2 --batch-size 10 --seconds 0.02 --threads 1 --json
check "two outputs are a softmax" grep -q '"layers": "6,2".*"output_activation": "softmax"' out
expect 0 "more classes than rows in two batches" bench --layers 3,50 --batch-size 2 --steps 3

expect 0 "a plan" bench --layers 784,30,10 --batch-size 10 --plan --threads 1
check "shows layers" grep -q '784 -> 30' out
check "and the traffic" grep -Eq '^traffic +[0-9]+ bytes a step' out
check "and measures nothing" test "$(grep -c GFLOP out)" -eq 0
expect 0 "a plan as JSON" bench --plan --shapes T,N --threads 1,2 --json
check "a line each" test "$(wc -l <out)" -eq 4
check "with the text" holds shape threads plan

expect 0 "standard shapes" bench --shapes N,T --threads 1 --seconds 0.02
check "are a Markdown table" grep -Eq '^\|---\|' out
check "the first one" grep -q '^| N: 784-30-10, batch 10, sigmoid, quadratic | 1 |' out
check "the second one" grep -q '^| T: 4-16-3, batch 16, tanh, cross-entropy | 1 |' out
check "every row has the columns of the head" \
  test "$(grep '^|' out | awk -F'|' '{ print NF }' | sort -u | wc -l)" -eq 1
expect 0 "as JSON" bench --table --shapes T --threads 1 --seconds 0.02 --json
check "with its name, bandwidth and limit" holds shape bandwidth_gbs limit
check "and no table" test "$(wc -l <out)" -eq 1

refuses 2 "an unknown shape names the nearest" "'H10'|'H100'" -- bench --shapes K,H10
refuses 2 "a list of shapes that ends with a comma" "--shapes" -- bench --shapes K,
refuses 2 "a shape has its own layers" "--table|--layers" -- bench --table --layers 4,3
refuses 2 "and its own batch" "--table|--batch-size" -- bench --table --batch-size 3
refuses 2 "widths twice" "--layers|--hidden" -- bench --layers 4,3 --hidden 3
refuses 2 "a digest of no number of steps" "--digest|--steps" -- bench --digest
refuses 2 "a number of threads that is none, last" "--threads|'1,x'" -- bench --threads 1,x
refuses 2 "a width that is none, last" "--layers|'8,4,x'" -- bench --layers 8,4,x
refuses 2 "one layer" "--layers|'784'" -- bench --layers 784
refuses 2 "a layer of no neurons" "--layers|'4,0,3'" -- bench --layers 4,0,3
refuses 78 "a layer too wide" "--layers" -- bench --layers 4,99999999,3
refuses 78 "an activation that is none" "--activation|relu" -- bench --activation rely
refuses 1 "a loss that is not finite" "not finite|learning_rate" -- \
  bench --layers 20,30,5 --batch-size 16 --loss quadratic --learning-rate 1e6 --seconds 0.1

# Steps on data are train's: the same recipe gives the same bits after as many steps.
"$gradus" generate digits digits.h5 --train-rows 800 --valid-rows 100 --test-rows 100 -q || exit 99
recipe="--hidden 17 --activation tanh --batch-size 8 --seed 5 --schedule cosine --epochs 1"
# shellcheck disable=SC2086
{
  expect 0 "train takes 100 steps" train digits.h5 $recipe --run run -q --json
  check "a hundred" grep -q '"steps": 100,' out
  expect 0 "bench takes the same" bench digits.h5 $recipe --steps 100 --digest --json --threads 1,2
  bench_digest() { sed -n "$1s/.*\"digest\": \"\([0-9a-f]*\)\".*/\1/p" out; }
  same "the digest is train's" "$(digest run)" "$(bench_digest 1)"
  same "with two threads, too" "$(digest run)" "$(bench_digest 2)"
  check "a hundred were timed" grep -q '"steps": 100,' out
  expect 0 "and in plain C" bench digits.h5 $recipe --steps 100 --digest --json --isa generic
  same "it is the same" "$(digest run)" "$(bench_digest 1)"
  expect 0 "the run's own recipe" bench digits.h5 --config run/recipe.yaml --steps 100 --digest --json
  same "is the same recipe" "$(digest run)" "$(bench_digest 1)"
  expect 0 "for people" bench digits.h5 $recipe --steps 100 --digest --threads 1
  check "the digest is shown" grep -q "$(digest run)" out
  refuses 2 "more steps than the recipe has" "101|100" -- bench digits.h5 $recipe --steps 101
}
# A held-out part and short batches, several epochs, another optimizer.
recipe="--hidden 9 --batch-size 64 --optimizer momentum --valid-split 0.2 --epochs 3"
"$gradus" generate spirals spirals.h5 --valid-rows 0 --train-rows 500 -q || exit 99
# shellcheck disable=SC2086
{
  expect 0 "train with a held-out part" train spirals.h5 $recipe --run held -q --json
  steps=$(sed -n 's/.*"steps": \([0-9]*\),.*/\1/p' out)
  expect 0 "bench does without it" bench spirals.h5 $recipe --steps "$steps" --digest --json
  same "and comes to the same bits" "$(digest held)" "$(bench_digest 1)"
}
refuses 65 "data of another width" "network.inputs|784" -- bench digits.h5 --layers 20,5,10
refuses 66 "data that are not there" "nothing.h5" -- bench nothing.h5
expect 0 "random data are the same each time" bench --layers 20,30,5 --steps 40 --digest --json
first=$(bench_digest 1)
expect 0 "on two threads" bench --layers 20,30,5 --steps 40 --digest --json --threads 2
same "as the digest says" "$first" "$(bench_digest 1)"
recipe="--hidden 9 --batch-size 32 --accumulate 3 --valid-split 0.2 --epochs 3 --clip-norm 0.1"
# shellcheck disable=SC2086
{
  expect 0 "train with several batches to an update" train spirals.h5 $recipe --run several -q --json
  steps=$(sed -n 's/.*"steps": \([0-9]*\),.*/\1/p' out)
  expect 0 "bench does the same" bench spirals.h5 $recipe --steps "$steps" --digest --json
  same "with the same bits" "$(digest several)" "$(bench_digest 1)"
}
expect 0 "with clipping" bench --layers 20,30,5 --steps 40 --digest --json --clip-norm 0.01
check "the weights are others" test "$first" != "$(bench_digest 1)"
finish
