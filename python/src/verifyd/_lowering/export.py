"""A PyTorch model as a canonical program, which one step of it proves."""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence, Union

import torch

from . import attention, layers, patterns, pointwise, views
from .losses import loss as read_loss
from .lower import Lowering, Rule
from .optimizers import training
from .build import PARTS
from .prove import KINK, Proof, compare, own, truth
from .._error import Error
from .refused import Refused
from .step import base, canonical, step
from .trace import Trace, trace

RULES: dict[str, Rule] = {**pointwise.RULES, **views.RULES, **layers.RULES, **attention.RULES}


@dataclass
class Exported:
    """A model as a program.

    ``program`` is the program as JSON has it, ``nodes`` are its nodes with the names of all their tensors, ``state`` are the
    tensors that it starts from under the model's own names, and ``proof`` is how one step of it compares with one of the model.
    """

    program: dict[str, Any]
    nodes: list[dict[str, Any]]
    state: dict[str, torch.Tensor]
    frozen: list[str]
    proof: Optional[Proof] = None
    trace: Optional[Trace] = field(default=None, repr=False)

    def order(self) -> list[str]:
        """The tensors as a base has them: the trained ones in the order of the nodes, the buffers, the frozen ones."""
        trained, kept, frozen = list[str](), list[str](), list[str]()
        for n in self.nodes:
            for part, name in zip(PARTS.get(n["op"], ()), n.get("params", ())):
                into = frozen if name in self.frozen else kept if part.startswith("running_") else trained
                if name not in into:
                    into.append(name)
        return trained + kept + frozen


def export(
    model: torch.nn.Module,
    example: Union[torch.Tensor, Sequence[torch.Tensor]],
    *,
    loss: Any,
    optimizer: torch.optim.Optimizer,
    schedule: Any = None,
    accumulation: int = 1,
    clip_norm: float = 0.0,
    out: Union[str, os.PathLike[str]] = "program.json",
    base_out: Union[str, os.PathLike[str], None] = None,
) -> Exported:
    """Write a model and how it is trained as a program that anybody replays bit for bit, and the tensors that it starts from.

    model        in training mode, as it will be trained; parameters with requires_grad=False are frozen
    example      what it is called with: a batch of at least two rows, whose size is that of a micro-batch
    loss         "cross_entropy", "mse", "bce_with_logits", or a module of torch.nn
    optimizer    SGD, Adam or AdamW that has taken no step; its groups may differ in all but the kind
    schedule     the optimizer's scheduler of torch.optim.lr_scheduler, one step of it a step of training, or None. CosineAnnealingLR ends at T_max:
                 from there on the rate is eta_min
    accumulation micro-batches of a step
    clip_norm    what the loop gives clip_grad_norm_ as max_norm, for all parameters together in the norm of order 2; 0 does not clip. No model
                 or optimizer says it, so it is said here
    out          file of the program; base_out that of the tensors, base.safetensors beside it if not given

    Raises Refused for what has no equivalent, each node or tensor of it with what would help. Before anything is written one step
    of the program is run by verifyd and compared with the model's own: a program that computes something else is an Error.
    """
    got = lower(model, example, loss=loss, optimizer=optimizer, schedule=schedule, accumulation=accumulation, clip_norm=clip_norm)
    data = canonical(got.program)
    got.proof = prove(got, example, loss)
    if not got.proof.passed:
        raise Error(
            f"one step of the program is not one step of the model: {got.proof.tensor} is off by {got.proof.worst:.3g} times the model's own rounding", kind="internal"
        )
    path = pathlib.Path(out)
    _write(path, data)
    head, parts = base(got.state, got.order())
    _write(pathlib.Path(base_out) if base_out is not None else path.with_name("base.safetensors"), head, *parts)
    return got


