"""Arithmetic that is an operator: norms, activations, rotations and attention that models spell out."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

import torch
from torch import fx

from .attention import attend, sdpa
from .axes import Tensor, size
from .lower import Lowering, Match, No, bound
from .masks import HIDDEN, Mask, of_data, seen
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
    turn = rotation(l.constant(cos), l.constant(sin), x.meta["val"].shape[-2], width, _lists(l, width // 2))
    if turn is None:
        return None
    attrs, factor = turn

    def write(l: Lowering) -> Tensor:
        t = l.t(x)
        heads = tuple(y for d in t.dims[:-2] for y in d if y is not l.b.batch and y in t.order)
        node = l.b.lay(t, (t.dims[-2], heads + t.dims[-1]))
        out = l.b.node("rope", [node], {"heads": size(heads), **attrs}, l.b.shapes[node], name=n.name)
        turned = Tensor(out, l.b.shapes[out], t.dims[-2] + heads + t.dims[-1], t.dims)
        return turned if factor == 1 else l.pointwise("scale", turned, {"factor": factor, "shift": 0.0}, name=f"{n.name}_scaled")

    return Match([x], write)


def _lists(l: Lowering, pairs: int) -> list[torch.Tensor]:
    """The constants that may be a model's own frequencies."""
    values = [c for c in l.trace.constants.values() if isinstance(c, torch.Tensor) and c.dtype == torch.float32 and c.numel() == pairs]
    return [c.flatten() for c in values if bool((c >= 0).all()) and bool((c > 0).any())]


def _half(y: Any, x: fx.Node, start: int, stop: int) -> bool:
    if not _is(y, "slice") or _args(y)["self"] is not x:
        return False
    a = _args(y)
    return a["dim"] in (-1, x.meta["val"].ndim - 1) and (a["start"] or 0) == start and min(a["end"], x.meta["val"].shape[-1]) == stop and a["step"] == 1


def rotation(cos: Any, sin: Any, positions: int, width: int, lists: list[torch.Tensor]) -> Optional[tuple[dict[str, Any], float]]:
    """The rotations from position 0 that tables hold, as a program has them, and what both tables are multiplied by; None if they hold none.

    They are those of a base, or of a list: one of the model's own, or the angles of the second position. PyTorch computes its tables in
    float32, so an angle of p positions is off by about p units in the last place of its own.
    """
    if positions < 2 or width < 4 or width % 2 or cos.shape[-1] != width or cos.numel() != positions * width or sin.shape != cos.shape:
        return None
    cos, sin = cos.reshape(positions, width).double(), sin.reshape(positions, width).double()
    factor = float(cos[0, 0])
    if not 0 < factor < 100:
        return None
    cos, sin = cos / factor, sin / factor
    half = width // 2
    second = torch.atan2(sin[1, :half], cos[1, :half])

    def holds(frequencies: torch.Tensor) -> bool:
        angle = torch.arange(positions).double()[:, None] * frequencies.double()
        angle = torch.cat([angle, angle], -1)
        limit = 4e-7 * positions * max(1.0, float(frequencies.max())) + 1e-6
        return bool((angle.cos() - cos).abs().max() <= limit and (angle.sin() - sin).abs().max() <= limit)

    if not bool((second >= 0).all()):
        return None
    if 0 < float(second[1]) < 1:
        base = float(second[1]) ** (-width / 2)
        nice = float(f"{base:.3g}")
        base = nice if abs(nice / base - 1) < 1e-4 else base
        if holds(base ** (-torch.arange(0, width, 2).double() / width)):
            return {"theta": base}, factor
    for frequencies in [*lists, second.float()]:
        if holds(frequencies):
            return {"frequencies": [float(f) for f in frequencies]}, factor
    return None


def eager_attention(l: Lowering, n: fx.Node) -> Optional[Match]:
    """softmax(q k^T * scale, masked) v"""
    if not _is(n, "matmul", "bmm"):
        return None
    p, v = n.args[0], n.args[1]
    while _is(p, "dropout", "to"):
        if _is(p, "dropout") and _args(p)["p"] and _args(p)["train"]:
            return None
        p = p.args[0]
    if not _is(p, "softmax") or _args(p)["dim"] not in (-1, p.meta["val"].ndim - 1) or p.meta["val"].ndim < 3:
        return None
    scores, masks = _unmasked(l, _args(p)["self"])
    scale = 1.0
    if _is(scores, "mul", "div") and (c := l.number(_args(scores)["other"])) is not None:
        scores, scale = _args(scores)["self"], c if _is(scores, "mul") else 1 / c
    if _is(scores, "baddbmm"):
        a = _args(scores)
        if a["beta"] != 1 or not of_data(l, a["self"]):
            return None
        masks, scale, q, turned = masks + [Mask("added", a["self"])], scale * a["alpha"], a["batch1"], a["batch2"]
    elif _is(scores, "matmul", "bmm"):
        q, turned = scores.args[0], scores.args[1]
    else:
        return None
    if not _is(turned, "transpose"):
        return None
    a, rank = _args(turned), turned.meta["val"].ndim
    if {a["dim0"] % rank, a["dim1"] % rank} != {rank - 1, rank - 2}:
        return None
    k = a["self"]

    def write(l: Lowering) -> Tensor:
        try:
            sees = seen(l, masks, False, q.meta["val"].shape[-2], k.meta["val"].shape[-2])
        except No as e:
            raise No(f"attention that is spelled out, with {e}") from None
        return attend(l, l.t(q), l.t(k), l.t(v), sees, scale, n.name)

    return Match([q, k, v], write)


def fused(l: Lowering, n: fx.Node) -> Optional[Match]:
    """Attention with a mask that only its keys' places and the data's integers make, whose nodes nobody else needs."""
    if not _is(n, "scaled_dot_product_attention"):
        return None
    a = _args(n)
    if a["attn_mask"] is None or not of_data(l, a["attn_mask"]):
        return None
    return Match([a["query"], a["key"], a["value"]], lambda l: sdpa(l, n, a))


def _unmasked(l: Lowering, scores: Any) -> tuple[Any, list[Mask]]:
    """Scores before keys are hidden, and what hides them."""
    masks: list[Mask] = []
    while True:
        a = _args(scores) if isinstance(scores, fx.Node) and scores.op == "call_function" else {}
        if _is(scores, "add") and of_data(l, a["other"]) and a.get("alpha", 1) == 1:
            masks.append(Mask("added", a["other"]))
            scores = a["self"]
        elif _is(scores, "masked_fill") and of_data(l, a["mask"]) and (c := l.number(a["value"])) is not None and c <= HIDDEN:
            masks.append(Mask("hidden", a["mask"]))
            scores = a["self"]
        elif _is(scores, "where") and of_data(l, a["condition"]) and (c := l.number(a["other"])) is not None and c <= HIDDEN:
            masks.append(Mask("seen", a["condition"]))
            scores = a["self"]
        elif _is(scores, "to"):
            scores = scores.args[0]
        else:
            return scores, masks


PATTERNS: list[Pattern] = [rms_norm, gelu_tanh, row_dropout, rope, fused, eager_attention]
