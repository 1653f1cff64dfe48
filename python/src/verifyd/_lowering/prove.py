"""One step by verifyd, held to the model's own step and to the truth in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

import torch
from torch import fx

from . import meaning
from .trace import Trace

KINK = 1e-5  # of a root mean square: how far from a kink float32's rounding may leave a number
PASS = 16.0  # times the error that the model's own float32 has
CEILING = 1e-3  # of a gradient's norm: the most that the model's own error may be in a step that proves anything
SAME = 1e-7  # of a gradient's norm: what model and program may differ by in float64
KINKED = ("aten.relu", "aten.hardtanh", "aten.hardswish", "aten.hardsigmoid", "aten.leaky_relu")
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Gradients = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Proof:
    """How far verifyd's step is from the truth.

    ``worst`` is the largest quotient of verifyd's error by the model's own over all tensors, ``tensor`` where it is, ``relative`` the
    largest error of verifyd as a share of a gradient's norm, each beyond what the kinks explain. ``own`` is the largest error of the
    model's own as such a share. ``smooth`` says that they are those of a step with smooth functions for kinks.
    """

    worst: float
    tensor: str
    relative: float
    loss: float
    loss_of_model: float
    own: float = 0.0
    smooth: bool = False

    @property
    def passed(self) -> bool:
        return self.worst <= PASS or self.relative <= 1e-6


class _Quiet(fx.Interpreter):
    """Runs the traced graph with no draw: dropout passes everything. Smooth, what has kinks is another function."""

    smooth = False

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        name = str(target)
        if name.startswith(("aten.dropout", "aten.feature_dropout")):
            return args[0]
        if name.startswith("aten.bernoulli"):
            return torch.full_like(args[0], args[1])  # is divided by it
        if name.startswith("aten.lstm.input"):
            args = (*args[:5], 0.0, *args[6:])
        if self.smooth and name.startswith(KINKED):
            return torch.nn.functional.silu(args[0])
        if self.smooth and name.startswith("aten.prelu"):  # a program has it of a relu
            return args[1].reshape(-1, *[1] * (args[0].ndim - 2)) * (args[0] - (positive := torch.nn.functional.silu(args[0]))) + positive
        if name.startswith("aten.scaled_dot_product_attention.") and len(args) > 4:
            args = (*args[:4], 0.0, *args[5:])
        if name.startswith("aten.view."):
            return args[0].reshape(args[1])  # what made it contiguous is gone from the graph
        return super().call_function(target, args, kwargs)


def own(t: Trace, state: dict[str, torch.Tensor], inputs: list[torch.Tensor], y: torch.Tensor, loss: Loss, smooth: bool = False) -> tuple[float, Gradients]:
    """Loss and gradients of the model as PyTorch computes them; ``state`` are its parameters and buffers."""
    leaves = {k: v.detach().clone().requires_grad_(v.requires_grad) for k, v in state.items()}
    fed = iter(inputs)
    given: list[Any] = []
    for n in t.graph.nodes:
        if n.op == "placeholder":
            if n in t.inputs:
                given.append(next(fed))
            elif n in t.parameters:
                given.append(leaves[t.parameters[n]].reshape(n.meta["val"].shape))
            elif n in t.buffers and t.buffers[n] in state:
                given.append(state[t.buffers[n]].clone())
            else:
                c = t.constants.get(n)
                given.append(wide(c) if isinstance(c, torch.Tensor) and any(v.dtype == torch.float64 for v in leaves.values()) else c)
    quiet = _Quiet(fx.GraphModule(torch.nn.Module(), t.graph))
    quiet.smooth = smooth
    results = quiet.run(*given)
    at = next(n for n in t.graph.nodes if n.op == "output").args[0].index(t.output)
    value = loss(results[at], y)
    value.backward()
    return float(value.detach()), {k: v.grad for k, v in leaves.items() if v.grad is not None}


def wide(x: torch.Tensor) -> torch.Tensor:
    """Numbers in float64, integers as they are."""
    return x.double() if x.is_floating_point() else x


def truth(nodes: list[dict[str, Any]], state: dict[str, torch.Tensor], inputs: dict[str, torch.Tensor], y: torch.Tensor, loss: Loss, kink: float) -> Gradients:
    """The gradients of the program in float64."""
    leaves = {k: v.detach().double().requires_grad_(v.requires_grad) for k, v in state.items()}
    fed = {k: wide(v) for k, v in inputs.items()}
    loss(meaning.run(nodes, fed, leaves, kink), wide(y)).backward()
    return {k: v.grad for k, v in leaves.items() if v.grad is not None}


def compare(claimed: Gradients, model: Gradients, exact: Gradients, up: Gradients, down: Gradients, losses: tuple[float, float]) -> Proof:
    """Measures verifyd's gradients, tensor by tensor, beyond the band that the kinks leave open."""
    worst, tensor, relative, own = 0.0, "", 0.0, 0.0
    scale = max((float(g.norm()) for g in exact.values()), default=0.0)
    for name, g in exact.items():
        band = (up[name] - down[name]).abs()

        def beyond(x: torch.Tensor) -> float:
            return float(((x.double().reshape(g.shape) - g).abs() - band).clamp(min=0).norm())

        norm = float(g.norm())
        mine, theirs = beyond(claimed[name]), beyond(model[name])
        if not math.isfinite(mine + theirs):
            return Proof(math.inf, name, math.inf, *losses, math.inf)
        floor = max(1e-7 * norm, 1e-8 * scale)  # what is zero in theory has rounding errors alone
        if (q := mine / max(theirs, floor, 1e-300)) > worst:
            worst, tensor = q, name
        relative = max(relative, mine / max(norm, 1e-3 * scale, 1e-300))
        own = max(own, theirs / max(norm, 1e-3 * scale, 1e-300))
    return Proof(worst, tensor, relative, *losses, own)
