"""What a program's nodes mean, in PyTorch of any precision: the truth that one step of the model and of verifyd is held to."""

from __future__ import annotations

from typing import Any, Callable, Optional

import torch
import torch.nn.functional as F

Values = dict[str, torch.Tensor]


# Where a function has a kink, its derivative within rounding of it is either of two numbers.
KINKS: dict[str, list[float]] = {"relu": [0.0], "relu6": [0.0, 6.0], "hardswish": [-3.0, 3.0], "hardsigmoid": [-3.0, 3.0], "leaky_relu": [0.0], "hardtanh": [-1.0, 1.0]}


def run(nodes: list[dict[str, Any]], inputs: Values, state: Values, kink: float = 0.0) -> torch.Tensor:
    """The output of the last node. Parameters and buffers go by their full names; dropout passes everything.

    ``kink`` moves every kink by so many root mean squares of what is fed to it, and leaves the values alone.
    """
    out: Values = {}
    for n in nodes:
        if n["op"] == "input":
            out[n["name"]] = inputs[n["name"]].reshape(-1, *n["attrs"]["shape"])
            continue
        x = [out[i] for i in n.get("inputs", [])]
        p = [state[k] for k in n.get("params", [])]
        if kink and n["op"] in KINKS:
            out[n["name"]] = _moved(MEANING[n["op"]], n["attrs"], x[0], kink)
        else:
            out[n["name"]] = MEANING[n["op"]](x, p, n["attrs"])
    return out[nodes[-1]["name"]]


