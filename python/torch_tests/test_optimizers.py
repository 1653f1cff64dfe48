"""torch.optim's optimizers and schedulers say the same as the program's fields do."""

import math

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as S
from verifyd._lowering.refused import Refused
from verifyd._lowering.optimizers import optimizer, schedule

RATE = 0.3


def rate(s: dict, t: int) -> float:
    """A program's schedule, as verify/SPEC.md has it."""
    w = s.get("warmup", 0)
    if t < w:
        return s["rate"] * (t + 1) / w
    u = t - w
    span = s.get("steps", w + 1) - w
    v, floor = min(u, span) / span, s.get("floor", 0.0)
    return {
        "constant": lambda: s["rate"],
        "linear": lambda: floor + (s["rate"] - floor) * (1 - v),
        "cosine": lambda: floor + (s["rate"] - floor) * (1 + math.cos(math.pi * v)) / 2,
        "step": lambda: s["rate"] * s["factor"] ** (u // s["every"]),
        "exponential": lambda: s["rate"] * s["factor"] ** u,
    }[s["kind"]]()


def warm(n: int, then):
    return lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / n, 1, n - 1), then(o)], [n])


SCHEDULES = {
    "none": lambda o: None,
    "constant": lambda o: S.ConstantLR(o, 1.0),
    "linear": lambda o: S.LinearLR(o, 1.0, 0.1, 30),
    "cosine": lambda o: S.CosineAnnealingLR(o, 60, 0.01),
    "step": lambda o: S.StepLR(o, 7, 0.5),
    "exponential": lambda o: S.ExponentialLR(o, 0.97),
    "warm-up and cosine": warm(10, lambda o: S.CosineAnnealingLR(o, 50)),
    "warm-up and steps": warm(5, lambda o: S.StepLR(o, 9, 0.3)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_the_schedulers_rates(name: str) -> None:
    opt = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=RATE)
    s = SCHEDULES[name](opt)
    model = schedule(s, RATE)
    for t in range(55):
        assert opt.param_groups[0]["lr"] == pytest.approx(rate(model, t), rel=1e-5), f"step {t}"
        opt.step()
        if s is not None:
            s.step()


def test_other_schedulers_are_refused_by_name() -> None:
    opt = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=RATE)
    for s in (S.OneCycleLR(opt, 1.0, 100), S.ReduceLROnPlateau(opt), S.LambdaLR(opt, lambda t: 1.0), S.ConstantLR(opt, 0.5)):
        with pytest.raises(Refused, match=type(s).__name__):
            schedule(s, RATE)
    with pytest.raises(Refused, match="warm-up"):
        schedule(S.SequentialLR(opt, [S.LinearLR(opt, 0.5, 1, 9), S.CosineAnnealingLR(opt, 50)], [10]), RATE)


def named(model: nn.Module) -> dict:
    return {id(p): n for n, p in model.named_parameters() if p.requires_grad}


def test_an_optimizer_is_read_field_by_field() -> None:
    m = nn.Linear(2, 2)
    assert optimizer(torch.optim.SGD(m.parameters(), 0.1), named(m)) == ({"kind": "sgd"}, 0.1)
    opt = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    assert optimizer(opt, named(m))[0] == {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    opt = torch.optim.AdamW(m.parameters(), 1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    assert optimizer(opt, named(m))[0] == {"kind": "adamw", "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1}
    assert optimizer(torch.optim.Adam(m.parameters()), named(m))[0]["kind"] == "adam"
    assert optimizer(torch.optim.Adam(m.parameters(), decoupled_weight_decay=True), named(m))[0]["kind"] == "adamw"


def test_groups_must_say_the_same() -> None:
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    same = torch.optim.AdamW([{"params": m[0].parameters()}, {"params": m[1].parameters()}], lr=1e-3)
    assert optimizer(same, named(m))[1] == 1e-3
    for key, value in (("lr", 1e-2), ("weight_decay", 0.0)):
        other = torch.optim.AdamW([{"params": m[0].parameters()}, {"params": m[1].parameters(), key: value}], lr=1e-3)
        with pytest.raises(Refused, match=f"another {key}"):
            optimizer(other, named(m))


BAD = {
    "RMSprop": lambda m: torch.optim.RMSprop(m.parameters()),
    "amsgrad": lambda m: torch.optim.Adam(m.parameters(), amsgrad=True),
    "maximize": lambda m: torch.optim.SGD(m.parameters(), 0.1, maximize=True),
    "beta": lambda m: torch.optim.Adam([{"params": m.weight}, {"params": m.bias, "betas": (0.5, 0.9)}]),
    "in none of its groups": lambda m: torch.optim.SGD([m.weight], 0.1),
    "not the model's": lambda m: torch.optim.SGD([*m.parameters(), nn.Parameter(torch.ones(3))], 0.1),
}


@pytest.mark.parametrize("says", BAD)
def test_what_a_program_cannot_say_is_refused(says: str) -> None:
    m = nn.Linear(2, 2)
    with pytest.raises(Refused, match=says):
        optimizer(BAD[says](m), named(m))
