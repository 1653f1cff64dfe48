"""torch.optim's optimizers and schedulers as a program's. What a program cannot say exactly is refused by name."""

from __future__ import annotations

import math
from typing import Any, Optional

import torch
from torch.optim import lr_scheduler as schedulers

from .refused import Refused


def optimizer(opt: torch.optim.Optimizer, names: dict[int, str]) -> tuple[dict[str, Any], float]:
    """The program's optimizer and its learning rate; ``names`` are the trained parameters' by their id."""
    kind = type(opt)
    if kind not in _READERS:
        raise Refused(f"{kind.__module__}.{kind.__qualname__} has no equivalent: SGD, Adam and AdamW have")
    for k, g in enumerate(opt.param_groups):
        for field in ("maximize", "amsgrad", "differentiable"):
            if g.get(field):
                raise Refused(f"optimizer: {field} has no equivalent", [f"group {k}"])
    read = [_READERS[kind](g) for g in opt.param_groups]
    first, rate = read[0], float(opt.param_groups[0].get("initial_lr", opt.param_groups[0]["lr"]))
    held: set[int] = set()
    for k, (g, fields) in enumerate(zip(opt.param_groups, read)):
        fields, whole = {**fields, "lr": float(g.get("initial_lr", g["lr"]))}, {**first, "lr": rate}
        for key in sorted(set(whole) | set(fields)):
            if whole.get(key) != fields.get(key):
                raise Refused(f"optimizer: group {k} has another {key} than group 0: a program has one for all parameters")
        for p in g["params"]:
            if id(p) not in names and p.requires_grad:
                raise Refused(f"optimizer: group {k} holds a tensor that is not the model's", [str(tuple(p.shape))])
            held.add(id(p))
    left = sorted(n for i, n in names.items() if i not in held)
    if left:
        raise Refused(f"optimizer: {len(left)} trained parameters are in none of its groups: freeze them (requires_grad_(False))", left)
    return first, rate


def _sgd(g: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": "sgd"}
    if g["momentum"]:
        out["momentum"] = float(g["momentum"])
        if g["dampening"]:
            out["dampening"] = float(g["dampening"])
        if g["nesterov"]:
            out["nesterov"] = True
    if g["weight_decay"]:
        out["weight_decay"] = float(g["weight_decay"])
    return out


def _adam(kind: str) -> Any:
    def read(g: dict[str, Any]) -> dict[str, Any]:
        decoupled = kind == "adamw" or bool(g.get("decoupled_weight_decay"))
        out: dict[str, Any] = {"kind": "adamw" if decoupled else "adam"}
        out.update(beta1=float(g["betas"][0]), beta2=float(g["betas"][1]), eps=float(g["eps"]))
        if g["weight_decay"]:
            out["weight_decay"] = float(g["weight_decay"])
        return out

    return read


_READERS = {torch.optim.SGD: _sgd, torch.optim.Adam: _adam("adam"), torch.optim.AdamW: _adam("adamw")}


def schedule(s: Optional[Any], rate: float) -> dict[str, Any]:
    """The program's schedule for the learning rates that a scheduler will give, one step of it a step of training."""
    if s is None:
        return {"kind": "constant", "rate": rate}
    if isinstance(s, schedulers.SequentialLR):
        parts, marks = s._schedulers, s._milestones
        if len(parts) == 2 and isinstance(parts[0], schedulers.LinearLR):
            return _warmed(parts[0], parts[1], marks[0], rate)
        raise Refused("schedule: of SequentialLR only a linear warm-up and one scheduler behind it have an equivalent")
    if isinstance(s, schedulers.ChainedScheduler):
        raise Refused("schedule: ChainedScheduler has no equivalent: use SequentialLR with a warm-up")
    return _plain(s, rate)


def _warmed(warm: Any, then: Any, mark: int, rate: float) -> dict[str, Any]:
    total = warm.total_iters
    # PyTorch's factor at step t is start + (end - start) t / total, a program's (t + 1) / warmup.
    if warm.end_factor != 1 or mark != total + 1 or not math.isclose(warm.start_factor, 1 / (total + 1), rel_tol=1e-6):
        raise Refused(
            "schedule: a program's warm-up of n steps has the factor (t + 1) / n",
            [f"for {total + 1} steps give LinearLR(start_factor=1/{total + 1}, end_factor=1, total_iters={total}) and milestones=[{total + 1}]"],
        )
    out = _plain(then, rate)
    out["warmup"] = mark
    if "steps" in out:
        out["steps"] += mark
    return dict(sorted(out.items(), key=lambda kv: _FIELDS.index(kv[0])))


_FIELDS = ["kind", "rate", "warmup", "steps", "floor", "every", "factor"]


def _plain(s: Any, rate: float) -> dict[str, Any]:
    kind = type(s)
    if kind is schedulers.ConstantLR and s.factor == 1:
        return {"kind": "constant", "rate": rate}
    if kind is schedulers.LinearLR and s.start_factor == 1:
        return {"kind": "linear", "rate": rate, "steps": s.total_iters, "floor": rate * s.end_factor}
    if kind is schedulers.CosineAnnealingLR:
        return {"kind": "cosine", "rate": rate, "steps": s.T_max, "floor": float(s.eta_min)}
    if kind is schedulers.StepLR:
        return {"kind": "step", "rate": rate, "every": s.step_size, "factor": float(s.gamma)}
    if kind is schedulers.ExponentialLR:
        return {"kind": "exponential", "rate": rate, "factor": float(s.gamma)}
    raise Refused(
        f"schedule: {kind.__qualname__} has no equivalent: constant, linear, cosine, step and exponential have, and a linear warm-up before them", []
    )
