"""The closed form of a function of the step, found by asking it: warm-up, then a constant, steps, powers, a line or a cosine."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

LAST = 1 << 20  # no breakpoint is looked for behind this step
CLOSE = 1e-9  # relative distance of two rates that counts as none: the rounding of how each is computed

Factor = Callable[[int], float]


def fit(f: Factor) -> Optional[dict[str, Any]]:
    """A program's schedule for f, with f's largest value as the rate. None if no form gives its values: every one up to step 4096 and
    around where the form breaks, and some of the rest. A cosine may rise again behind its end, as PyTorch's does."""
    values: dict[int, float] = {}

    def at(t: int) -> float:
        if t not in values:
            values[t] = float(f(t))
        return values[t]

    peak = _first(lambda t: at(t + 1) <= at(t) * (1 + 1e-12))
    if peak is None or not at(peak) > 0:
        return None
    rate, start = at(peak), at(0) / at(peak)
    warm_ups: list[dict[str, Any]] = [{}]
    if peak:
        warm_ups = [{"ramp": peak, **({"from": start} if start else {})}]
        if math.isclose(start, 1 / (peak + 1), rel_tol=CLOSE):
            warm_ups.insert(0, {"warmup": peak + 1})
    for warm_up in warm_ups:
        begin = warm_up.get("warmup", warm_up.get("ramp", 0))
        for form in _forms(lambda u: at(begin + u) / rate, begin, rate):
            s = {"kind": form.pop("kind"), "rate": rate, **warm_up, **form}
            if all(_close(value(s, t), at(t), rate) or t > end(s) and _close(value(s, 2 * end(s) - t), at(t), rate) for t in _asked(s)):
                return s
    return None


def end(s: dict[str, Any]) -> int:
    """The step at which a cosine ends, behind which it may rise again; 2^20 of what does not."""
    return int(s["steps"]) if s["kind"] == "cosine" else LAST


def _close(a: float, b: float, rate: float) -> bool:
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE * CLOSE * rate)


def value(s: dict[str, Any], t: int) -> float:
    """The learning rate of step t, as kernels/contract.md has it."""
    rate, warmup, ramp = s["rate"], s.get("warmup", 0), s.get("ramp", 0)
    if t < warmup:
        return float(rate * (t + 1) / warmup)
    if t < ramp:
        return float(rate * (s.get("from", 0.0) + (1 - s.get("from", 0.0)) * (t / ramp)))
    u = t - warmup - ramp
    kind, floor, factor = s["kind"], s.get("floor", 0.0), s.get("factor", 1.0)
    if kind in ("linear", "cosine"):
        span = s["steps"] - warmup - ramp
        v = min(u, span) / span
        return float(floor + (rate - floor) * (1 - v if kind == "linear" else (1 + math.cos(math.pi * v)) / 2))
    if kind == "constant":
        return float(rate)
    return float(rate * factor ** (u // s.get("every", 1)))


def _forms(g: Factor, begin: int, rate: float) -> list[dict[str, Any]]:
    """What may follow a warm-up, by where g changes and where it stops falling."""
    falls = _first(lambda u: g(u) < 1 - 1e-12)
    if falls is None:
        return [{"kind": "constant"}]
    out: list[dict[str, Any]] = []
    if 0 < g(falls) <= 1:
        out = [{"kind": "exponential", "factor": g(1)}] if falls == 1 else [{"kind": "step", "every": falls, "factor": g(falls)}]
    if (n := _first(lambda u: u > 0 and g(u + 1) >= g(u) - 1e-15)) is not None and 0 <= g(n) < 1:
        for kind in ("linear", "cosine")[: 2 if n >= 8 else 1]:  # a cosine that soon rises again would fit too much
            out.append({"kind": kind, "steps": begin + n, **({"floor": rate * g(n)} if g(n) > 1e-12 else {})})
    return out


def _first(holds: Callable[[int], bool]) -> Optional[int]:
    """The first step of which something holds that goes on to hold."""
    high = 1
    if holds(0):
        return 0
    while not holds(high):
        high *= 2
        if high > LAST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _asked(s: dict[str, Any]) -> list[int]:
    """The steps at which a form must give a function's values: of a cosine none behind where it would be at its highest again."""
    begin, every = s.get("warmup", 0) + s.get("ramp", 0), s.get("every", 1)
    last = min(LAST, 2 * end(s) - begin)
    around = {t + d for t in (begin, begin + every, s.get("steps", 0)) for d in range(-64, 65)}
    far = {int(1.07**k) for k in range(205)} | {begin + k * every + d for k in range(40) for d in (-1, 0)}
    return sorted(t for t in around | far | set(range(4096)) if 0 <= t <= last)
