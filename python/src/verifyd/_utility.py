"""Any model, any scorer: the process side of docs/utility-protocol.md, and valuations and audits through it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from . import _data, _rounds
from ._child import Child, Output, run
from ._error import Error, UtilityError
from ._files import Files
from ._options import Path, Seed, kept, machine, randomness, way
from ._progress import Bar
from ._result import Audit, Result, of_certificate

Utility = Callable[[Any], Any]  # members -> a number; with batch, a matrix of truth values -> as many numbers

_MAX_WORDS = 2000  # bytes of an error that are handed on


class _Refused(Exception):
    """A utility that gave no number: of another length, unless kind says otherwise."""

    def __init__(self, message: str, kind: str = "utility-length") -> None:
        super().__init__(message)
        self.kind = kind


class Answers:
    """Answers questions with a function. What it raises is kept in error, and told."""

    def __init__(self, players: int, utility: Utility, batch: Optional[int]) -> None:
        self._players = players
        self._utility = utility
        self._batch = batch
        self.error: Optional[BaseException] = None
        self.kind = ""  # of what was refused here

    def to(self, question: Dict[str, Any]) -> Dict[str, Any]:
        """The line that answers one with "ask"."""
        masks = self.masks(question["coalitions"])
        at: List[int] = []
        try:
            utilities = self._all(masks) if self._batch else [self._one(mask, at) for mask in masks]
        except _Refused as e:
            self.kind = e.kind
            return self._refusal(question, str(e), at)
        except Exception as e:
            self.error = e
            return self._refusal(question, f"{type(e).__name__}: {e}", at)
        return {"answer": question["ask"], "utilities": utilities}

    def masks(self, coalitions: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Coalitions as a matrix of truth values, a row for each."""
        wide = np.frombuffer(bytes.fromhex("".join(coalitions)), dtype=np.uint8).reshape(len(coalitions), -1)
        return np.unpackbits(wide, axis=1, bitorder="little")[:, : self._players].astype(np.bool_)

    def _one(self, mask: "np.ndarray[Any, np.dtype[np.bool_]]", at: List[int]) -> str:
        at.append(len(at))
        return number(self._utility(np.flatnonzero(mask)))

    def _all(self, masks: "np.ndarray[Any, np.dtype[np.bool_]]") -> List[str]:
        found = np.asarray(self._utility(masks))
        if found.ndim != 1:
            raise _Refused(f"the utility returned an array of shape {found.shape}, one of {len(masks)} numbers is needed")
        return [number(u) for u in found]

    @staticmethod
    def _refusal(question: Dict[str, Any], words: str, at: List[int]) -> Dict[str, Any]:
        told = words.encode("utf-8", "replace")[:_MAX_WORDS].decode("utf-8", "ignore")
        return {"answer": question["ask"], "error": told, **({"coalition": at[-1]} if at else {})}


def number(x: Any) -> str:
    """A utility as the command reads it: the shortest decimal that is the same number."""
    if isinstance(x, (bool, np.bool_)):
        return str(int(x))
    if isinstance(x, np.ndarray) or not isinstance(x, (int, float, np.integer, np.floating)):
        try:
            array = np.asarray(x)
            if array.shape != () or array.dtype.kind not in "biuf":
                raise _Refused(f"the utility returned {_shape(x, array)}, one number is needed", "utility-length" if array.shape else "utility-bad-number")
            x = array.item()
        except (TypeError, ValueError) as e:
            raise _Refused(f"the utility returned {type(x).__name__}, one number is needed: {e}", "utility-bad-number") from None
    return str(int(x)) if isinstance(x, (int, np.integer)) else repr(float(x))


def _shape(x: Any, array: Any) -> str:
    return f"an array of shape {array.shape}" if array.shape != () else f"{type(x).__name__} {str(x)[:40]!r}"


def _hello(n: int, names: Optional[Sequence[str]], bounds: Optional[Tuple[float, float]], null: Sequence[int], identity: str, batch: Optional[int]) -> Dict[str, Any]:
    if batch is not None and batch < 1:
        raise Error(f"batch: {batch} is below 1", kind="usage", field="batch", limit="1")
    hello: Dict[str, Any] = {"verifyd-utility": 1, "players": int(n), "batch": int(batch or 1), "identity": identity}
    if names is not None:
        hello["names"] = [str(name) for name in names]
    if bounds is not None:
        hello["bounds"] = [number(b) for b in bounds]
    if len(null):
        hello["null"] = sorted(int(i) for i in null)
    return hello


def _asked(arguments: Sequence[str], hello: Dict[str, Any], answers: Answers, progress: Optional[bool]) -> Output:
    """Run a command that asks, and answer it."""
    with Child([*arguments, "--pipe", "--patience", "0"], bar=Bar(progress), asks=True) as child:
        child.send(hello)
        for line in child.lines():
            question = json.loads(line)
            if "ask" not in question or not child.send(answers.to(question)):
                break
        try:
            return child.finish()
        except UtilityError as e:
            e.kind = answers.kind or e.kind
            raise e from answers.error


