"""A model of PyTorch that is trained by verifyd's engine, step by step, for a claim that anybody can verify."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Type, Union

import numpy as np
import torch

from .._child import Child
from .._error import Error
from .._files import Files
from .export import Exported
from .step import canonical

Path = Union[str, "os.PathLike[str]"]
_TYPES = {"f32": np.float32, "i32": np.int32}


@dataclass(frozen=True)
class Batch:
    """The rows of a step: the numbers of the samples, and tensors by the names that the data set has. They change with the next."""

    samples: list[int]
    tensors: dict[str, torch.Tensor]


class Trainer:
    """Does the work of a job and leaves a trace with a signed claim. Use it in a with statement.

        with verifyd.Trainer(got, "job", assignment=..., operator=..., data=..., key=..., out="trace") as t:
            while t.steps < t.total:
                loss = t.step()
            t.sync(model)
            print(t.finish())

    exported     what verifyd.export returned of the model: its program must be the job's
    job          folder with the job, as its operator offers it
    assignment, operator, data, key    files, as the command train run takes them
    out          folder for the trace and the claim, which is made, or in which work of the same job and assignment ended early
    device       "cpu", "cuda:N" or "auto"
    threads      0 for one a processor; never changes a bit

    The engine is a child process: a signal or a fork of this one does it no harm, and it ends with this one. Without finish, or if
    either process ends, what was done stays in the folder: the next Trainer on it goes on at the last state that is sound, steps
    says where, and comes to the same claim.
    """

    def __init__(
        self, exported: Exported, job: Path, *, assignment: Path, operator: Path, data: Path, key: Path, out: Path, device: str = "auto", threads: int = 0
    ) -> None:
        self._memory: Optional[mmap.mmap] = None
        self._files = Files()
        self._files.add("tensors")
        (self._file,) = self._files.descriptors
        flags = ["--assignment", assignment, "--operator", operator, "--data", data, "--key", key, "--out", out]
        arguments = ["train", "session", os.fspath(job), *map(os.fspath, flags), "--memory", str(self._file), "--device", device, "--threads", str(threads)]
        self._child = Child(arguments, files=self._files, asks=True)
        self._lines = self._child.lines()
        self.steps = 0
        self.loss: Optional[float] = None
        try:
            self._hello = self._read()
            self.steps, self.total = int(self._hello["step"]), int(self._hello["steps"])
            self._check(exported)
            os.ftruncate(self._file, self._hello["bytes"])
            self._memory = mmap.mmap(self._file, self._hello["bytes"])
        except BaseException:
            self.close()
            raise

    def _check(self, exported: Exported) -> None:
        mine, jobs = hashlib.sha256(canonical(exported.program)).hexdigest(), self._hello["program"]
        if mine != jobs:
            raise Error(f"the model's program has digest {mine}, the job's {jobs}: export the model as it was when the job was made", kind="wrong-digest")

    def _read(self) -> dict[str, Any]:
        line = next(self._lines, b"")
        if not line:
            self._child.finish()  # raises what the command said
            raise Error("verifyd ended before it answered", kind="internal")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _ask(self, what: str) -> dict[str, Any]:
        self._child.send({"do": what})
        return self._read()

    def _tensor(self, place: dict[str, Any]) -> torch.Tensor:
        assert self._memory is not None
        count = int(np.prod(place["shape"], dtype=np.int64))
        array = np.frombuffer(self._memory, _TYPES[place["type"]], count=count, offset=place["offset"])
        return torch.from_numpy(array.copy()).reshape(place["shape"])

    def batch(self) -> Batch:
        """The rows that the next step reads."""
        answer = self._ask("batch")
        return Batch(answer["samples"], {p["name"]: self._tensor(p) for p in self._hello["batch"]})

    def step(self) -> float:
        """Train a step; its loss."""
        answer = self._ask("step")
        self.steps, self.loss = int(answer["step"]), float(answer["loss"])
        return self.loss

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that steps move, as the state names them: param/NAME, opt/SLOT/NAME, buffer/NAME."""
        self._ask("state")
        return {p["name"]: self._tensor(p) for p in self._hello["state"]}

    def sync(self, model: torch.nn.Module) -> None:
        """Copy parameters and running statistics back into the model."""
        into = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        found = {name.split("/", 1)[1]: t for name, t in self.state().items() if name.startswith(("param/", "buffer/"))}
        lost = sorted(set(found) - set(into))
        if lost:
            raise Error(f"the model has no tensor {lost[0]!r} of {len(found)} that are trained", kind="wrong-type", field=lost[0])
        with torch.no_grad():
            for name, t in found.items():
                into[name].copy_(t.reshape(into[name].shape))

    def finish(self) -> dict[str, Any]:
        """Sign the claim. All steps must be done. Returns the claim's path, the roots and the steps."""
        self._child.send({"do": "finish"})
        answer = self._read()
        self._child.finish()
        self._release()
        return answer

    def close(self) -> None:
        """End the child, unless the work is finished. What was done stays in the folder."""
        self._child.stop()
        self._release()

    def _release(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        self._files.close()

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

