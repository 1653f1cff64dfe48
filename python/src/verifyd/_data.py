"""Values of rows of data, or of who brought them."""

from __future__ import annotations

import os
from typing import Any, List, Optional, Sequence

import numpy as np

from . import _frames
from ._child import Output, run
from ._files import Files
from ._options import Path, Seed, kept, machine, randomness, way
from ._result import Result, of_certificate


def rows(files: Files, X: Any, y: Any, X_test: Any, y_test: Any, owners: Any, drop: Sequence[str], match: str) -> List[str]:
    """The flags of a data set, and its files. Rows that frames say are not each other's are refused."""
    _frames.aligned(X, "X", y, "y")
    _frames.aligned(X_test, "X_test", y_test, "y_test")
    train, test = _frames.rows_of(X, "X"), _frames.rows_of(X_test, "X_test")
    if isinstance(train, _frames.Cells) != isinstance(test, _frames.Cells):
        train, test = _likewise(train, test), _likewise(test, train)
    flags = ["--header", "yes", "--match", match]
    flags += ["--train", _frames.add(files, "X", train, True), "--test", _frames.add(files, "X_test", test, True)]
    flags += ["--train-labels", _frames.add(files, "y", _frames.column_of(y, "y"))]
    flags += ["--test-labels", _frames.add(files, "y_test", _frames.column_of(y_test, "y_test"))]
    if owners is not None:
        _frames.aligned(X, "X", owners, "owners")
        flags += ["--owners", _frames.add(files, "owners", _frames.column_of(owners, "owners"))]
    for column in drop:
        flags += ["--drop", str(column)]
    return flags


def _likewise(these: _frames.Rows, others: _frames.Rows) -> _frames.Rows:
    """An array of numbers beside one of objects without names: cells as well, so that neither has names that are the file's."""
    if isinstance(these, np.ndarray) and isinstance(others, _frames.Cells) and others.names is None and these.ndim == 2:
        return _frames.Cells([column.tolist() for column in these.T], None)
    return these


def data_shapley(
    X: Any, y: Any, X_test: Any, y_test: Any, *, owners: Any = None, estimator: str = "antithetic", budget: Optional[int] = None, seed: Seed = 0,
    level: float = 0.95, target: Optional[float] = None, tolerance: float = 0.0, alpha: int = 0, beta: int = 0, regression: bool = False, target_unit: int = 1,
    steps: int = 20, decay: float = 1.0, transcript: Optional[Path] = None, resume: bool = True, drop: Sequence[str] = (), match: str = "name", threads: int = 0,
    progress: Optional[bool] = None,
) -> Result:
    """Data Shapley: what each row, or each owner's rows, add to the accuracy of a logistic model on the test rows.

    X, y, X_test, y_test   arrays or data frames; labels are whole numbers, booleans or text
    owners       the owner of each training row: then values are of owners
    estimator    verifyd value estimators lists them; budget is in its own unit, and chosen if it is None
    seed         a whole number, 32 bytes or 64 hexadecimal digits: the command's --randomness
    target       stop once no interval is wider than this to either side (antithetic)
    regression   a linear model of numbers y, in units of target_unit, judged by its squared error
    transcript   a folder to keep certificate and transcript in; resume goes on with an interrupted run there
    progress     draw a bar on standard error; None: if it is a terminal

    The same arguments give the same bytes on every machine. Raises Error.
    """
    with Files() as files:
        flags = rows(files, X, y, X_test, y_test, owners, drop, match) + way(estimator, budget, seed, level, target, tolerance, alpha, beta)
        flags += ["--steps", str(int(steps)), "--decay", repr(float(decay))]
        if regression:
            flags += ["--linear", "--target-unit", str(int(target_unit))]
        out = run(["value", "data", *flags, *kept(transcript, resume), *machine(threads)], files=files, progress=progress)
    return _certified(out, transcript)


def _certified(out: Output, transcript: Optional[Path]) -> Result:
    return of_certificate(out.document(), None if transcript is None else os.fspath(transcript), out.notes, out.met)


def banzhaf(X: Any, y: Any, X_test: Any, y_test: Any, *, budget: Optional[int] = None, **options: Any) -> Result:
    """Data Banzhaf values: as data_shapley, with every coalition as likely as any other."""
    return data_shapley(X, y, X_test, y_test, estimator="banzhaf", budget=budget, **options)


def beta(X: Any, y: Any, X_test: Any, y_test: Any, *, alpha: int = 16, beta: int = 1, budget: Optional[int] = None, **options: Any) -> Result:
    """Beta Shapley values: as data_shapley, with weights that stress small coalitions; (1, 1) are Shapley's."""
    return data_shapley(X, y, X_test, y_test, estimator="beta", alpha=alpha, beta=beta, budget=budget, **options)


def data_oob(
    X: Any, y: Any, X_test: Any, y_test: Any, *, n_estimators: int = 1000, seed: Seed = 0, steps: int = 20, decay: float = 1.0, drop: Sequence[str] = (),
    match: str = "name", threads: int = 0, progress: Optional[bool] = None,
) -> Result:
    """Data-OOB: of the models trained on a bootstrap sample without a row, the share that is right about it.

    n_estimators   models to train; Result.counts has how many did not see each row, and a row that all saw has the value NaN
    """
    with Files() as files:
        flags = [*rows(files, X, y, X_test, y_test, None, drop, match), "--learners", str(int(n_estimators)), "--randomness", randomness(seed)]
        flags += ["--steps", str(int(steps)), "--decay", repr(float(decay))]
        out = run(["value", "oob", *flags, *machine(threads)], files=files, progress=progress)
    document = out.document()
    exact = [None if v is None else _fraction(v) for v in document["values"]]
    result = Result(exact, [str(i) for i in range(len(exact))], document, interval="none", estimator="oob")
    result.counts = np.array(document["out"], dtype=np.int64)
    result.evaluations, result.notes = int(document["learners"]), out.notes
    return result


def _fraction(text: str) -> "tuple[int, int]":
    """A fraction of utility 1 as one of 1e-9."""
    numerator, _, denominator = text.partition("/")
    return int(numerator) * 10**9, int(denominator or 1)