def values(
    n: int, utility: Utility, *, estimator: str = "antithetic", budget: Optional[int] = None, seed: Seed = 0, level: float = 0.95, target: Optional[float] = None,
    tolerance: float = 0.0, alpha: int = 0, beta: int = 0, transcript: Optional[Path] = None, resume: bool = True, names: Optional[Sequence[str]] = None,
    bounds: Optional[Tuple[float, float]] = None, null: Sequence[int] = (), identity: str = "", batch: Optional[int] = None, again: int = 32, progress: Optional[bool] = None,
) -> Result:
    """Value n players of any game: utility says what a coalition achieves.

    utility      called with the members of a coalition, an ascending array of players from 0, and returns one number. With
                 batch it is called with a matrix of truth values, at most batch rows of n, and returns as many numbers. It must
                 depend on the coalition alone: seed what is random in it.
    estimator    verifyd value estimators lists them; budget is in its own unit, and chosen if it is None
    seed         a whole number, 32 bytes or 64 hexadecimal digits: the command's --randomness
    bounds       the least and the largest utility that there can be, known before the game is played, such as (0, 1) of an
                 accuracy: then intervals hold whatever its distribution
    null         players that change nothing by construction
    identity     what the utility is, e.g. with digests of its data: part of the certificate, and of what the seed draws
    transcript   a folder to keep certificate and transcript in. resume goes on with an interrupted run there, to the same
                 values; its utilities are not asked for again, but for some.
    again        one coalition that was answered is asked for again, as the seed draws them, beside so many; 0 for none
    progress     draw a bar on standard error; None: if it is a terminal

    Utilities count in units of 1e-9, rounded once. Raises UtilityError, with the coalition, for a utility that raises, is NaN,
    of another length, outside its bounds, or another one than before for the same coalition. The transcript is whole
    even then, and the same call goes on from it.
    """
    flags = [*way(estimator, budget, seed, level, target, tolerance, alpha, beta), *kept(transcript, resume), "--again", str(int(again)), *machine(0)]
    answers = Answers(int(n), utility, batch)
    out = _asked(["value", "utility", *flags], _hello(n, names, bounds, null, identity, batch), answers, progress)
    return of_certificate(out.document(), transcript, out.notes, out.met)


def audit(
    transcript: Path, utility: Optional[Utility] = None, *, data: Optional[Tuple[Any, Any, Any, Any]] = None, owners: Any = None,
    round: Optional[Tuple[Any, Any, Any, Any, Any]] = None, seed: Optional[Seed] = None, checks: int = 459, batch: Optional[int] = None, again: int = 32, progress: Optional[bool] = None, **options: Any,
) -> Audit:
    """Check a transcript: all arithmetic, and a sample of its utilities.

    utility   that of verifyd.values: checks of its utilities are asked for again. Without it the arithmetic alone is checked.
    data      (X, y, X_test, y_test) of data_shapley, banzhaf or beta, with owners and steps, decay, regression, target_unit, drop, match
              as they were given there
    round     (program, base, updates, sizes, validation) of round_values, with accuracy as it was given there
    seed      draws the sample; nobody should know it before the transcript is there. None draws one here.

    Raises Error where the arithmetic is wrong or the transcript is of another game; an altered utility is in Audit.wrong.
    """
    flags = ["value", "audit", os.fspath(transcript), "--randomness", randomness(secrets.token_bytes(32) if seed is None else seed), "--checks", str(int(checks)), *machine(0)]
    if data is not None:
        with Files() as files:
            flags += _data.rows(files, *data, owners, options.pop("drop", ()), options.pop("match", "name"))
            flags += ["--linear"] * bool(options.pop("regression", False))
            for name in ("steps", "decay", "target_unit"):
                if name in options:
                    flags += ["--" + name.replace("_", "-"), repr(options.pop(name))]
            _none_left(options)
            out = run(flags, files=files, progress=progress)
    elif round is not None:
        with Files() as files:
            flags += _rounds.parts(files, *round) + ["--accuracy"] * bool(options.pop("accuracy", False))
            _none_left(options)
            out = run(flags, files=files, progress=progress)
    elif utility is None:
        _none_left(options)
        out = run(flags, progress=progress)
    else:
        _none_left(options)
        document = load(transcript).document
        facts = document["result"].get("bounds")
        hello = _hello(len(document["players"]), None, None, document["result"].get("null") or (), (document.get("details") or {}).get("identity", ""), batch)
        if document["players"] != [str(i) for i in range(len(document["players"]))]:
            hello["names"] = document["players"]
        if facts:
            hello["bounds"] = [f"{facts[end]}e-9" for end in ("low", "high")]
        out = _asked([*flags, "--again", str(int(again))], hello, Answers(len(document["players"]), utility, batch), progress)
    return Audit(out.document(), out.notes)


def _none_left(options: Dict[str, Any]) -> None:
    for name in options:
        raise Error(f"{name}: is no option of an audit of this kind", kind="usage", field=name)


def load(transcript: Path) -> Result:
    """The result of a finished run, from its folder. It is not checked: audit does that."""
    path = os.path.join(os.fspath(transcript), "certificate.json")
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        return of_certificate(document, transcript)
    except OSError as e:
        raise Error(f"{path}: no finished run lies there: {e.strerror}", kind="missing-file", file=path) from None
    except (ValueError, KeyError, TypeError) as e:
        raise Error(f"{path}: no certificate: {e}", kind="bad-form", file=path) from None


def serve(
    n: int, utility: Utility, *, names: Optional[Sequence[str]] = None, bounds: Optional[Tuple[float, float]] = None, null: Sequence[int] = (), identity: str = "",
    batch: Optional[int] = None,
) -> None:
    """Answer the command that started this program: verifyd value utility ... -- python3 program.py.

    What the program prints goes to standard error from here on: standard output is the command's. Returns when the game is over;
    raises what the utility raised.
    """
    hello = _hello(n, names, bounds, null, identity, batch)
    answers = Answers(int(n), utility, batch)
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with out:
        _line(out, hello)
        for line in sys.stdin.buffer:
            question = json.loads(line)
            if "ask" not in question:
                return
            _line(out, answers.to(question))
            if answers.error is not None:
                raise answers.error


def _line(out: Any, document: Dict[str, Any]) -> None:
    out.write(json.dumps(document, separators=(",", ":")) + "\n")
    out.flush()
