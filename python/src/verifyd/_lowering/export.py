"""verifyd.export: a PyTorch model as a canonical program."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence, Union

import torch

from .refused import Refused
from . import attention, layers, patterns, pointwise, views
from .losses import loss as read_loss
from .lower import Lowering, Rule
from .optimizers import optimizer as read_optimizer
from .optimizers import schedule as read_schedule
from .prove import Proof, compare, own, truth
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
    path: Optional[str] = None
    trace: Optional[Trace] = field(default=None, repr=False)


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
    opt, groups, rate = read_optimizer(optimizer, trained)
    used = {p for n in low.b.nodes for p in n.get("params", ())}
    missing = sorted(n for n in trained.values() if n not in used)
    if missing:
        raise Refused(f"{len(missing)} trained parameters take no part in the result: freeze them (requires_grad_(False))", missing)
    frozen = sorted(n for n in used if n in low.tables or n in state and n not in trained.values() and not _buffer(model, n))
    fields, _ = read_loss(loss)
    program: dict[str, Any] = {
        "version": "verifyd-program/1", "batch_size": low.rows, "accumulation": accumulation, "graph": low.b.graph(frozen),
        **fields, "optimizer": {**opt, **({"groups": groups} if groups else {})}, "schedule": read_schedule(schedule, rate), "clip_norm": clip_norm,
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