def _moved(f: Callable[..., torch.Tensor], a: dict[str, Any], x: torch.Tensor, kink: float) -> torch.Tensor:
    """f(x) with the derivative that f has a little beside x."""
    beside = x.detach() + kink * x.detach().square().mean().sqrt()
    beside.requires_grad_(True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(f([beside], [], a).sum(), beside)
    return f([x.detach()], [], a) + slope * (x - x.detach())


def linear(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    w = p[0].T if a.get("transposed") else p[0]
    assert w.shape[0] == a["out"]
    return F.linear(x[0], w, p[1] if a["bias"] else None)


def attention(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    heads, kv = a["heads"], a.get("kv_heads", a["heads"])
    q, k, v = x[0].chunk(3, -1) if len(x) == 1 else x[:3]
    q, k, v = (t.unflatten(-1, (n, -1)).transpose(1, 2) for t, n in ((q, heads), (k, kv), (v, kv)))
    if len(x) < 4:
        y = F.scaled_dot_product_attention(q, k, v, is_causal=a["causal"], scale=a.get("scale"), enable_gqa=kv != heads)
        return y.transpose(1, 2).flatten(-2)
    sees = (x[3] != 0)[:, None, None, :].expand(-1, 1, q.shape[2], -1)
    if a["causal"]:
        sees = sees & torch.ones(sees.shape[2:], dtype=torch.bool).tril()
    some = sees.any(-1, keepdim=True)
    y = F.scaled_dot_product_attention(q, k, v, sees | ~some, scale=a.get("scale"), enable_gqa=kv != heads)
    return (y * some).transpose(1, 2).flatten(-2)


def affine(p: list[torch.Tensor]) -> tuple[Optional[torch.Tensor], Optional[torch.Tensor]]:
    """Weight and bias of a norm, as far as there are any."""
    return (p[0] if p else None), (p[1] if len(p) > 1 else None)


def rope(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    t = x[0].unflatten(-1, (a["heads"], -1))
    width = t.shape[-1]
    if "frequencies" in a:
        turns = torch.tensor(a["frequencies"]).double()
    else:
        turns = a["theta"] ** (-torch.arange(0, width, 2).double() / width)
    angle = torch.arange(t.shape[1]).double()[:, None] * turns
    cos, sin = (f(angle).to(t.dtype)[None, :, None, :] for f in (torch.cos, torch.sin))
    one, two = t.chunk(2, -1)
    return torch.cat([one * cos - two * sin, two * cos + one * sin], -1).flatten(-2)


def batch_norm(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    return F.batch_norm(x[0], p[2].clone(), p[3].clone(), p[0], p[1], not a["frozen"], a["momentum"], a["eps"])


def lstm(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    zero = x[0].new_zeros(1, x[0].shape[0], a["hidden"])
    return torch._VF.lstm(x[0], (zero, zero), p, True, 1, 0.0, True, False, True)[0]


def cut(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    at = [slice(None)] * x[0].ndim
    at[a["axis"] + 1] = slice(a["start"], a["stop"], a["step"])
    return x[0][tuple(at)]


def upsample(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    more = {} if a["mode"] == "nearest" else {"align_corners": a["align_corners"]}
    return F.interpolate(x[0], size=tuple(a["size"]), mode=a["mode"], **more)


def matmul(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
    left, right = (t.transpose(-1, -2) if a[k] else t for t, k in zip(x, ("trans_a", "trans_b")))
    return left @ right


def conv(f: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def meaning(x: list[torch.Tensor], p: list[torch.Tensor], a: dict[str, Any]) -> torch.Tensor:
        more = {k: a[k] for k in ("stride", "padding", "output_padding", "dilation", "groups") if k in a}
        return f(x[0], p[0], p[1] if a["bias"] else None, **more)

    return meaning


def one(f: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, p, a: f(x[0])


MEANING: dict[str, Callable[..., torch.Tensor]] = {
    "linear": linear, "attention": attention, "rope": rope, "batch_norm": batch_norm, "lstm": lstm, "slice": cut, "upsample2d": upsample,
    "matmul": matmul, "conv2d": conv(F.conv2d), "conv_transpose2d": conv(F.conv_transpose2d),
    "relu": one(F.relu), "tanh": one(torch.tanh), "sigmoid": one(torch.sigmoid), "silu": one(F.silu), "relu6": one(F.relu6),
    "hardswish": one(F.hardswish), "hardsigmoid": one(F.hardsigmoid), "gelu": one(F.gelu),
    "gelu_tanh": one(lambda x: F.gelu(x, approximate="tanh")), "dropout": one(lambda x: x), "row_dropout": one(lambda x: x),
    "softmax": one(lambda x: x.softmax(-1)),
    "clamp": lambda x, p, a: x[0].clamp(a["min"], a["max"]), "hardtanh": lambda x, p, a: F.hardtanh(x[0], a["min"], a["max"]),
    "elu": lambda x, p, a: F.elu(x[0], a["alpha"]), "softplus": one(F.softplus),
    "leaky_relu": lambda x, p, a: F.leaky_relu(x[0], a["slope"]),
    "scale": lambda x, p, a: x[0] * a["factor"] + a["shift"],
    "add": lambda x, p, a: x[0] + x[1], "sub": lambda x, p, a: x[0] - x[1], "mul": lambda x, p, a: x[0] * x[1],
    "reshape": lambda x, p, a: x[0].reshape(-1, *a["shape"]), "transpose": lambda x, p, a: x[0].permute(0, *(i + 1 for i in a["perm"])),
    "expand": lambda x, p, a: x[0].expand(-1, *a["shape"]),
    "concat": lambda x, p, a: torch.cat([t.expand(max(y.shape[0] for y in x), *t.shape[1:]) for t in x], a["axis"] + 1),
    "parameter": lambda x, p, a: p[0].reshape(1, *a["shape"]), "mean": lambda x, p, a: x[0].mean([i + 1 for i in a["axes"]], a["keepdim"]),
    "embedding": lambda x, p, a: F.embedding(x[0].long(), p[0]),
    "layer_norm": lambda x, p, a: F.layer_norm(x[0], x[0].shape[-1:], *affine(p), a["eps"]),
    "rms_norm": lambda x, p, a: F.rms_norm(x[0], x[0].shape[-1:], affine(p)[0], a["eps"]),
    "group_norm": lambda x, p, a: F.group_norm(x[0], a["groups"], *affine(p), a["eps"]),
    "max_pool2d": lambda x, p, a: F.max_pool2d(x[0], a["kernel"], a["stride"], a["padding"]),
    "avg_pool2d": lambda x, p, a: F.avg_pool2d(x[0], a["kernel"], a["stride"], a["padding"]),
}  # fmt: skip
