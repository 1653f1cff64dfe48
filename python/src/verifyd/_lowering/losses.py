"""Losses as a program names them, and as PyTorch computes them on a program's output."""

from __future__ import annotations

from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn

from .refused import Refused

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _classes(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(out.flatten(0, -2), y.flatten().long())


def _squares(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(out, y.reshape(out.shape))


LOSSES: dict[str, Loss] = {"cross_entropy": _classes, "mse": _squares}


def loss(given: Any) -> tuple[Any, Loss]:
    """The program's loss and its meaning: a name, or a module of PyTorch with its defaults."""
    if isinstance(given, str):
        if given not in LOSSES:
            raise Refused(f"loss: {given!r} is none of {', '.join(LOSSES)}")
        return given, LOSSES[given]
    if type(given) in (nn.CrossEntropyLoss, nn.MSELoss) and given.reduction == "mean":
        if type(given) is nn.MSELoss:
            return "mse", _squares
        if given.weight is None and given.label_smoothing == 0:
            return "cross_entropy", _classes
    raise Refused(f"loss: {given!r} has no equivalent: a mean without class weights has")
