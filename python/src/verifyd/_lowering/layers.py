"""Rules for layers: what has parameters, and what works on rows or images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from torch import fx

from .axes import Tensor, size
from .lower import Lowering, No, Rule, bound
from .trace import kind
from .views import cut


def linear(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return affine(l, n, a["input"], a["weight"], a["bias"], False)


def addmm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if (a["beta"], a["alpha"]) != (1, 1) or not l.is_parameter(a["self"]) or not l.is_parameter(a["mat2"]):
        raise No("only a parameter's product with a parameter's bias has an equivalent")
    return affine(l, n, a["mat1"], a["mat2"], a["self"], True)


def affine(l: Lowering, n: fx.Node, x: Any, weight: Any, bias: Any, transposed: bool) -> Tensor:
    part = None if transposed else _part(l, weight)
    of_bias = part if bias is None else _part(l, bias)
    if part is not None and of_bias is not None and of_bias[1:] == part[1:]:
        whole = affine_of(l, x, part[0], of_bias[0] if bias is not None else None, False, part[0].meta["val"].shape[0])
        return cut(l, whole, -1, part[1], part[2], 1, n.name)
    return affine_of(l, x, weight, bias, transposed, n.meta["val"].shape[-1])


def _part(l: Lowering, x: Any) -> Optional[tuple[fx.Node, int, int]]:
    """The parameter of which a tensor is some of the rows, as nn.MultiheadAttention cuts its projections, and from where to where."""
    if not isinstance(x, fx.Node) or x.op != "call_function":
        return None
    source: Any = x.args[0]
    if kind(x) == "getitem" and kind(source) in ("chunk", "split", "split_with_sizes") and l.is_parameter(source.args[0]) and bound(source)["dim"] == 0:
        lengths = [v.shape[0] for v in source.meta["val"]]
        return source.args[0], sum(lengths[: x.args[1]]), sum(lengths[: x.args[1] + 1])
    if kind(x) == "slice" and l.is_parameter(source) and (a := bound(x))["dim"] == 0 and a["step"] == 1:
        return source, a["start"] or 0, min(a["end"], source.meta["val"].shape[0])
    return None


def affine_of(l: Lowering, x: Any, weight: Any, bias: Any, transposed: bool, width: int) -> Tensor:
    names = [l.name(weight)] + ([l.name(bias, "bias")] if bias is not None else [])
    attrs: dict[str, Any] = {"out": width, "bias": bias is not None, "std": 0}
    if transposed:
        attrs["transposed"] = True
    t = l.t(x)
    key = (t.node, t.order, t.dims, tuple(names))
    if key not in l.linears:
        l.linears[key] = l.rowwise("linear", t, attrs, width, name=l.owner(names[0]), params=names)
    return l.linears[key]


def conv2d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    names = [l.name(a["weight"])] + ([l.name(a["bias"], "bias")] if a["bias"] is not None else [])
    w = a["weight"].meta["val"].shape
    padding = _padding(a["padding"], w[2:], a["dilation"])
    attrs: dict[str, Any] = {"out": w[0], "kernel": list(w[2:]), "stride": _two(a["stride"]), "padding": padding, "bias": a["bias"] is not None}
    if _two(a["dilation"]) != [1, 1]:
        attrs["dilation"] = _two(a["dilation"])
    if a["groups"] != 1:
        attrs["groups"] = a["groups"]
    return l.image("conv2d", l.t(a["input"]), attrs, n.meta["val"].shape[1:], name=l.owner(names[0]), params=names)


def conv1d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    """A convolution of images that are one pixel high."""
    names = [l.name(a["weight"])] + ([l.name(a["bias"], "bias")] if a["bias"] is not None else [])
    w = a["weight"].meta["val"].shape
    l.shaped[names[0]] = (w[0], w[1], 1, w[2])
    padding = [0, _padding(a["padding"], w[2:], a["dilation"])[-1]]
    attrs: dict[str, Any] = {"out": w[0], "kernel": [1, w[2]], "stride": [1, _one(a["stride"])], "padding": padding, "bias": a["bias"] is not None}
    if _one(a["dilation"]) != 1:
        attrs["dilation"] = [1, _one(a["dilation"])]
    if a["groups"] != 1:
        attrs["groups"] = a["groups"]
    t, shape = l.t(a["input"]), n.meta["val"].shape
    out = l.image("conv2d", _flatline(t), attrs, (shape[1], 1, shape[2]), name=l.owner(names[0]), params=names)
    return replace(out, dims=out.dims[:2] + out.dims[3:])


def line(rule: Rule) -> Rule:
    """The rule of images, of what is one pixel high."""

    def flat(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
        given: dict[str, Any] = dict(a)
        for key, along in (("kernel_size", 1), ("stride", 1), ("dilation", 1), ("padding", 0), ("output_size", 1)):
            if given.get(key):
                given[key] = [along, _one(given[key])]
        size_ = n.meta["val"].shape
        out = rule(l, n, {**given, "line": (size_[1], 1, size_[2])})
        return replace(out, dims=out.dims[:2] + out.dims[3:])

    return flat


def _flatline(t: Tensor) -> Tensor:
    return replace(t, dims=t.dims[:2] + ((),) + t.dims[2:])


def _one(x: Any) -> int:
    return int(x[0]) if isinstance(x, (list, tuple)) else int(x)


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
        if a.get("divisor_override") or _two(a.get("dilation") or [1]) != [1, 1]:
            raise No("dilation and divisor_override have no equivalent")
        padding = _two(a["padding"])
        if op == "avg_pool2d" and padding != [0, 0] and not a["count_include_pad"]:
            raise No("an average that leaves its padding out has no equivalent")
        kernel = _two(a["kernel_size"])
        attrs = {"kernel": kernel, "stride": _two(a["stride"]) if a["stride"] else kernel, "padding": padding}
        t = _flatline(l.t(a["self"])) if "line" in a else l.t(a["self"])
        shape = a.get("line") or tuple(n.meta["val"].shape[1:])
        if [(size_ + 2 * p - k) // s + 1 for size_, p, k, s in zip(t.sizes()[-2:], padding, kernel, attrs["stride"])] != list(shape[-2:]):
            raise No("its last windows reach over the edge: leave ceil_mode out, or pad")
        return l.image(op, t, attrs, shape, name=n.name)

    return rule


def adaptive(op: str) -> Rule:
    def rule(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
        t = _flatline(l.t(a["self"])) if "line" in a else l.t(a["self"])
        have, want = list(t.sizes()[-2:]), _two(a["output_size"])
        if have == want:
            return t
        if want == [1, 1] and op == "avg_pool2d":
            return mean_of(l, t, [len(t.dims) - 2, len(t.dims) - 1], True, n.name)
        if any(h % w for h, w in zip(have, want)):
            raise No(f"from {have} to {want} its windows differ in size")
        kernel = [h // w for h, w in zip(have, want)]
        attrs = {"kernel": kernel, "stride": kernel, "padding": [0, 0]}
        return l.image(op, t, attrs, (t.sizes()[1], *want), name=n.name)

    return rule


def adaptive_max_pool2d(l: Lowering, n: fx.Node, a: dict[str, Any]) -> list[Any]:
    return [adaptive("max_pool2d")(l, n, a), None]


def mean(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    dims: Any = a["dim"] if a.get("dim") is not None else range(len(t.dims))
    return mean_of(l, t, [d % len(t.dims) for d in dims], bool(a.get("keepdim")), n.name)


def sum_(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    dims = [d % len(t.dims) for d in (a["dim"] if a.get("dim") else range(len(t.dims)))]
    out = mean_of(l, t, dims, bool(a.get("keepdim")), f"{n.name}_mean")
    return l.pointwise("scale", out, {"factor": float(size([x for d in dims for x in t.dims[d]])), "shift": 0.0}, name=n.name)


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


def softmax(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    if a["dim"] % len(t.dims) != len(t.dims) - 1:
        raise No("only the last dimension has an equivalent")
    return l.rowwise("softmax", t, {}, n.meta["val"].shape[-1], name=n.name)


def _padding(given: Any, kernel: Any, dilation: Any) -> list[int]:
    if given == "valid":
        return [0, 0]
    if not isinstance(given, str):
        return _two(given)
    reach = [d * (k - 1) for k, d in zip(_two(list(kernel)), _two(dilation))]
    if any(x % 2 for x in reach):
        raise No("its padding of the same size is not the same on both sides: give numbers")
    return [x // 2 for x in reach]


def _two(x: Any) -> list[int]:
    x = list(x) if isinstance(x, (list, tuple)) else [x]
    return x * 2 if len(x) == 1 else x


RULES: dict[str, Rule] = {
    "linear": linear, "addmm": addmm, "conv1d": conv1d, "conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "max_pool2d": pool("max_pool2d"), "avg_pool2d": pool("avg_pool2d"),
    "adaptive_avg_pool2d": adaptive("avg_pool2d"), "adaptive_max_pool2d": adaptive_max_pool2d, "mean": mean, "sum": sum_, "softmax": softmax,
    "max_pool1d": line(pool("max_pool2d")), "avg_pool1d": line(pool("avg_pool2d")), "adaptive_avg_pool1d": line(adaptive("avg_pool2d")),
    "upsample_nearest2d": upsample("nearest"), "upsample_bilinear2d": upsample("bilinear"),
}  # fmt: skip
