"""Losses as a program names them, and as PyTorch computes them on a program's output."""

from __future__ import annotations

from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn

from .refused import Refused
from .trace import Trace, kind

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
        if type(given) is nn.NLLLoss and given.ignore_index == -100:
            return {"loss": "cross_entropy"}, _classes  # of logits is that of their log_softmax
        if type(given) is nn.CrossEntropyLoss and given.label_smoothing == 0 and given.ignore_index == -100:
            return {"loss": "cross_entropy"}, _classes
        if type(given) is nn.CrossEntropyLoss:
            labels = {"smoothing": given.label_smoothing, "ignore_index": given.ignore_index}
            return {"loss": "masked_cross_entropy", "labels": labels}, lambda out, y: given(out.flatten(0, -2), y.flatten().long())
    raise Refused(f"loss: {given!r} has no equivalent: a mean without class weights has")


def classes_last(t: Trace, given: Any) -> None:
    """Makes a model's result what a program's loss takes: logits, before a log_softmax, with the classes last.

    PyTorch's losses have the classes of images second. Of three dimensions the last are meant, as language models have it.
    """
    out, kinds = t.output, (nn.CrossEntropyLoss, nn.NLLLoss)
    if type(given) not in kinds and given != "cross_entropy":
        return
    rank = out.meta["val"].ndim
    dim = 1 if type(given) in kinds and rank == 4 else rank - 1
    if kind(out) == "log_softmax" and out.args[1] in (dim, dim - rank):
        t.returns(out.args[0])
    elif type(given) is nn.NLLLoss:
        raise Refused("loss: NLLLoss of what is no log_softmax over the classes: use CrossEntropyLoss of the logits")
    if dim != rank - 1:
        with t.graph.inserting_after(t.output):
            last = t.graph.call_function(torch.ops.aten.permute.default, (t.output, [0, 2, 3, 1]))
        last.meta["val"] = t.output.meta["val"].permute(0, 2, 3, 1)
        t.returns(last)


def of_program(program: dict[str, Any]) -> Loss:
    """What a program's loss is in PyTorch."""
    if program["loss"] in LOSSES:
        return LOSSES[program["loss"]]
    labels = program["labels"]
    return lambda out, y: F.cross_entropy(out.flatten(0, -2), y.flatten().long(), ignore_index=labels["ignore_index"], label_smoothing=labels["smoothing"])
