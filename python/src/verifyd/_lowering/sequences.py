"""Rules for sequences: rows of a table, and recurrent layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import fx

from .axes import Axis, Tensor, dims_of
from .lower import Lowering, No, Rule
from .pointwise import binary
from .views import cut, joined


def embedding(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    name = l.name(a["weight"])
    vocab, dim = a["weight"].meta["val"].shape
    ids = l.constant(a["indices"])
    if a["scale_grad_by_freq"] or a["sparse"]:
        raise No("scale_grad_by_freq and sparse gradients have no equivalent")
    if ids is not None:
        return _rows_of(l, n, l.t(a["weight"]), ids)
    t = l.t(a["indices"])
    if not t.integer:
        raise No("its indices are not integers of the data")
    node = l.b.lay(t, [d for d in t.dims if l.b.batch not in d] or [()])
    out = l.b.node("embedding", [node], {"vocab": vocab, "dim": dim, "std": 0}, list(l.b.shapes[node]) + [dim], name=l.owner(name), params=[name])
    (inner,) = dims_of((Axis(dim),))
    kept = tuple(x for d in t.dims for x in d if x is not l.b.batch)
    found = Tensor(out, l.b.shapes[out], kept + inner, t.dims + (inner,))
    return found if a["padding_idx"] < 0 else _unpadded(l, n, found, node, vocab, a)


def _unpadded(l: Lowering, n: fx.Node, found: Tensor, ids: str, vocab: int, a: dict[str, Any]) -> Tensor:
    """Rows of a table without those of padding: they are zeros and stay so, because they are multiplied by 0 out of a frozen table."""
    pad, weight = a["padding_idx"], l.name(a["weight"])
    if bool((l.trace.state[weight][pad] != 0).any()):
        raise No(f"its row of padding, {pad}, is not zero: make it zero, or padding_idx None")
    if sum(len(p.users) for p, name in l.trace.parameters.items() if name == weight) > 1:
        raise No("a table with padding_idx that is also used elsewhere, which moves its row of padding: make padding_idx None")
    keep = torch.ones(vocab, 1)
    keep[pad] = 0
    name = l.fixed(f"constants.{weight}.kept", keep)
    mask = l.b.node("embedding", [ids], {"vocab": vocab, "dim": 1, "std": 0}, list(l.b.shapes[ids]) + [1], name=f"{l.owner(weight)}.kept", params=[name])
    return binary(l, "mul", found, Tensor(mask, l.b.shapes[mask], found.order[: len(found.order) - len(found.dims[-1])], found.dims[:-1] + ((),)), n.name)


def _rows_of(l: Lowering, n: fx.Node, table: Tensor, ids: torch.Tensor) -> Tensor:
    """Rows of a table at constant places: a run of them, or one for all."""
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


def lstm(l: Lowering, n: fx.Node, a: dict[str, Any]) -> list[Any]:
    """Layers one on another; outputs and the last states, but not the last cells."""
    if a["bidirectional"]:
        raise No("a second direction has no equivalent: use one")
    if any(l.number(h) != 0 for h in a["hx"]):
        raise No("its first state is not zero")
    each = 4 if a["has_biases"] else 2
    if len(a["params"]) != each * a["num_layers"]:
        raise No("a projection of its states has no equivalent: leave proj_size out")
    t = l.t(a["input"])
    t = t if a["batch_first"] else _turned(t)
    hidden = a["params"][1].meta["val"].shape[1]
    last: list[Tensor] = []
    for k in range(a["num_layers"]):
        names = [l.name(p) for p in a["params"][each * k : each * (k + 1)]]
        if not a["has_biases"]:
            names += [l.fixed(f"constants.zeros_{4 * hidden}_{of}", torch.zeros(4 * hidden)) for of in ("input", "state")]
        node, _ = l.b.canonical(t)
        name = l.owner(names[0]) + (f".l{k}" if k else "")
        t = l.b.fresh(l.b.node("lstm", [node], {"hidden": hidden}, [l.b.shapes[node][0], hidden], name=name, params=names))
        end = cut(l, t, 1, l.b.shapes[node][0] - 1, l.b.shapes[node][0], 1, f"{name}.last") if _used(n, 1) else t
        last.append(replace(end, dims=((), end.dims[0], end.dims[2])))
        if a["dropout"] and a["train"] and k + 1 < a["num_layers"]:
            t = l.pointwise("dropout", t, {"p": float(a["dropout"])}, name=f"{name}.dropout")
    states = joined(l, last, 0, f"{n.name}_states") if _used(n, 1) else None
    return [t if a["batch_first"] else _turned(t), states, None]


def _turned(t: Tensor) -> Tensor:
    return replace(t, dims=(t.dims[1], t.dims[0], t.dims[2]))


def _used(n: fx.Node, result: int) -> bool:
    return any(u.args[1] == result and u.users for u in n.users)


RULES: dict[str, Rule] = {"embedding": embedding, "lstm": lstm}
