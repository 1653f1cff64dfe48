"""Values of rows by their neighbours."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from ._child import run
from ._data import rows
from ._error import Error
from ._files import Files
from ._options import machine, units
from ._result import Result


def knn_shapley(
    X: Any, y: Any, X_test: Any, y_test: Any, n_neighbors: Optional[int] = None, *, k: Optional[int] = None, variant: str = "unweighted", scale: str = "none",
    weights: Optional[Sequence[int]] = None, radius: Optional[float] = None, epsilon: float = 0.0, clip: bool = False, owners: Any = None, drop: Sequence[str] = (),
    match: str = "name", threads: int = 0, progress: Optional[bool] = None,
) -> Result:
    """KNN-Shapley: each row's value for a predictor by the nearest neighbours of the test rows, in closed form and without a seed.

    X, y, X_test, y_test   arrays or data frames
    n_neighbors  or k: how many neighbours vote, 5 if neither is given
    variant      "unweighted", "soft-label", "weighted" (weights of the places), "threshold" (all within radius, squared) or
                 "regression" (y are numbers, judged by squared error)
    scale        "none", "standard" or "robust": the unit of each column, from the test rows
    epsilon      what each value may be off by, for speed
    clip         set features beyond the grid of 16 bits to its edge instead of refusing their row
    owners       the owner of each training row: then values are the sums of their rows'

    Values are exact where nothing was rounded; else half_width is what rounding the features cannot have changed a value by
    more than, or NaN where no bound is claimed. Raises Error.
    """
    if n_neighbors is not None and k is not None:
        raise Error("n_neighbors and k: give one of them", kind="usage", field="k")
    count = n_neighbors if n_neighbors is not None else k
    flags = ["--variant", variant, "--scale", scale, *machine(threads)]
    if variant != "threshold":
        flags += ["-k", str(5 if count is None else int(count))]
    elif count is not None:
        flags += ["-k", str(int(count))]
    if radius is not None:
        flags += ["--radius", repr(float(radius))]
    if weights is not None:
        flags += ["--weights", ",".join(str(int(w)) for w in weights)]
    if epsilon:
        flags += ["--epsilon", units(epsilon, "epsilon")]
    if clip:
        flags += ["--clip"]
    with Files() as files:
        out = run(["value", "knn", *rows(files, X, y, X_test, y_test, owners, drop, match), *flags], files=files, progress=progress)
    document = out.document()
    found = document["results"][0]
    denominator = int(found["denominator"])
    exact = [(int(n) * 10**9, denominator) for n in found["numerators"]]
    names = document.get("owners") or [str(i) for i in range(len(exact))]
    rounded = not document["features"]["exact"] or bool(epsilon)
    result = Result(exact, names, document, interval="none" if rounded else "exact", estimator="knn")
    if rounded and not epsilon and found.get("rounding") is not None:
        numerator, _, below = str(found["rounding"]).partition("/")
        result.half_width[:] = int(numerator) / int(below or 1)
        result.interval = "rounding"
    result.notes = out.notes
    return result
