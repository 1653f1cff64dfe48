"""Rules for elementwise operators, with broadcasting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import fx

from .axes import Axes, Axis, Tensor, common, flat, refine, size
from .lower import Lowering, No, Rule

LARGEST = 3.4028234663852886e38  # of float32: the limit of what has none
UNARY = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "silu": "silu", "relu6": "relu6", "hardswish": "hardswish", "hardsigmoid": "hardsigmoid"}


def unary(op: str) -> Rule:
    return lambda l, n, a: l.pointwise(op, l.t(n.all_input_nodes[0]), name=n.name)


def gelu(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return l.pointwise("gelu_tanh" if a["approximate"] == "tanh" else "gelu", l.t(a["self"]), name=n.name)


def clamp(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    low, high = (float(x) if x is not None else open_ for x, open_ in ((a["min"], -LARGEST), (a["max"], LARGEST)))
    return l.pointwise("clamp", l.t(a["self"]), {"min": low, "max": high}, name=n.name)


def hardtanh(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    low, high = float(a["min_val"]), float(a["max_val"])
    if (low, high) == (0, 6):
        return l.pointwise("relu6", l.t(a["self"]), name=n.name)
    return l.pointwise("hardtanh", l.t(a["self"]), {"min": low, "max": high}, name=n.name)


def elu(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if (a["scale"], a["input_scale"]) != (1, 1):
        raise No("SELU and CELU have no equivalent")
    return l.pointwise("elu", l.t(a["self"]), {"alpha": float(a["alpha"])}, name=n.name)


def selu(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    out = l.pointwise("elu", l.t(a["self"]), {"alpha": 1.6732632423543772848170429916717}, name=f"{n.name}_elu")
    return scaled(l, out, 1.0507009873554804934193349852946, 0.0, n.name)


def mish(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    """x tanh(softplus(x))"""
    t = l.t(a["self"])
    return binary(l, "mul", t, l.pointwise("tanh", l.pointwise("softplus", t, name=f"{n.name}_softplus"), name=f"{n.name}_tanh"), n.name)


def prelu(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    """relu(x) + weight (x - relu(x))"""
    t, weight = l.t(a["self"]), l.t(a["weight"])
    if len(t.dims) > 1 and weight.dims[0]:  # one for each channel, the second dimension
        weight = replace(weight, dims=weight.dims + ((),) * (len(t.dims) - 2))
    positive = l.pointwise("relu", t, name=f"{n.name}_relu")
    negative = binary(l, "mul", binary(l, "sub", t, positive, f"{n.name}_rest"), weight, f"{n.name}_negative")
    return binary(l, "add", positive, negative, n.name)


def masked_fill(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    """x with a constant's places filled: x * 0 there, plus the value."""
    m, value = l.constant(a["mask"]), l.number(a["value"])
    if m is None or value is None:
        raise No("places that depend on the data: outside of attention's masks they have no equivalent")
    m = m.to(torch.float32)
    kept = binary(l, "mul", l.t(a["self"]), l.table(f"{n.name}.kept", 1 - m), f"{n.name}_kept")
    return binary(l, "add", kept, l.table(f"{n.name}.filled", torch.where(m > 0, max(min(value, 1e30), -1e30), 0.0)), n.name)


