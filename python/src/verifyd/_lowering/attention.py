"""Rules for attention and for products of two activations."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import fx

from .axes import Axes, Axis, Tensor, dims_of, flat, size
from .lower import Lowering, No, Rule


def sdpa(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    if a["dropout_p"]:
        raise No(f"dropout of {a['dropout_p']} inside attention: set the model's attention dropout to 0")
    mask = a["attn_mask"]
    causal = bool(a["is_causal"])
    if mask is not None:
        causal = masked(l, mask)
    return attend(l, l.t(a["query"]), l.t(a["key"]), l.t(a["value"]), causal, a["scale"], n.name)


def masked(l: Lowering, mask: Any) -> bool:
    """Whether a constant mask is the causal one; False for one that hides nothing."""
    m = l.constant(mask)
    if m is None:
        raise No("a mask that depends on the data")
    if m.dtype != torch.bool:
        if not bool(((m == 0) | (m < -1e4)).all()):
            raise No("a mask that is added and neither 0 nor minus infinity")
        m = m == 0
    if bool(m.all()):
        return False
    t, s = m.shape[-2:]
    if t == s and bool((m == torch.ones(t, s, dtype=torch.bool).tril()).all()):
        return True
    raise No("a mask that is neither causal nor full")


def attend(l: Lowering, q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: Optional[float], name: str) -> Tensor:
    """Attention whose tensors are (..., heads, positions, width), the batch anywhere in front."""
    width = size(q.dims[-1])
    heads, of_k, of_v = (_heads(l, t) for t in (q, k, v))
    kv = _shared(k, of_k)
    if kv is None or _shared(v, of_v) != kv or size(heads) % kv:
        k, v = (_repeated(l, t) for t in (k, v))
        kv = size(of_k)
    n_heads = size(heads)
    attrs: dict[str, Any] = {"heads": n_heads, "causal": causal}
    if kv != n_heads:
        attrs["kv_heads"] = kv
    if scale is not None and abs(scale * width**0.5 - 1) > 1e-6:
        attrs["scale"] = scale
    nodes = [
        l.b.lay(t, (t.dims[-2], tuple(x for x in h if x in t.order) + t.dims[-1])) for t, h in ((q, heads), (k, of_k), (v, of_v))
    ]
    inputs = [packed] if kv == n_heads and (packed := _packed(l, nodes)) else nodes
    inner = size(v.dims[-1])
    out = l.b.node("attention", inputs, attrs, [size(q.dims[-2]), n_heads * inner], name=name)
    (last,) = dims_of((Axis(inner),))
    return Tensor(out, l.b.shapes[out], q.dims[-2] + heads + last, q.dims[:-1] + (last,))


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
    from .pointwise import align

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


RULES: dict[str, Rule] = {"scaled_dot_product_attention": sdpa, **dict.fromkeys(("matmul", "bmm", "mm"), matmul)}
