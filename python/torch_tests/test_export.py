"""A model is written as a program only if one step of it by verifyd is one step of the model."""

import json
import pathlib
from dataclasses import replace
from typing import Any

import pytest
import torch
import verifyd
from torch import nn
from verifyd._lowering import export as module
from verifyd._lowering.prove import Proof, compare
from verifyd._lowering.step import canonical

from .models import MODELS


def exported(name: str, out: pathlib.Path):
    torch.manual_seed(3)
    make, example = MODELS[name]
    model = make().train()
    loss = "mse" if name == "products" else "cross_entropy"
    opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    return model, verifyd.export(model, example(), loss=loss, optimizer=opt, out=out)


@pytest.mark.parametrize("name", MODELS)
def test_one_step_of_the_program_is_one_step_of_the_model(name: str, tmp_path: pathlib.Path) -> None:
    model, got = exported(name, tmp_path / "program.json")
    assert got.proof is not None and got.proof.passed
    assert got.proof.loss == pytest.approx(got.proof.loss_of_model, rel=1e-5)
    data = (tmp_path / "program.json").read_bytes()
    assert data == canonical(json.loads(data)) and not list(tmp_path.glob("*.partial"))
    names = dict(model.named_parameters())
    head = (tmp_path / "base.safetensors").read_bytes()
    header = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
    assert {n for n, p in names.items() if p.requires_grad} <= set(header)


def test_a_program_that_computes_something_else_is_not_written(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.RULES, "relu", lambda l, n, a: l.pointwise("silu", l.t(a["self"]), name=n.name))
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    with pytest.raises(verifyd.Error, match="not one step of the model"):
        verifyd.export(model, torch.randn(4, 6), loss="cross_entropy", optimizer=torch.optim.SGD(model.parameters(), 0.1), out=tmp_path / "program.json")
    assert not list(tmp_path.iterdir())


def test_losses_and_optimizers_reach_the_program(tmp_path: pathlib.Path) -> None:
    for loss, name in (
        (nn.CrossEntropyLoss(label_smoothing=0.1), "masked_cross_entropy"), (nn.CrossEntropyLoss(), "cross_entropy"), (nn.MSELoss(), "mse"),
        (nn.BCEWithLogitsLoss(), "bce_with_logits"),
    ):  # fmt: skip
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
        got = verifyd.export(model, torch.randn(4, 6), loss=loss, optimizer=opt, clip_norm=1.0, out=tmp_path / "program.json")
        assert got.program["loss"] == name and got.program["optimizer"]["kind"] == "adamw"


def net() -> nn.Module:
    torch.manual_seed(6)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU6(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 3))


def ruled(*arguments: Any) -> Proof:
    """A step as if kinks ruled it in the model."""
    got = step_of(*arguments)
    return got if arguments[-1] else replace(got, own=0.05)


step_of = module._proof


def test_a_step_that_kinks_rule_is_joined_by_a_smooth_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_proof", ruled)
    model, x = net(), torch.randn(5, 6)
    opt = torch.optim.SGD(model.parameters(), 0.1)
    got = verifyd.export(model, x, loss="cross_entropy", optimizer=opt, out=tmp_path / "program.json")
    assert got.proof is not None and got.proof.smooth and got.proof.passed and got.proof.own < 1e-5
    (tmp_path / "program.json").unlink()
    (tmp_path / "base.safetensors").unlink()
    for wrong, rule in (("gelu", "gelu_tanh"), ("hardtanh", "relu")):  # what the smooth step shows, and what float64 shows
        with monkeypatch.context() as m:
            m.setitem(module.RULES, wrong, lambda l, n, a, rule=rule: l.pointwise(rule, l.t(a["self"]), name=n.name))
            with pytest.raises(verifyd.Error, match="not one step of the model"):
                verifyd.export(model, 9 * x, loss="cross_entropy", optimizer=opt, out=tmp_path / "program.json")
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_none_prove_nothing() -> None:
    g = {"w": torch.ones(3)}
    exact = {"w": torch.ones(3).double()}
    none = {"w": torch.tensor([1.0, float("nan"), 1.0])}
    assert compare(g, g, exact, exact, exact, (1.0, 1.0)).passed
    assert not compare(none, g, exact, exact, exact, (1.0, 1.0)).passed
    assert not compare(g, none, exact, exact, exact, (1.0, 1.0)).passed
