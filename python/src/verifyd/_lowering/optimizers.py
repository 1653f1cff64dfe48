"""torch.optim's optimizers and schedulers as a program's. What a program cannot say exactly is refused by name."""

from __future__ import annotations

import math
from typing import Any, Optional

import torch
from torch.optim import lr_scheduler as schedulers

from .factors import fit
from .refused import Refused


def training(opt: torch.optim.Optimizer, scheduler: Optional[Any], names: dict[int, str]) -> dict[str, Any]:
    """The program's optimizer and schedule, and its groups if there are any; ``names`` are the trained parameters' by their id.

    Groups that say the same are one. The largest is the program's own, which names no parameters.
    """
    rules, groups = list[tuple[dict[str, Any], dict[str, Any]]](), list[list[str]]()
    for k, (rule, held) in enumerate(zip(_rules(opt, scheduler), _held(opt, names))):
        if not held:
            continue
        if rule[0]["kind"] != (rules or [rule])[0][0]["kind"]:
            raise Refused(f"optimizer: group {k} is {rule[0]['kind']}, those before it are {rules[0][0]['kind']}: decoupled_weight_decay must be the same in all")
        if rule in rules:
            groups[rules.index(rule)] += held
        else:
            rules.append(rule)
            groups.append(held)
    own = max(range(len(groups)), key=lambda k: len(groups[k]))
    out: dict[str, Any] = {"optimizer": rules[own][0], "schedule": rules[own][1]}
    others = [{"params": sorted(g), "optimizer": r[0], "schedule": r[1]} for k, (r, g) in enumerate(zip(rules, groups)) if k != own]
    if others:
        out["groups"] = sorted(others, key=lambda g: g["params"][0])
    return out


