"""What a valuation found."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

UNIT = 10**9  # units of the command in a utility of 1

Floats = NDArray[np.float64]
Pairs = Sequence[Tuple[int, int]]  # numerators and denominators, in units of 1e-9


class Result:
    """Values of players: rows, owners, workers or whatever else plays. It behaves as the array of its values.

    values       one for each player, in the utility's own unit; NaN for one without a value
    low, high    intervals about them, which hold for all players at once with probability level; equal to the values where
                 those are exact, NaN where nothing is said
    std_err      standard errors; NaN where there are none
    interval     what the intervals are: "exact", "betting", "bernstein", "student (asymptotic)" or "none"
    owners       the players' names
    estimator    the way to the values
    evaluations  utilities that were asked for
    counts       learners behind each value (data_oob), or None
    transcript   the folder that keeps certificate and transcript, or None
    met          whether the target that was asked for was met
    notes        what the command had to say
    document     the command's own document, whole
    """

    def __init__(self, exact: Sequence[Optional[Tuple[int, int]]], owners: Sequence[str], document: Dict[str, Any], *, interval: str, estimator: str) -> None:
        self._exact = list(exact)
        self.values: Floats = np.array([np.nan if e is None else e[0] / (e[1] * UNIT) for e in exact], dtype=np.float64)
        self.owners: List[str] = list(owners)
        self.document = document
        self.interval = interval
        self.estimator = estimator
        self.half_width: Floats = np.full(len(self.values), 0.0 if interval == "exact" else np.nan)
        self.std_err: Floats = self.half_width.copy()
        self.level: Optional[float] = None
        self.evaluations = 0
        self.counts: Optional[NDArray[np.int64]] = None
        self.transcript: Optional[str] = None
        self.met = True
        self.notes: List[str] = []

    @property
    def low(self) -> Floats:
        return self.values - self.half_width

    @property
    def high(self) -> Floats:
        return self.values + self.half_width

    @property
    def exact(self) -> List[Optional[Fraction]]:
        """The values as the fractions that they are."""
        return [None if e is None else Fraction(e[0], e[1] * UNIT) for e in self._exact]

    def __array__(self, dtype: Optional[DTypeLike] = None, copy: Optional[bool] = None) -> NDArray[Any]:
        array = self.values if dtype is None else self.values.astype(dtype)
        return array.copy() if copy or array is self.values else array

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values.tolist())

    @overload
    def __getitem__(self, key: int) -> float: ...
    @overload
    def __getitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        return self.values[key]

    def argsort(self) -> NDArray[np.intp]:
        """The players from the least to the largest value; of equal ones the first first."""
        return np.argsort(self.values, kind="stable")

    def __repr__(self) -> str:
        shown = ", ".join(f"{o}: {v:.6g} ± {h:.2g}" for o, v, h in list(zip(self.owners, self.values, self.half_width))[:5])
        more = f", and {len(self) - 5} more" if len(self) > 5 else ""
        return f"<verifyd.Result of {len(self)} by {self.estimator}, {self.interval}: {shown}{more}>"


def of_certificate(document: Dict[str, Any], transcript: Optional[Union[str, "os.PathLike[str]"]], notes: Sequence[str] = (), met: bool = True) -> Result:
    """The result that a certificate holds."""
    found: Mapping[str, Any] = document["result"]
    exact = [(int(v["numerator"]), int(v["denominator"])) for v in found["values"]]
    r = Result(exact, document["players"], document, interval=found["interval"], estimator=found["estimator"])
    if found.get("half_width"):
        r.half_width = np.array(found["half_width"], dtype=np.float64) / UNIT
    if found.get("std_err"):
        r.std_err = np.array(found["std_err"], dtype=np.float64) / UNIT
    r.level = found["level"] / 1000
    r.evaluations = int(found["evaluations"])
    r.transcript = None if transcript is None else os.fspath(transcript)
    r.notes, r.met = list(notes), met
    return r


class Audit:
    """What an audit found. The arithmetic was right, or there would be an Error in its place.

    leaves    utilities of the transcript
    checked   of them asked for again
    wrong     leaves whose utility is another one
    missed    for tampering with so many leaves, the probability that no altered one was looked at
    passed    nothing was found
    """

    def __init__(self, document: Mapping[str, Any], notes: Sequence[str]) -> None:
        self.leaves = int(document["leaves"])
        self.checked = int(document["checked"])
        self.wrong: List[int] = [int(k) for k in document.get("wrong") or []]
        self.missed: Dict[int, float] = {int(m["altered"]): float(m["probability"]) for m in document["missed"]}
        self.notes = list(notes)

    @property
    def passed(self) -> bool:
        return not self.wrong

    def __repr__(self) -> str:
        return f"<verifyd.Audit of {self.leaves} utilities, {self.checked} computed again, {len(self.wrong)} altered>"
