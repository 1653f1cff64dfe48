"""torch.optim's optimizers and schedulers say the same as the program's fields do."""

import functools
import math

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as S
from verifyd._lowering.factors import fit, value
from verifyd._lowering.optimizers import training
from verifyd._lowering.refused import Refused

RATE = 0.3


def warm(n: int, then):
    return lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / n, 1, n - 1), then(o)], [n])


def ramp(n: int, start: float, then):
    return lambda o: S.SequentialLR(o, [S.LinearLR(o, start, 1, n), then(o)], [n])


def hf_linear(t: int, *, warmup: int, steps: int) -> float:
    """As transformers has it: its schedules are functions of this kind, with their numbers bound."""
    return t / max(1, warmup) if t < warmup else max(0.0, (steps - t) / max(1, steps - warmup))


def hf_cosine(t: int, *, warmup: int, steps: int) -> float:
    return t / max(1, warmup) if t < warmup else max(0.0, 0.5 * (1 + math.cos(math.pi * (t - warmup) / max(1, steps - warmup))))


SCHEDULES = {
    "none": lambda o: None,
    "constant": lambda o: S.ConstantLR(o, 1.0),
    "linear": lambda o: S.LinearLR(o, 1.0, 0.1, 30),
    "linear from a part to a part": lambda o: S.LinearLR(o, 0.9, 0.1, 30),
    "a warm-up alone": lambda o: S.LinearLR(o, 0.2, 0.8, 30),
    "cosine": lambda o: S.CosineAnnealingLR(o, 60, 0.01),
    "step": lambda o: S.StepLR(o, 7, 0.5),
    "exponential": lambda o: S.ExponentialLR(o, 0.97),
    "warm-up and cosine": warm(10, lambda o: S.CosineAnnealingLR(o, 50)),
    "warm-up and steps": warm(5, lambda o: S.StepLR(o, 9, 0.3)),
    "ramp and cosine": ramp(10, 0.01, lambda o: S.CosineAnnealingLR(o, 50)),
    "ramp and linear": ramp(8, 1 / 3, lambda o: S.LinearLR(o, 1.0, 0.0, 50)),
    "ramp and constant": ramp(8, 1e-6, lambda o: S.ConstantLR(o, 1.0)),
    "ramp and powers": ramp(8, 0.5, lambda o: S.LambdaLR(o, lambda t: 0.9**t)),
    "lambda, transformers' linear": lambda o: S.LambdaLR(o, functools.partial(hf_linear, warmup=9, steps=50)),
    "lambda, transformers' cosine": lambda o: S.LambdaLR(o, functools.partial(hf_cosine, warmup=9, steps=60)),
    "lambda, a list of one": lambda o: S.LambdaLR(o, [lambda t: 0.65 ** (t // 30)]),
}


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*")
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_the_schedulers_rates(name: str) -> None:
    m = nn.Linear(2, 2)
    opt = torch.optim.SGD(m.parameters(), lr=RATE)
    s = SCHEDULES[name](opt)
    model = training(opt, s, named(m))["schedule"]
    for t in range(55):
        assert opt.param_groups[0]["lr"] == pytest.approx(value(model, t), rel=1e-5, abs=1e-9), f"step {t}"
        opt.step()
        if s is not None:
            s.step()


LAMBDAS = {
    "constant": (lambda t: 1.0, {"kind": "constant"}),
    "powers": (lambda t: 0.95**t, {"kind": "exponential", "factor": 0.95}),
    "steps": (lambda t: 0.1 ** (t // 30), {"kind": "step", "every": 30, "factor": 0.1}),
    "a line to zero": (lambda t: 1 - min(t, 5000) / 5000, {"kind": "linear", "steps": 5000}),
    "a long line": (lambda t: hf_linear(t, warmup=2000, steps=400_000), {"kind": "linear", "ramp": 2000, "steps": 400_000}),
    "a long cosine": (lambda t: hf_cosine(t, warmup=1, steps=300_000), {"kind": "cosine", "ramp": 1, "steps": 300_000}),
    "a warm-up from one part": (lambda t: min(1.0, (t + 1) / 500), {"kind": "constant", "warmup": 500}),
    "a warm-up from a tenth": (lambda t: min(1.0, 0.1 + 0.9 * t / 500), {"kind": "constant", "ramp": 500, "from": 0.1}),
    "cosine with a floor": (lambda t: 0.1 + 0.45 * (1 + math.cos(math.pi * min(t, 90) / 90)), {"kind": "cosine", "steps": 90, "floor": 0.1}),
}


@pytest.mark.parametrize("name", LAMBDAS)
def test_the_form_of_a_function_is_found(name: str) -> None:
    f, want = LAMBDAS[name]
    got = fit(f)
    assert got is not None and got.pop("rate") == pytest.approx(1)
    assert {k: v if isinstance(v, str) else pytest.approx(v) for k, v in got.items()} == want


NO_FORM = {
    "rising for ever": lambda t: 1.0 + t,
    "nothing": lambda t: 0.0,
    "no number": lambda t: math.nan,
    "two steps that differ": lambda t: 1.0 if t < 10 else 0.5 if t < 30 else 0.1,
    "the square root's": lambda t: 1 / math.sqrt(t + 1),
    "one that falls and rises": lambda t: 0.5 + 0.5 * math.cos(t / 3),
    "one rate at one step": lambda t: 2.0 if t == 3000 else 1.0,
    "a power that ends": lambda t: 0.9 ** min(t, 50),
    "to and fro": lambda t: 1.0 if t % 2 == 0 or t > 100 else 0.5,
    "a trapezoid": lambda t: min(1.0, t / 10, max(0.0, (200 - t) / 50)),
}


@pytest.mark.parametrize("name", NO_FORM)
def test_a_function_of_another_form_has_none(name: str) -> None:
    assert fit(NO_FORM[name]) is None


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*")
def test_other_schedulers_are_refused_by_name() -> None:
    m = nn.Linear(2, 2)

    def one() -> torch.optim.Optimizer:
        return torch.optim.SGD(m.parameters(), lr=RATE)

    for make in (
        lambda o: S.OneCycleLR(o, 1.0, 100), lambda o: S.ReduceLROnPlateau(o), lambda o: S.ConstantLR(o, 0.5), lambda o: S.MultiStepLR(o, [3, 5]),
        lambda o: S.MultiplicativeLR(o, lambda t: 0.9), lambda o: S.CosineAnnealingWarmRestarts(o, 5), lambda o: S.CyclicLR(o, 0.1, 0.2, cycle_momentum=False),
        lambda o: S.PolynomialLR(o, 5), lambda o: S.ChainedScheduler([S.StepLR(o, 3)]), lambda o: S.LambdaLR(o, lambda t: 1 / (t + 1)),
    ):  # fmt: skip
        opt = one()
        s = make(opt)
        with pytest.raises(Refused, match=type(s).__name__):
            training(opt, s, named(m))
    opt = one()
    with pytest.raises(Refused, match=r"milestones=\[9\]"):
        training(opt, S.SequentialLR(opt, [S.LinearLR(opt, 0.5, 1, 10), S.CosineAnnealingLR(opt, 50)], [9]), named(m))
    opt = one()
    with pytest.raises(Refused, match="fails at a step.*IndexError"):
        training(opt, S.LambdaLR(opt, lambda t: [1.0, 0.5][t]), named(m))


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*")
def test_what_has_begun_or_does_not_belong_together_is_refused() -> None:
    m = nn.Linear(2, 2)
    opt = torch.optim.SGD(m.parameters(), lr=RATE)
    s = S.StepLR(opt, 3)
    with pytest.raises(Refused, match="must be given too"):
        training(opt, None, named(m))
    with pytest.raises(Refused, match="another optimizer's"):
        training(torch.optim.SGD(m.parameters(), lr=RATE), s, named(m))
    s.step()
    s.step()
    with pytest.raises(Refused, match="StepLR is 2 steps in"):
        training(opt, s, named(m))
    stepped = torch.optim.SGD(m.parameters(), lr=RATE, momentum=0.9)
    m(torch.ones(1, 2)).sum().backward()
    stepped.step()
    with pytest.raises(Refused, match="has taken steps"):
        training(stepped, None, named(m))


def named(model: nn.Module) -> dict:
    return {id(p): n for n, p in model.named_parameters() if p.requires_grad}


def read(opt: torch.optim.Optimizer, m: nn.Module) -> dict:
    return training(opt, None, named(m))["optimizer"]


def test_an_optimizer_is_read_field_by_field() -> None:
    m = nn.Linear(2, 2)
    assert training(torch.optim.SGD(m.parameters(), 0.1), None, named(m)) == {"optimizer": {"kind": "sgd"}, "schedule": {"kind": "constant", "rate": 0.1}}
    opt = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    assert read(opt, m) == {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    opt = torch.optim.AdamW(m.parameters(), 1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    assert read(opt, m) == {"kind": "adamw", "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1}
    assert read(torch.optim.Adam(m.parameters()), m)["kind"] == "adam"
    assert read(torch.optim.Adam(m.parameters(), decoupled_weight_decay=True), m)["kind"] == "adamw"
    for way in ({"foreach": True}, {"fused": True}, {"capturable": True}):
        assert read(torch.optim.AdamW(m.parameters(), lr=1e-3, **way), m)["kind"] == "adamw"
    rate = torch.tensor(0.25)
    assert training(torch.optim.AdamW(m.parameters(), lr=rate), None, named(m))["schedule"] == {"kind": "constant", "rate": 0.25}


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2))


def test_groups_that_say_the_same_are_one() -> None:
    m = net()
    groups = [{"params": [p]} for p in m.parameters()]
    assert "groups" not in training(torch.optim.AdamW(groups, lr=1e-3), None, named(m))
    groups = [{"params": [p], "weight_decay": 0.1 if p.ndim > 1 else 0.0} for p in m.parameters()]
    got = training(torch.optim.AdamW(groups, lr=1e-3), None, named(m))
    assert "weight_decay" not in got["optimizer"]  # the larger of the two is the program's own
    assert [g["params"] for g in got["groups"]] == [["0.weight", "2.weight"]] and got["groups"][0]["optimizer"]["weight_decay"] == 0.1


def test_each_group_has_the_rate_and_the_schedule_of_its_own() -> None:
    m = net()

    def two(**head) -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": [*m[0].parameters(), *m[1].parameters()]}, {"params": m[2].parameters(), **head}], lr=0.01)

    opt = two(lr=0.1)
    got = training(opt, S.CosineAnnealingLR(opt, 50, 0.001), named(m))
    assert got["schedule"] == {"kind": "cosine", "rate": 0.01, "steps": 50, "floor": 0.001}
    assert got["groups"] == [{"params": ["2.bias", "2.weight"], "optimizer": {"kind": "sgd"}, "schedule": {"kind": "cosine", "rate": 0.1, "steps": 50, "floor": 0.001}}]
    opt = two()
    got = training(opt, S.LambdaLR(opt, [lambda t: 1.0, lambda t: 0.9**t]), named(m))
    assert got["schedule"] == {"kind": "constant", "rate": 0.01} and got["groups"][0]["schedule"]["kind"] == "exponential"
    opt = two(lr=0.1)
    got = training(opt, S.SequentialLR(opt, [S.LinearLR(opt, 0.5, 1, 4), S.StepLR(opt, 3, 0.5)], [4]), named(m))
    assert got["groups"][0]["schedule"] == {"kind": "step", "rate": 0.1, "every": 3, "factor": 0.5, "ramp": 4, "from": 0.5}


def test_frozen_parameters_are_in_no_group() -> None:
    m = net()
    m[0].requires_grad_(False)
    opt = torch.optim.SGD([{"params": m[0].parameters(), "lr": 1.0}, {"params": m[1].parameters()}, {"params": m[2].parameters(), "lr": 0.2}], lr=0.1)
    got = training(opt, None, named(m))
    assert got["schedule"]["rate"] == 0.1 and [g["params"] for g in got["groups"]] == [["2.bias", "2.weight"]]


BAD = {
    "RMSprop": lambda m: torch.optim.RMSprop(m.parameters()),
    "amsgrad": lambda m: torch.optim.Adam(m.parameters(), amsgrad=True),
    "amsgrad has no equivalent\n  group 1": lambda m: torch.optim.Adam([{"params": m.weight}, {"params": m.bias, "amsgrad": True}]),
    "maximize": lambda m: torch.optim.SGD(m.parameters(), 0.1, maximize=True),
    "decoupled_weight_decay must be the same": lambda m: torch.optim.Adam([{"params": m.weight}, {"params": m.bias, "decoupled_weight_decay": True}]),
    "in none of its groups": lambda m: torch.optim.SGD([m.weight], 0.1),
    "not the model's": lambda m: torch.optim.SGD([*m.parameters(), nn.Parameter(torch.ones(3))], 0.1),
}


@pytest.mark.parametrize("says", BAD)
def test_what_a_program_cannot_say_is_refused(says: str) -> None:
    m = nn.Linear(2, 2)
    with pytest.raises(Refused, match=says):
        training(BAD[says](m), None, named(m))


def test_a_floor_above_a_groups_rate_is_refused() -> None:
    m = net()
    opt = torch.optim.SGD([{"params": m[0].parameters()}, {"params": [*m[1].parameters(), *m[2].parameters()], "lr": 1e-4}], lr=0.1)
    with pytest.raises(Refused, match="eta_min 0.001 above the rate of group 1"):
        training(opt, S.CosineAnnealingLR(opt, 50, 0.001), named(m))
