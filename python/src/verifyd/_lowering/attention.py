"""Rules for attention and for products of two activations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import torch
from torch import fx

from .axes import Axes, Axis, Tensor, dims_of, flat, size
from .lower import Lowering, No, Rule
from .masks import Mask, Seen, of_data, seen
from .pointwise import align, binary


def sdpa(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    q, k, v = (l.t(a[x]) for x in ("query", "key", "value"))
    bias = a["attn_mask"] if a["attn_mask"] is not None and not of_data(l, a["attn_mask"]) else None
    masks = [Mask("added", a["attn_mask"])] if a["attn_mask"] is not None and bias is None else []
    sees = seen(l, masks, bool(a["is_causal"]), size(q.dims[-2]), size(k.dims[-2]))
    if a["dropout_p"] or bias is not None:
        return spelled(l, q, k, v, sees, bias, a["scale"], float(a["dropout_p"]), n.name)
    return attend(l, q, k, v, sees, a["scale"], n.name)


def attend(l: Lowering, q: Tensor, k: Tensor, v: Tensor, sees: Seen, scale: Optional[float], name: str) -> Tensor:
    """Attention whose tensors are (..., heads, positions, width), the batch anywhere in front."""
    if sees.only is not None:
        return spelled(l, q, k, v, sees, None, scale, 0.0, name)
    width = size(q.dims[-1])
    if size(v.dims[-1]) != width:
        raise No(f"values of width {size(v.dims[-1])} for queries of width {width}")
    heads, of_k, of_v = (_heads(l, t) for t in (q, k, v))
    kv = _shared(k, of_k)
    if kv is None or _shared(v, of_v) != kv or size(heads) % kv:
        k, v = (_repeated(l, t) for t in (k, v))
        kv = size(of_k)
    n_heads = size(heads)
    attrs: dict[str, Any] = {"heads": n_heads, "causal": sees.causal}
    if kv != n_heads:
        attrs["kv_heads"] = kv
    if scale is not None and abs(scale * width**0.5 - 1) > 1e-6:
        attrs["scale"] = scale
    nodes = [
        l.b.lay(t, (t.dims[-2], tuple(x for x in h if x in t.order) + t.dims[-1])) for t, h in ((q, heads), (k, of_k), (v, of_v))
    ]
    if sees.input is not None:
        nodes.append(l.t(sees.input).node)
    plain = sees.input is None and kv == n_heads and "scale" not in attrs
    inputs = [packed] if plain and (packed := _packed(l, nodes)) else nodes
    out = l.b.node("attention", inputs, attrs, [size(q.dims[-2]), n_heads * width], name=name)
    (last,) = dims_of((Axis(width),))
    return Tensor(out, l.b.shapes[out], q.dims[-2] + heads + last, q.dims[:-1] + (last,))


def spelled(l: Lowering, q: Tensor, k: Tensor, v: Tensor, sees: Seen, bias: Any, scale: Optional[float], p: float, name: str) -> Tensor:
    """Attention whose weights are dropped out, or whose scores have a bias or a mask of its own: its products and its softmax as nodes."""
    queries, keys = size(q.dims[-2]), size(k.dims[-2])
    if sees.input is not None:
        raise No("dropout or a bias of attention together with a mask of the data: set attention's dropout to 0")
    heads, of_k, of_v = (_heads(l, t) for t in (q, k, v))
    if size(heads) != size(of_k) or size(heads) != size(of_v):
        raise No("dropout or a bias of attention together with shared heads: set attention's dropout to 0")
    scores = product(l, q, replace(k, dims=k.dims[:-2] + (k.dims[-1], k.dims[-2])), f"{name}_scores")
    scores = l.pointwise("scale", scores, {"factor": scale if scale is not None else size(q.dims[-1]) ** -0.5, "shift": 0.0}, name=f"{name}_scaled")
    if sees.causal or sees.only is not None:
        only = torch.ones(1, 1, queries, keys, dtype=torch.bool).tril() if sees.only is None else sees.only
        if not bool(only.any(-1).all()):
            raise No("a constant mask that lets a query see nothing")
        scores = binary(l, "add", scores, l.table(f"{name}.hidden", torch.where(only, 0.0, -1e30)), f"{name}_masked")
    if bias is not None:
        scores = binary(l, "add", scores, l.t(bias), f"{name}_biased")
    weights = l.rowwise("softmax", scores, {}, keys, name=f"{name}_weights")
    if p:
        weights = l.pointwise("dropout", weights, {"p": p}, name=f"{name}_dropout")
    return product(l, weights, v, name)


def _heads(l: Lowering, t: Tensor) -> Axes:
    return tuple(a for a in flat(t.dims[:-2]) if a is not l.b.batch)


def _shared(t: Tensor, heads: Axes) -> Optional[int]:
    """The number of heads that are stored, if each is repeated for neighbours; None if they lie otherwise."""
    kept = [a for a in heads if a in t.order]
    return size(kept) if list(heads[: len(kept)]) == kept else None


def _repeated(l: Lowering, t: Tensor) -> Tensor:
    groups = [tuple(a for a in d if a is not l.b.batch) for d in t.dims]
    node = l.b.lay(t, groups)
    return Tensor(node, l.b.shapes[node], flat(groups), t.dims)


def _packed(l: Lowering, nodes: list[str]) -> Optional[str]:
    """The node whose thirds are queries, keys and values."""
    parts = [l.b.slices.get(_source(l, x), ("", 0, 0)) for x in nodes]
    (source, start, stop), width = parts[0], parts[0][2] - parts[0][1]
    if not source or l.b.shapes[source][-1] != 3 * width or len(l.b.shapes[source]) != 2:
        return None
    return source if parts == [(source, i * width, (i + 1) * width) for i in range(3)] and start == 0 and stop == width else None


def _source(l: Lowering, node: str) -> str:
    """The node before reshapes."""
    by = {n["name"]: n for n in l.b.nodes}
    while by[node]["op"] == "reshape":
        node = by[node]["inputs"][0]
    return node


def matmul(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    x, y = n.args[0], n.args[1]
    if l.is_parameter(y) and y.meta["val"].ndim == 2:
        from .layers import affine

        return affine(l, n, x, y, None, True)
    return product(l, l.t(x), l.t(y), n.name)


def product(l: Lowering, x: Tensor, y: Tensor, name: str) -> Tensor:
    if min(len(x.dims), len(y.dims)) < 2:
        raise No("a product with a vector")
    rank = max(len(x.dims), len(y.dims))
    x, y, lead = align(l, x, y, rank, rank - 2)
    outer = tuple(a for a in flat(lead) if a is not l.b.batch)
    m, k, n = x.dims[-2], x.dims[-1], y.dims[-1]
    if size(k) != size(y.dims[-2]):
        raise No("its inner sizes differ")
    trans_a = x.order[-len(m + k) :] == k + m and bool(m)
    trans_b = y.order[-len(n + k) :] == n + y.dims[-2] and bool(n)
    front = (outer,) if outer else ()
    left = l.b.lay(x, front + ((k, m) if trans_a else (m, k)))
    right = l.b.lay(y, front + ((n, y.dims[-2]) if trans_b else (y.dims[-2], n)))
    shape = ([size(outer)] if outer else []) + [size(m), size(n)]
    out = l.b.node("matmul", [left, right], {"trans_a": trans_a, "trans_b": trans_b}, shape, name=name)
    return Tensor(out, l.b.shapes[out], outer + m + n, lead + (m, n))


def einsum(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    """A product of two tensors: letters of both that are kept are a batch of matrices, those that are not are summed over."""
    text = str(a["equation"]).replace(" ", "")
    sides, arrow, out = text.partition("->")
    of = sides.split(",")
    if len(of) != 2 or not arrow or "." in text or any(len(set(x)) != len(x) for x in of) or set(out) - set(of[0]) - set(of[1]):
        raise No(f"{text}: only a product of two tensors, with its result named, has an equivalent")
    x, y = (l.t(t) for t in a["tensors"])
    lead = [c for c in out if c in of[0] and c in of[1]]
    terms = [c for c in of[0] if c in of[1] and c not in out]
    free = [[c for c in side if c in out and c not in lead] for side in of]
    if set(of[0]) | set(of[1]) != set(lead + terms + free[0] + free[1]):
        raise No(f"{text}: a sum over a letter of one tensor")
    of_x, of_y = dict(zip(of[0], x.dims)), dict(zip(of[1], y.dims))
    if not terms or any(l.b.batch in of_[c] for of_, side in ((of_x, terms + free[0]), (of_y, terms + free[1])) for c in side):
        raise No(f"{text}: no product of matrices for each row of the batch")
    x = replace(x, dims=(*(of_x[c] for c in lead), flat([of_x[c] for c in free[0]]), flat([of_x[c] for c in terms])))
    y = replace(y, dims=(*(of_y[c] for c in lead), flat([of_y[c] for c in terms]), flat([of_y[c] for c in free[1]])))
    z = product(l, x, y, n.name)
    sizes = {c: size(d) for c, d in (*of_x.items(), *of_y.items())}
    names = lead + free[0] + free[1]
    t = l.b.view(z, [sizes[c] for c in names])
    return replace(t, dims=tuple(t.dims[names.index(c)] for c in out))


RULES: dict[str, Rule] = {"scaled_dot_product_attention": sdpa, **dict.fromkeys(("matmul", "bmm", "mm"), matmul), "einsum": einsum}
