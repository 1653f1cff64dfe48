"""Values of the updates of a training round."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._child import run
from ._error import Error
from ._files import Files
from ._options import Path, Seed, kept, machine, way
from ._result import Result, of_certificate

State = Union[Path, Mapping[str, Any]]  # a safetensors file, or tensors by name

_DTYPES = {"float32": "F32", "int32": "I32"}


def tensors(named: Mapping[str, Any], name: str, *, ordered: bool = False) -> Tuple[bytes, List[bytes]]:
    """A safetensors file: its header, and the elements, in the order of names or, ordered, as they come. Numbers of binary64 are rounded to binary32, once; whole ones are int32."""
    header: Dict[str, Any] = {}
    parts: List[bytes] = []
    at = 0
    for key in named if ordered else sorted(named):
        array = np.asarray(named[key])
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype.kind in "iu" and (not array.size or -(1 << 31) <= int(array.min()) and int(array.max()) < 1 << 31):
            array = array.astype(np.int32)
        dtype = _DTYPES.get(array.dtype.name)
        if dtype is None:
            raise Error(f"{name}: tensor {key!r}: {array.dtype} is no element type of a state", kind="wrong-type", file=name, field=f"tensor {key!r}")
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, parts


def _state(files: Files, state: State, name: str) -> str:
    if isinstance(state, (str, os.PathLike)):
        return os.fspath(state)
    if not isinstance(state, Mapping):
        raise Error(f"{name}: want a path or tensors by name", kind="usage", field=name)
    head, parts = tensors(state, name)
    return files.add(name + ".safetensors", head, *parts)


Updates = Union[Mapping[str, State], Sequence[State]]


def parts(files: Files, program: Union[Path, Mapping[str, Any]], base: State, updates: Updates, sizes: Sequence[int], validation: Union[Path, Tuple[Any, Any]]) -> List[str]:
    """The flags of a round, and its files."""
    named = list(updates.items()) if isinstance(updates, Mapping) else [(f"worker {k}", u) for k, u in enumerate(updates)]
    flags = ["--base", _state(files, base, "base"), "--sizes", ",".join(str(int(s)) for s in sizes)]
    if isinstance(program, Mapping):
        flags += ["--program", files.add("program.json", json.dumps(program, separators=(",", ":")).encode("utf-8"))]
    else:
        flags += ["--program", os.fspath(program)]
    for worker, update in named:
        flags += ["--update", _state(files, update, worker)]
    if isinstance(validation, tuple):
        head, data = tensors({"x": validation[0], "y": validation[1]}, "validation")
        return [*flags, "--validation", files.add("validation.safetensors", head, *data)]
    return [*flags, "--validation", os.fspath(validation)]


def round_values(
    program: Union[Path, Mapping[str, Any]], base: State, updates: Updates, sizes: Sequence[int], validation: Union[Path, Tuple[Any, Any]], *, accuracy: bool = False, estimator: str = "antithetic", budget: Optional[int] = None, seed: Seed = 0, level: float = 0.95,
    target: Optional[float] = None, tolerance: float = 0.0, alpha: int = 0, beta: int = 0, control: bool = False, transcript: Optional[Path] = None, resume: bool = True,
    threads: int = 0, progress: Optional[bool] = None,
) -> Result:
    """Value the updates of a training round by what they did for the loss on the validation rows.

    program      the model's program: a path, or the document
    base         the parameters before the round: a safetensors file, or arrays by name
    updates      what each worker trained to, by the worker's name or in order, each like base
    sizes        rows that each worker trained on: the weights of their updates
    validation   a safetensors file with x and y, or the pair (x, y)
    accuracy     judge by the share of rows predicted rightly
    control      use the round's quadratic surrogate as a control variate

    The closed second order of the round, and the error that the choice of validation rows brings, are in Result.document. What
    it certifies is research: what is paid is frozen first (docs/valuation.md). Raises Error.
    """
    with Files() as files:
        flags = parts(files, program, base, updates, sizes, validation)
        flags += ["--accuracy"] * accuracy + ["--control"] * control
        flags += [*way(estimator, budget, seed, level, target, tolerance, alpha, beta), *kept(transcript, resume), *machine(threads)]
        out = run(["value", "round", *flags], files=files, progress=progress)
    return of_certificate(out.document(), transcript, out.notes, out.met)
