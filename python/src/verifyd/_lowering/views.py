"""Rules for views and movements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import fx

from .axes import Axes, Axis, Mixed, Tensor, dims_of, size
from .lower import Lowering, No, Rule


def view(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return l.b.view(l.t(n.args[0]), n.meta["val"].shape)


def transpose(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    dims = list(t.dims)
    i, j = n.args[1], n.args[2]
    dims[i], dims[j] = dims[j], dims[i]
    return replace(t, dims=tuple(dims))


def permute(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    return replace(t, dims=tuple(t.dims[i] for i in a["dims"]))


def moved(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    take, put = ([d % len(t.dims) for d in (x if isinstance(x, (list, tuple)) else [x])] for x in (a["source"], a["destination"]))
    rest = [i for i in range(len(t.dims)) if i not in take]
    for i, d in sorted(zip(take, put), key=lambda p: p[1]):
        rest.insert(d, i)
    return replace(t, dims=tuple(t.dims[i] for i in rest))


def turned(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    return replace(t, dims=t.dims[::-1])


def unsqueeze(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    at = a["dim"] % (len(t.dims) + 1)
    return replace(t, dims=t.dims[:at] + ((),) + t.dims[at:])


def expand(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t, sizes = l.t(a["self"]), n.meta["val"].shape
    dims = ((),) * (len(sizes) - len(t.dims)) + t.dims
    batched = any(l.b.batch in d for d in dims)
    out: list[Axes] = []
    for i, (d, want) in enumerate(zip(dims, sizes)):
        if d or want == 1:
            out.append(d)
        elif i == 0 and want == l.rows and not batched:
            out.append((l.b.batch,))
        else:
            out.append((Axis(want),))
    return replace(t, dims=tuple(out))


def cat(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    return joined(l, [l.t(x) for x in a["tensors"]], a["dim"], n.name)


def stack(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    parts = [l.t(x) for x in a["tensors"]]
    at = a["dim"] % (len(parts[0].dims) + 1)
    return joined(l, [replace(p, dims=p.dims[:at] + ((),) + p.dims[at:]) for p in parts], at, n.name)


def joined(l: Lowering, parts: list[Tensor], dim: int, name: str) -> Tensor:
    """Tensors one behind another along a dimension."""
    if len(parts) == 1:
        return parts[0]
    rank = len(parts[0].dims)
    at = dim % rank
    rows = next((i for p in parts for i, d in enumerate(p.dims) if l.b.batch in d), None)
    if rows is None:
        raise No("none of its parts depends on the inputs")
    if rows == at:
        raise No("it joins rows of the batch")
    if any(l.b.batch in p.dims[rows] and p.dims[rows] != (l.b.batch,) for p in parts):
        raise Mixed
    keep = [i for i in range(rank) if i != rows]
    nodes = [l.b.lay(p, [p.dims[i] for i in keep]) for p in parts]
    shape = [sum(size(p.dims[at]) for p in parts) if i == at else max(size(p.dims[i]) for p in parts) for i in keep]
    out = l.b.fresh(l.b.node("concat", nodes, {"axis": keep.index(at)}, shape, name=name))
    sample = out.dims[1:]
    return replace(out, dims=sample[:rows] + ((l.b.batch,),) + sample[rows:])


def pad(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t, mode = l.t(n.args[0]), a.get("mode", "constant")
    if mode != "constant" or (a.get("value") or 0) != 0 or min(a["pad"]) < 0:
        raise No("only padding by zeros has an equivalent")
    for i in range(len(a["pad"]) // 2):
        dim = len(t.dims) - 1 - i
        before, after = a["pad"][2 * i : 2 * i + 2]
        if l.b.batch in t.dims[dim] and before + after:
            raise No("it adds rows to the batch")
        sizes = [1 if l.b.batch in d else size(d) for d in t.dims]
        parts = [l.table(f"{n.name}.{i}.{at}", torch.zeros(*sizes[:dim], k, *sizes[dim + 1 :])) if k else None for at, k in (("before", before), ("after", after))]
        t = joined(l, [p for p in (parts[0], t, parts[1]) if p is not None], dim, f"{n.name}_{i}")
    return t


def roll(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    if not a["dims"]:
        raise No("all dimensions at once: name them")
    for i, (by, dim) in enumerate(zip(a["shifts"], a["dims"])):
        whole = size(t.dims[dim % len(t.dims)])
        if by := by % whole:
            parts = [cut(l, t, dim, whole - by, whole, 1, f"{n.name}_{i}_back"), cut(l, t, dim, 0, whole - by, 1, f"{n.name}_{i}_front")]
            t = joined(l, parts, dim, f"{n.name}_{i}")
    return t


def pixel_shuffle(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t, r = l.t(a["self"]), a["upscale_factor"]
    rows, channels, height, width = t.sizes()
    t = l.b.view(t, (rows, channels // r**2, r, r, height, width))
    d = t.dims
    return replace(t, dims=(d[0], d[1], d[4] + d[2], d[5] + d[3]))


def cut(l: Lowering, t: Tensor, dim: int, start: int, stop: int, step: int, name: str) -> Tensor:
    """Elements start to stop of a dimension."""
    dim %= len(t.dims)
    axes = t.dims[dim]
    whole = size(axes)
    start, stop = (min(max(x + whole if x < 0 else x, 0), whole) for x in (start, stop))
    if (start, stop, step) == (0, whole, 1):
        return t
    if l.b.batch in axes:
        raise No("it takes some rows of the batch")
    if stop <= start:
        raise No("its result is empty")
    if not set(axes) & set(t.order):  # all repeated: any is the same
        fresh = Axis((stop - start + step - 1) // step)
        return replace(t, dims=t.dims[:dim] + (dims_of((fresh,))[0],) + t.dims[dim + 1 :])
    before, after = _around(t, axes)
    if before is None:
        t = _straight(l, t, dim)
        axes = t.dims[dim]
        before, after = _around(t, axes)
    assert before is not None
    count, inner = (stop - start + step - 1) // step, size(after)
    if step == 1:  # one run of each row
        node, start, stop = l.b.lay(t, (before, axes + after) if before else (axes + after,)), start * inner, stop * inner
    else:
        node = l.b.lay(t, (before, axes, after) if before else (axes, after))
    axis, shape = 1 if before else 0, list(l.b.shapes[node])
    shape[axis] = count * inner if step == 1 else count
    out = l.b.node("slice", [node], {"axis": axis, "start": start, "stop": stop, "step": step}, shape, name=name)
    if step == 1:
        l.b.slices[out] = (node, start, stop)
    (left,) = dims_of((Axis(count),))
    return Tensor(out, l.b.shapes[out], before + left + after, t.dims[:dim] + (left,) + t.dims[dim + 1 :], t.integer)


def _around(t: Tensor, axes: Axes) -> tuple[Axes | None, Axes]:
    """What lies before and after axes that lie together and in order; None if they do not."""
    if not set(axes) <= set(t.order):
        return None, ()
    at = t.order.index(axes[0])
    if t.order[at : at + len(axes)] != axes:
        return None, ()
    return t.order[:at], t.order[at + len(axes) :]


def _straight(l: Lowering, t: Tensor, dim: int) -> Tensor:
    """The tensor with a dimension's axes stored together, outermost."""
    axes = t.dims[dim]
    rest = tuple(a for a in t.order if a not in axes)
    node = l.b.lay(t, (axes, rest))
    return replace(t, node=node, shape=l.b.shapes[node], order=axes + rest)


