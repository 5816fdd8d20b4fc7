#!/bin/sh
# What is done with a trained model beside eval and predict: calibrating it, understanding it.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

run generate digits digits.h5 --train-rows 900 --test-rows 200 -q
expect 0 "a model" train digits.h5 --hidden 32 --epochs 30 --valid-split 0.2 --run run -q
cp -r run other
"$gradus" inspect run --digest >digest
"$gradus" eval run digits.h5 >before
expect 0 "calibrate" calibrate run digits.h5
check "says what it did" \
  grep -Eq '^run/best.h5: temperature [0-9.]+ fitted on [0-9]+ rows \(held out\): log-loss [0-9.]+ -> [0-9.]+$' out
"$gradus" inspect run --digest >after
check "no weight has changed" cmp digest after
expect 0 "inspect" inspect run
check "tells the temperature" grep -q '^temperature: ' out
check "draws the curves" grep -Eq '^ +[0-9.e-]+ \|[.o*]' out
check "of all epochs" grep -q '^ *epoch 1 to 30$' out
expect 0 "eval" eval run digits.h5
check "says the same classes" test "$(grep '^  accuracy' before)" = "$(grep '^  accuracy' out)"
check "with other probabilities" test "$(grep '^  log_loss' before)" != "$(grep '^  log_loss' out)"
cp run/best.h5 once.h5
expect 0 "calibrate again" calibrate run digits.h5 --threads 2 --json
check "is JSON" grep -Eq '^\{"model": "run/best.h5", "temperature": [0-9.]+, .*\}$' out
check "and changes nothing" cmp once.h5 run/best.h5
expect 0 "training finds the run finished" \
  train digits.h5 --hidden 32 --epochs 30 --valid-split 0.2 --run run -q
expect 0 "another file" generate digits other.h5 --train-rows 300 --seed 9 --test-rows 50 -q
refuses 65 "rows that nobody held out" "--split" -- calibrate other other.h5
expect 0 "a split of it" calibrate other other.h5 --split test
expect 0 "numbers" generate friedman1 numbers.h5 --train-rows 500 -q
expect 0 "a model of numbers" train numbers.h5 --hidden 8 --epochs 3 --run numbers -q
expect 0 "importance" importance numbers numbers.h5 --rows 200 --repeats 3
check "of ten columns" test "$(grep -c '^  x[0-9]' out)" -eq 10
expect 0 "importance by a metric" importance run digits.h5 --rows 50 --metric auc --repeats 2 --top 3
check "of the first three" test "$(grep -c '^  column [0-9]' out)" -eq 3
expect 0 "gradient x input" importance numbers numbers.h5 --gradient --top 0
check "of ten inputs" test "$(grep -c '^  x[0-9]' out)" -eq 10
expect 0 "importance as JSON" importance numbers numbers.h5 --rows 50 --json
check "has base and columns" grep -Eq '"base": [0-9.]+, "repeats": 5, "columns": \[\{' out
expect 0 "layers at work" inspect run --layers digits.h5
check "a line for each layer" test "$(grep -Ec '^  [0-9]+: [0-9]+ -> [0-9]+ +[a-z]+ +[0-9.e-]+ +[0-9.e-]+ +[0-9.e-]+ +[0-9]+ of [0-9]+$' out)" -eq 2
expect 0 "layers as JSON" inspect run/best.h5 --layers digits.h5 --split test --json
check "a model has no optimiser" grep -q '"update_ratio": null' out
check "and is not normalised" grep -q '"gain_rms": null' out
expect 0 "a normalised one" train numbers.h5 --hidden 8,6 --normalization layer-norm --epochs 1 --run normal -q
expect 0 "layers of it" inspect normal --layers numbers.h5
check "and gains and shifts" test "$(grep -Ec '^  [12] +[0-9.e-]+ +[0-9.e-]+ +[0-9.e-]+ +[0-9.e-]+$' out)" -eq 2
refuses 65 "layers of a data set" "is not a gradus checkpoint" -- inspect digits.h5 --layers digits.h5
refuses 2 "a metric that the model has not" "auc|rmse" -- importance numbers numbers.h5 --metric auc
refuses 2 "one permutation" "--repeats" -- importance numbers numbers.h5 --repeats 1
refuses 65 "numbers have no probabilities" "quadratic" -- calibrate numbers numbers.h5
finish
