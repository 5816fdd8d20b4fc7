#!/bin/sh
# Predictions as CSV, .npy and .h5 are the same numbers; data sets and models are read by h5py.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

"$gradus" generate spirals data.h5 -q >out 2>err || fail "spirals are generated"
expect 0 "a model" train data.h5 --hidden 16 --epochs 3 --run run -q
expect 0 "CSV" predict run data.h5 -o p.csv
check "nothing on standard output" test ! -s out
expect 0 "npy" predict run data.h5 --output=p.npy --threads 2
expect 0 "h5" predict run data.h5 -op.h5
expect 0 "standard output" predict run data.h5
check "is the same CSV" cmp -s out p.csv
cp p.csv before.csv
refuses 73 "an existing file is kept" "p.csv" -- predict run data.h5 -o p.csv --split train
check "untouched" cmp -s p.csv before.csv
expect 0 "--overwrite replaces it" predict run data.h5 -o p.csv --split train --overwrite
check "with another split" test "$(wc -l <p.csv)" -ne "$(wc -l <before.csv)"
run predict run data.h5 -o p.txt
check "an unknown extension is refused" test "$code" -ne 0
says "p.txt"

python=$(find_python)
if [ -z "$python" ]; then
  skip "no python with h5py: reading back"
  finish
fi
"$python" - <<'PY' >out 2>err || fail "the three agree"
import csv, h5py, numpy as np
npy = np.load("p.npy")
with h5py.File("p.h5") as f:
    found = []
    f.visititems(lambda name, item: found.append(item[...]) if isinstance(item, h5py.Dataset)
                 and item.dtype.kind == "f" and item.shape == npy.shape else None)
    assert len(found) == 1 and (found[0] == npy).all()
rows = [row for row in csv.reader(open("before.csv"))]
rows = rows[len(rows) - len(npy):]
columns = len(rows[0]) - npy.shape[1]
table = np.array([[float(v) for v in row[columns:]] for row in rows], "f4") if columns >= 0 else None
if table is None:   # one output for two classes
    table = np.array([[float(row[-1])] for row in rows], "f4")
assert np.allclose(table, npy, rtol=1e-6, atol=1e-7)
assert npy.dtype == np.float32 and np.isfinite(npy).all()
PY
pass
"$python" - <<'PY' >out 2>err || fail "h5py reads a checkpoint and a data set"
import h5py
with h5py.File("run/final.h5") as f:
    assert f["model/layer_1/weights"].shape == (16, 2) and f["model/layer_1/bias"].shape == (16,)
    assert f.attrs["gradus_format"] in ("checkpoint", b"checkpoint")
    assert "recipe" in f
with h5py.File("data.h5") as f:
    assert f["train/x"].shape[0] == f["train/y"].shape[0] and f["train/x"].shape[1] == 2
PY
pass
"$python" - <<'PY' >out 2>err || fail "three lines of h5py"
import h5py, numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(300, 5)); y = (X[:, 0] + X[:, 1] > 0).astype("i8")
with h5py.File("mine.h5", "w") as f:
    f["train/x"] = X
    f["train/y"] = y
PY
expect 0 "their data set trains" train mine.h5 --epochs 60 --hidden 8 --run mine -q
expect 0 "and is evaluated" eval mine mine.h5 --json
check "well above chance" "$python" -c 'import json
assert json.load(open("out"))["accuracy"] > 0.7'
finish
