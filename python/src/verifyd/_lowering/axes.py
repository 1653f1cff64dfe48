"""Where the elements of a tensor lie, so that views cost nothing.

PyTorch code splits, merges and permutes axes all the time, the batch's among them. A program knows one batch axis,
outermost in memory. Here a tensor is a node's output and two descriptions of it: the axes in the order in which they lie in
memory, and for each dimension that PyTorch sees the axes that make it up. A view changes the second alone, and a movement
is written into the program only where an operator needs another order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Sequence


class Axis:
    """An axis of memory. Two axes are the same one or not, whatever their sizes."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


Axes = tuple[Axis, ...]


class Mixed(Exception):
    """A view that no splitting of axes explains."""


@dataclass(frozen=True)
class Tensor:
    """The output of a node as PyTorch sees it.

    ``shape`` is the node's own, of one sample. ``order`` are its axes in memory, the batch left out, none of size 1. ``dims`` has
    the axes of each dimension; one that is in ``dims`` only is repeated, not stored.
    """

    node: str
    shape: tuple[int, ...]
    order: Axes
    dims: tuple[Axes, ...]
    integer: bool = False

    def sizes(self) -> tuple[int, ...]:
        return tuple(size(d) for d in self.dims)


def size(axes: Sequence[Axis]) -> int:
    return math.prod(a.size for a in axes)


def flat(groups: Sequence[Axes]) -> Axes:
    return tuple(a for g in groups for a in g)


def stored(sizes: Sequence[int]) -> tuple[Axes, Axes]:
    """Fresh axes for dimensions of these sizes: in memory, and each with its own axis or, where the size is 1, none."""
    axes = tuple(Axis(n) for n in sizes)
    return tuple(a for a in axes if a.size > 1), axes


def dims_of(axes: Axes) -> tuple[Axes, ...]:
    return tuple((a,) if a.size > 1 else () for a in axes)


def refine(t: Tensor, split: dict[Axis, Axes]) -> Tensor:
    """The same tensor with axes replaced by their parts, outermost first."""

    def parts(axes: Axes) -> Axes:
        return tuple(p for a in axes for p in split.get(a, (a,)))

    return replace(t, order=parts(t.order), dims=tuple(parts(d) for d in t.dims))


def cut(axes: Axes, sizes: Sequence[int], batch: Axis) -> tuple[list[Axes], dict[Axis, Axes]]:
    """Groups consecutive axes into dimensions of these sizes; axes that span two of them are split."""
    rest = list(axes)
    groups: list[Axes] = []
    split: dict[Axis, Axes] = {}
    for want in sizes:
        group: list[Axis] = []
        while want > 1:
            if not rest:
                raise Mixed
            a = rest.pop(0)
            if want % a.size == 0:
                group.append(a)
                want //= a.size
            elif a.size % want == 0 and a is not batch:
                outer, inner = Axis(want), Axis(a.size // want)
                whole = next((k for k, parts in split.items() if a in parts), None)
                if whole is None:
                    split[a] = (outer, inner)
                else:
                    at = split[whole].index(a)
                    split[whole] = split[whole][:at] + (outer, inner) + split[whole][at + 1 :]
                group.append(outer)
                rest.insert(0, inner)
                want = 1
            else:
                raise Mixed
        groups.append(tuple(group))
    if rest:
        raise Mixed
    return groups, split


def common(a: Axes, b: Axes) -> tuple[dict[Axis, Axes], dict[Axis, Axes], list[tuple[Axis, Axis]]]:
    """Splits two dimensions of one size until their axes pair up."""
    left, right, pairs = list(a), list(b), []
    of_a: dict[Axis, list[Axis]] = {x: [] for x in a}
    of_b: dict[Axis, list[Axis]] = {x: [] for x in b}
    home, home_b = dict(of_a), dict(of_b)
    while left and right:
        x, y = left.pop(0), right.pop(0)
        if x.size == y.size:
            pass
        elif x.size % y.size == 0:
            outer, inner = Axis(y.size), Axis(x.size // y.size)
            home[outer] = home[inner] = home[x]
            left.insert(0, inner)
            x = outer
        elif y.size % x.size == 0:
            outer, inner = Axis(x.size), Axis(y.size // x.size)
            home_b[outer] = home_b[inner] = home_b[y]
            right.insert(0, inner)
            y = outer
        else:
            raise Mixed
        home[x].append(x)
        home_b[y].append(y)
        pairs.append((x, y))
    if left or right:
        raise Mixed
    return {k: tuple(v) for k, v in of_a.items()}, {k: tuple(v) for k, v in of_b.items()}, pairs
