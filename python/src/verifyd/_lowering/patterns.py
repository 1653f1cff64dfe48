"""Arithmetic that is an operator: norms, activations, rotations and attention that models spell out."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

import torch
from torch import fx

from .attention import attend, masked
from .axes import Tensor, size
from .lower import Lowering, Match, No, bound
from .trace import kind

Pattern = Callable[[Lowering, fx.Node], Optional[Match]]


def _is(x: Any, *kinds: str) -> bool:
    return isinstance(x, fx.Node) and x.op == "call_function" and kind(x) in kinds


def _args(x: fx.Node) -> dict[str, Any]:
    return bound(x)


def _pair(x: fx.Node, test: Callable[[Any], bool]) -> Optional[tuple[fx.Node, Any]]:
    """The operands of a commutative operator as (one that passes the test, the other)."""
    a = _args(x)
    left, right = a["self"], a["other"]
    return (left, right) if test(left) else (right, left) if test(right) else None


def _near(a: Optional[float], b: float) -> bool:
    return a is not None and abs(a - b) <= 1e-6 * abs(b)


def rms_norm(l: Lowering, n: fx.Node) -> Optional[Match]:
    """weight * (x * rsqrt(mean(x^2) + eps))"""
    if not _is(n, "mul"):
        return None
    found = _pair(n, lambda y: l.is_parameter(y) and y.meta["val"].ndim == 1)
    if found is None or not _is(found[1], "mul"):
        return None
    weight, scaled = found
    root = _pair(scaled, lambda y: _is(y, "rsqrt"))
    if root is None:
        return None
    r, x = root
    if not isinstance(x, fx.Node):
        return None
    source: Any = x
    plus = _args(r)["self"]
    if not _is(plus, "add"):
        return None
    eps, mean = l.number(_args(plus)["other"]), _args(plus)["self"]
    if eps is None or not _is(mean, "mean") or not _args(mean)["keepdim"]:
        return None
    dims, squared = _args(mean)["dim"], _args(mean)["self"]
    if list(dims) not in ([-1], [x.meta["val"].ndim - 1]):
        return None
    by = _args(squared) if _is(squared, "pow", "mul") else {}
    if not (by.get("self") is x and (by.get("exponent") == 2 or by.get("other") is x)):
        return None

    def write(l: Lowering) -> Tensor:
        name = l.name(weight)
        return l.rowwise("rms_norm", l.t(source), {"eps": eps}, source.meta["val"].shape[-1], name=l.owner(name), params=[name])

    return Match([source], write)


def gelu_tanh(l: Lowering, n: fx.Node) -> Optional[Match]:
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))"""
    if not _is(n, "mul"):
        return None
    found = _pair(n, lambda y: _is(y, "add") and _is(_args(y)["self"], "tanh") and l.number(_args(y)["other"]) == 1)
    if found is None or not _is(found[1], "mul"):
        return None
    plus, half = found
    x, c = _args(half)["self"], l.number(_args(half)["other"])
    inner = _args(_args(plus)["self"])["self"]
    if c != 0.5 or not _is(inner, "mul") or not _near(l.number(_args(inner)["other"]), math.sqrt(2 / math.pi)):
        return None
    total = _args(inner)["self"]
    if not _is(total, "add") or _args(total)["self"] is not x or not _is(_args(total)["other"], "mul"):
        return None
    cubic = _args(_args(total)["other"])
    cube = cubic["self"]
    if not _near(l.number(cubic["other"]), 0.044715) or not _is(cube, "pow") or _args(cube)["self"] is not x or _args(cube)["exponent"] != 3:
        return None
    return Match([x], lambda l: l.pointwise("gelu_tanh", l.t(x), name=n.name))


def row_dropout(l: Lowering, n: fx.Node) -> Optional[Match]:
    """x * (bernoulli(keep) / keep), one draw a row, as torchvision's StochasticDepth has it"""
    if not _is(n, "mul"):
        return None
    found = _pair(n, lambda y: _is(y, "div") and _is(_args(y)["self"], "bernoulli"))
    if found is None:
        return None
    noise, x = found
    drawn = _args(_args(noise)["self"])
    shape = noise.meta["val"].shape
    keep = drawn.get("p")
    if keep is None or l.number(_args(noise)["other"]) != keep or shape[0] != l.rows or any(s != 1 for s in shape[1:]):
        return None

    def write(l: Lowering) -> Tensor:
        t = l.t(x)
        return t if keep == 1 else l.pointwise("row_dropout", t, {"p": 1 - keep}, name=n.name)

    return Match([x], write)


