#!/usr/bin/env python3
"""gradus against scikit-learn's MLP: on the data sets that scikit-learn brings along, and on others.

    scripts/compare_sklearn.py [PATH/TO/gradus [DATA]]

Three tables: 5-fold means of `--preset default` on raw tables against MLPClassifier and MLPRegressor
with their defaults on the same raw rows; and one fold over 10 seeds of `--preset sklearn` against the
same estimators; then `--preset lbfgs` against solver="lbfgs", with seconds. With DATA, a directory that holds csv/titanic.csv (Kaggle), csv/diamonds.csv (ggplot2)
and fashion-mnist/*.gz (each skipped where it is absent), also a fourth: there scikit-learn, which takes
numbers only, is given the columns prepared as its manual teaches (one-hot, median, StandardScaler;
pixels divided by 255), gradus the raw file.
Needs Debian's python3-sklearn; says so and exits 77 where it is absent. Run by hand: it takes minutes,
with DATA an hour."""
import csv, gzip, json, os, subprocess, sys, tempfile, time, warnings

try:
    import numpy as np
    from sklearn import compose, datasets, impute, pipeline, preprocessing
    from sklearn.neural_network import MLPClassifier, MLPRegressor
except ImportError as missing:
    print(f"skipped: {missing} (apt install python3-sklearn)")
    sys.exit(77)

warnings.filterwarnings("ignore")  # sklearn says that 200 epochs were too few
gradus = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "./gradus")
data = sys.argv[2] if len(sys.argv) > 2 else None
scratch = tempfile.mkdtemp(prefix="compare-sklearn-")
FOLDS = 5
SETS = [("digits", datasets.load_digits, False), ("breast-cancer", datasets.load_breast_cancer, False),
        ("diabetes", datasets.load_diabetes, True), ("wine", datasets.load_wine, False)]


def shuffled(load):
    d = load()
    order = np.random.default_rng(0).permutation(len(d.target))
    return d.data[order], d.target[order]


def rotate(rows, fold):
    """Fold f tests the rows whose number is f modulo 5: turned to the rows 0, 5, 10 ..."""
    return rows[fold:] + rows[:fold] if isinstance(rows, list) else np.roll(rows, -fold, axis=0)


def train(path, *options):
    """What gradus says of the test rows."""
    run = os.path.join(tempfile.mkdtemp(dir=scratch), "run")
    told = subprocess.run([gradus, "train", path, "--run", run, "--json", "-q", *options], check=True,
                          capture_output=True, text=True)
    return json.loads(told.stdout)["test"]


def write_table(header, rows):
    table = os.path.join(scratch, "table.csv")
    with open(table, "w", newline="") as out:
        csv.writer(out).writerows([header] + rows)
    return table


def run_gradus(X, y, *options):
    table = write_table([f"x{j}" for j in range(X.shape[1])] + ["y"],
                        [[repr(float(v)) for v in x] + [t] for x, t in zip(X, y)])
    test = train(table, "--target", "y", "--test-every", str(FOLDS), *options)
    return test["accuracy"] if "accuracy" in test else test["r2"]


def run_sklearn(X, y, regression, seed):
    test = np.arange(len(y)) % FOLDS == 0
    model = (MLPRegressor if regression else MLPClassifier)(random_state=seed)
    return model.fit(X[~test], y[~test]).score(X[test], y[test])


def show(name, ours, theirs, more=""):
    error = lambda v: np.std(v, ddof=1) / np.sqrt(len(v))
    print(f"| {name} | {np.mean(ours):.4f} ± {error(ours):.4f} | {np.mean(theirs):.4f} ± {error(theirs):.4f} |{more}",
          flush=True)


def compare_bundled():
    print("5-fold means (± standard error) of accuracy, or R² of diabetes\n")
    print("| set | gradus, preset default | scikit-learn, defaults |\n|---|---|---|")
    for name, load, regression in SETS:
        X, y = shuffled(load)
        folds = [(rotate(X, f), rotate(y, f)) for f in range(FOLDS)]
        show(name, [run_gradus(*f) for f in folds], [run_sklearn(*f, regression, i) for i, f in enumerate(folds)])
    print("\nOne fold, mean of 10 seeds (± standard error)\n")
    print("| set | gradus, preset sklearn | scikit-learn, defaults |\n|---|---|---|")
    for name, load, regression in SETS:
        X, y = shuffled(load)
        seeds = range(1, 11)
        show(name, [run_gradus(X, y, "--preset", "sklearn", "--seed", str(s)) for s in seeds],
             [run_sklearn(X, y, regression, s) for s in seeds])


