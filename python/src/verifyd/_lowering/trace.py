"""A model as torch.export sees it, tidied: no writes in place, no casts that change nothing, constants computed."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx

from .refused import Refused

# What moves nothing and changes no bit of an f32 or an index.
_SAME = {"alias", "contiguous", "clone", "detach", "lift_fresh_copy", "_assert_tensor_metadata", "to"}
MAX_CONSTANT = 1 << 28  # elements of a constant that the trace may compute


@dataclass
class Trace:
    """The graph of one call with a batch, and what its placeholders are."""

    graph: fx.Graph
    inputs: list[fx.Node]
    parameters: dict[fx.Node, str]  # the model's own names
    buffers: dict[fx.Node, str]
    output: fx.Node
    constants: dict[fx.Node, Any] = field(default_factory=dict)
    state: dict[str, torch.Tensor] = field(default_factory=dict)  # the model's parameters by their names

    def kind(self, n: fx.Node) -> str:
        """The operator's name without overload and without the mark of a write in place."""
        return kind(n)

    def returns(self, n: fx.Node) -> None:
        """Lets the graph return another of its nodes."""
        end = next(e for e in self.graph.nodes if e.op == "output")
        end.replace_input_with(self.output, n)
        self.output = n


def kind(n: fx.Node) -> str:
    if n.target is operator.getitem:
        return "getitem"
    name = str(n.target)
    if name.startswith("aten."):
        name = name[5:].rsplit(".", 1)[0]
        if name.endswith("_") and not name.startswith("_"):
            name = name[:-1]
    return name


def where(n: fx.Node) -> str:
    """The module that called the operator, as named_modules has it."""
    stack = n.meta.get("nn_module_stack") or {}
    path = ""
    for name, _ in stack.values():
        path = name or path
    for prefix in ("L['self'].", "L['self']"):
        path = path.removeprefix(prefix)
    return path or "the model itself"


def trace(model: torch.nn.Module, example: tuple[torch.Tensor, ...]) -> Trace:
    """Traces the model in training mode as it stands; control flow that depends on data is refused by torch.export."""
    try:
        exported = torch.export.export(model, example, strict=False)
    except Exception as e:
        raise Refused("torch.export refuses the model: " + _first(e)) from e
    sig, state = exported.graph_signature, exported.state_dict
    graph = exported.graph
    names = {n.name: n for n in graph.nodes if n.op == "placeholder"}
    output = next(n for n in graph.nodes if n.op == "output")
    results = [a for a in output.args[0] if isinstance(a, fx.Node)]
    user = [r for r in results if r.name in set(sig.user_outputs)]
    if len(user) != 1 or not isinstance(user[0].meta.get("val"), torch.Tensor):
        raise Refused(f"the model returns {len(user)} tensors: wrap it so that it returns its logits alone")
    t = Trace(
        graph,
        [names[n] for n in sig.user_inputs if n in names],
        {names[k]: _first_name(model, v) for k, v in sig.inputs_to_parameters.items()},
        {names[k]: v for k, v in sig.inputs_to_buffers.items()},
        user[0],
    )
    t.state = dict(model.named_parameters())
    _functional(graph)
    t.returns(_skip(user[0]))
    for holder, target in t.buffers.items():
        value = state.get(target, exported.constants.get(target))
        if value is not None:
            t.constants[holder] = value
    for name, target in sig.inputs_to_lifted_tensor_constants.items():
        t.constants[names[name]] = exported.constants[target]
    _fold(t)
    return t


def _first_name(model: torch.nn.Module, name: str) -> str:
    """The first name of a parameter that several modules share, as named_parameters gives it."""
    p = model.get_parameter(name)
    return next(n for n, q in model.named_parameters() if q is p)


def _first(e: Exception) -> str:
    return next((line.strip() for line in str(e).splitlines() if line.strip()), type(e).__name__)[:400]


