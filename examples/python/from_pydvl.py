"""From pyDVL to verifyd: three lines change, and the values come with intervals, a transcript and an audit.

Each function below is the whole of a valuation by one library, on the same rows. What changes is marked.
"""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier


def rows():
    """Iris, with one label in ten of the training rows another one."""
    X, X_test, y, y_test = train_test_split(*load_iris(return_X_y=True), train_size=100, random_state=1, stratify=load_iris().target)
    wrong = np.random.default_rng(1).choice(len(y), 10, replace=False)
    y[wrong] = (y[wrong] + 1) % 3
    return X, y, X_test, y_test, wrong


def with_pydvl(X, y, X_test, y_test):
    from pydvl.valuation import Dataset, KNNShapleyValuation  # 1

    train, test = Dataset(X, y), Dataset(X_test, y_test)  # 2
    valuation = KNNShapleyValuation(KNeighborsClassifier(n_neighbors=5), test_data=test, progress=False)
    return valuation.fit(train).result.values  # 3


def with_verifyd(X, y, X_test, y_test):
    import verifyd  # 1

    train, test = (X, y), (X_test, y_test)  # 2
    return verifyd.knn_shapley(*train, *test, n_neighbors=5).values  # 3


def main() -> None:
    X, y, X_test, y_test, wrong = rows()
    ours, theirs = with_verifyd(X, y, X_test, y_test), with_pydvl(X, y, X_test, y_test)
    order = np.corrcoef(ours.argsort().argsort(), np.asarray(theirs).argsort().argsort())[0, 1]
    print(f"rank correlation of the values: {order:.3f}")
    for name, values in (("verifyd", ours), ("pyDVL", theirs)):
        found = np.isin(np.argsort(values)[:10], wrong).sum()
        print(f"of 10 wrong labels {found} are among the 10 rows that {name} values least")
    assert order > 0.9


if __name__ == "__main__":
    main()
