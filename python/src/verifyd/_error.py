"""The package's own exceptions."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

_handed = re.compile(r"/dev/fd/\d+/([^/\s:]+?)(?:\.(?:npy|csv|arrow|safetensors|json))?(?=[\s:,;.)]|$)")
_line = re.compile(r"line \d+ \(row (\d+)\)")


def in_memory(text: str) -> str:
    """What verifyd says of a file that was an argument: X for /dev/fd/7/X.csv, whose lines nobody has seen."""
    return _line.sub(r"row \1", _handed.sub(r"\1", text))


class Error(Exception):
    """What verifyd refuses, and why, in a form that programs can act on.

    kind     why: one of the classes of verify/SPEC.md ("bad-form", "wrong-type", ...), "usage", "refused", "interrupted",
             "unaligned", or a kind of UtilityError
    file     the argument or the file that it is about, or ""
    field    where in it: a row and a column, a field, a flag; or ""
    limit    the limit that was not kept, "LOW to HIGH" or one number, or ""
    hint     what to do about it, or ""
    """

    def __init__(self, message: str, *, kind: str = "refused", file: str = "", field: str = "", limit: str = "", hint: str = "") -> None:
        super().__init__(message + (f" (hint: {hint})" if hint else ""))
        self.message = message
        self.kind = kind
        self.file = file
        self.field = field
        self.limit = limit
        self.hint = hint

    def __reduce__(self) -> Any:  # so that pools can hand it on, fields and all
        return _again, (type(self), self.message, dict(self.__dict__))


class UtilityError(Error):
    """A utility that raised, gave no number, gave too many, or gave another one for the same coalition.

    coalition   the members of the coalition that it is about, players from 0; None if it is about none. It is empty for
                the coalition of nobody.
    kind        "utility-raised", "utility-not-finite", "utility-bad-number", "utility-too-large", "utility-length",
                "utility-differs", "utility-protocol", "utility-ended", "utility-stalled"
    """

    coalition: Optional[NDArray[np.intp]] = None


def _again(kind: type, message: str, fields: Mapping[str, Any]) -> Error:
    error = kind.__new__(kind, message)
    assert isinstance(error, Error)
    error.__dict__.update(fields)
    return error


def error_of(failure: Mapping[str, Any]) -> Error:
    """The exception for the last message of the command."""
    kind = str(failure.get("kind", "refused"))
    fields = {name: in_memory(str(failure.get(name, ""))) for name in ("file", "field", "limit", "hint")}
    if not kind.startswith("utility-"):
        return Error(in_memory(str(failure["message"])), kind=kind, **fields)
    error = UtilityError(in_memory(str(failure["message"])), kind=kind, **fields)
    if failure.get("coalition"):
        error.coalition = np.array(failure.get("members") or [], dtype=np.intp)
    return error