def rope(l: Lowering, n: fx.Node) -> Optional[Match]:
    """x * cos + rotate_half(x) * sin, with constant tables"""
    if not _is(n, "add"):
        return None
    a = _args(n)
    straight, turned = a["self"], a["other"]
    if not (_is(straight, "mul") and _is(turned, "mul")):
        return None
    direct = _pair(straight, lambda y: l.constant(y) is not None)
    rotated = _pair(turned, lambda y: l.constant(y) is not None)
    if direct is None or rotated is None:
        return None
    (cos, x), (sin, half) = direct, rotated
    width = x.meta["val"].shape[-1]
    if not _is(half, "cat") or _args(half)["dim"] not in (-1, x.meta["val"].ndim - 1) or len(_args(half)["tensors"]) != 2:
        return None
    minus, first = _args(half)["tensors"]
    if not _is(minus, "neg") or not _half(_args(minus)["self"], x, width // 2, width) or not _half(first, x, 0, width // 2):
        return None
    base = rope_base(l.constant(cos), l.constant(sin), x.meta["val"].shape[-2], width)
    if base is None:
        return None

    def write(l: Lowering) -> Tensor:
        t = l.t(x)
        heads = tuple(y for d in t.dims[:-2] for y in d if y is not l.b.batch and y in t.order)
        node = l.b.lay(t, (t.dims[-2], heads + t.dims[-1]))
        attrs = {"heads": size(heads), "theta": base}
        out = l.b.node("rope", [node], attrs, l.b.shapes[node], name=n.name)
        return Tensor(out, l.b.shapes[out], t.dims[-2] + heads + t.dims[-1], t.dims)

    return Match([x], write)


def _half(y: Any, x: fx.Node, start: int, stop: int) -> bool:
    if not _is(y, "slice") or _args(y)["self"] is not x:
        return False
    a = _args(y)
    return a["dim"] in (-1, x.meta["val"].ndim - 1) and (a["start"] or 0) == start and min(a["end"], x.meta["val"].shape[-1]) == stop and a["step"] == 1


def rope_base(cos: Any, sin: Any, positions: int, width: int) -> Optional[float]:
    """The base whose rotations from position 0 are these tables; None if there is none.

    PyTorch computes its tables in float32, so an angle of p positions is off by about p units in the last place of its own.
    """
    if positions < 2 or width < 4 or width % 2 or cos.shape[-1] != width or cos.numel() != positions * width or sin.shape != cos.shape:
        return None
    cos, sin = cos.reshape(positions, width).double(), sin.reshape(positions, width).double()
    second = math.atan2(float(sin[1, 1]), float(cos[1, 1]))
    if not 0 < second < 1:
        return None
    base = second ** (-width / 2)
    nice = float(f"{base:.3g}")
    base = nice if abs(nice / base - 1) < 1e-4 else base
    angle = torch.arange(positions).double()[:, None] * base ** (-torch.arange(0, width, 2).double() / width)
    angle = torch.cat([angle, angle], -1)
    limit = 4e-7 * positions + 1e-6
    close = (angle.cos() - cos).abs().max() <= limit and (angle.sin() - sin).abs().max() <= limit
    return base if bool(close) else None


def eager_attention(l: Lowering, n: fx.Node) -> Optional[Match]:
    """softmax(q k^T * scale + mask) v"""
    if not _is(n, "matmul", "bmm"):
        return None
    p, v = n.args[0], n.args[1]
    while _is(p, "dropout", "to"):
        if _is(p, "dropout") and _args(p)["p"] and _args(p)["train"]:
            return None
        p = p.args[0]
    if not _is(p, "softmax") or _args(p)["dim"] not in (-1, p.meta["val"].ndim - 1) or p.meta["val"].ndim < 3:
        return None
    scores, mask, scale = _args(p)["self"], None, 1.0
    if _is(scores, "add") and l.constant(_args(scores)["other"]) is not None:
        scores, mask = _args(scores)["self"], _args(scores)["other"]
    elif _is(scores, "where"):
        return None
    if _is(scores, "mul", "div") and (c := l.number(_args(scores)["other"])) is not None:
        scores, scale = _args(scores)["self"], c if _is(scores, "mul") else 1 / c
    if not _is(scores, "matmul", "bmm") or not _is(scores.args[1], "transpose"):
        return None
    q, turned = scores.args
    a, rank = _args(turned), turned.meta["val"].ndim
    if {a["dim0"] % rank, a["dim1"] % rank} != {rank - 1, rank - 2}:
        return None
    k = a["self"]

    def write(l: Lowering) -> Tensor:
        try:
            causal = masked(l, mask) if mask is not None else False
        except No as e:
            raise No(f"attention that is spelled out, with {e}") from None
        return attend(l, l.t(q), l.t(k), l.t(v), causal, scale, n.name)

    return Match([q, k, v], write)


PATTERNS: list[Pattern] = [rms_norm, gelu_tanh, row_dropout, rope, eager_attention]
