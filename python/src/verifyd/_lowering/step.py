"""What this package's command says of a program: its canonical bytes, and one step of it."""

from __future__ import annotations

import json
from typing import Any, Mapping

import numpy as np
import torch

from .._child import run
from .._error import Error
from .._files import Files
from .._rounds import tensors

_TYPES = {"F32": np.float32, "I32": np.int32}


def canonical(program: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a program. What the command refuses of it is an Error."""
    with Files() as files:
        path = files.add("program.json", json.dumps(program, allow_nan=False).encode())
        return run(["job", "program", "import", path], files=files, progress=False).data


def base(state: Mapping[str, torch.Tensor], order: list[str]) -> tuple[bytes, list[bytes]]:
    """The file of what a program starts from: header and elements."""
    return tensors({n: state[n].detach().cpu().numpy() for n in order}, "base", ordered=True)


def step(program: Mapping[str, Any], start: tuple[bytes, list[bytes]], rows: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Loss, gradients (grad/NAME) and the state behind one step (after/...), from the program's start on these rows."""
    with Files() as files:
        path = files.add("program.json", canonical(program))
        begin = files.add("base.safetensors", start[0], *start[1])
        head, parts = tensors({n: t.detach().cpu().numpy() for n, t in rows.items()}, "rows")
        data = files.add("rows.safetensors", head, *parts)
        return read(run(["job", "program", "step", path, "--base", begin, "--data", data], files=files, progress=False).data)


def read(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file that the command wrote."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    out = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        start, stop = info["data_offsets"]
        if info["dtype"] not in _TYPES:
            raise Error(f"{name}: {info['dtype']} is no element type of a state", kind="wrong-type")
        array = np.frombuffer(data, _TYPES[info["dtype"]], offset=8 + size + start, count=(stop - start) // 4)
        out[name] = torch.from_numpy(array.copy()).reshape(info["shape"])
    return out