def _write(path: pathlib.Path, *parts: bytes) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as f:
            for p in parts:
                f.write(p)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def prove(got: Exported, example: Union[torch.Tensor, Sequence[torch.Tensor]], loss: Any) -> Proof:
    """Runs one step of a program without dropout, by verifyd and by PyTorch, on the example and on labels that are drawn."""
    inputs = [example] if isinstance(example, torch.Tensor) else list(example)
    fields, meaning_of = read_loss(loss)
    assert got.trace is not None
    nodes = _quiet(got.nodes)
    quiet = {**got.program, "accumulation": 1, "graph": {**got.program["graph"], "nodes": _quiet(got.program["graph"]["nodes"])}}
    names = [n["name"] for n in nodes if n["op"] == "input"]
    y = _labels(got.trace.output.meta["val"].shape, fields["loss"])
    rows = {"x" if len(names) == 1 else f"x/{n}": t.reshape(t.shape[0], -1) if t.ndim == 1 else t for n, t in zip(names, inputs)}
    claimed = step(quiet, base(got.state, got.order()), {**rows, "y": y})
    trained = [k[5:] for k in claimed if k.startswith("grad/")]
    state = {k: v.detach().requires_grad_(k in trained) for k, v in got.state.items()}
    value, model = own(got.trace, state, inputs, y, meaning_of)
    fed = dict(zip(names, inputs))
    exact, up, down = (truth(nodes, state, fed, y, meaning_of, k) for k in (0.0, KINK, -KINK))
    return compare({k: claimed[f"grad/{k}"] for k in trained}, model, exact, up, down, (float(claimed["loss"]), value))


def _quiet(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**n, "attrs": {**n["attrs"], "p": 0}} if n["op"] in ("dropout", "row_dropout") else n for n in nodes]


def _labels(out: Sequence[int], loss: str) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    if loss.endswith("cross_entropy"):
        return torch.randint(0, out[-1], tuple(out[:-1]), generator=draw, dtype=torch.int32)
    y = torch.rand(tuple(out), generator=draw)
    return y if loss == "bce_with_logits" else 2 * y - 1


def lower(
    model: torch.nn.Module,
    example: Union[torch.Tensor, Sequence[torch.Tensor]],
    *,
    loss: Any,
    optimizer: torch.optim.Optimizer,
    schedule: Any = None,
    accumulation: int = 1,
    clip_norm: float = 0.0,
) -> Exported:
    """The program of a model that is trained on batches like the example's. Nothing is written."""
    inputs = (example,) if isinstance(example, torch.Tensor) else tuple(example)
    state = _state(model)
    traced = trace(model, inputs)
    trained = {id(p): n for n, p in model.named_parameters() if p.requires_grad}
    low = Lowering(traced)
    low.run(RULES, patterns.PATTERNS)
    trains = training(optimizer, schedule, trained)
    used = {p for n in low.b.nodes for p in n.get("params", ())}
    missing = sorted(n for n in trained.values() if n not in used)
    if missing:
        raise Refused(f"{len(missing)} trained parameters take no part in the result: freeze them (requires_grad_(False))", missing)
    frozen = sorted(n for n in used if n in low.tables or n in state and n not in trained.values() and not _buffer(model, n))
    fields, _ = read_loss(loss)
    program: dict[str, Any] = {
        "version": "verifyd-program/1", "batch_size": low.rows, "accumulation": accumulation, "graph": low.b.graph(frozen),
        **fields, **trains, "clip_norm": clip_norm,
    }  # fmt: skip
    tensors = {n: (low.tables[n] if n in low.tables else state[n]).detach() for n in sorted(used)}
    return Exported(program, low.b.nodes, tensors, frozen, trace=traced)


def _buffer(model: torch.nn.Module, name: str) -> bool:
    return name in dict(model.named_buffers())


def _state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors by name. Refuses those that a state cannot hold."""
    out: dict[str, torch.Tensor] = {}
    problems = []
    places: dict[int, tuple[str, torch.Tensor]] = {}
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if p.is_meta:
            problems.append(f"{name}: it is on the meta device, without values")
        elif p.is_sparse or p.layout != torch.strided:
            problems.append(f"{name}: its layout is {p.layout}")
        elif isinstance(p, torch.nn.Parameter) and p.dtype != torch.float32:
            problems.append(f"{name}: {p.dtype}, torch.float32 needed: model.float() widens float16 and bfloat16 exactly")
        elif isinstance(p, torch.nn.Parameter) and p.untyped_storage().data_ptr() in places and p.numel():
            other, q = places[p.untyped_storage().data_ptr()]
            if q is not p:
                problems.append(f"{name}: it shares its memory with {other}")
        elif isinstance(p, torch.nn.Parameter):
            places[p.untyped_storage().data_ptr()] = (name, p)
        out[name] = p
    if problems:
        raise Refused(f"{len(problems)} tensors of the model do not fit a state", problems)
    return out