def _rules(opt: torch.optim.Optimizer, scheduler: Optional[Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """How each group is moved."""
    kind = type(opt)
    if kind not in _READERS:
        raise Refused(f"{kind.__module__}.{kind.__qualname__} has no equivalent: SGD, Adam and AdamW have")
    for k, g in enumerate(opt.param_groups):
        for field in ("maximize", "amsgrad", "differentiable"):
            if g.get(field):
                raise Refused(f"optimizer: {field} has no equivalent", [f"group {k}"])
    if any(len(s) for s in opt.state.values()):
        raise Refused("optimizer: it has taken steps, and a program begins without what it remembers of them: make it anew")
    if scheduler is None:
        if any("initial_lr" in g for g in opt.param_groups):
            raise Refused("schedule: the optimizer has a scheduler, which must be given too: schedule=..., or make the optimizer anew")
        return [(_READERS[kind](g), {"kind": "constant", "rate": float(g["lr"])}) for g in opt.param_groups]
    if getattr(scheduler, "optimizer", opt) is not opt:
        raise Refused("schedule: the scheduler is another optimizer's")
    return [(_READERS[kind](g), schedule(scheduler, float(g.get("initial_lr", g["lr"])), k)) for k, g in enumerate(opt.param_groups)]


def _held(opt: torch.optim.Optimizer, names: dict[int, str]) -> list[list[str]]:
    """The trained parameters of each group by name, all of the model's."""
    groups: list[list[str]] = []
    for k, g in enumerate(opt.param_groups):
        for p in g["params"]:
            if id(p) not in names and p.requires_grad:
                raise Refused(f"optimizer: group {k} holds a tensor that is not the model's", [str(tuple(p.shape))])
        groups.append([names[id(p)] for p in g["params"] if id(p) in names])
    left = sorted(set(names.values()) - {n for g in groups for n in g})
    if left or not names:
        raise Refused(f"optimizer: {len(left)} trained parameters are in none of its groups: freeze them (requires_grad_(False))", left)
    return groups


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


def schedule(s: Any, rate: float, group: int = 0) -> dict[str, Any]:
    """The program's schedule for the learning rates that a scheduler will give a group, one step of it a step of training."""
    if (steps := getattr(s, "last_epoch", 0)) > 0:
        raise Refused(f"schedule: {type(s).__qualname__} is {steps} steps in, and a program begins at its start: make optimizer and scheduler anew")
    if isinstance(s, schedulers.SequentialLR):
        parts, marks = s._schedulers, s._milestones
        if len(parts) == 2 and type(parts[0]) is schedulers.LinearLR:
            return _warmed(parts[0], parts[1], marks[0], rate, group)
        raise Refused("schedule: of SequentialLR only a linear warm-up and one scheduler behind it have an equivalent")
    if isinstance(s, schedulers.ChainedScheduler):
        raise Refused("schedule: ChainedScheduler has no equivalent: use SequentialLR with a warm-up")
    return _plain(s, rate, group)


def _warmed(warm: Any, then: Any, mark: int, rate: float, group: int) -> dict[str, Any]:
    # PyTorch's factor at step t is start + (end - start) t / total: a program's ramp. With one step more, from 1/(total + 1) on, it is a
    # program's warm-up, (t + 1) / (total + 1).
    total, start = warm.total_iters, float(warm.start_factor)
    out = _plain(then, rate, group)
    if out.get("warmup") or out.get("ramp"):
        raise Refused("schedule: a warm-up behind a warm-up has no equivalent")
    if warm.end_factor == 1 and mark == total:
        out["ramp"] = total
        if start:
            out["from"] = start
    elif warm.end_factor == 1 and mark == total + 1 and math.isclose(start, 1 / mark, rel_tol=1e-6):
        out["warmup"] = mark
    else:
        raise Refused(
            "schedule: a warm-up ends at the full rate, at the step at which the next scheduler takes over",
            [f"for {mark} steps give LinearLR(start_factor={start:g}, end_factor=1, total_iters={mark}) and milestones=[{mark}]"],
        )
    if "steps" in out:
        out["steps"] += mark
    return out


def _plain(s: Any, rate: float, group: int) -> dict[str, Any]:
    kind = type(s)
    if kind is schedulers.ConstantLR:
        if s.factor != 1:
            raise Refused(f"schedule: ConstantLR with factor {s.factor:g} has no equivalent, as the rate jumps up at step {s.total_iters}: LinearLR has one")
        return {"kind": "constant", "rate": rate}
    if kind is schedulers.LinearLR:
        start, end = float(s.start_factor), float(s.end_factor)
        if start < end:
            return {"kind": "constant", "rate": rate * end, "ramp": s.total_iters, "from": start / end}
        return {"kind": "linear", "rate": rate * start, "steps": s.total_iters, "floor": rate * end}
    if kind is schedulers.CosineAnnealingLR:
        if s.eta_min > rate:
            raise Refused(f"schedule: CosineAnnealingLR with eta_min {s.eta_min:g} above the rate of group {group}, {rate:g}, has no equivalent")
        return {"kind": "cosine", "rate": rate, "steps": s.T_max, "floor": float(s.eta_min)}
    if kind is schedulers.StepLR:
        return {"kind": "step", "rate": rate, "every": s.step_size, "factor": float(s.gamma)}
    if kind is schedulers.ExponentialLR:
        return {"kind": "exponential", "rate": rate, "factor": float(s.gamma)}
    if kind is schedulers.LambdaLR:
        return _asked(s.lr_lambdas[group], rate)
    raise Refused(
        f"schedule: {kind.__qualname__} has no equivalent: ConstantLR, LinearLR, CosineAnnealingLR, StepLR, ExponentialLR and most LambdaLR have, and LinearLR before one in SequentialLR"
    )


def _asked(f: Any, rate: float) -> dict[str, Any]:
    """The schedule of a LambdaLR, which is asked for its factors."""
    try:
        s = fit(lambda t: rate * f(t))
    except Exception as e:  # of the user's own
        raise Refused(f"schedule: LambdaLR: its function fails at a step of 0 to 2^20: {type(e).__name__}: {e}") from e
    if s is None:
        raise Refused("schedule: LambdaLR: the factors of its function are no warm-up, constant, line, cosine, steps or powers")
    return s
