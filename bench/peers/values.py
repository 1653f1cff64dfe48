"""pyDVL, OpenDataVal and dattri behind a line protocol, so that their runs can alternate with ours.

    usage: values.py THREADS

    stdin                          stdout
    (start)                        versions
    neighbours N M WIDTH           0; makes the rows of ../values_data.go for the two commands below
    knn LIBRARY K M                wall and process nanoseconds of K-nearest-neighbour Shapley values of the N rows
                                   for the first M test rows; LIBRARY is pydvl, opendataval or dattri
    values                         those values, N of them
    models N M WIDTH               0; makes the rows of ../values_data.go for the two commands below
    fit COUNT                      wall and process nanoseconds of training and scoring one model, COUNT coalitions
                                   in a row, as OpenDataVal's samplers do it
    scores                         the accuracy of each of those models

Values are means over test rows. Each library runs as its documentation says, and with THREADS threads or processes.
"""

import os
import sys
import time

os.environ["TQDM_DISABLE"] = "1"
THREADS = int(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import functorch
import joblib
import numpy as np
import torch

# dattri wants a later PyTorch than Debian's at import; its neighbours use nothing of these two.
sys.modules["torch.func"] = torch.func = functorch
torch.compile = lambda f=None, **_: f or (lambda g: g)

import dattri
import opendataval
import pydvl
from dattri.algorithm.data_shapley import KNNShapleyAttributor
from opendataval.dataval import KNNShapley
from opendataval.metrics import accuracy
from opendataval.model import ClassifierSkLearnWrapper
from pydvl.valuation.dataset import Dataset
from pydvl.valuation.methods.knn_shapley import KNNShapleyValuation
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Subset, TensorDataset


def hashed(n, seed):
    """value(i, seed) of openblas.c for i < n, in [-0.5, 0.5)."""
    z = (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed << 32)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) * 2.0**-24 - 0.5).astype(np.float32)


class Neighbours:
    """Rows of whole numbers from 0 to 255, of ten classes."""

    def __init__(self, n, m, width):
        pixels = lambda rows, seed: np.floor((hashed(rows * width, seed) + np.float32(0.5)) * 256).reshape(rows, width)
        labels = lambda rows, seed: np.floor((hashed(rows, seed) + np.float32(0.5)) * 10).astype(np.int64)
        self.x, self.test_x = pixels(n, 1), pixels(m, 2)
        self.y, self.test_y = labels(n, 3), labels(m, 4)

    def pydvl(self, k, m):
        train, test = Dataset(self.x, self.y), Dataset(self.test_x[:m], self.test_y[:m])
        v = KNNShapleyValuation(KNeighborsClassifier(n_neighbors=k), test_data=test, progress=False)
        with joblib.parallel_config(n_jobs=THREADS):
            v.fit(train)
        return v.result.values

    def opendataval(self, k, m):
        one_hot = torch.nn.functional.one_hot
        e = KNNShapley(k_neighbors=k)
        e.input_data(
            torch.from_numpy(self.x), one_hot(torch.from_numpy(self.y), 10).float(),
            torch.from_numpy(self.test_x[:m]), one_hot(torch.from_numpy(self.test_y[:m]), 10).float(),
        )
        return e.train_data_values().evaluate_data_values()

    def dattri(self, k, m):
        loader = lambda x, y: DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=1000)
        v = KNNShapleyAttributor(k).attribute(loader(self.x, self.y), loader(self.test_x[:m], self.test_y[:m]))
        return v.numpy().mean(axis=1 if v.shape[0] == len(self.x) else 0)


class Models:
    """Rows of features of variance 1 and two classes, and coalitions of growing size."""

    def __init__(self, n, m, width):
        self.direction = hashed(width, 7).astype(np.float64)
        self.x, self.y = self.rows(n, width, 5)
        self.valid_x, self.valid_y = self.rows(m, width, 6)
        self.model = ClassifierSkLearnWrapper(LogisticRegression, 2)
        self.n = n

    def rows(self, n, width, seed):
        x = hashed(n * width, seed).reshape(n, width)
        noise = hashed(n, seed + 10).astype(np.float64)
        y = (x.astype(np.float64) @ self.direction + noise > 0).astype(np.int64)
        return torch.from_numpy(x * np.float32(12**0.5)), torch.nn.functional.one_hot(torch.from_numpy(y), 2).float()

    def fit(self, count):
        self.scores = []
        draws = [np.flatnonzero(hashed(self.n, 100 + c).astype(np.float64) + 0.5 < (c + 1) / (count + 1)) for c in range(count)]
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        for members in draws:
            model = self.model.clone()
            model.fit(Subset(self.x, members), Subset(self.y, members))
            self.scores.append(float(accuracy(self.valid_y, model.predict(self.valid_x))))
        return (time.perf_counter_ns() - wall) // count, (time.process_time_ns() - cpu) // count


class Peers:
    def neighbours(self, n, m, width):
        self.rows = Neighbours(int(n), int(m), int(width))
        return "0"

    def knn(self, library, k, m):
        run = {"pydvl": self.rows.pydvl, "opendataval": self.rows.opendataval, "dattri": self.rows.dattri}[library]
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        self.last = run(int(k), int(m))
        return f"{time.perf_counter_ns() - wall} {time.process_time_ns() - cpu}"

    def values(self):
        return " ".join(repr(float(v)) for v in self.last)

    def models(self, n, m, width):
        self.trained = Models(int(n), int(m), int(width))
        return "0"

    def fit(self, count):
        wall, cpu = self.trained.fit(int(count))
        return f"{wall} {cpu}"

    def scores(self):
        return " ".join(repr(s) for s in self.trained.scores)


def main():
    torch.set_num_threads(THREADS)
    out, sys.stdout = sys.stdout, sys.stderr  # some of them print
    say = lambda line: print(line, file=out, flush=True)
    version = lambda name: __import__("importlib.metadata").metadata.version(name)
    say(f"pyDVL {version('pyDVL')}, OpenDataVal {version('opendataval')}, dattri {version('dattri')}, "
        f"scikit-learn {version('scikit-learn')}, PyTorch {torch.__version__}, {THREADS} threads")
    peers = Peers()
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            if command not in ("neighbours", "knn", "values", "models", "fit", "scores"):
                raise ValueError("unknown command")
            say(getattr(peers, command)(*arguments))
        except Exception as e:  # whatever it is, the other side must hear of it
            say("error " + " ".join(f"{type(e).__name__}: {e}".split()))


if __name__ == "__main__":
    main()
