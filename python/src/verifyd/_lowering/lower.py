"""From a trace to a program's graph: which nodes are needed, which belong to a pattern, and a rule for each of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from torch import fx

from .refused import Refused
from .axes import Axis, Mixed, Tensor, dims_of
from .build import Builder
from .trace import Trace, kind, where


MAX_DIMENSIONS = 8  # of a tensor of one row

# What would help where an operator has no equivalent.
HELP = {
    "embedding_renorm": "max_norm rewrites the table in the forward pass: leave it out",
    "gru": "a GRU has no equivalent: an LSTM has", "rnn_tanh": "an RNN has no equivalent: an LSTM has", "rnn_relu": "an RNN has no equivalent: an LSTM has",
    "feature_dropout": "dropout of whole channels has no equivalent: nn.Dropout has", "alpha_dropout": "alpha dropout has no equivalent: nn.Dropout has",
    "topk": "a choice by the data has no equivalent: compute all of it", "conv3d": "convolutions of three dimensions have no equivalent",
    "_weight_norm": "weight norm has no equivalent: torch.nn.utils.parametrize.remove_parametrizations makes it a plain weight",
    "wrap_with_set_grad_enabled": "code under torch.no_grad(), such as spectral norm's, has no equivalent: "
    "torch.nn.utils.parametrize.remove_parametrizations takes it off",
    "linalg_vector_norm": "a norm of activations has no equivalent: layer_norm and rms_norm have",
    **dict.fromkeys(("sin", "cos"), "of positions or time steps: look them up in a frozen table, nn.Embedding.from_pretrained"),
    "log_softmax": "only as the output: cross_entropy and nn.NLLLoss take the logits before it",
    "view_as_complex": "complex numbers have no equivalent: write rotations as x * cos + rotate_half(x) * sin",
    **dict.fromkeys(
        ("rand", "randn", "rand_like", "randn_like", "randint", "normal", "bernoulli", "multinomial", "randperm"),
        "a draw in the forward pass, which no job fixes: nn.Dropout and StochasticDepth of rows are the job's draws",
    ),
}  # fmt: skip


class No(Exception):
    """A node that cannot be lowered, and what would help."""


@dataclass
class Match:
    """A pattern that was found at a node: what it reads, and how it is written."""

    reads: list[fx.Node]
    write: Callable[["Lowering"], Tensor]


Rule = Callable[["Lowering", fx.Node, dict[str, Any]], Any]


def bound(n: fx.Node) -> dict[str, Any]:
    """The operator's arguments by the names of its schema, defaults filled in."""
    schema = getattr(n.target, "_schema", None)
    if schema is None:
        return {str(i): a for i, a in enumerate(n.args)}
    out = {}
    for i, a in enumerate(schema.arguments):
        if i < len(n.args):
            out[a.name] = n.args[i]
        elif a.name in n.kwargs:
            out[a.name] = n.kwargs[a.name]
        else:
            out[a.name] = a.default_value if a.has_default_value() else None
    return out


def _unfit(x: torch.Tensor) -> str:
    """Why an input cannot be one of a program; nothing if it can."""
    if any(not isinstance(d, int) for d in x.shape):
        return f"its shape {tuple(x.shape)} is not fixed"
    if x.ndim - 1 > MAX_DIMENSIONS:
        return f"{x.ndim - 1} dimensions of a row, at most {MAX_DIMENSIONS}"
    if x.dtype != torch.float32 and (x.dtype.is_floating_point or x.dtype.is_complex):
        return f"{x.dtype}, torch.float32 or integers needed"
    return ""