# What takes no more than the shape and the type of a tensor.
_LIKE = {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"}

_PARTS = ("split", "split_with_sizes", "chunk", "unbind")

# What gives another view of the same memory.
_VIEWS = {
    "view", "slice", "select", "transpose", "permute", "t", "unsqueeze", "squeeze", "expand", "narrow", "alias", "detach", "unflatten", "flatten", "diagonal", *_PARTS
}  # fmt: skip


def _functional(graph: fx.Graph) -> None:
    """Lets whoever reads a tensor after a write in place read the write's result. Refuses writes that reach others by a view."""
    place = {n: i for i, n in enumerate(graph.nodes)}
    problems = []
    for n in list(graph.nodes):
        name = str(n.target)
        if n.op != "call_function" or not name.startswith("aten.") or not name[5:].rsplit(".", 1)[0].endswith("_"):
            continue
        written = n.args[0]
        if not isinstance(written, fx.Node):
            continue
        if any(place.get(u, -1) > place[n] for other in _sharing(written) for u in other.users if u is not n):
            why = "max_norm rewrites the table: leave it out" if kind(n) == "embedding_renorm" else "it writes into a part of a tensor that is read later"
            problems.append(f"{n.name}: {kind(n)} in {where(n)}: {why}")
            continue
        written.replace_all_uses_with(n, delete_user_cb=lambda u, at=place[n]: place[u] > at)
    if problems:
        raise Refused(f"{len(problems)} nodes of the model write into views: compute a new tensor there", problems)


def _sharing(n: fx.Node) -> set[fx.Node]:
    """The other nodes that are views of a node's memory."""
    def viewed(x: fx.Node) -> bool:
        source = x.args[0] if x.op == "call_function" and x.args else None
        return isinstance(source, fx.Node) and (kind(x) in _VIEWS or kind(x) == "getitem" and kind(source) in _PARTS)

    root = n
    while viewed(root):
        root = root.args[0]
    found, todo = set[fx.Node](), [root]
    while todo:
        x = todo.pop()
        found.add(x)
        todo.extend(u for u in x.users if viewed(u) and u.args[0] is x and u not in found)
    return found - {n}


def skips(n: fx.Node) -> bool:
    """Whether the node gives what it gets: an alias, or a cast between f32 and f32, or between integers."""
    if n.op != "call_function" or kind(n) not in _SAME or not n.args or not isinstance(n.args[0], fx.Node):
        return False
    a, b = n.args[0].meta.get("val"), n.meta.get("val")
    if kind(n) == "_assert_tensor_metadata" or not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return kind(n) == "_assert_tensor_metadata"
    return a.dtype == b.dtype or not any(x.dtype.is_floating_point or x.dtype == torch.bool for x in (a, b))


def _skip(n: fx.Node) -> fx.Node:
    while skips(n):
        n = n.args[0]
    return n


def _fold(t: Trace) -> None:
    """Computes what depends on neither inputs nor parameters, and leaves out what changes nothing."""
    for n in list(t.graph.nodes):
        if n.op != "call_function":
            continue
        if skips(n) and kind(n) != "_assert_tensor_metadata" and n.args[0] not in t.constants:
            n.replace_all_uses_with(n.args[0])
            continue
        like = n.args[0] if kind(n) in _LIKE else None  # of a tensor whose shape alone counts
        if kind(n) in RANDOM or any(a not in t.constants and a is not like for a in n.all_input_nodes):
            continue
        val = n.meta.get("val")
        if isinstance(val, torch.Tensor) and val.numel() > MAX_CONSTANT:
            raise Refused(f"a constant of {val.numel()} elements is above the limit {MAX_CONSTANT}", [f"{n.name} in {where(n)}"])
        own = str(n.target).rsplit(".", 1)[0].endswith("_")  # it would write into the model's own buffer
        if like is not None and like not in t.constants:
            if not isinstance(of := like.meta.get("val"), torch.Tensor) or any(not isinstance(d, int) for d in of.shape):
                continue
            t.constants[n] = n.target(torch.zeros((), dtype=of.dtype).expand(of.shape), *n.args[1:], **n.kwargs).clone()
            continue
        args, kwargs = fx.map_arg((n.args, n.kwargs), lambda a: t.constants[a].clone() if own and isinstance(t.constants[a], torch.Tensor) else t.constants[a])
        with torch.no_grad():
            result = n.target(*args, **kwargs)
        t.constants[n] = result.detach().clone() if isinstance(result, torch.Tensor) else result


RANDOM = {"bernoulli", "rand", "randn", "rand_like", "randn_like", "randint", "randperm", "multinomial", "normal", "uniform", "dropout"}
