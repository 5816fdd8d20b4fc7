#!/bin/sh
# What hidden layers have of their own: on the command line, in a file, in what is stored; and the
# same bits for any number of threads and after any number of stops.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals data.h5 -q --train-rows 600 --valid-rows 100 --test-rows 100 --seed 3 \
  >out 2>err || fail "spirals"

# survives NAME OPTIONS...: stopped again and again, by other numbers of threads, a run ends with
# the weights of an undisturbed one.
survives() {
  name=$1
  shift
  set -- data.h5 "$@" --epochs 3 --batch-size 96 --lane-rows 24 -q
  expect 0 "$name: in one go" train "$@" --run "$name" --threads 1
  stops=0 code=75
  while [ "$code" -eq 75 ] && [ $stops -lt 40 ]; do
    run train "$@" --run "$name-stopped" --threads $((stops % 3 + 1)) --isa generic \
      --time-limit 1ms --checkpoint-every 0s
    stops=$((stops + 1))
  done
  if [ "$code" -eq 0 ] && [ $stops -gt 2 ]; then pass; else fail "$name: exit $code after $stops"; fi
  same "$name: the same weights" "$(digest "$name")" "$(digest "$name-stopped")"
}

survives own --hidden 20:gelu:0.1,9:tanh,7:0.2 --activation selu
expect 0 "inspect shows them" inspect own
check "an activation and a dropout" grep -Eq -e '2 -> 20 gelu, dropout +0.1' out
check "those of the network" grep -q -e '9 -> 7 selu, dropout' out
check "the recipe" grep -q -e 'hidden: .{width: 20, activation: gelu, dropout: 0.1}, ' out
expect 0 "as JSON, too" inspect own --json
check "with the dropout" grep -q '"activation":"tanh"}.*"dropout":0.2' out
cp own/recipe.yaml again.yaml
expect 0 "a recipe gives the same run" train data.h5 --config again.yaml --run again -q
same "to the last bit" "$(digest own)" "$(digest again)"
expect 0 "eval" eval own data.h5
expect 0 "predict" predict own data.h5 -o out.csv

survives normalized --hidden 20:gelu:0.1,9,7:none --normalization layer-norm --optimizer adamw \
  --weight-decay 0.1 --clip-norm 1
expect 0 "inspect shows what is normalised" inspect normalized
check "and how" grep -q -e '2 -> 20 gelu, layer-norm, dropout 0.1' out
check "and what is not" grep -Eq -e '9 -> 7 relu$' out
expect 0 "as JSON, too" inspect normalized --json
check "with its name" grep -q '"normalization":"layer-norm"' out
survives batches --hidden 20:gelu:0.1,9,7:layer-norm --normalization batch-norm --average ema
expect 0 "inspect shows it" inspect batches
check "and what is normalised otherwise" grep -q -e '9 -> 7 relu, layer-norm' out
expect 0 "it is evaluated" eval batches data.h5
expect 0 "and predicts" predict batches data.h5 -o other.csv
refuses 78 "batches of one row" "batch-norm|training.batch_size" -- \
  train data.h5 --hidden 5:batch-norm --batch-size 1
refuses 78 "an average that has no statistics" "swa|batch-norm|ema" -- \
  train data.h5 --normalization batch-norm --average swa
expect 0 "with an average and several batches to an update" train data.h5 --hidden 9,5 --batch-size 32 \
  --normalization layer-norm --average ema --accumulate 3 --epochs 2 --run averaged -q
expect 0 "and it is evaluated" eval averaged data.h5

survives deep --hidden 20,20,20:identity:0.1:residual=2,20:residual=1 --normalization batch-norm
expect 0 "inspect shows what is added" inspect deep
check "of a block" grep -q -e '20 -> 20 identity, batch-norm, dropout 0.1, adds layer 1$' out
check "of a layer" grep -q -e '20 -> 20 relu, batch-norm, adds layer 3$' out
refuses 78 "a residual of another width" "layer 2|layer 1|equal widths" -- \
  train data.h5 --hidden 5,6:residual=1
refuses 78 "a residual without its name" "layer 2|'residual=1'" -- train data.h5 --hidden 5,5:1

refuses 78 "a normalization that is none" "layer 1|'layer-nrm'|'layer-norm'" -- \
  train data.h5 --hidden 5:layer-nrm
refuses 78 "an activation that is none" "layer 2|'gelo'|'gelu'" -- train data.h5 --hidden 5,6:gelo
refuses 78 "one for outputs" "layer 1|softmax" -- train data.h5 --hidden 5:softmax --run r
refuses 78 "a dropout that is none" "layer 1|'1.5'" -- train data.h5 --hidden 5:1.5
refuses 78 "two of a kind" "layer 1|twice" -- train data.h5 --hidden 5:relu:tanh
printf 'network:\n  hidden:\n  - {width: 5, droput: 0.1}\n' >bad.yaml
refuses 78 "a word that is none" "bad.yaml:3:16|droput|dropout" -- train data.h5 --config bad.yaml

expect 0 "bench takes them" bench --layers 20,30:gelu:0.1,8,5 --batch-size 16 --seconds 0.02 --json
check "and tells" grep -q '"activation": "mixed"' out
refuses 78 "but no others" "--layers|'gelo'" -- bench --layers 20,30:gelo,5
finish