class Lowering:
    def __init__(self, t: Trace) -> None:
        self.trace = t
        self.values: dict[fx.Node, Any] = {}
        self.tables: dict[str, torch.Tensor] = {}  # constants that become frozen tensors
        self.linears: dict[Any, Tensor] = {}  # one of the same tensors is computed once
        self.shaped: dict[str, tuple[int, ...]] = {}  # the program's shape of a parameter, where it is not the model's
        batch = {n.meta["val"].shape[0] for n in t.inputs if n.meta["val"].ndim > 0}
        if len(batch) != 1:
            raise Refused("the inputs do not share a first dimension, the batch", [f"{n.name}: {tuple(n.meta['val'].shape)}" for n in t.inputs])
        (self.rows,) = batch
        problems = [f"{n.name}: {why}" for n in t.inputs if (why := _unfit(n.meta["val"]))]
        if problems:
            raise Refused(f"{len(problems)} inputs do not fit a data set", problems)
        if self.rows < 2:
            raise Refused("the example has a batch of 1: give at least 2 rows, so that the batch can be told from an axis of size 1")
        self.b = Builder(self.rows)

    def run(self, rules: dict[str, Rule], patterns: list[Callable[["Lowering", fx.Node], Optional[Match]]]) -> str:
        """Lowers the trace and returns the output's node. Refuses all that has no rule at once."""
        for n in self.trace.inputs:
            self._input(n)
        matches, needed = self._plan(patterns)
        problems: list[str] = []
        for n in self.trace.graph.nodes:
            if n not in needed or n.op != "call_function" or n in self.trace.constants:
                continue
            reads = matches[n].reads if n in matches else n.all_input_nodes
            if any(r in self.values and self.values[r] is None for r in reads):
                self.values[n] = None  # it reads what was refused
                continue
            self.values[n] = self._lower(n, matches.get(n), rules, problems)
        if problems:
            raise Refused(f"{len(problems)} nodes of the model have no equivalent", problems)
        try:
            node, _ = self.b.canonical(self.t(self.trace.output))
        except Mixed:
            raise Refused("the model's output does not have the batch as its first dimension") from None
        self.b.prune(node)
        return node

    def _lower(self, n: fx.Node, match: Optional[Match], rules: dict[str, Rule], problems: list[str]) -> Any:
        name = kind(n)
        at = f"{n.name}: {name} in {where(n)}"
        try:
            for v in n.meta["val"] if isinstance(n.meta.get("val"), (list, tuple)) else [n.meta.get("val")]:
                if isinstance(v, torch.Tensor) and any(not isinstance(d, int) for d in v.shape):
                    raise No("its shape depends on the data")
            if match is not None:
                return match.write(self)
            if name not in rules:
                raise No(HELP.get(name) or ("no such operator" if str(n.target).startswith("aten.") else f"{n.target} is no operator of ATen"))
            return rules[name](self, n, bound(n))
        except No as e:
            problems.append(f"{at}: {e}")
        except Mixed:
            problems.append(f"{at}: the batch is mixed with other axes: keep it a dimension of its own")
        return None

    def _plan(self, patterns: list[Callable[["Lowering", fx.Node], Optional[Match]]]) -> tuple[dict[fx.Node, Match], set[fx.Node]]:
        matches: dict[fx.Node, Match] = {}
        needed = {self.trace.output}
        for n in reversed(self.trace.graph.nodes):
            if n not in needed or n.op != "call_function" or n in self.trace.constants:
                continue
            match = next((m for p in patterns if (m := p(self, n)) is not None), None)
            if match is not None:
                matches[n] = match
            needed.update(match.reads if match is not None else n.all_input_nodes)
        return matches, needed

    def _input(self, n: fx.Node) -> None:
        val = n.meta["val"]
        integer = not val.dtype.is_floating_point
        shape = list(val.shape[1:]) or [1]
        node = self.b.node("input", [], {"type": "i32" if integer else "f32", "shape": shape}, shape, name=n.name)
        t = self.b.fresh(node, integer=integer)
        self.values[n] = t if val.ndim > 1 else self.b.view(t, (self.rows,))

    # What rules read

    def t(self, n: fx.Node) -> Tensor:
        """The tensor of a node; a parameter or a constant becomes a node of its own."""
        if n not in self.values:
            if n in self.trace.parameters:
                self.values[n] = self.parameter(n)
            elif n in self.trace.constants:
                self.values[n] = self.table(n.name, self.trace.constants[n])
            elif n in self.trace.buffers:
                raise No(f"the buffer {self.trace.buffers[n]} is read outside of a batch norm")
            else:
                raise No("its input was not lowered")
        return self.values[n]

    def parameter(self, n: fx.Node) -> Tensor:
        shape = tuple(n.meta["val"].shape) or (1,)
        name = self.name(n)
        self.shaped[name] = shape
        node = self.b.node("parameter", [], {"shape": list(shape), "value": 0, "std": 0}, shape, name=name, params=[name])
        t = self.b.fresh(node, batched=False)
        return t if n.meta["val"].ndim else self.b.view(t, ())

    def table(self, name: str, value: torch.Tensor) -> Tensor:
        """A constant as a frozen tensor of the program."""
        if not isinstance(value, torch.Tensor) or not value.dtype.is_floating_point:
            raise No("a constant of integers is used as a number")
        if value.ndim and value.shape[0] == self.rows and bool((value == value[:1]).all()):
            value = value[:1]  # the same for every row of the batch
        value = value.to(torch.float32).contiguous()
        key = f"constants.{name}"
        self.tables[key] = value
        shape = tuple(value.shape) or (1,)
        node = self.b.node("parameter", [], {"shape": list(shape), "value": 0, "std": 0}, shape, name=key, params=[key])
        t = self.b.fresh(node, batched=False)
        return t if value.ndim else self.b.view(t, ())

    def fixed(self, name: str, value: torch.Tensor) -> str:
        """A frozen tensor that stands for a parameter that a module does not have."""
        self.tables[name] = value
        return name

    def is_parameter(self, x: Any) -> bool:
        return isinstance(x, fx.Node) and x in self.trace.parameters

    def name(self, x: Any, what: str = "weight") -> str:
        """A parameter's name. Refuses what is computed from parameters."""
        if not self.is_parameter(x):
            by = f"computed by {kind(x)} in {where(x)}" if isinstance(x, fx.Node) and x.op == "call_function" else "none of the model's"
            raise No(
                f"its {what} is no parameter but {by}: take parametrizations off (torch.nn.utils.parametrize.remove_parametrizations), "
                "apply an adapter to the activations"
            )
        return self.trace.parameters[x]

    def constant(self, x: Any) -> Optional[torch.Tensor]:
        """The value of a constant, None of anything else."""
        if isinstance(x, (int, float)) and not isinstance(x, bool):
            return torch.tensor(float(x))
        return self.trace.constants.get(x) if isinstance(x, fx.Node) else None

    def number(self, x: Any) -> Optional[float]:
        """A constant whose elements are all equal, as a number."""
        if isinstance(x, (int, float)) and not isinstance(x, bool):
            return float(x)
        c = self.constant(x)
        if c is None or c.numel() == 0 or not isinstance(c, torch.Tensor):
            return None
        first = c.flatten()[0]
        return float(first) if bool((c == first).all()) else None

    # What rules write

    def rowwise(self, op: str, t: Tensor, attrs: dict[str, Any], width: int, *, name: str = "", params: list[str] = []) -> Tensor:
        """A node that works on the last dimension of any rows and makes it width long."""
        node, outer = self.b.rows(t)
        lead = list(self.b.shapes[node][:-1])
        out = self.b.node(op, [node], attrs, lead + [width], name=name, params=params)
        (inner,) = dims_of((Axis(width),))
        return Tensor(out, self.b.shapes[out], outer + inner, t.dims[:-1] + (inner,))

    def pointwise(self, op: str, t: Tensor, attrs: dict[str, Any] = {}, name: str = "") -> Tensor:
        """A node that works on each element."""
        node = self.b.node(op, [t.node], dict(attrs), t.shape, name=name)
        return Tensor(node, t.shape, t.order, t.dims)

    def image(self, op: str, t: Tensor, attrs: dict[str, Any], shape: tuple[int, ...], *, name: str = "", params: list[str] = []) -> Tensor:
        """A node over (channels, height, width)."""
        if len(t.dims) != 4:
            raise No(f"an input of {len(t.dims)} dimensions, 4 needed: batch, channels, height, width")
        node, _ = self.b.canonical(t)
        return self.b.fresh(self.b.node(op, [node], attrs, shape, name=name, params=params))

    def owner(self, parameter: str) -> str:
        """The module that a parameter belongs to."""
        return parameter.rsplit(".", 1)[0] if "." in parameter else parameter
