#!/bin/sh
# Bad input: the documented exit status, one line that names file and place, nothing overwritten.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals good.h5 -q >out 2>err || fail "spirals are generated"
quick="--epochs 1 --hidden 3 -q"

# bad STATUS SENTENCE WORDS FILE: refused by train, and no run was begun.
bad() {
  # shellcheck disable=SC2086
  refuses "$1" "$2" "$3" -- train "$4" --run bad-run $quick
  check "$2: no run was begun" test ! -e bad-run
}

bad 66 "a missing file" "absent.h5" absent.h5
echo "this is no HDF5" >text.h5
bad 65 "not HDF5" "text.h5" text.h5
: >empty.h5
bad 65 "an empty file" "empty.h5" empty.h5
head -c 3000 good.h5 >cut.h5
bad 65 "a truncated file" "cut.h5" cut.h5
refuses 65 "a directory for a file" "directory" -- train . $quick

refuses 66 "import: a missing file" "absent.csv" -- import --train absent.csv out.h5
check "makes nothing" test ! -e out.h5
printf 'a,b,c\n1,2,3\n4,5\n' >ragged.csv
refuses 65 "import: a ragged row" "ragged.csv:3" -- import --train ragged.csv out.h5 -q
printf 'a,b,c\n1,"2,3\n4,5,6\n' >quote.csv
refuses 65 "import: a quote without end" "quote.csv:" -- import --train quote.csv out.h5 -q
printf 'a,b\n1,2\n3,4\n' >fine.csv
refuses 2 "import: an unknown target" "fine.csv|colour" -- import --train fine.csv --target colour out.h5 -q
: >empty.csv
refuses 65 "import: an empty table" "empty.csv" -- import --train empty.csv out.h5 -q
printf '\000\000\010\003\000\000\000\002' >images.idx
printf '\000\000\010\001\000\000\000\002\001\001' >labels.idx
refuses 65 "import: truncated IDX" "images.idx" -- import --train images.idx,labels.idx out.h5 -q
check "nothing was made by any of them" test ! -e out.h5
cp good.h5 kept.h5
refuses 73 "import keeps an existing file" "kept.h5" -- import --train fine.csv kept.h5 -q
check "untouched" cmp -s good.h5 kept.h5

printf 'a,b\n5,6\n' >more.csv
printf '1 1:2 3:4\n0 2:1\n' >rows.svm
expect 0 "import: LIBSVM in compressed chunks" import --train rows.svm --chunk auto --compress gzip svm.h5 -q
expect 0 "it is a data set" inspect svm.h5
check "of three columns" grep -q '^columns: 3$' out
expect 0 "import: rows to be added to" import --train fine.csv sum.h5 -q
expect 0 "import --append adds them" import --append --train more.csv sum.h5
check "says how many there are now" grep -q 'rows: 3$' out
cp sum.h5 kept-sum.h5
refuses 65 "import --append: too many columns" "rows.svm:1:1: index 3" -- import --append --train rows.svm sum.h5 -q
printf 'b,c\n5,6\n' >other.csv
refuses 65 "import --append: a column is missing" "other.csv: has no column 'a'" -- import --append --train other.csv sum.h5 -q
check "the old file is untouched" cmp -s sum.h5 kept-sum.h5
refuses 66 "import --append: nothing to add to" "absent.h5" -- import --append --train more.csv absent.h5 -q
refuses 2 "import: append or overwrite" "not both" -- import --append --overwrite --train more.csv sum.h5 -q
refuses 2 "import: an unknown compression" "gzip:1 .. gzip:9" -- import --train fine.csv --compress lzma out.h5 -q
refuses 2 "import: no such chunk" "auto or a number of rows" -- import --train fine.csv --chunk 0 out.h5 -q
printf 'a,b\n1,2\n3\n4,5\n' >bad.csv
expect 0 "import: a bad row may be left out" import --train bad.csv --max-bad-rows 1 left.h5
check "and is counted" grep -q 'bad.csv: 1 bad row left out, 2 taken' err