def compare_lbfgs():
    """Both full batch with 10 pairs, at most 400 evaluations, inputs scaled; seconds with all that a
    program does: reading the table, validating, checkpoints."""
    print("\n5-fold means (± standard error) of accuracy, or R² of diabetes, and seconds of a fold\n")
    print("| set | gradus, preset lbfgs | scikit-learn, solver lbfgs | seconds | |\n|---|---|---|---|---|")
    for name, load, regression in SETS:
        X, y = shuffled(load)
        ours, theirs, seconds = [], [], [0, 0]
        for fold in range(FOLDS):
            turned, targets = rotate(X, fold), rotate(y, fold)
            begun = time.monotonic()
            ours.append(run_gradus(turned, targets, "--preset", "lbfgs"))
            between = time.monotonic()
            test = np.arange(len(y)) % FOLDS == 0
            estimator = (MLPRegressor if regression else MLPClassifier)(
                solver="lbfgs", max_iter=400, max_fun=400, random_state=fold)
            model = pipeline.make_pipeline(preprocessing.StandardScaler(), estimator)
            theirs.append(model.fit(turned[~test], targets[~test]).score(turned[test], targets[test]))
            seconds[0] += (between - begun) / FOLDS
            seconds[1] += (time.monotonic() - between) / FOLDS
        show(name, ours, theirs, f" {seconds[0]:.2f} | {seconds[1]:.2f} |")


# ----- tables with texts and gaps -----

def read_table(name):
    """Header and shuffled rows; None where the file is absent."""
    path = os.path.join(data, "csv", name)
    if not os.path.exists(path):
        print(f"({path} is absent)")
        return None, None
    with open(path, newline="") as f:
        header, *rows = csv.reader(f)
    return header, [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


def prepared(header, rows, numeric, categorical, estimator, target):
    """scikit-learn trained on all rows but 0, 5, 10 ..., and these: model, inputs, targets."""
    column = lambda c: [r[header.index(c)] for r in rows]
    X = np.array([column(c) for c in numeric + categorical], dtype=object).T
    X[:, : len(numeric)] = np.array([[float(v) if v else np.nan for v in r[: len(numeric)]] for r in X])
    of_numbers = pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())
    columns = compose.make_column_transformer(
        (of_numbers, slice(0, len(numeric))),
        (preprocessing.OneHotEncoder(handle_unknown="ignore"), slice(len(numeric), None)))
    y = target(column)
    test = np.arange(len(rows)) % FOLDS == 0
    model = pipeline.make_pipeline(columns, estimator).fit(X[~test], y[~test])
    return model, X[test], y[test]


def compare_titanic():
    header, rows = read_table("titanic.csv")
    if not rows: return
    ours, theirs = [], []
    for fold in range(FOLDS):
        turned = rotate(rows, fold)
        ours.append(train(write_table(header, turned), "--target", "Survived", "--test-every", "5")["accuracy"])
        model, X, y = prepared(header, turned, ["Age", "SibSp", "Parch", "Fare"], ["Pclass", "Sex", "Embarked"],
                               MLPClassifier(random_state=fold), lambda column: np.array(column("Survived")))
        theirs.append(model.score(X, y))
    show("titanic, accuracy, 5 folds", ours, theirs)


def compare_diamonds():
    header, rows = read_table("diamonds.csv")
    if not rows: return
    ours, theirs = [], []
    for fold in range(FOLDS):
        turned = rotate(rows, fold)
        told = train(write_table(header, turned), "--target", "price", "--target-transform", "log", "--test-every", "5")
        ours.append(told["rmse"])
        model, X, y = prepared(header, turned, ["carat", "depth", "table", "x", "y", "z"],
                               ["cut", "color", "clarity"], MLPRegressor(random_state=fold),
                               lambda column: np.log(np.array(column("price"), dtype=float)))
        theirs.append(np.sqrt(np.mean((model.predict(X) - y) ** 2)))
    show("diamonds, RMSE of ln(price), 5 folds (less is better)", ours, theirs)


def compare_images():
    directory = os.path.join(data, "fashion-mnist")
    if not os.path.isdir(directory):
        print(f"({directory} is absent)")
        return
    def read(split):
        with gzip.open(os.path.join(directory, f"{split}-images-idx3-ubyte.gz")) as f:
            X = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784) / np.float32(255)
        with gzip.open(os.path.join(directory, f"{split}-labels-idx1-ubyte.gz")) as f:
            return X, np.frombuffer(f.read(), np.uint8, offset=8)
    file = os.path.join(scratch, "fashion.h5")
    pair = lambda split: ",".join(os.path.join(directory, f"{split}-{kind}-ubyte.gz")
                                  for kind in ("images-idx3", "labels-idx1"))
    subprocess.run([gradus, "import", file, "--train", pair("train"), "--test", pair("t10k"), "-q"], check=True)
    (X, y), (X_test, y_test) = read("train"), read("t10k")
    seeds = range(1, 4)
    show("Fashion-MNIST, accuracy, its own split, 3 seeds", [train(file, "--seed", str(s))["accuracy"] for s in seeds],
         [MLPClassifier(random_state=s).fit(X, y).score(X_test, y_test) for s in seeds])


compare_bundled()
compare_lbfgs()
if data:
    print("\nMean (± standard error)\n")
    print("| set | gradus, preset default | scikit-learn, defaults, prepared columns |\n|---|---|---|")
    compare_titanic()
    compare_diamonds()
    compare_images()
