"""Values of data sets that ship with scikit-learn and statsmodels, by the command in argv[1].

Each goes through check, knn, data and oob as CSV, Parquet and NPY, which must give the same values to the byte. knn of 10 rows and
data of 8 owners are compared with values that are enumerated here, and oob with models trained on the bags that it prints: knn to
2e-9; the others to what rows change whose prediction is too close to call in binary32, and linear models to 1e-4 of the largest value.
"""
import csv
import io
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn import datasets
import statsmodels.api as sm

OWNERS, ROWS, K, LEARNERS, UNIT = 8, 10, 3, 60, 10**9
CLOSE = 1e-4  # logits that are as near are too close to call
SCALES = ["none", "standard", "robust"]


def sets():
    """name, features, what is to be predicted, whether that is a number."""
    for name in ["iris", "wine", "breast_cancer", "digits", "diabetes"]:
        d = getattr(datasets, "load_" + name)(as_frame=True)
        y = d.target.to_numpy()
        if name == "iris":
            y = np.array([str(d.target_names[v]) for v in y])  # text
        elif name == "breast_cancer":
            y = y == 1  # booleans
        elif name == "diabetes":
            y = y / 100
        yield name, d.data, y, name == "diabetes"
    for name, column, unit in [("spector", "GRADE", 0), ("anes96", "PID", 0), ("longley", "TOTEMP", 1e5)]:
        d = getattr(sm.datasets, name).load_pandas().data
        yield name, d.drop(columns=column), d[column].to_numpy() / (unit or 1), unit > 0


class Command:
    def __init__(self, path):
        self.path = path

    def __call__(self, *args):
        run = subprocess.run([self.path, "value", *args, "--device", "cpu"], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"verifyd value {' '.join(args)}: exit {run.returncode}\n{run.stdout}{run.stderr}")
        return run.stdout


def files(form, folder, x, y, owners, name):
    """Writes rows in a format; gives the flags for what is to be predicted, and for owners."""
    path = os.path.join(folder, f"{name}.{form}")
    if form == "npy":
        # Whatever the order: columns that follow one another, and the most significant byte first.
        np.save(path, np.asfortranarray(x.to_numpy(dtype=">f8")))
        np.save(path[:-4] + "-y.npy", y)
        np.save(path[:-4] + "-owners.npy", owners)
        return path, path[:-4] + "-y.npy", path[:-4] + "-owners.npy"
    table = x.assign(target_=y, owner_=owners)
    if name == "test":  # columns are matched by name
        table = table[sorted(table.columns, reverse=True)]
    if form == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False, compression="zstd")
    return path, None, None


def arguments(form, train, test, owned):
    if form == "npy":
        owners = ["--owners", train[2]] if owned else []
        return ["--train", train[0], "--test", test[0], "--train-labels", train[1], "--test-labels", test[1], *owners]
    owners = ["--owner-column", "owner_"] if owned else ["--drop", "owner_"]
    return ["--train", train[0], "--test", test[0], "--column", "target_", *owners]


def check(run, form, train, test, numbers, rows):
    labels = ["--labels", train[1], "--labels", test[1]] if form == "npy" else ["--column", "target_", "--drop", "owner_"]
    report = json.loads(run("check", train[0], test[0], *labels, *(["--targets"] if numbers else []), "-o", "json"))
    assert report["refused"] == [] and [f["rows"] for f in report["files"]] == rows, report
    kept = [[{k: c[k] for k in ("least", "median", "most")} for c in f["columns"]] for f in report["files"]]
    return kept, report.get("classes")


def shapley(n, low, high):
    """Bounds of the values of n players whose coalitions, as bits, are worth between low and high."""
    weight = [math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)]
    least, most = np.zeros(n), np.zeros(n)
    for s in range(1 << n):
        for i in range(n):
            if not s >> i & 1:
                w = weight[s.bit_count()]
                least[i] += w * (low[s | 1 << i] - high[s])
                most[i] += w * (high[s | 1 << i] - low[s])
    return least, most


def classes(y, t):
    seen = {}
    for v in itertools.chain(y.tolist(), t.tolist()):
        seen.setdefault(v, len(seen))
    return np.array([seen[v] for v in y.tolist()]), np.array([seen[v] for v in t.tolist()]), len(seen)


