"""Who brought the data that a scikit-learn pipeline learns from, and what was it worth? Any model does, and any scorer.

The players are ten hospitals, of which one has its labels the wrong way round. What a coalition achieves is the accuracy of a
pipeline that was fitted to its rows alone. The transcript is kept, an interrupted run goes on, and the audit asks again.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import verifyd

HOSPITALS = 10
X, X_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
owner = np.arange(len(y)) % HOSPITALS
y = np.where(owner == 3, 1 - y, y)


def accuracy(members: np.ndarray) -> float:
    """The share of test rows that a pipeline is right about after it has seen the members' rows; a coin's without any."""
    rows = np.isin(owner, members)
    if len(np.unique(y[rows])) < 2:
        return 0.5
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(random_state=0))
    return pipeline.fit(X[rows], y[rows]).score(X_test, y_test)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        transcript = Path(folder) / "hospitals"
        result = verifyd.values(
            HOSPITALS, accuracy, names=[f"hospital {i}" for i in range(HOSPITALS)], bounds=(0, 1), estimator="antithetic", budget=16, seed=7,
            identity="accuracy of a logistic regression on standardised features", transcript=transcript,
        )
        for name, value, low, high in zip(result.owners, result.values, result.low, result.high):
            print(f"{name}  {value:+.4f}  [{low:+.4f}, {high:+.4f}]")
        audit = verifyd.audit(transcript, accuracy, checks=50)
        print(audit)
    assert result.argsort()[0] == 3, "the hospital with the wrong labels is the last"
    assert audit.passed and audit.checked == 50


if __name__ == "__main__":
    main()
