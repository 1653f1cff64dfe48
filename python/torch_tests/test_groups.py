"""A model whose parameters are in groups is trained by verifyd as PyTorch trains it."""

import copy
import pathlib
from typing import Any, Callable

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as S

from .test_trainer import STEPS, Pool


class Net(nn.Module):
    """A backbone with a norm, and a head; nothing in it has a kink."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(7, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 8), nn.Tanh())
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x))


def decayed(m: nn.Module, **rest: Any) -> list[dict[str, Any]]:
    """Weight decay on matrices, none on biases and norms."""
    return [{"params": [p for p in m.parameters() if p.ndim > 1], **rest}, {"params": [p for p in m.parameters() if p.ndim < 2], "weight_decay": 0.0}]


def parts(m: nn.Module, **of_head: Any) -> list[dict[str, Any]]:
    return [{"params": m.backbone.parameters()}, {"params": m.head.parameters(), **of_head}]  # type: ignore[union-attr]


def warm(opt: Any, then: Any) -> Any:
    return S.SequentialLR(opt, [S.LinearLR(opt, 0.1, 1, 3), then], [3])


# Each makes an optimizer and a scheduler for a model, and says at what norm gradients are clipped.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {
    "sgd, momentum, no decay on biases": (lambda m: torch.optim.SGD(decayed(m), 0.1, momentum=0.9, weight_decay=0.1), lambda o: None, 0.0),
    "sgd, nesterov, a tenth": (
        lambda m: torch.optim.SGD(parts(m, lr=0.5, nesterov=True), 0.05, momentum=0.9), lambda o: S.CosineAnnealingLR(o, 20, 0.001), 0.5),
    "sgd, a group without momentum": (lambda m: torch.optim.SGD(parts(m, momentum=0.0), 0.1, momentum=0.9, dampening=0.2), lambda o: S.StepLR(o, 3, 0.5), 0.0),
    "adam, betas and eps of its own": (
        lambda m: torch.optim.Adam(parts(m, betas=(0.5, 0.9), eps=1e-3), 0.01, weight_decay=0.01), lambda o: S.ExponentialLR(o, 0.9), 0.0),
    "adamw, no decay on biases, warm-up": (
        lambda m: torch.optim.AdamW(decayed(m), 0.02, weight_decay=0.5), lambda o: warm(o, S.CosineAnnealingLR(o, 10)), 1.0),
    "adamw, schedules of their own": (
        lambda m: torch.optim.AdamW(parts(m, lr=torch.tensor(0.03)), 0.003),
        lambda o: S.LambdaLR(o, [lambda t: min(1.0, (t + 1) / 4), lambda t: 0.8 ** (t // 2)]), 0.0),
}  # fmt: skip


def trained(model: nn.Module, case: str, batches: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """What PyTorch makes of a model, in the model's own type."""
    make, schedule, clip = CASES[case]
    opt = make(model)
    scheduler = schedule(opt)
    for b in batches:
        opt.zero_grad()
        x = b["x"].to(next(model.parameters()).dtype)
        nn.functional.cross_entropy(model(x), b["y"].long()).backward()  # type: ignore[no-untyped-call]
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        opt.step()
        if scheduler is not None:
            scheduler.step()
    return {n: p.detach() for n, p in model.named_parameters()}


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*")
@pytest.mark.parametrize("case", CASES)
def test_steps_are_those_of_pytorch(case: str, tmp_path: pathlib.Path) -> None:
    torch.manual_seed(2)
    model = Net()
    begin = copy.deepcopy(model)
    make, schedule, clip = CASES[case]
    opt = make(model)
    x = torch.randn(40, 7, generator=torch.Generator().manual_seed(5))
    pool = Pool(tmp_path, model, x, opt, schedule=schedule(opt), clip_norm=clip)
    assert len(pool.exported.program["groups"]) == 1
    batches = []
    with pool.trainer("trace") as t:
        while t.steps < STEPS:
            batches.append({k: v.clone() for k, v in t.batch().tensors.items()})
            t.step()
        got = t.state()
        t.finish()
    own, exact = trained(copy.deepcopy(begin), case, batches), trained(copy.deepcopy(begin).double(), case, batches)
    for name, p in exact.items():
        off, usual = (got[f"param/{name}"] - p).norm(), max((own[name] - p).norm(), 1e-7 * p.norm())
        moved = (p - begin.get_parameter(name).detach()).norm()
        assert moved > 500 * usual, f"{name} has hardly moved, by {moved:.3g}: the test shows nothing"
        assert off <= 16 * usual, f"{name}: off by {off:.3g}, PyTorch's own float32 by {usual:.3g}"
