"""What all valuations take, as flags of the command."""

from __future__ import annotations

import os
from typing import List, Optional, Union

from ._error import Error

Seed = Union[int, str, bytes]
Path = Union[str, "os.PathLike[str]"]


def randomness(seed: Seed, name: str = "seed") -> str:
    """64 hexadecimal digits: those given, those of 32 bytes, or those of a whole number."""
    if isinstance(seed, bytes) and len(seed) == 32:
        return seed.hex()
    if isinstance(seed, str) and len(seed) == 64 and all(c in "0123456789abcdef" for c in seed):
        return seed
    if isinstance(seed, (str, bytes)) or isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed.__index__() < 1 << 256:
        raise Error(f"{name}: want a whole number from 0, 32 bytes or 64 hexadecimal digits", kind="usage", field=name, limit="0 to 2^256-1")
    return f"{seed.__index__():064x}"


def units(x: float, name: str) -> str:
    """A length in the utility's unit as the whole number of 1e-9 that it is nearest to."""
    if not 0 <= x < 1 << 53:
        raise Error(f"{name}: {x} is outside 0 to 2^53", kind="usage", field=name, limit="0 to 2^53")
    return str(round(x * 1e9))


def way(estimator: str, budget: Optional[int], seed: Seed, level: float, target: Optional[float], tolerance: float, alpha: int, beta: int) -> List[str]:
    """The flags of an estimate."""
    flags = ["--estimator", estimator, "--randomness", randomness(seed), "--level", str(round(level * 1000))]
    if budget is not None:
        if budget < 0:
            raise Error(f"budget: {budget} is below 0", kind="usage", field="budget", limit="0")
        flags += ["--budget", str(int(budget))]
    if target is not None:
        flags += ["--target", units(target, "target")]
    if tolerance:
        flags += ["--tolerance", units(tolerance, "tolerance")]
    if alpha or beta:
        flags += ["--alpha", str(int(alpha)), "--beta", str(int(beta))]
    return flags


def kept(transcript: Optional[Path], resume: bool) -> List[str]:
    """The flag of the folder that keeps the transcript. Without resume it must not be there yet."""
    if transcript is None:
        return []
    path = os.fspath(transcript)
    if not resume and os.path.lexists(path):
        raise Error(f"{path}: is there already", kind="refused", file=path, field="transcript", hint="resume=True goes on with an interrupted run of the same game and options")
    return ["--out", path]


def machine(threads: int) -> List[str]:
    """Where it is computed: never changes a bit."""
    return ["-o", "json", "--threads", str(int(threads))]
