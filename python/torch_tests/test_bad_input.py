"""What no program says: one error, of the package's own class, that names each node or tensor, and nothing is written."""

import pathlib
from typing import Callable

import pytest
import torch
import verifyd
from torch import nn
from verifyd._lowering import trace


class Of(nn.Module):
    """A linear layer, and a function of what it gives."""

    def __init__(self, f: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.inner, self.f = nn.Linear(4, 4), f

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.f(self.inner(x))


def refused(model: nn.Module, example: object, out: pathlib.Path) -> verifyd.Refused:
    opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    with pytest.raises(verifyd.Refused) as e:
        verifyd.export(model, example, loss="mse", optimizer=opt, out=out / "program.json")
    assert not list(out.iterdir()) and len(str(e.value)) < 4000
    return e.value


def loop(x: torch.Tensor) -> torch.Tensor:
    while x.norm() > 1:
        x = x / 2
    return x


FORWARDS = {
    "rows chosen by the data": (lambda x: x[x.sum(1) > 0], ""),
    "elements chosen by the data": (lambda x: x.masked_select(x > 0), ""),
    "a number of the data": (lambda x: x * x.sum().item(), ""),
    "a loop over the data": (loop, "torch.export refuses"),
    "a branch on the data": (lambda x: x if x.sum() > 0 else -x, "torch.export refuses"),
    "noise": (lambda x: x + torch.randn_like(x), "randn_like in the model itself: a draw in the forward pass"),
    "a drawn mask": (lambda x: x * torch.bernoulli(torch.full_like(x, 0.5)), "bernoulli"),
    "half precision": (lambda x: (x.half() * 2).float(), "float16"),
    "brain floats": (lambda x: (x.bfloat16() * 2).float(), "bfloat16"),
    "double precision": (lambda x: (x.double() * 2).float(), "float64"),
    "integers": (lambda x: x.round().long().float(), "round"),
    "complex numbers": (lambda x: torch.view_as_real(torch.view_as_complex(x.reshape(3, 2, 2))), "view_as_complex"),
    "an unknown operator": (lambda x: torch.special.bessel_j0(x), "bessel_j0 in the model itself"),
    "an index of the data": (lambda x: x.gather(1, x.argmax(1, keepdim=True)), "argmax"),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_a_forward_pass_without_equivalent_is_refused(name: str, tmp_path: pathlib.Path) -> None:
    f, says = FORWARDS[name]
    torch.manual_seed(2)
    assert says in str(refused(Of(f), torch.randn(3, 4), tmp_path))


def test_a_constant_beyond_the_limit_is_not_computed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_CONSTANT", 1000)
    error = refused(Of(lambda x: x + torch.ones(40, 40).sum() * torch.ones(1000, 1000).mean()), torch.randn(3, 4), tmp_path)
    assert "above the limit 1000" in str(error) and "in the model itself" in error.items[0]


EXAMPLES = {
    "double precision": (torch.randn(3, 4).double(), "float64"),
    "complex": (torch.randn(3, 4, dtype=torch.complex64), "complex64"),
    "nine dimensions": (torch.randn(3, *[1] * 8, 4), "9 dimensions of a row, at most 8"),
    "one row": (torch.randn(1, 4), "batch of 1"),
    "one number": (torch.tensor(1.0), "first dimension"),
    "rows that differ": ((torch.randn(3, 4), torch.randn(2, 4)), "torch.export refuses"),
    "no tensors": ({"x": torch.randn(3, 4)}, "example: a tensor"),
    "nothing": ((), "example: a tensor"),
}


class Any(nn.Module):
    """Takes whatever it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(1))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return sum(x.real.flatten(1).mean(1, keepdim=True) if x.ndim else x for x in inputs) * self.w


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_that_no_data_set_holds_is_refused(name: str, tmp_path: pathlib.Path) -> None:
    example, says = EXAMPLES[name]
    assert says in str(refused(Any(), example, tmp_path))


def tensors() -> dict[str, tuple[nn.Module, str]]:
    repeated, infinite, meta = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4, device="meta")
    repeated.weight = nn.Parameter(torch.ones(1, 4).expand(4, 4))
    infinite.bias.data[2] = float("inf")
    shared = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    shared[1].weight = nn.Parameter(shared[0].weight.detach())
    return {
        "repeated elements": (repeated, "weight: its elements share their memory"),
        "an infinite number": (infinite, "bias: not all of its numbers are finite"),
        "no values": (meta, "weight: it is on the meta device"),
        "no shape": (nn.Sequential(nn.LazyLinear(4)), "0.weight: it has no shape yet"),
        "shared memory": (shared, "1.weight: it shares its memory with 0.weight"),
        "half precision": (nn.Linear(4, 4).half(), "weight: torch.float16"),
        "brain floats": (nn.Linear(4, 4).bfloat16(), "weight: torch.bfloat16"),
        "double precision": (nn.Linear(4, 4).double(), "weight: torch.float64"),
    }


@pytest.mark.parametrize("name", tensors())
def test_a_tensor_that_no_state_holds_is_refused_by_its_name(name: str, tmp_path: pathlib.Path) -> None:
    model, says = tensors()[name]
    assert says in str(refused(model, torch.randn(3, 4), tmp_path))


def test_tensors_that_are_not_contiguous_are_written_as_they_read(tmp_path: pathlib.Path) -> None:
    model = nn.Linear(4, 6)
    model.weight = nn.Parameter(torch.randn(4, 6).t())
    got = verifyd.export(model, torch.randn(4, 3).t(), loss="mse", optimizer=torch.optim.SGD(model.parameters(), 0.1), out=tmp_path / "p.json")
    assert torch.equal(got.state["weight"], model.weight) and got.proof is not None and got.proof.passed
