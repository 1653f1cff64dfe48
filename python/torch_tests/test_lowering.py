"""Each family of models is lowered to the nodes that it should be, which compute what the model computes."""

import collections

import pytest
import torch
from torch import nn
from verifyd._lowering.refused import Refused
from verifyd._lowering import meaning
from verifyd._lowering.export import lower
from verifyd._lowering.prove import own

from .models import MODELS


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)


def lowered(name: str):
    torch.manual_seed(7)
    make, example = MODELS[name]
    model, x = make().train(), example()
    return model, x, lower(model, x, loss="mse", optimizer=sgd(model))


@pytest.mark.parametrize("name", MODELS)
def test_a_lowered_model_computes_what_the_model_computes(name: str) -> None:
    model, x, got = lowered(name)
    nodes = got.nodes
    out = meaning.run(nodes, {nodes[0]["name"]: x}, got.state)
    weights = torch.randn_like(out)

    def loss(y, w):
        return (y.reshape(w.shape) * w).sum()

    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    value, want = own(got.trace, state, [x], weights, loss)
    leaves = {k: v.detach().clone().requires_grad_(k in want) for k, v in got.state.items()}
    loss(meaning.run(nodes, {nodes[0]["name"]: x}, leaves), weights).backward()
    assert set(want) == {n for n, p in model.named_parameters() if p.requires_grad}
    for k, g in want.items():
        torch.testing.assert_close(leaves[k].grad, g, rtol=1e-4, atol=1e-5 * float(max(v.abs().max() for v in want.values())), msg=lambda m, k=k: f"{k}: {m}")


PATTERNS = {
    "resnet": {"batch_norm": 6, "conv2d": 6, "mean": 1},
    "mobile": {"hardswish": 1, "hardsigmoid": 1, "relu6": 1, "mean": 2, "mul": 1},
    "convnext": {"row_dropout": 1, "layer_norm": 1, "gelu": 1},
    "vit": {"attention": 1, "linear": 4, "concat": 1, "parameter": 2},
    "gpt2": {"attention": 1, "gelu_tanh": 1, "embedding": 1},
    "gpt2 with sdpa": {"attention": 1, "gelu_tanh": 1},
    "llama": {"rope": 2, "rms_norm": 3, "attention": 1, "silu": 1, "mul": 1},
    "lora": {"scale": 1, "linear": 4},
    "lstm": {"lstm": 1},
    "unet": {"conv_transpose2d": 1, "group_norm": 1, "upsample2d": 1, "concat": 2, "leaky_relu": 1},
    "products": {"matmul": 2, "sigmoid": 1},
}


@pytest.mark.parametrize("name", PATTERNS)
def test_arithmetic_that_is_an_operator_becomes_one(name: str) -> None:
    _, _, got = lowered(name)
    count = collections.Counter(n["op"] for n in got.nodes)
    assert {k: count[k] for k in PATTERNS[name]} == PATTERNS[name], count


def test_attention_reads_the_packed_projection_and_shares_its_heads() -> None:
    def only(name: str):
        return next(n for n in lowered(name)[2].nodes if n["op"] == "attention")

    assert len(only("gpt2")["inputs"]) == len(only("vit")["inputs"]) == 1
    assert only("llama")["attrs"] == {"heads": 4, "causal": True, "kv_heads": 2}


def test_parameters_keep_their_names_ties_and_frozen_ones() -> None:
    model, _, got = lowered("gpt2")
    users = [n["name"] for n in got.nodes if "wte.weight" in n.get("params", [])]
    assert len(users) == 2 and "lm_head.weight" not in got.state
    model, _, got = lowered("lora")
    assert got.frozen == ["base.0.bias", "base.0.weight", "base.2.bias", "base.2.weight"]
    assert got.state["lora_A"].shape == (3, 12)


class Every(nn.Module):
    """Three faults at once."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.sin(self.inner(x))
        return torch.cumsum(x, -1) + torch.erfinv(x)


def test_all_that_is_refused_is_named_at_once_with_its_module() -> None:
    model = nn.Sequential(Every(), nn.Linear(4, 2))
    with pytest.raises(Refused) as e:
        lower(model, torch.randn(3, 4), loss="mse", optimizer=sgd(model))
    assert len(e.value.items) == 1 and "sin in 0" in e.value.items[0]  # what reads it cannot be judged
    both = nn.Sequential(nn.Linear(4, 4), nn.CELU(), nn.Linear(4, 4))

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.both = both

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.both(x) + torch.cumsum(x, -1)

    with pytest.raises(Refused) as e:
        lower(Two(), torch.randn(3, 4), loss="mse", optimizer=sgd(both))
    assert len(e.value.items) == 2


def branch(x: torch.Tensor) -> torch.Tensor:
    return x if x.sum() > 0 else -x


BAD = {
    "random": (lambda x: x + torch.randn_like(x), "randn_like"),
    "branch": (branch, "torch.export refuses"),
    "batch mixed": (lambda x: x.reshape(-1).unsqueeze(0).expand(3, -1), "batch"),
    "mean of rows": (lambda x: x - x.mean(0), "batch"),
    "halved": (lambda x: x.half().float(), "float16"),
    "two results": (lambda x: (x, x), "returns 2 tensors"),
    "constant only": (lambda x: torch.ones(3, 4), "take no part"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_equivalent_is_refused(name: str) -> None:
    f, says = BAD[name]

    class Bad(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return f(self.inner(x))

    model = Bad()
    with pytest.raises(Refused, match=says):
        lower(model, torch.randn(3, 4), loss="mse", optimizer=sgd(model))


def test_tensors_that_fit_no_state_are_refused_together() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4).double(), nn.Linear(4, 4))
    model[2].weight = nn.Parameter(model[0].weight.detach()[:4])  # shares its memory
    with pytest.raises(Refused) as e:
        lower(model, torch.randn(3, 4), loss="mse", optimizer=sgd(model))
    assert any("float64" in i for i in e.value.items) and any("shares" in i for i in e.value.items)
    with pytest.raises(Refused, match="batch of 1"):
        lower(nn.Linear(4, 4), torch.randn(1, 4), loss="mse", optimizer=sgd(nn.Linear(4, 4)))
