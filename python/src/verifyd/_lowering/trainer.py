"""A model of PyTorch that is trained by verifyd's engine, step by step, for a claim that anybody can verify."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import threading
import weakref
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Sequence, Type, Union

import numpy as np
import torch

from .._child import Child
from .._error import Error
from .._files import Files
from .export import Exported
from .losses import of_program
from .step import canonical

Path = Union[str, "os.PathLike[str]"]
_TYPES = {"f32": np.float32, "i32": np.int32}
_MOST = 10000  # steps that are asked for at once


@dataclass(frozen=True)
class Batch:
    """The rows of a step: the numbers of the samples, and tensors by the names that the data set has. They change with the next."""

    samples: list[int]
    tensors: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Evaluation:
    """What the model makes of rows: its outputs, and the mean loss over all of them if there were labels."""

    outputs: torch.Tensor
    loss: Optional[float] = None


class Trainer:
    """Does the work of a job and leaves a trace with a signed claim. Use it in a with statement.

        with verifyd.Trainer(got, "job", assignment=..., operator=..., data=..., key=..., out="trace") as t:
            while t.steps < t.total:
                loss = t.step()
            t.sync(model)
            print(t.finish())

    exported     what verifyd.export returned of the model: its program must be the job's
    job          folder with the job, as its operator offers it
    assignment, operator, key    files, as the command train run takes them
    data         the job's data set: a file, a folder, or a list of them in the order of their samples
    out          folder for the trace and the claim, which is made, or in which work of the same job and assignment ended early
    device       "cpu", "cuda:N" or "auto"
    threads      0 for one a processor; never changes a bit

    The job draws the rows of a step: their order follows from a seed that the operator drew after it knew the worker. So step takes
    no batch; batch shows the one that comes.

    The engine is a child process: a signal or a fork of this one does it no harm, and it ends with this one. Without finish, or if
    either process ends, what was done stays in the folder: the next Trainer on it goes on at the last state that is sound, steps
    says where, and comes to the same claim. Methods may be called from any thread, one after another. Whatever interrupts one, such
    as Ctrl-C, and any error of the engine closes the trainer.
    """

    def __init__(
        self, exported: Exported, job: Path, *, assignment: Path, operator: Path, data: Union[Path, Sequence[Path]], key: Path, out: Path, device: str = "auto", threads: int = 0
    ) -> None:
        self._memory: Optional[mmap.mmap] = None
        self._turn = threading.RLock()
        self._open = True
        self._files = Files()
        self._files.add("tensors")
        (self._file,) = self._files.descriptors
        flags = ["--assignment", assignment, "--operator", operator, "--key", key, "--out", out]
        for path in [data] if isinstance(data, (str, os.PathLike)) else data:
            flags += ["--data", path]
        arguments = ["train", "session", os.fspath(job), *(os.fspath(f) for f in flags), "--memory", str(self._file), "--device", device, "--threads", str(threads)]
        try:
            self._child = Child(arguments, files=self._files, asks=True)
        except BaseException:
            self._files.close()
            raise
        self._forgotten = weakref.finalize(self, self._child.stop)  # whoever drops a trainer ends its child
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
        self._program = exported.program
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

    def _ask(self, what: str, **more: int) -> dict[str, Any]:
        if not self._open:
            raise Error("the trainer is closed: its work is finished, or stays in its folder", kind="usage")
        try:
            self._child.send({"do": what, **more})
            return self._read()
        except BaseException:  # an answer that nobody read would be taken for the next one
            self.close()
            raise

    def _view(self, place: dict[str, Any]) -> np.ndarray[Any, Any]:
        if self._memory is None:
            raise Error("the trainer is closed: its work is finished, or stays in its folder", kind="usage")
        count = int(np.prod(place["shape"], dtype=np.int64))
        return np.frombuffer(self._memory, _TYPES[place["type"]], count=count, offset=place["offset"])

    def _tensor(self, place: dict[str, Any]) -> torch.Tensor:
        return torch.from_numpy(self._view(place).copy()).reshape(place["shape"])

    def batch(self) -> Batch:
        """The rows that the next step reads."""
        with self._turn:
            answer = self._ask("batch")
            return Batch(answer["samples"], {p["name"]: self._tensor(p) for p in self._hello["batch"]})

    def step(self, batch: Optional[Batch] = None) -> float:
        """Train a step; its loss. A batch changes nothing: it is refused unless it is the one of this step, as batch returned it."""
        with self._turn:
            if batch is not None:
                self._same(batch)
            answer = self._ask("step")
            self.steps, self.loss = int(answer["step"]), float(answer["loss"])
            return self.loss

    def train(self, steps: Optional[int] = None) -> list[float]:
        """Train so many steps, or all that are left, and return their losses. Between steps of less than some milliseconds it is
        the asking that takes the time: this asks once for up to 10,000."""
        with self._turn:
            left = self.total - self.steps if steps is None else steps
            losses: list[float] = []
            while left > 0:
                answer = self._ask("step", times=min(left, _MOST))
                losses += answer["losses"]
                before, left = self.steps, left - len(answer["losses"])
                self.steps, self.loss = int(answer["step"]), float(answer["loss"])
                if self.steps > before + len(answer["losses"]):  # work was kept behind a state that was made anew
                    left = min(left, self.total - self.steps)
            return losses

    def _same(self, batch: Any) -> None:
        if not isinstance(batch, Batch):
            raise Error("a step takes no rows: the job draws them (batch shows those that come)", kind="usage", field="batch")
        want = self.batch()
        if batch.samples != want.samples or any(not torch.equal(t, batch.tensors.get(name, t[:0])) for name, t in want.tensors.items()):
            raise Error(f"these rows are not those of step {self.steps}, which the job draws", kind="usage", field="batch")

    def evaluate(self, inputs: Union[torch.Tensor, Sequence[torch.Tensor]], labels: Optional[torch.Tensor] = None) -> Evaluation:
        """What the model, as it is trained so far, makes of any number of rows: ``model.eval()(inputs)``, by verifyd's engine.

        inputs    as the example of export: a tensor, or one for each input of the model
        labels    as the loss takes them; without them there is no loss

        Dropout passes everything, batch norm takes its running statistics, random crops are those of the middle. The outputs have
        verifyd's bits. The loss is PyTorch's, in float64, over all rows at once. Nothing of the training changes, neither the state
        nor the next batch, and no claim holds anything of it.
        """
        given = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        places = self._hello["batch"][:-1]
        if len(given) != len(places):
            raise Error(f"{len(given)} inputs, the model has {len(places)}", kind="wrong-type", field="inputs")
        rows = [fitting(t, p) for t, p in zip(given, places)]
        count = rows[0].shape[0]
        if count < 1 or any(r.shape[0] != count for r in rows) or (labels is not None and labels.shape[:1] != (count,)):
            raise Error("want one number of rows in all inputs and labels, at least one", kind="wrong-type", field="inputs")
        with self._turn:
            step = self._hello["rows"]
            outputs = torch.cat([self._outputs([r[i : i + step] for r in rows]) for i in range(0, count, step)])
        if labels is None:
            return Evaluation(outputs)
        wide = labels.detach().cpu()
        return Evaluation(outputs, float(of_program(self._program)(outputs.double(), wide.double() if wide.is_floating_point() else wide)))

    def _outputs(self, rows: list[torch.Tensor]) -> torch.Tensor:
        """The outputs of at most as many rows as a step has."""
        for t, p in zip(rows, self._hello["batch"]):
            into = self._view(p).reshape(p["shape"])
            into[: t.shape[0]] = t.numpy()
            into[t.shape[0] :] = 0
        answer = self._ask("evaluate")
        if "refused" in answer:
            raise Error(answer["refused"], kind="out-of-range", field="inputs")
        return self._tensor(self._hello["output"])[: rows[0].shape[0]]

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that steps move, as the state names them: param/NAME, opt/SLOT/NAME, buffer/NAME."""
        with self._turn:
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
        with self._turn:
            answer = self._ask("finish")
            try:
                self._child.finish()
            finally:
                self.close()
            return answer

    def close(self) -> None:
        """End the child, unless the work is finished. What was done stays in the folder."""
        self._open = False
        self._forgotten()
        self._release()

    def _release(self) -> None:
        if self._memory is not None:
            try:
                self._memory.close()
            except BufferError:  # a view of it is on the stack of what was interrupted
                pass
            self._memory = None
        self._files.close()

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()


def fitting(t: torch.Tensor, place: dict[str, Any]) -> torch.Tensor:
    """Rows as a place has them, in any number. Raises Error for others, and for elements that would change."""
    name, row = place["name"], tuple(place["shape"][1:])
    if not isinstance(t, torch.Tensor) or t.ndim < 1 or t[:1].numel() != int(np.prod(row, dtype=np.int64)) * min(t.shape[0], 1):
        raise Error(f"{name}: {tuple(getattr(t, 'shape', ()))}, rows of {row} needed", kind="wrong-type", field=name)
    t = t.detach().cpu().reshape(t.shape[0], *row)
    if place["type"] == "f32" and t.dtype == torch.float32:
        return t
    if place["type"] == "i32" and not t.is_floating_point() and not t.is_complex():
        narrow = t.to(torch.int32)
        if torch.equal(narrow.to(t.dtype), t):
            return narrow
    raise Error(f"{name}: {t.dtype} would not keep its numbers as {place['type']}", kind="wrong-type", field=name)
