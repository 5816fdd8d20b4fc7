#!/usr/bin/env python3
"""gradus against scikit-learn's MLP on the data sets that scikit-learn brings along.

    scripts/compare_sklearn.py [PATH/TO/gradus]

Two tables: 5-fold means of `--preset default` on raw tables against MLPClassifier and MLPRegressor
with their defaults on the same raw rows; and one fold over 10 seeds of `--preset sklearn` against the
same estimators. Needs Debian's python3-sklearn; says so and exits 77 where it is absent. Run by hand:
it takes minutes."""
import csv, os, subprocess, sys, tempfile, warnings

try:
    import numpy as np
    from sklearn import datasets
    from sklearn.neural_network import MLPClassifier, MLPRegressor
except ImportError as missing:
    print(f"skipped: {missing} (apt install python3-sklearn)")
    sys.exit(77)

warnings.filterwarnings("ignore")  # sklearn says that 200 epochs were too few
gradus = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "./gradus")
scratch = tempfile.mkdtemp(prefix="compare-sklearn-")
FOLDS = 5
SETS = [("digits", datasets.load_digits, False), ("breast-cancer", datasets.load_breast_cancer, False),
        ("diabetes", datasets.load_diabetes, True), ("wine", datasets.load_wine, False)]


def shuffled(load):
    d = load()
    order = np.random.default_rng(0).permutation(len(d.target))
    return d.data[order], d.target[order]


def rotate(X, y, fold):
    """Fold f tests the rows whose number is f modulo 5: turned to the rows 0, 5, 10 ..."""
    return np.roll(X, -fold, axis=0), np.roll(y, -fold)


def run_gradus(X, y, *options):
    table = os.path.join(scratch, "table.csv")
    with open(table, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow([f"x{j}" for j in range(X.shape[1])] + ["y"])
        rows.writerows([repr(float(v)) for v in x] + [t] for x, t in zip(X, y))
    run = tempfile.mkdtemp(dir=scratch)
    import json
    told = subprocess.run([gradus, "train", table, "--target", "y", "--test-every", str(FOLDS), "--run",
                           os.path.join(run, "run"), "--json", "-q", *options], check=True,
                          capture_output=True, text=True)
    test = json.loads(told.stdout)["test"]
    return test["accuracy"] if "accuracy" in test else test["r2"]


def run_sklearn(X, y, regression, seed):
    test = np.arange(len(y)) % FOLDS == 0
    model = (MLPRegressor if regression else MLPClassifier)(random_state=seed)
    return model.fit(X[~test], y[~test]).score(X[test], y[test])


def show(name, ours, theirs):
    error = lambda v: np.std(v, ddof=1) / np.sqrt(len(v))
    print(f"| {name} | {np.mean(ours):.4f} ± {error(ours):.4f} | {np.mean(theirs):.4f} ± {error(theirs):.4f} |",
          flush=True)


print("5-fold means (± standard error) of accuracy, or R² of diabetes\n")
print("| set | gradus, preset default | scikit-learn, defaults |\n|---|---|---|")
for name, load, regression in SETS:
    X, y = shuffled(load)
    folds = [rotate(X, y, f) for f in range(FOLDS)]
    show(name, [run_gradus(*f) for f in folds], [run_sklearn(*f, regression, i) for i, f in enumerate(folds)])
print("\nOne fold, mean of 10 seeds (± standard error)\n")
print("| set | gradus, preset sklearn | scikit-learn, defaults |\n|---|---|---|")
for name, load, regression in SETS:
    X, y = shuffled(load)
    seeds = range(1, 11)
    show(name, [run_gradus(X, y, "--preset", "sklearn", "--seed", str(s)) for s in seeds],
         [run_sklearn(X, y, regression, s) for s in seeds])
