"""Rules for normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from .axes import Tensor
from .lower import Lowering, No, Rule


def _pair(l: Lowering, n: fx.Node, a: dict[str, Any], width: int) -> tuple[list[str], str]:
    """The names of weight and bias, frozen ones and zeros where the module has none, and the node's name."""
    names = [l.name(a["weight"])] if a["weight"] is not None else [l.fixed(f"constants.ones_{width}", torch.ones(width))]
    names.append(l.name(a["bias"], "bias") if a["bias"] is not None else l.fixed(f"constants.zeros_{width}", torch.zeros(width)))
    return names, l.owner(names[0]) if a["weight"] is not None else n.name


def layer_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if len(a["normalized_shape"]) != 1:
        raise No(f"it normalises {len(a['normalized_shape'])} dimensions: only the last one has an equivalent; of images nn.GroupNorm(1, channels) has")
    width = n.meta["val"].shape[-1]
    names, name = _pair(l, n, a, width)
    return l.rowwise("layer_norm", l.t(a["input"]), {"eps": a["eps"]}, width, name=name, params=names)


def rms_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if len(a["normalized_shape"]) != 1:
        raise No(f"it normalises {len(a['normalized_shape'])} dimensions: only the last one has an equivalent")
    eps = a["eps"] if a["eps"] is not None else torch.finfo(torch.float32).eps
    width = n.meta["val"].shape[-1]
    names, name = _pair(l, n, {"weight": a["weight"], "bias": None}, width)
    return l.rowwise("rms_norm", l.t(a["input"]), {"eps": eps}, width, name=name, params=names[:1])


def batch_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["running_mean"] is None:
        raise No("a batch norm without running statistics is evaluated by those of its batch: give it track_running_stats=True")
    if a["momentum"] is None:
        raise No("a batch norm with a cumulative average: give it a momentum")
    names, name = _pair(l, n, a, n.meta["val"].shape[1])
    names += [l.trace.buffers[a["running_mean"]], l.trace.buffers[a["running_var"]]]
    attrs = {"eps": a["eps"], "momentum": a["momentum"], "frozen": not a["training"]}
    t = l.t(a["input"])
    if len(t.dims) in (2, 3):
        node, _ = l.b.canonical(t)
        return l.b.fresh(l.b.node("batch_norm", [node], attrs, l.b.shapes[node], name=name, params=names))
    return l.image("batch_norm", t, attrs, n.meta["val"].shape[1:], name=name, params=names)


def group_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return _groups(l, n, a, a["num_groups"], a["eps"])


def instance_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["running_mean"] is not None:
        raise No("an instance norm with running statistics: leave track_running_stats out")
    return _groups(l, n, a, n.meta["val"].shape[1], a["eps"])


def _groups(l: Lowering, n: fx.Node, a: dict[str, Any], groups: int, eps: float) -> Tensor:
    names, name = _pair(l, n, a, n.meta["val"].shape[1])
    node, _ = l.b.canonical(l.t(a["input"]))
    return l.b.fresh(l.b.node("group_norm", [node], {"groups": groups, "eps": eps}, l.b.shapes[node], name=name, params=names))


RULES: dict[str, Rule] = {
    "layer_norm": layer_norm, "rms_norm": rms_norm, "batch_norm": batch_norm, "group_norm": group_norm, "instance_norm": instance_norm,
}  # fmt: skip
