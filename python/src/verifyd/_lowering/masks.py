"""Which keys attention sees: what constants and the data say, as a program says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import torch
from torch import fx

from .lower import Lowering, No
from .trace import kind

HIDDEN = -1e4  # what is added to a score hides its key if it is no higher
PROBES = 12  # drawn inputs that a mask of the data is computed for


@dataclass(frozen=True)
class Mask:
    """Something that hides keys: a node, and how. ``added`` is 0 or far below it, ``seen`` true for a key that is seen, ``hidden`` for one that is not."""

    how: str
    node: Any


@dataclass(frozen=True)
class Seen:
    """What queries see: the keys up to their own position or all, and of those the ones whose number in an input is not 0.

    ``only`` are the keys that a constant lets be seen where that is neither, such as a window's: (1, 1 or heads, queries, keys).
    """

    causal: bool
    input: Optional[fx.Node] = None
    only: Optional[torch.Tensor] = None


def of_data(l: Lowering, x: Any) -> bool:
    """Whether a node follows from constants and integers of the data alone."""
    return isinstance(x, fx.Node) and _leaves(l, x) is not None


def seen(l: Lowering, masks: Sequence[Mask], causal: bool, queries: int, keys: int) -> Seen:
    """What masks leave to be seen, all together. Refuses what a program does not say."""
    inputs = {n for m in masks for n in _leaves(l, m.node) or ()}
    for m in masks:
        if _leaves(l, m.node) is None:
            raise No("a mask that is computed from more than integers of the data")
    if len(inputs) > 1:
        raise No(f"a mask of {len(inputs)} inputs: give one that is 0 where a key is padding")
    lower = torch.ones(queries, keys, dtype=torch.bool).tril()
    if not inputs:
        got = _evaluate(l, masks, {}, queries, keys)
        got = got & lower if causal else got
        if bool(got.all()):
            return Seen(False)
        if bool((got == lower).all()):
            return Seen(True)
        return Seen(False, only=got)
    (source,) = inputs
    shape = source.meta["val"].shape
    if len(shape) != 2 or shape[1] != keys:
        raise No(f"a mask from {source.name} of {tuple(shape)}: (batch, {keys}) needed, 0 where a key is padding")
    ids = _rows_of_a_table(l, source)  # or else it is a mask of 0 and 1
    found = {True, False}
    draw = torch.Generator().manual_seed(1)
    for k in range(PROBES):
        given = torch.randint(0, 5 if ids and k % 2 else 2, tuple(shape), generator=draw)
        given[:, 0] = 1 + (ids and k % 2)
        got = _evaluate(l, masks, {source: given.to(source.meta["val"].dtype)}, queries, keys)
        got = got & lower if causal else got
        for c in set(found):
            want = (given != 0)[:, None, None, :] & (lower if c else torch.ones_like(lower))
            some = want.any(-1, keepdim=True)  # a query that sees nothing is nobody's business
            if not bool(((got == want) | ~some).all()):
                found.discard(c)
    if not found:
        raise No(f"a mask from {source.name} that hides other keys than those where it is 0 (and, if it is causal, those behind the query)")
    return Seen(found == {True}, source)


def _rows_of_a_table(l: Lowering, source: fx.Node) -> bool:
    return any(kind(n) == "embedding" and n.args[1] is source for n in l.trace.graph.nodes if n.op == "call_function")


def _leaves(l: Lowering, x: Any) -> Optional[set[fx.Node]]:
    """The inputs of integers that a node is computed from; None if there is anything else, but for constants."""
    out, todo, done = set[fx.Node](), [x], set[fx.Node]()
    while todo:
        n = todo.pop()
        if not isinstance(n, fx.Node):
            return None
        if n in done or n in l.trace.constants:
            continue
        done.add(n)
        if n in l.trace.inputs and not n.meta["val"].dtype.is_floating_point:
            out.add(n)
        elif n.op == "call_function" and n.all_input_nodes:
            todo.extend(n.all_input_nodes)
        else:
            return None
    return out


def _evaluate(l: Lowering, masks: Sequence[Mask], given: dict[fx.Node, torch.Tensor], queries: int, keys: int) -> torch.Tensor:
    """(1 or batch, 1 or heads, queries, keys): true where a key is seen."""
    known: dict[fx.Node, Any] = {**l.trace.constants, **given}
    wanted, todo = set[fx.Node](), [m.node for m in masks]
    while todo:
        n = todo.pop()
        if n not in wanted and n not in known:
            wanted.add(n)
            todo.extend(n.all_input_nodes)
    with torch.no_grad():
        for n in l.trace.graph.nodes:
            if n in wanted:
                args, kwargs = fx.map_arg((n.args, n.kwargs), lambda a: known[a].clone() if isinstance(known[a], torch.Tensor) else known[a])  # it may write into them
                known[n] = n.target(*args, **kwargs)
    out = torch.ones(1, 1, queries, keys, dtype=torch.bool)
    for m in masks:
        out = out & _booleans(m, known[m.node], l.rows)
    return out


def _booleans(m: Mask, value: torch.Tensor, rows: int) -> torch.Tensor:
    if m.how == "added" and value.dtype != torch.bool:
        if not bool(((value == 0) | (value <= HIDDEN)).all()):
            raise No("a mask that is added and neither 0 nor minus infinity: such a bias has no equivalent in attention that is fused")
        value = value == 0
    elif m.how == "hidden":
        value = value == 0
    else:
        value = value != 0
    if value.ndim == 3 and value.shape[0] % rows == 0:  # heads are merged into the batch
        return value.unflatten(0, (rows, -1))
    if value.ndim == 3:
        return value[None]
    return value
