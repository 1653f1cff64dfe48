"""Chains of views drawn at random: the program computes what PyTorch computes."""

import math
import random

import pytest
import torch
from torch import nn
from verifyd._lowering.refused import Refused
from verifyd._lowering import meaning
from verifyd._lowering.export import RULES
from verifyd._lowering.lower import Lowering
from verifyd._lowering.patterns import PATTERNS
from verifyd._lowering.trace import trace

ROWS = 3


class Chain(nn.Module):
    """Draws its views when it is first called, and remembers them."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        draw = random.Random(self.seed)
        for _ in range(draw.randint(1, 9)):
            x = view(draw, x)
            if draw.random() < 0.3:
                x = x * 2.0
            if draw.random() < 0.2 and x.ndim > 2:
                x = x + x.transpose(-1, -2) if x.shape[-1] == x.shape[-2] else x
        return x


def view(draw: random.Random, x: torch.Tensor) -> torch.Tensor:
    kind = draw.choice(["permute", "transpose", "split", "merge", "unsqueeze", "squeeze", "slice", "select", "expand", "cat", "chunk"])
    rank = x.ndim
    dim = draw.randrange(1, rank) if rank > 1 else 0
    if kind == "permute" and rank < 6:
        order = list(range(rank))
        draw.shuffle(order)
        return x.permute(order)
    if kind == "transpose":
        return x.transpose(draw.randrange(rank), draw.randrange(rank))
    n = x.shape[dim]
    if kind == "split" and n in (4, 6, 8, 12) and rank < 6 and dim:
        k = draw.choice([d for d in range(2, n) if n % d == 0])
        return x.unflatten(dim, (k, n // k))
    if kind == "merge" and rank > 2:
        d = draw.randrange(rank - 1)
        return x.flatten(d, d + 1) if x.shape[d] * x.shape[d + 1] < 200 else x
    if kind == "unsqueeze" and rank < 6:
        return x.unsqueeze(draw.randrange(rank + 1))
    if kind == "squeeze":
        return x.squeeze(dim)
    if kind == "slice" and n > 2 and n != ROWS:
        return x.narrow(dim, draw.randrange(n - 1), 1 + draw.randrange(1))
    if kind == "select" and n != ROWS and rank > 2:
        return x.select(dim, draw.randrange(n))
    if kind == "expand" and n == 1 and dim:
        sizes = list(x.shape)
        sizes[dim] = 2
        return x.expand(sizes)
    if kind == "cat" and n != ROWS and math.prod(x.shape) < 2000 and rank > 1:
        return torch.cat([x, x], dim)
    if kind == "chunk" and n % 2 == 0 and rank > 1:
        return x.chunk(2, dim)[draw.randrange(2)]
    return x


def batch_first(model: nn.Module, x: torch.Tensor) -> bool:
    """Whether the chain ends with the batch outermost and alone, as a program's output has to be."""
    marked = x.clone()
    y = model(marked)
    if y.shape[0] != ROWS or y.ndim < 2:
        return False
    marked[1] += 1e6
    moved = model(marked) != y
    return bool(moved[1].all()) and not bool(moved[0].any()) and not bool(moved[2].any())


@pytest.mark.parametrize("block", range(20))
def test_a_chain_of_views_computes_what_pytorch_computes(block: int) -> None:
    tried = refused = 0
    for seed in range(block * 40, block * 40 + 40):
        x = torch.randn(ROWS, *random.Random(seed).choice([(4,), (6, 4), (4, 5, 8), (2, 12), (8, 1, 3), (5, 5)]))
        model = Chain(seed)
        if not batch_first(model, x):
            continue
        tried += 1
        low = Lowering(trace(model, (x,)))
        try:
            low.run(RULES, PATTERNS)
        except Refused as e:
            assert "batch" in str(e) or "rows" in str(e), f"seed {seed}: {e}"
            refused += 1
            continue
        got = meaning.run(low.b.nodes, {low.b.nodes[0]["name"]: x}, {})
        want = model(x)
        assert torch.equal(got.reshape(want.shape), want), f"seed {seed}"
        for n in low.b.nodes:  # what the program says of shapes is so
            assert all(s >= 1 for s in low.b.shapes[n["name"]])
    assert tried > 0 and refused <= tried // 2, f"{refused} of {tried} refused"