def quantised(x, t, scale):
    """The features on the grid of shapley/knn, as Features describes it, those beyond its edge on it."""
    m, width = t.shape
    grid = min(int(math.sqrt((2**32 - 1) // width) / 2), 16383)
    low, high = t.min(0), t.max(0)
    middle = (low + high) / 2
    own = (t == np.trunc(t)).all(0)  # whole numbers in a column
    middle = np.where(own, np.rint(middle), middle)
    if scale == "none":
        centre, unit = middle, np.ones(width)
        most = max((high - centre).max(), (centre - low).max()) or np.abs(t).max() or 1.0
        step = most / min(2048, grid // 2)
        if own.all():
            step = 2.0 ** math.ceil(math.log2(step))
            step = 1.0 if step > 1 and most <= grid else step
    else:
        step = 16 / grid
        mean = np.cumsum(t, axis=0)[-1] / m  # one after another, as the command adds
        unit = np.sqrt(np.cumsum((t - mean) ** 2, axis=0)[-1] / m)
        centre = mean
        if scale == "robust":
            in_order = np.sort(t, axis=0)

            def quartile(k):
                at, rest = divmod(k * (m - 1), 4)
                return in_order[at] + (in_order[min(at + 1, m - 1)] - in_order[at]) * (rest / 4)

            centre, between = quartile(2), quartile(3) - quartile(1)
            unit = np.where(between > 0, between / 1.349, unit)
        centre, unit = np.where(low == high, middle, centre), np.where(low == high, 1.0, unit)
    factor = 1 / (unit * step)
    return [np.clip(np.rint((z - centre) * factor), -grid, grid).astype(np.int64) for z in (x, t)]


def neighbours(x, y, t, ty, numbers, scale):
    """Values of the rows x for the K nearest, from all coalitions."""
    n = len(x)
    a, b = quantised(x, t, scale)
    worth = [Fraction(0)] * (1 << n)
    for row, want in zip(b, ty):
        tie = lambda i: round(y[i] * UNIT) if numbers else int(y[i] == want)  # of equal distances the smaller comes first
        order = sorted(range(n), key=lambda i: (int(((a[i] - row) ** 2).sum()), tie(i)))
        for s in range(1 << n):
            near = [i for i in order if s >> i & 1][:K]
            if numbers:
                worth[s] -= (sum((Fraction(round(y[i] * UNIT), UNIT) for i in near), Fraction(0)) / K - Fraction(round(want * UNIT), UNIT)) ** 2
            else:
                worth[s] += Fraction(sum(int(y[i] == want) for i in near), K)
    worth = [float(w / len(b)) for w in worth]
    return shapley(n, worth, worth)[0]


def standardised(x, *others):
    mean, deviation = x.mean(0), x.std(0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return [np.hstack([(v - mean) * scale, np.ones((len(v), 1))]) for v in (x, *others)]


def trained(x, y, times, count, steps=20, decay=1.0):
    """The model of shapley/retrain in binary64, of rows that count so many times; of targets if there are no classes."""
    columns, curve = (1, 0.25) if count == 2 else (count, 0.5) if count else (1, 1.0)
    bound = np.linalg.inv(curve * x.T @ x + decay * np.eye(x.shape[1]))
    w = ahead = np.zeros((x.shape[1], columns))
    for k in range(steps):
        z = x @ ahead
        if not count:
            r = z - y[:, None]
        elif columns == 1:
            r = 1 / (1 + np.exp(-z)) - y[:, None]
        else:
            e = np.exp(z - z.max(1, keepdims=True))
            r = e / e.sum(1, keepdims=True) - np.eye(count)[y]
        onward = ahead - bound @ (x.T @ (r * times[:, None]) + decay * ahead)
        ahead, w = onward + k / (k + 3) * (onward - w), onward
    return w


def margins(z, y):
    """How far the logit of each row's class is above the others."""
    z = np.hstack([np.zeros_like(z), z]) if z.shape[1] == 1 else z.copy()
    own = z[np.arange(len(z)), y]
    z[np.arange(len(z)), y] = -np.inf
    return own - z.max(1)


def retrained(x, y, t, ty, owner, numbers):
    """Bounds of the worth of each coalition of owners."""
    x, t = standardised(x, t)
    count = 0
    if not numbers:
        y, ty, count = classes(y, ty)
    low, high = np.zeros(1 << OWNERS), np.zeros(1 << OWNERS)
    for s in range(1 << OWNERS):
        z = t @ trained(x, y, s >> owner & 1, count)
        if numbers:
            low[s] = high[s] = (ty**2 - (z[:, 0] - ty) ** 2).mean()
        elif s == 0:
            low[s] = high[s] = 1 / count
        else:
            margin = margins(z, ty)
            low[s], high[s] = (margin > CLOSE).mean(), (margin > -CLOSE).mean()
    return low, high


def outside(x, y, ty, bags):
    """For each row how many bags are without it, and bounds of how many of their models are right about it."""
    (x,), (y, _, count) = standardised(x), classes(y, ty)
    out, low, high = (np.zeros(len(x), int) for _ in range(3))
    for times in bags:
        margin = margins(x @ trained(x, y, times, count), y)
        out += times == 0
        low += (times == 0) & (margin > CLOSE)
        high += (times == 0) & (margin > -CLOSE)
    return out, low, high


def values(text):
    return [(r["player"], int(r["value"])) for r in csv.DictReader(io.StringIO(text))]


def out_of_bag(run, folder, form, flags):
    """What oob prints, and the bags that it writes."""
    path = os.path.join(folder, form + "-bags.csv")
    text = run("oob", "--learners", str(LEARNERS), "--randomness", "ab" * 32, "--bags", path, *flags, "-o", "csv")
    with open(path) as f:
        return text, f.read()


def compare_bags(name, told, x, y, ty):
    """Holds values out of the bag against models that are trained here on the bags."""
    text, printed = told
    bags = np.zeros((LEARNERS, len(x)), int)
    for r in csv.DictReader(io.StringIO(printed)):
        bags[int(r["learner"]), int(r["row"])] = int(r["times"])
    assert (bags.sum(1) == len(x)).all(), f"{name}: a bag has another number of rows"
    out, low, high = outside(x, y, ty, bags)
    rows = list(csv.DictReader(io.StringIO(text)))
    if [int(r["learners"]) for r in rows] != out.tolist():
        raise SystemExit(f"{name}: learners that did not see a row: {[r['learners'] for r in rows]}, the bags say {out}")
    for i, r in enumerate(rows):
        if (r["value"] == "") != (out[i] == 0) or out[i] and not low[i] <= Fraction(int(r["numerator"]), int(r["denominator"]) * UNIT) * int(out[i]) <= high[i]:
            raise SystemExit(f"{name}: row {i}: {r}, of {out[i]} models {low[i]} to {high[i]} are right")
    return (high - low).sum() / out.sum()


def compare(run, folder, name, x, y, numbers):
    order = np.random.default_rng(7).permutation(len(x))
    test = order[: min(len(x) // 3, 100)]
    train = order[len(test): len(test) + 300]
    x = x.astype("float64")
    owner = np.arange(len(train)) % OWNERS
    names = np.array([f"owner {chr(97 + 5 * o % OWNERS)}" for o in owner])
    told = {}
    for form in ["csv", "parquet", "npy"]:
        a = files(form, folder, x.iloc[train], y[train], names, "train")
        b = files(form, folder, x.iloc[test], y[test], names[np.arange(len(test)) % len(names)], "test")
        few = files(form, folder, x.iloc[train[:ROWS]], y[train[:ROWS]], names[:ROWS], "few")
        variant = ["-k", str(K)] + (["--variant", "regression"] if numbers else [])
        told[form] = (
            check(run, form, a, b, numbers, [len(train), len(test)]),
            run("knn", *variant, "--scale", "standard", "--clip", *arguments(form, a, b, False), "-o", "csv"),
            [run("knn", *variant, "--scale", s, "--clip", *arguments(form, few, b, False), "-o", "csv") for s in SCALES],
            run("data", "--estimator", "exact", *(["--linear"] if numbers else []), *arguments(form, a, b, True), "-o", "csv"),
            None if numbers else out_of_bag(run, folder, form, arguments(form, a, b, False)),
        )
        if told[form] != told["csv"]:
            raise SystemExit(f"{name}: {form} gives other values than CSV")
    f = x.to_numpy().astype(np.float32).astype(np.float64)
    offs = []
    for scale, text in zip(SCALES, told["csv"][2]):
        want = neighbours(f[train[:ROWS]], y[train[:ROWS]], f[test], y[test], numbers, scale)
        got = np.array([v for _, v in values(text)]) / UNIT
        offs.append(np.abs(got - want).max())
        if offs[-1] > 2e-9 * max(1, np.abs(want).max()):
            raise SystemExit(f"{name}: values by neighbours, scale {scale}: {got}, enumerated {want}")
    off = max(offs)
    low, high = retrained(f[train], y[train], f[test], y[test], owner, numbers)
    least, most = shapley(OWNERS, low, high)
    got = values(told["csv"][3])
    if [p for p, _ in got] != list(dict.fromkeys(names)):
        raise SystemExit(f"{name}: owners {got}")
    got = np.array([v for _, v in got]) / UNIT
    slack = 1e-4 * np.abs(most).max() if numbers else 2e-9
    if (got < least - slack).any() or (got > most + slack).any():
        raise SystemExit(f"{name}: values of owners {got}, enumerated {least} to {most}")
    bags = "" if numbers else f", {compare_bags(name, told['csv'][4], f[train], y[train], y[test]):.1%} of models out of the bag too close to call"
    print(f"{name}: {len(train)} and {len(test)} rows of {x.shape[1]}: three formats agree; neighbours off by {off:.1e}, owners within {(most - least).max():.1e}{bags}")


def main():
    run = Command(sys.argv[1])
    for name, x, y, numbers in sets():
        with tempfile.TemporaryDirectory() as folder:
            compare(run, folder, name, x, y, numbers)


if __name__ == "__main__":
    main()