def softplus(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if (a["beta"], a["threshold"]) != (1, 20):
        raise No("only a beta of 1 and a threshold of 20 have an equivalent")
    return l.pointwise("softplus", l.t(a["self"]), name=n.name)


def leaky_relu(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return l.pointwise("leaky_relu", l.t(a["self"]), {"slope": float(a["negative_slope"])}, name=n.name)


def neg(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return scaled(l, l.t(a["self"]), -1.0, 0.0, n.name)


def scaled(l: Lowering, t: Tensor, factor: float, shift: float, name: str) -> Tensor:
    return t if (factor, shift) == (1, 0) else l.pointwise("scale", t, {"factor": factor, "shift": shift}, name=name)


def dropout(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(n.args[0])
    return l.pointwise("dropout", t, {"p": float(a["p"])}, name=n.name) if a["p"] and a["train"] else t


def add(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return _sum(l, n, a, 1.0)


def sub(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return _sum(l, n, a, -1.0)


def _sum(l: Lowering, n: fx.Node, a: dict[str, Any], sign: float) -> Tensor:
    left, right, alpha = a["self"], a["other"], sign * float(a.get("alpha") or 1)
    if (c := l.number(right)) is not None and _covers(n, left):
        return scaled(l, l.t(left), 1.0, alpha * c, n.name)
    if (c := l.number(left)) is not None and _covers(n, right):
        return scaled(l, l.t(right), alpha, c, n.name)
    if alpha == 1:
        return binary(l, "add", l.t(left), l.t(right), n.name)
    if alpha == -1:
        return binary(l, "sub", l.t(left), l.t(right), n.name)
    return binary(l, "add", l.t(left), scaled(l, l.t(right), alpha, 0.0, n.name + "_alpha"), n.name)


def mul(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    left, right = a["self"], a["other"]
    for x, y in ((left, right), (right, left)):
        if (c := l.number(y)) is not None and _covers(n, x):
            return scaled(l, l.t(x), c, 0.0, n.name)
    return binary(l, "mul", l.t(left), l.t(right), n.name)


def div(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    c = l.number(a["other"])
    if c is None or c == 0 or not _covers(n, a["self"]) or a.get("rounding_mode"):
        raise No("only a division by a constant other than 0 has an equivalent")
    return scaled(l, l.t(a["self"]), 1.0 / c, 0.0, n.name)


def square(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["exponent"] not in (2, 3):
        raise No(f"a power of {a['exponent']}: only 2 and 3 have an equivalent")
    t = l.t(a["self"])
    out = binary(l, "mul", t, t, n.name)
    return out if a["exponent"] == 2 else binary(l, "mul", out, t, n.name)


def _covers(n: fx.Node, x: Any) -> bool:
    """Whether the operand alone has the result's shape."""
    return isinstance(x, fx.Node) and x.meta["val"].shape == n.meta["val"].shape


def binary(l: Lowering, op: str, a: Tensor, b: Tensor, name: str) -> Tensor:
    """A node of two tensors of one shape, or of shapes that broadcast."""
    rank = max(len(a.dims), len(b.dims))
    a, b, dims = align(l, a, b, rank, rank)
    held = set(a.order) | set(b.order)
    if held == set(a.order):
        order = a.order
    elif held == set(b.order):
        order = b.order
    else:
        order = tuple(x for x in flat(dims) if x in held)
    runs = _alike(order, set(a.order), set(b.order))
    if len(runs) == 1:  # nothing is repeated: the shape of one of them will do
        runs = l.b.grouped(order, (a if a.order == order else b).shape)
    nodes = []
    for t in (a, b):
        mine = [tuple(x for x in r if x in t.order) for r in runs]
        nodes.append(l.b.lay(t, mine) if runs else t.node)
    shape = [size(r) for r in runs] or [1]
    out = l.b.node(op, nodes, {}, shape, name=name)
    return Tensor(out, l.b.shapes[out], order, dims)


def align(l: Lowering, a: Tensor, b: Tensor, rank: int, upto: int) -> tuple[Tensor, Tensor, tuple[Axes, ...]]:
    """Two tensors with the same axes in their first dimensions, and those dimensions as they broadcast together."""
    a, b = _padded(a, rank), _padded(b, rank)
    b_is: dict[Axis, Axis] = {}
    for i in range(upto):
        if a.dims[i] and b.dims[i]:
            split_a, split_b, pairs = common(a.dims[i], b.dims[i])
            a, b = refine(a, split_a), refine(b, split_b)
            b_is.update({y: x for x, y in pairs})
    back = {x: y for y, x in b_is.items() if y is l.b.batch and x is not y}  # repeated in a, rows of the batch in b
    a = _renamed(a, back, l.b.batch)
    b_is |= {y: y for y in back.values()}
    b_is |= {y: Axis(y.size) for d in b.dims for y in d if y not in b_is and y is not l.b.batch}
    b = _renamed(b, b_is, l.b.batch)
    return a, b, tuple(x or y for x, y in zip(a.dims[:upto], b.dims[:upto]))


def _padded(t: Tensor, rank: int) -> Tensor:
    return replace(t, dims=((),) * (rank - len(t.dims)) + t.dims)


def _renamed(t: Tensor, names: dict[Axis, Axis], batch: Axis) -> Tensor:
    def new(axes: Axes) -> Axes:
        return tuple(names.get(x, x) for x in axes)

    return replace(t, order=tuple(x for x in new(t.order) if x is not batch), dims=tuple(new(d) for d in t.dims))


def _alike(order: Axes, a: set[Axis], b: set[Axis]) -> list[Axes]:
    """The axes in the longest runs that both tensors have, or only one of them."""
    runs: list[list[Axis]] = []
    for x in order:
        if runs and (runs[-1][-1] in a, runs[-1][-1] in b) == (x in a, x in b):
            runs[-1].append(x)
        else:
            runs.append([x])
    return [tuple(r) for r in runs]


RULES: dict[str, Rule] = {
    **{k: unary(v) for k, v in UNARY.items()},
    "gelu": gelu, "clamp": clamp, "hardtanh": hardtanh, "elu": elu, "softplus": softplus,
    "selu": selu, "mish": mish, "prelu": prelu, "masked_fill": masked_fill,
    "leaky_relu": leaky_relu, "neg": neg, "dropout": dropout,
    "add": add, "sub": sub, "mul": mul, "div": div, "pow": square,
}  # fmt: skip