def slice_(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    start, stop = a["start"] or 0, a["end"] if a["end"] is not None else 1 << 62
    return cut(l, t, a["dim"], start, stop, a["step"], n.name)


def narrow(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    start = a["start"] + (size(t.dims[a["dim"]]) if a["start"] < 0 else 0)
    return cut(l, t, a["dim"], start, start + a["length"], 1, n.name)


def select(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    t = l.t(a["self"])
    dim = a["dim"] % len(t.dims)
    at = a["index"] % size(t.dims[dim])
    out = cut(l, t, dim, at, at + 1, 1, n.name)
    return replace(out, dims=out.dims[:dim] + out.dims[dim + 1 :])


def split(l: Lowering, n: fx.Node, a: dict[str, Any]) -> list[Tensor]:
    t, dim, out, at = l.t(a["self"]), a["dim"], [], 0
    for i, v in enumerate(n.meta["val"]):
        width = v.shape[dim]
        out.append(cut(l, t, dim, at, at + width, 1, f"{n.name}_{i}"))
        at += width
    return out


def unbind(l: Lowering, n: fx.Node, a: dict[str, Any]) -> list[Tensor]:
    t = l.t(a["self"])
    dim = a["dim"] % len(t.dims)
    out = []
    for i in range(size(t.dims[dim])):
        part = cut(l, t, dim, i, i + 1, 1, f"{n.name}_{i}")
        out.append(replace(part, dims=part.dims[:dim] + part.dims[dim + 1 :]))
    return out


def getitem(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    got = l.values[n.args[0]]
    if not isinstance(got, (list, tuple)):
        raise No("it takes part of what is no list")
    part = got[n.args[1]]
    if part is None:
        raise No("this one of its results has no equivalent")
    return part


def same(l: Lowering, n: fx.Node, a: dict[str, Any]) -> Tensor:
    before, after = n.args[0].meta["val"].dtype, n.meta["val"].dtype
    t = l.t(n.args[0])
    if before != after and not (t.integer and not after.is_floating_point):
        raise No(
            f"a cast from {str(before)[6:]} to {str(after)[6:]}: programs compute in float32 and take indices as they are; "
            "a frozen nn.Embedding turns integers into numbers"
        )
    return t


RULES: dict[str, Rule] = {
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "squeeze", "_unsafe_view"), view),
    **dict.fromkeys(("alias", "contiguous", "clone", "detach", "to", "_to_copy"), same),
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), split),
    **dict.fromkeys(("transpose", "swapaxes"), transpose), "permute": permute, "t": turned, "movedim": moved, "unsqueeze": unsqueeze, "expand": expand,
    "cat": cat, "stack": stack,
    **dict.fromkeys(("pad", "constant_pad_nd"), pad), "pixel_shuffle": pixel_shuffle, "roll": roll,
    "slice": slice_, "narrow": narrow, "select": select, "unbind": unbind, "getitem": getitem,
}  # fmt: skip
