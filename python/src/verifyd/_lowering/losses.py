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


def _binary(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(out, y.reshape(out.shape))


LOSSES: dict[str, Loss] = {"cross_entropy": _classes, "mse": _squares, "bce_with_logits": _binary}


def loss(given: Any) -> tuple[dict[str, Any], Loss]:
    """The program's fields for a loss, and its meaning: a name, or a module of PyTorch."""
    if isinstance(given, str):
        if given not in LOSSES:
            raise Refused(f"loss: {given!r} is none of {', '.join(LOSSES)}")
        return {"loss": given}, LOSSES[given]
    if getattr(given, "reduction", "") == "mean" and getattr(given, "weight", None) is None and getattr(given, "pos_weight", None) is None:
        if type(given) is nn.MSELoss:
            return {"loss": "mse"}, _squares
        if type(given) is nn.BCEWithLogitsLoss:
            return {"loss": "bce_with_logits"}, _binary
        if type(given) is nn.CrossEntropyLoss and given.label_smoothing == 0 and given.ignore_index == -100:
            return {"loss": "cross_entropy"}, _classes
        if type(given) is nn.CrossEntropyLoss:
            labels = {"smoothing": given.label_smoothing, "ignore_index": given.ignore_index}
            return {"loss": "masked_cross_entropy", "labels": labels}, lambda out, y: given(out.flatten(0, -2), y.flatten().long())
    raise Refused(f"loss: {given!r} has no equivalent: a mean without class weights has")


def of_program(program: dict[str, Any]) -> Loss:
    """What a program's loss is in PyTorch."""
    if program["loss"] in LOSSES:
        return LOSSES[program["loss"]]
    labels = program["labels"]
    return lambda out, y: F.cross_entropy(out.flatten(0, -2), y.flatten().long(), ignore_index=labels["ignore_index"], label_smoothing=labels["smoothing"])
