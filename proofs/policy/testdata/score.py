"""The arithmetic of SPEC.md, read again in another language.

Standard input: JSON lines {"policy": the document, "claims": [...]}. Standard
output: for each, a JSON line {"total", "dust", "awards": {"worker/task/slot": [units,
reason]}}. Every amount is exact (fractions.Fraction) until SPEC.md says floor.
"""
import json
import sys
from fractions import Fraction
from math import floor

ONE = 10**9
UNLISTED, NO_POINTS, CAPPED, ROUNDED, BUDGET, CLIPPED, BEACON, UNIMPROVED, VOIDED = range(256, 265)
OUTSIDE = 5  # the verifier's note
UNAUDITED = 6  # the verifier's reason, beside kind 2


def unimproved(metrics, c):
    """Whether the claim's operations count for nothing."""
    return c["improvement"] < int(metrics["improvement"].get("least", c["improvement"]))


def points(metrics, c):
    """Points of a claim in 1e-9, and whether a metric was above its range."""
    value = c["value"] - (-(-c["stdErr"] * metrics["value"]["margin"] // 1000))
    work = 0 if unimproved(metrics, c) else c["work"]
    measured = {
        "work": work,
        "quality": floor(Fraction(work * c["quality"], ONE)),
        "improvement": c["improvement"],
        "value": value,
    }
    total, clipped = 0, False
    for name, x in measured.items():
        weight, lo, hi = (int(metrics[name][k]) for k in ("weight", "lo", "hi"))
        total += weight * min(max(x, lo), hi)
        clipped |= weight > 0 and x > hi
    return max(0, total), clipped


def score(policy, claims):
    budget, caps = int(policy["budget"]), policy["caps"]
    awards, earning = {}, []
    for c in claims:
        key = "%s/%s/%d" % (c["worker"], c["task"], c["slot"])
        if c["kind"] > 2:
            awards[key] = [0, c["reason"]]
        elif c["void"]:
            awards[key] = [0, VOIDED]
        elif c["withheld"]:
            awards[key] = [0, c["withheld"]]
        elif "owner" in caps and not c["owner"]:
            awards[key] = [0, UNLISTED]
        elif "beacon" in policy and c["beacon"] != policy["beacon"]:
            awards[key] = [0, BEACON]
        else:
            p, clipped = points(policy["metrics"], c)
            work, why = c["work"], UNIMPROVED if unimproved(policy["metrics"], c) else 0
            if c["kind"] == 2:  # nobody replayed any of it
                why, part = UNAUDITED, policy.get("unaudited", 0)
                p, work = p * part // 10**6, work * part // 10**6
            elif c["reason"] == OUTSIDE:
                why, p = OUTSIDE, p * policy.get("outside", 10**6) // 10**6
            awards[key] = [0, why or NO_POINTS]
            identity = c["owner"] if "owner" in caps else c["worker"]
            earning.append((identity, c["worker"], (c["task"], c["slot"]), key, p, work, clipped, why))
    everything = sum(e[4] for e in earning)
    if everything == 0:
        return {"total": 0, "dust": 0, "awards": awards}
    rate, budgeted = Fraction(budget, everything), False
    if policy["mode"] == "price":
        price = Fraction(int(policy["price"]["units"]), int(policy["price"]["per"]) * ONE)
        budgeted = price > rate
        rate = min(price, rate)
    owed_in_all, paid = Fraction(0), 0
    for identity in sorted({e[0] for e in earning}):
        own = [e for e in earning if e[0] == identity]
        p = sum(e[4] for e in own)
        owed, capped = p * rate, False
        limits = []
        if "work" in caps:
            limits.append(sum(e[5] for e in own) * Fraction(int(caps["work"]["units"]), int(caps["work"]["per"])))
        if "owner" in caps:
            limits.append(Fraction(int(caps["owner"])))
        for limit in limits:
            if limit < owed:
                owed, capped = limit, True
        if p == 0:
            continue
        owed_in_all += owed
        for worker in sorted({e[1] for e in own}):
            mine = sorted(e for e in own if e[1] == worker)
            wp = sum(e[4] for e in mine)
            units = floor(Fraction(floor(owed) * wp, p))
            paid += units
            so_far = given = 0
            for _, _, _, key, cp, _, clipped, why in mine:
                if cp == 0:
                    continue
                so_far += cp
                up_to = floor(Fraction(units * so_far, wp))
                got, given = up_to - given, up_to
                reason = CAPPED if capped else ROUNDED if got == 0 else BUDGET if budgeted else CLIPPED if clipped else 0
                awards[key] = [got, why or reason]
    total = floor(owed_in_all)
    return {"total": total, "dust": total - paid, "awards": awards}


for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(score(case["policy"], case["claims"])))
