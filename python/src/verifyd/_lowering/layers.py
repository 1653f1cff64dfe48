"""Rules for layers: what has parameters, and what works on rows or images."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from .axes import Axis, Tensor, dims_of, size
from .lower import Lowering, No, Rule


def linear(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return affine(l, n, a["input"], a["weight"], a["bias"], False)


def addmm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if (a["beta"], a["alpha"]) != (1, 1) or not l.is_parameter(a["self"]) or not l.is_parameter(a["mat2"]):
        raise No("only a parameter's product with a parameter's bias has an equivalent")
    return affine(l, n, a["mat1"], a["mat2"], a["self"], True)


def affine(l: Lowering, n: fx.Node, x: Any, weight: Any, bias: Any, transposed: bool) -> Tensor:
    names = [l.name(weight)] + ([l.name(bias, "bias")] if bias is not None else [])
    width = n.meta["val"].shape[-1]
    attrs: dict[str, Any] = {"out": width, "bias": bias is not None, "std": 0}
    if transposed:
        attrs["transposed"] = True
    return l.rowwise("linear", l.t(x), attrs, width, name=l.owner(names[0]), params=names)


def layer_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if len(a["normalized_shape"]) != 1:
        raise No(f"it normalises {len(a['normalized_shape'])} dimensions: only the last one has an equivalent")
    if a["weight"] is None or a["bias"] is None:
        raise No("a layer norm without weight and bias: make both, and freeze them where they are not wanted")
    names = [l.name(a["weight"]), l.name(a["bias"], "bias")]
    return l.rowwise("layer_norm", l.t(a["input"]), {"eps": a["eps"]}, n.meta["val"].shape[-1], name=l.owner(names[0]), params=names)


def rms_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if len(a["normalized_shape"]) != 1 or a["weight"] is None:
        raise No("only the last dimension, with a weight, has an equivalent")
    eps = a["eps"] if a["eps"] is not None else torch.finfo(torch.float32).eps
    name = l.name(a["weight"])
    return l.rowwise("rms_norm", l.t(a["input"]), {"eps": eps}, n.meta["val"].shape[-1], name=l.owner(name), params=[name])


def batch_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["weight"] is None or a["bias"] is None or a["running_mean"] is None:
        raise No("a batch norm without weight, bias or running statistics")
    if a["momentum"] is None:
        raise No("a batch norm with a cumulative average: give it a momentum")
    names = [l.name(a["weight"]), l.name(a["bias"], "bias"), l.trace.buffers[a["running_mean"]], l.trace.buffers[a["running_var"]]]
    attrs = {"eps": a["eps"], "momentum": a["momentum"], "frozen": not a["training"]}
    t = l.t(a["input"])
    if len(t.dims) == 2:
        node, _ = l.b.canonical(t)
        return l.b.fresh(l.b.node("batch_norm", [node], attrs, l.b.shapes[node], name=l.owner(names[0]), params=names))
    return l.image("batch_norm", t, attrs, n.meta["val"].shape[1:], name=l.owner(names[0]), params=names)


def group_norm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["weight"] is None or a["bias"] is None:
        raise No("a group norm without weight and bias")
    names = [l.name(a["weight"]), l.name(a["bias"], "bias")]
    attrs = {"groups": a["num_groups"], "eps": a["eps"]}
    return l.image("group_norm", l.t(a["input"]), attrs, n.meta["val"].shape[1:], name=l.owner(names[0]), params=names)


def conv2d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if isinstance(a["padding"], str):
        raise No("padding by a word: give numbers")
    names = [l.name(a["weight"])] + ([l.name(a["bias"], "bias")] if a["bias"] is not None else [])
    w = a["weight"].meta["val"].shape
    attrs: dict[str, Any] = {"out": w[0], "kernel": list(w[2:]), "stride": _two(a["stride"]), "padding": _two(a["padding"]), "bias": a["bias"] is not None}
    if _two(a["dilation"]) != [1, 1]:
        attrs["dilation"] = _two(a["dilation"])
    if a["groups"] != 1:
        attrs["groups"] = a["groups"]
    return l.image("conv2d", l.t(a["input"]), attrs, n.meta["val"].shape[1:], name=l.owner(names[0]), params=names)


def conv_transpose2d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    names = [l.name(a["weight"])] + ([l.name(a["bias"], "bias")] if a["bias"] is not None else [])
    w = a["weight"].meta["val"].shape
    attrs: dict[str, Any] = {"out": w[1] * a["groups"], "kernel": list(w[2:]), "stride": _two(a["stride"]), "padding": _two(a["padding"]), "bias": a["bias"] is not None}
    if _two(a["output_padding"]) != [0, 0]:
        attrs["output_padding"] = _two(a["output_padding"])
    if _two(a["dilation"]) != [1, 1]:
        attrs["dilation"] = _two(a["dilation"])
    if a["groups"] != 1:
        attrs["groups"] = a["groups"]
    return l.image("conv_transpose2d", l.t(a["input"]), attrs, n.meta["val"].shape[1:], name=l.owner(names[0]), params=names)


def pool(op: str) -> Rule:
    def rule(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
        if a.get("ceil_mode") or a.get("divisor_override") or _two(a.get("dilation") or [1]) != [1, 1]:
            raise No("ceil_mode, dilation and divisor_override have no equivalent")
        padding = _two(a["padding"])
        if op == "avg_pool2d" and padding != [0, 0] and not a["count_include_pad"]:
            raise No("an average that leaves its padding out has no equivalent")
        kernel = _two(a["kernel_size"])
        attrs = {"kernel": kernel, "stride": _two(a["stride"]) if a["stride"] else kernel, "padding": padding}
        return l.image(op, l.t(a["self"]), attrs, n.meta["val"].shape[1:], name=n.name)

    return rule


def adaptive_avg_pool2d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    have, want = a["self"].meta["val"].shape[-2:], _two(a["output_size"])
    if list(have) == want:
        return t
    if want == [1, 1]:
        return mean_of(l, t, [len(t.dims) - 2, len(t.dims) - 1], True, n.name)
    if any(h % w for h, w in zip(have, want)):
        raise No(f"from {list(have)} to {want} its windows differ in size")
    kernel = [h // w for h, w in zip(have, want)]
    return l.image("avg_pool2d", t, {"kernel": kernel, "stride": kernel, "padding": [0, 0]}, n.meta["val"].shape[1:], name=n.name)


def mean(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    dims: Any = a["dim"] if a.get("dim") is not None else range(len(t.dims))
    return mean_of(l, t, [d % len(t.dims) for d in dims], bool(a.get("keepdim")), n.name)


def mean_of(l: Lowering, t: Tensor, dims: list[int], keep: bool, name: str) -> Tensor:
    gone = {a for d in dims for a in t.dims[d]}
    if l.b.batch in gone:
        raise No("a mean over the batch")
    if not gone <= set(t.order):
        raise No("a mean over what is repeated")
    left = tuple(a for a in t.order if a not in gone)
    over = tuple(a for a in t.order if a in gone)
    node = l.b.lay(t, ([left] if left else []) + [over])
    out = l.b.node("mean", [node], {"axes": [1 if left else 0], "keepdim": False}, [size(left)], name=name)
    dims_left = tuple(() if i in dims else d for i, d in enumerate(t.dims) if keep or i not in dims)
    return Tensor(out, l.b.shapes[out], left, dims_left)


def upsample(mode: str) -> Rule:
    def rule(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
        have, want = n.args[0].meta["val"].shape[-2:], n.meta["val"].shape[-2:]
        factors = a.get("scale_factors")
        if factors and any(int(h * f) != h * f for h, f in zip(have, factors)):
            raise No(f"a factor of {factors} does not end at whole pixels: give the size")
        attrs = {"size": list(want), "mode": mode, "align_corners": bool(a.get("align_corners"))}
        return l.image("upsample2d", l.t(n.args[0]), attrs, n.meta["val"].shape[1:], name=n.name)

    return rule


def embedding(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    name = l.name(a["weight"])
    vocab, dim = a["weight"].meta["val"].shape
    ids = l.constant(a["indices"])
    if ids is not None:
        return _rows_of(l, n, l.t(a["weight"]), ids)
    t = l.t(a["indices"])
    if not t.integer:
        raise No("its indices are not integers of the data")
    node = l.b.lay(t, [d for d in t.dims if l.b.batch not in d] or [()])
    out = l.b.node("embedding", [node], {"vocab": vocab, "dim": dim, "std": 0}, list(l.b.shapes[node]) + [dim], name=l.owner(name), params=[name])
    (inner,) = dims_of((Axis(dim),))
    kept = tuple(x for d in t.dims for x in d if x is not l.b.batch)
    return Tensor(out, l.b.shapes[out], kept + inner, t.dims + (inner,))


def _rows_of(l: Lowering, n: fx.Node, table: Tensor, ids: torch.Tensor) -> Tensor:
    """Rows of a table at constant places: a run of them, or one for all."""
    from .views import cut

    if ids.ndim and ids.shape[0] in (1, l.rows) and bool((ids == ids[:1]).all()) and ids.ndim > 1:
        ids = ids[0]
    row = ids.flatten().tolist()
    lead = ((),) * (len(n.meta["val"].shape) - 2)
    if row == list(range(row[0], row[0] + len(row))):
        part = cut(l, table, 0, row[0], row[0] + len(row), 1, n.name)
        return Tensor(part.node, part.shape, part.order, lead + part.dims)
    if len(set(row)) == 1:
        part = cut(l, table, 0, row[0], row[0] + 1, 1, n.name)
        return Tensor(part.node, part.shape, part.order, lead + ((Axis(len(row)),), part.dims[1]))
    raise No("its constant indices are neither a run nor one row")


def softmax(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    if a["dim"] % len(t.dims) != len(t.dims) - 1:
        raise No("only the last dimension has an equivalent")
    return l.rowwise("softmax", t, {}, n.meta["val"].shape[-1], name=n.name)


def lstm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> list[Any]:
    if not a["has_biases"] or a["num_layers"] != 1 or a["bidirectional"] or not a["batch_first"] or a["dropout"]:
        raise No("only one layer with biases, one direction, batch first and without dropout has an equivalent: stack modules of one layer")
    if any(l.number(h) != 0 for h in a["hx"]):
        raise No("its first state is not zero")
    names = [l.name(p) for p in a["params"]]
    t = l.t(a["input"])
    node, _ = l.b.canonical(t)
    hidden = a["params"][1].meta["val"].shape[1]
    attrs = {"hidden": hidden}
    shape = [l.b.shapes[node][0], hidden]
    return [l.b.fresh(l.b.node("lstm", [node], attrs, shape, name=l.owner(names[0]), params=names)), None, None]


def _two(x: Any) -> list[int]:
    x = list(x) if isinstance(x, (list, tuple)) else [x]
    return x * 2 if len(x) == 1 else x


RULES: dict[str, Rule] = {
    "linear": linear, "addmm": addmm, "layer_norm": layer_norm, "rms_norm": rms_norm, "batch_norm": batch_norm, "group_norm": group_norm,
    "conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "max_pool2d": pool("max_pool2d"), "avg_pool2d": pool("avg_pool2d"),
    "adaptive_avg_pool2d": adaptive_avg_pool2d, "mean": mean, "embedding": embedding, "softmax": softmax, "lstm": lstm,
    "upsample_nearest2d": upsample("nearest"), "upsample_bilinear2d": upsample("bilinear"),
}  # fmt: skip
