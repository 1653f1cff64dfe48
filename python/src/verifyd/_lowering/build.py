"""The program as it grows: nodes, parameters, and the movements that bring a tensor into the order that an operator needs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Sequence

from .axes import Axes, Axis, Mixed, Tensor, cut, dims_of, flat, refine, size, stored

# What a node's own tensors are called after it, its parameters and then its buffers.
PARTS = {
    "linear": ("weight", "bias"), "embedding": ("weight",), "layer_norm": ("weight", "bias"), "rms_norm": ("weight",),
    "group_norm": ("weight", "bias"), "batch_norm": ("weight", "bias", "running_mean", "running_var"), "conv2d": ("weight", "bias"),
    "conv_transpose2d": ("weight", "bias"), "lstm": ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), "parameter": ("",),
}  # fmt: skip


class Builder:
    def __init__(self, batch: int) -> None:
        self.batch = Axis(batch)
        self.nodes: list[dict[str, Any]] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.slices: dict[str, tuple[str, int, int]] = {}  # node -> source, start and stop on its last axis
        self._moved: dict[tuple[Any, ...], str] = {}
        self._taken: set[str] = set()

    # Nodes

    def node(
        self, op: str, inputs: Sequence[str], attrs: dict[str, Any], shape: Sequence[int], *, name: str = "", params: Sequence[str] = ()
    ) -> str:
        """Appends a node and gives its name: the one asked for if it is free, else one with a number."""
        name = self._name(name or op)
        n: dict[str, Any] = {"name": name, "op": op}
        if inputs:
            n["inputs"] = list(inputs)
        if params:
            n["params"] = list(params)
        n["attrs"] = attrs
        self.nodes.append(n)
        self.shapes[name] = tuple(shape)
        return name

    def _name(self, want: str) -> str:
        want = re.sub(r"[^A-Za-z0-9_.-]", "_", want)[:110] or "node"
        name, k = want, 1
        while name in self._taken:
            k += 1
            name = f"{want}_{k}"
        self._taken.add(name)
        return name

    def fresh(self, node: str, batched: bool = True, integer: bool = False) -> Tensor:
        """A node's output, its dimensions as they lie."""
        shape = self.shapes[node]
        order, axes = stored(shape)
        lead: tuple[Axes, ...] = ((self.batch,),) if batched else ()
        return Tensor(node, shape, order, lead + dims_of(axes), integer)

    def prune(self, output: str) -> None:
        """Forgets nodes whose results nobody uses."""
        used = {output}
        for n in reversed(self.nodes):
            if n["name"] in used:
                used.update(n.get("inputs", ()))
        self.nodes = [n for n in self.nodes if n["name"] in used or n["op"] == "input"]

    def graph(self, frozen: Sequence[str]) -> dict[str, Any]:
        """The nodes as a program has them. The second use of a tensor is tied to the first."""
        nodes, ties, seen = [], [], set[str]()
        for n in self.nodes:
            calls = [f"{n['name']}.{p}" if p else n["name"] for p in PARTS.get(n["op"], ())][: len(n.get("params", ()))]
            names = []
            for plain, name in zip(calls, n.get("params", ())):
                if name in seen:
                    ties.append({"name": plain, "as": name})
                    name = plain
                seen.add(name)
                names.append(name)
            fields: dict[str, Any] = {k: n[k] for k in ("name", "op", "inputs") if k in n}
            if names != calls:
                fields["tensors"] = names
            nodes.append({**fields, "attrs": n["attrs"]})
        out: dict[str, Any] = {"nodes": nodes}
        if ties:
            out["tied"] = sorted(ties, key=lambda t: t["name"])
        if frozen:
            out["frozen"] = sorted(frozen)
        return out

    # Views

    def view(self, t: Tensor, sizes: Sequence[int]) -> Tensor:
        try:
            groups, split = cut(flat(t.dims), sizes, self.batch)
        except Mixed:
            t = self.plain(t)
            groups, split = cut(flat(t.dims), sizes, self.batch)
        return replace(refine(t, split), dims=tuple(groups))

    def plain(self, t: Tensor) -> Tensor:
        """The tensor with all its sample's elements in one axis, as PyTorch would lay them out; the batch is outermost."""
        axes = flat(t.dims)
        if not axes or axes[0] is not self.batch or self.batch in axes[1:]:
            raise Mixed
        node = self.lay(t, (axes[1:],))
        whole = Axis(size(axes[1:]))
        return Tensor(node, self.shapes[node], (whole,), ((self.batch,), (whole,)), t.integer)

    # Movements

    def lay(self, t: Tensor, groups: Sequence[Axes]) -> str:
        """The node whose sample has one dimension for each group, with its axes in that order. Writes what movement it takes."""
        target = flat(groups)
        if set(t.order) - set(target) or self.batch in target:
            raise Mixed
        key = (t.node, t.order, target, tuple(size(g) for g in groups))
        if key not in self._moved:
            self._moved[key] = self._move(t, target, [size(g) for g in groups])
        return self._moved[key]

    def _move(self, t: Tensor, target: Axes, sizes: list[int]) -> str:
        node, present = t.node, [a for a in target if a in t.order]
        if tuple(present) != t.order:
            runs = _runs(t.order, present)
            node = self.reshaped(node, [size(r) for r in runs])
            perm = sorted(range(len(runs)), key=lambda i: present.index(runs[i][0]))
            node = self.node("transpose", [node], {"perm": perm}, [size(runs[i]) for i in perm])
        if len(present) != len(target):
            here = [a in t.order for a in target]
            spans = [[0]]
            for i in range(1, len(target)):
                if here[i] == here[i - 1]:
                    spans[-1].append(i)
                else:
                    spans.append([i])
            full = [size([target[i] for i in s]) for s in spans]
            node = self.reshaped(node, [n if here[s[0]] else 1 for n, s in zip(full, spans)])
            node = self.node("expand", [node], {"shape": full}, full)
        return self.reshaped(node, sizes)

    def reshaped(self, node: str, sizes: Sequence[int]) -> str:
        sizes = tuple(sizes) or (1,)
        if self.shapes[node] == sizes:
            return node
        key = ("reshape", node, sizes)
        if key not in self._moved:
            self._moved[key] = self.node("reshape", [node], {"shape": list(sizes)}, sizes)
        return self._moved[key]

    def rows(self, t: Tensor) -> tuple[str, Axes]:
        """The tensor as rows of its last dimension, and the axes of the rows as they lie."""
        inner = t.dims[-1]
        if self.batch in inner:
            raise Mixed
        outer = tuple(a for a in t.order if a not in inner)
        if t.order == outer + inner and t.shape[-1] == size(inner):
            return t.node, outer
        return self.lay(t, (outer, inner) if outer else (inner,)), outer

    def grouped(self, order: Axes, shape: Sequence[int]) -> list[Axes]:
        """The axes as dimensions of a shape, or as one where they do not fit it."""
        try:
            groups, split = cut(order, shape, self.batch)
        except Mixed:
            return [order]
        return groups if not split else [order]

    def canonical(self, t: Tensor) -> tuple[str, tuple[Axes, ...]]:
        """The tensor as PyTorch would lay it out, a dimension each; the batch, where it has one, is its first."""
        dims = t.dims[1:] if t.dims and self.batch in t.dims[0] else t.dims
        if t.dims and self.batch in t.dims[0] and t.dims[0] != (self.batch,):
            raise Mixed
        return self.lay(t, dims), dims


def _runs(order: Sequence[Axis], target: Sequence[Axis]) -> list[Axes]:
    """The axes of order in the longest pieces that stay together in target."""
    runs: list[list[Axis]] = []
    for a in order:
        if runs and target.index(runs[-1][-1]) + 1 == target.index(a):
            runs[-1].append(a)
        else:
            runs.append([a])
    return [tuple(r) for r in runs]
