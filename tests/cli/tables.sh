#!/bin/sh
# A table as it comes: numbers, levels and gaps straight from CSV to a model, an evaluation and
# predictions, columns found by name.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

# 600 rows: y follows colour and size; size is missing in every seventh row, note in all, id names
# the row, same is constant.
awk 'BEGIN {
  split("red green blue", colour, " ")
  print "id,colour,size,same,note,word,price"
  for (i = 0; i < 600; i++) {
    c = colour[i * 7 % 3 + 1]; s = i * 37 % 100 / 10
    base = c == "red" ? 1 : c == "green" ? 2 : 4
    printf "%d,%s,%s,5,,w%d,%.4f\n", i, c, i % 7 == 3 ? "" : s, i, base * (1 + s)
  }
}' >t.csv
"$gradus" train t.csv --target price --target-transform log --test-every 5 --hidden 32 --epochs 30 \
  --run run >out 2>err || fail "a table is trained on"
pass
for line in "column id: dropped: it counts the rows" "column note: dropped: all cells are empty in t.csv" \
  "column word: dropped: text, 480 distinct values in 480 cells (an identifier?)" \
  "column same: dropped: constant: every training row has 5" "columns: 3 become 21 inputs"; do
  check "it says: $line" grep -qF "$line" err
done
check "the test rows are told in what is next" grep -q "gradus eval run t.csv --test-every 5" out
"$gradus" eval run t.csv --test-every 5 --target price | grep rmse >trained
check "the loss is told" grep -q 'test .*rmse' out
expect 0 "eval finds target and columns by itself" eval run t.csv --test-every 5
grep rmse out >again
check "and gives what training gave" cmp -s trained again
expect 0 "inspect" inspect run
for line in "size: numeric:" "and an indicator" "colour: categorical: 3 levels" "levels: blue, green, red" \
  "word: dropped: text" "target: price" "target_transform: log"; do
  check "inspect says: $line" grep -qF "$line" out
done

# Other columns in another order, no target, a level that training did not have.
printf 'more,size,colour\nx,2,red\ny,,green\nz,2,violet\n' >new.csv
expect 0 "predictions" predict run new.csv -o p.csv
check "one for each row, above 0 as prices are" \
  awk 'NR == 1 { next } !($1 > 0 && $1 < 100) { exit 1 } END { exit NR != 4 }' p.csv
printf 'colour\nred\n' >lacks.csv
refuses 65 "a column that is not there" "lacks.csv: has no column 'size', the model has" -- predict run lacks.csv
printf 'colour,size\nred,big\n' >text.csv
refuses 65 "a text among numbers" "text.csv: column 'size' does not fit" -- predict run text.csv
expect 65 "eval wants the target" eval run new.csv
says "no targets"

# The same rows as a data set file give the same weights, and take part in the same evaluation.
expect 0 "import" import t.h5 --train t.csv --test-every 5 --target price -q
expect 0 "training on it" train t.h5 --target-transform log --hidden 32 --epochs 30 --run run2 -q
run inspect run --digest
mv out digest
run inspect run2 --digest
check "the same digest" cmp -s out digest
expect 0 "eval of a file" eval run t.h5
grep rmse out >again
check "is the same" cmp -s trained again
refuses 2 "keys of tables are refused for other data" "data.test_every is for tables" -- \
  train t.h5 --test-every 5

# Splits from files of their own; scalers and embeddings.
head -1 t.csv >valid.csv
sed -n '2,101p' t.csv >>valid.csv
for what in "--standardize robust" "--standardize quantile" "--standardize minmax" \
  "--embedding piecewise-linear" "--embedding periodic" "--missing mean" "--max-levels 1"; do
  # shellcheck disable=SC2086
  expect 0 "$what" train t.csv --target price --valid valid.csv --test valid.csv --hidden 8 --epochs 2 \
    --run "r$what" $what -q
  expect 0 "eval after $what" eval "r$what" valid.csv
done

# What is said of a model finds its columns in a table, too.
awk -F, 'NR == 1 { print $0 ",dear"; next } { print $0 "," ($7 > 8 ? "yes" : "no") }' t.csv >c.csv
expect 0 "classes" train c.csv --target dear --test-every 5 --hidden 16 --epochs 5 --run c -q
expect 0 "importance" importance c c.csv --test-every 5
check "names the columns" grep -q "price " out
expect 0 "layers" inspect c --layers c.csv
check "has a line for each" grep -q "1: .* -> 16 " out
expect 0 "calibrate on what training held out" calibrate c c.csv --test-every 5
check "and says so" grep -q "temperature .* (held out)" out
refuses 65 "calibrate on other rows" "is not what the model was trained on" -- calibrate c c.csv

expect 0 "gradient x input of columns" importance run t.csv --test-every 5 --gradient --top 0
check "one line for each that is used" test "$(grep -cE "^  (colour|size) +[0-9.]+ +[0-9.e-]+$" out)" -eq 2

# Weights and offsets are columns; imported or not, the same run comes of them.
awk 'BEGIN {
  print "w,x,exposure,y"
  for (i = 0; i < 200; i++) printf "%d,%.3f,%.4f,%d\n", 1 + i % 3, i * 37 % 100 / 100, log(1 + i % 5), i % 4
}' >c.csv
expect 0 "columns as weights and offsets" train c.csv --weights w --offset exposure --target y \
  --task regression --loss poisson --epochs 2 --hidden 8 --run straight
check "what is next knows them" grep -q "gradus eval straight c.csv --weights w --offset exposure" out
expect 0 "imported" import --train c.csv --weights w --offset exposure --target y --task regression c.h5
expect 0 "inspect tells" inspect c.h5
check "of weights" grep -q "weights: true" out
check "and of offsets" grep -q "offsets: true" out
expect 0 "the data set" train c.h5 --loss poisson --task regression --epochs 2 --hidden 8 --run imported -q
same "the same weights" "$(digest straight)" "$(digest imported)"
expect 0 "eval" eval straight c.csv --weights w --offset exposure
grep "mae" out >one
expect 0 "eval of the data set" eval imported c.h5 --split train
grep "mae" out >other
check "gives the same" cmp -s one other
check "which is something" test -s one
expect 2 "a data set has its own" train c.h5 --weights w
finish