refuses 66 "eval: no such model" "absent" -- eval absent good.h5
refuses 65 "eval: a data set is no model" "good.h5" -- eval good.h5 good.h5
refuses 65 "seal: a data set is no checkpoint" "good.h5" -- seal good.h5
check "and is left alone" cmp -s good.h5 kept.h5
refuses 66 "inspect: nothing there" "absent" -- inspect absent
refuses 65 "inspect: a text" "text.h5" -- inspect text.h5
refuses 66 "predict: no such model" "absent" -- predict absent good.h5

python=$(find_python)
if [ -z "$python" ]; then
  skip "no python with h5py: data sets with bad contents"
  finish
fi
"$python" - <<'PY' || fail "the bad data sets are made"
import h5py, numpy as np
rng = np.random.default_rng(1)
x = rng.normal(size=(60, 4)).astype("f4")
y = rng.integers(0, 3, 60).astype("i4")
def write(name, **arrays):
    with h5py.File(name, "w") as f:
        for key, value in arrays.items():
            f[key.replace("__", "/")] = value
write("rows.h5", train__x=x, train__y=y[:50])
nan = x.copy(); nan[17, 2] = np.nan
write("nan.h5", train__x=nan, train__y=y)
inf = x.copy(); inf[3, 1] = np.inf
write("inf.h5", train__x=inf, train__y=y)
write("transposed.h5", train__x=x.T, train__y=y)
write("good4.h5", train__x=x, train__y=y)
write("unseen.h5", train__x=x, train__y=np.where(y == 1, 9, y).astype("i4"), test__x=x, test__y=y)
write("other_classes.h5", test__x=x, test__y=np.where(y == 1, 9, y).astype("i4"))
target = x[:, :1].copy(); target[5, 0] = np.nan
write("nan_target.h5", train__x=x, train__y=target)
write("no_target.h5", train__x=x)
write("weights.h5", train__x=x, train__y=y, train__weight=-np.ones(60, "f4"))
write("nothing.h5", something=x)
write("no_rows.h5", train__x=x[:0], train__y=y[:0])
PY
bad 65 "more rows in x than in y" "rows.h5|60|50" rows.h5
bad 65 "NaN in the data, with its place" "nan.h5|17|2" nan.h5
bad 65 "infinity in the data" "inf.h5|3|1" inf.h5
bad 65 "x transposed, with advice" "transposed.h5|transpose" transposed.h5
bad 65 "NaN among the targets" "nan_target.h5|5" nan_target.h5
bad 65 "no targets" "no_target.h5" no_target.h5
bad 65 "negative weights" "weights.h5|weight" weights.h5
bad 65 "nothing that is known" "nothing.h5" nothing.h5
bad 65 "no rows" "no_rows.h5" no_rows.h5
# shellcheck disable=SC2086
expect 0 "--transpose reads it" train transposed.h5 --transpose --run turned $quick
# shellcheck disable=SC2086
expect 0 "as the plain one" train good4.h5 --run plain $quick
same "to the same bits" "$(digest plain)" "$(digest turned)"
refuses 65 "a label unseen in training" "other_classes.h5|9" -- eval plain other_classes.h5
expect 0 "labels 0, 2, 9 with a test label 1 unseen in training: trained, and a warning" \
  train unseen.h5 --run unseen --epochs 1 --hidden 3 -q
check "that says so" grep -q '^gradus: warning: .*test split' err
refuses 65 "and refused by eval" "unseen.h5" -- eval unseen unseen.h5
cp plain/final.h5 edited.h5
"$python" -c 'import h5py
with h5py.File("edited.h5", "r+") as f: f["model/layer_1/bias"][0] = 1.0'
refuses 65 "an edited checkpoint names the command for it" "edited.h5|gradus seal" -- eval edited.h5 good4.h5
expect 0 "seal it" seal edited.h5
expect 0 "and it is read" eval edited.h5 good4.h5
check "with other weights" test "$(digest edited.h5)" != "$(digest plain/final.h5)"
finish
