"""Layers in every mode that people use: each is proven by one step, or refused with what would help."""

import math
import pathlib
from typing import Callable

import pytest
import torch
import torch.nn.functional as F
import verifyd
from torch import nn
from verifyd._lowering.patterns import rotation

from .models import Llama


class Model(nn.Module):
    """A function of modules and inputs."""

    def __init__(self, f: Callable[..., torch.Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.f = f
        for name, m in modules.items():
            setattr(self, name, m)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.f(self, *inputs)


IMAGE, ROWS, TOKENS, SEQUENCE = (4, 3, 8, 8), (5, 6), (3, 6), (4, 5, 16)


def image(*layers: nn.Module, out: int) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(out, 4))


def frozen() -> nn.Module:
    """Batch norm as fine-tuning has it: in training, but by its running statistics."""
    model = image(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), out=8 * 36).train()
    model[1].eval()
    model[1].running_mean.normal_()
    model[1].running_var.uniform_(0.5, 2)
    return model


def words(f: Callable[..., torch.Tensor], **modules: nn.Module) -> nn.Module:
    return Model(lambda s, x: s.h(f(s, s.e(x))), e=nn.Embedding(20, 8), **modules)


def attention(weights: Callable[..., torch.Tensor]) -> nn.Module:
    """Four heads of 4; weights(q, k, v, x) is what differs."""

    def f(s: Model, x: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        b, t = x.shape
        q, k, v = (y.view(b, t, 4, 4).transpose(1, 2) for y in s.c(s.e(x)).split(16, 2))
        return s.h(weights(q, k, v, x, *more).transpose(1, 2).reshape(b, t, 16))

    return Model(f, e=nn.Embedding(20, 16), c=nn.Linear(16, 48), h=nn.Linear(16, 20))


def spelled(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, hide: Callable[[torch.Tensor], torch.Tensor], drop: float = 0.0) -> torch.Tensor:
    return F.dropout(F.softmax(hide(q @ k.transpose(-2, -1) * 0.5), dim=-1), drop) @ v


def causal(t: int) -> torch.Tensor:
    return torch.ones(t, t, dtype=torch.bool).tril()


def rezero() -> nn.Module:
    model = Model(lambda s, x: s.h(x + s.alpha * s.a(x)), a=nn.Linear(6, 6), h=nn.Linear(6, 4))
    model.alpha = nn.Parameter(torch.tensor(0.3))
    return model


def biased() -> nn.Module:
    model = attention(lambda q, k, v, x: F.scaled_dot_product_attention(q, k, v, attn_mask=model.bias[None]))
    model.bias = nn.Parameter(torch.randn(4, 6, 6) * 0.1)
    return model


def mha(more: Callable[..., dict] = lambda *m: {}, turn: bool = False, **options: object) -> nn.Module:
    def f(s: Model, x: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
        y = x.transpose(0, 1) if turn else x
        out = s.a(y, y if not turn else x.transpose(0, 1), y, **more(*inputs))[0]
        return s.h((out.transpose(0, 1) if turn else out).mean(1))

    return Model(f, a=nn.MultiheadAttention(16, 4, batch_first=not turn, **options), h=nn.Linear(16, 3))


class Adapted(nn.Module):
    """A frozen linear and what peft puts beside it."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base_layer, self.scaling = base.requires_grad_(False), {"default": 2.0}
        self.lora_dropout = nn.ModuleDict({"default": nn.Dropout(0.05)})
        self.lora_A = nn.ModuleDict({"default": nn.Linear(16, 4, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(4, 24, bias=False)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.base_layer(x)
        for a in self.lora_A:
            x = x.to(self.lora_A[a].weight.dtype)
            y = y + self.lora_B[a](self.lora_A[a](self.lora_dropout[a](x))) * self.scaling[a]
        return y.to(x.dtype)


def padded(shape: tuple[int, ...] = TOKENS) -> torch.Tensor:
    """1 for a key that is seen, 0 for padding."""
    m = torch.ones(shape, dtype=torch.long)
    m[1, shape[1] // 2 :] = 0
    return m


def numbers(*shape: int) -> Callable[[], tuple[torch.Tensor, ...]]:
    return lambda: (torch.randn(shape),)


def ids() -> tuple[torch.Tensor, ...]:
    return (torch.randint(0, 20, TOKENS),)


def with_mask() -> tuple[torch.Tensor, ...]:
    return (*ids(), padded())


def encoder(drop: float = 0.0) -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, dropout=drop, batch_first=True), 2, enable_nested_tensor=False)


PROVEN = {
    "frozen batch norm": (frozen, numbers(*IMAGE), "batch_norm"),
    "batch norm without weights": (lambda: image(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, affine=False), nn.ReLU(), out=288), numbers(*IMAGE), "batch_norm"),
    "batch norm of rows": (lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)), numbers(*ROWS), "batch_norm"),
    "layer norm without weights": (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8, elementwise_affine=False), nn.Linear(8, 4)), numbers(*ROWS), "layer_norm"),
    "layer norm without bias": (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8, bias=False), nn.Linear(8, 4)), numbers(*ROWS), "layer_norm"),
    "instance norm": (lambda: image(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4), out=256), numbers(*IMAGE), "group_norm"),
    "multi-head attention": (mha, numbers(*SEQUENCE), "attention"),
    "multi-head attention, positions first": (lambda: mha(turn=True), numbers(*SEQUENCE), "attention"),
    "multi-head attention, key padding": (lambda: mha(lambda m: {"key_padding_mask": m == 0}), lambda: (torch.randn(SEQUENCE), padded((4, 5))), "attention"),
    "encoder with dropout": (lambda: Model(lambda s, x: s.h(s.e(x).mean(1)), e=encoder(0.1), h=nn.Linear(16, 3)), numbers(*SEQUENCE), "dropout"),
    "encoder, padding by token 0": (
        lambda: Model(lambda s, x: s.h(s.t(s.e(x), src_key_padding_mask=x == 0)[:, 0]), e=nn.Embedding(20, 16), t=encoder(), h=nn.Linear(16, 3)),
        lambda: (torch.where(padded() == 0, 0, 1 + ids()[0] % 19),), "attention",
    ),
    "encoder, causal": (
        lambda: Model(lambda s, x: s.h(s.t(s.e(x), mask=nn.Transformer.generate_square_subsequent_mask(6), is_causal=True)), e=nn.Embedding(20, 16), t=encoder(), h=nn.Linear(16, 20)),
        ids, "attention",
    ),
    "attention of minGPT": (lambda: attention(lambda q, k, v, x: spelled(q, k, v, lambda w: w.masked_fill(~causal(6), float("-inf")))), ids, "attention"),
    "attention of minGPT, dropout": (lambda: attention(lambda q, k, v, x: spelled(q, k, v, lambda w: w.masked_fill(~causal(6), float("-inf")), 0.1)), ids, "softmax"),
    "fused attention, dropout": (lambda: attention(lambda q, k, v, x: F.scaled_dot_product_attention(q, k, v, dropout_p=0.2, is_causal=True)), ids, "softmax"),
    "fused attention, scale": (lambda: attention(lambda q, k, v, x: F.scaled_dot_product_attention(q, k, v, scale=0.3)), ids, "attention"),
    "fused attention, causal and padding": (
        lambda: attention(lambda q, k, v, x, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m[:, None, None, :].bool() & causal(6))), with_mask, "attention",
    ),
    "attention, padding added": (lambda: attention(lambda q, k, v, x, m: spelled(q, k, v, lambda w: w + (1.0 - m[:, None, None, :].float()) * -10000.0)), with_mask, "attention"),
    "attention of a window": (
        lambda: attention(lambda q, k, v, x: F.scaled_dot_product_attention(q, k, v, attn_mask=causal(6) & ~causal(6).tril(-3))), ids, "softmax",
    ),
    "attention with a bias": (biased, ids, "softmax"),
    "attention of einsum": (
        lambda: attention(lambda q, k, v, x: torch.einsum("bhqk,bhkd->bhqd", (torch.einsum("bhqd,bhkd->bhqk", q, k) * 0.5).softmax(-1), v)), ids, "matmul",
    ),
    "lstm of two layers, dropout": (lambda: words(lambda s, x: s.l(x)[0][:, -1], l=nn.LSTM(8, 12, 2, batch_first=True, dropout=0.2), h=nn.Linear(12, 3)), ids, "lstm"),
    "lstm's last state": (lambda: words(lambda s, x: s.l(x)[1][0][-1], l=nn.LSTM(8, 12, 2, batch_first=True), h=nn.Linear(12, 3)), ids, "lstm"),
    "lstm, time first, no bias": (lambda: words(lambda s, x: s.l(x.transpose(0, 1))[0][-1], l=nn.LSTM(8, 12, bias=False), h=nn.Linear(12, 3)), ids, "lstm"),
    "signals": (
        lambda: nn.Sequential(
            nn.Conv1d(3, 8, 5, 2, 2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, padding=2, dilation=2, groups=4), nn.AdaptiveAvgPool1d(1),
            nn.Flatten(), nn.Linear(8, 4),
        ),
        numbers(4, 3, 32), "conv2d",
    ),
    "pools": (lambda: image(nn.Conv2d(3, 8, 3, padding="same"), nn.AdaptiveMaxPool2d(2), nn.GroupNorm(2, 8, affine=False), nn.AvgPool2d(2), out=8), numbers(*IMAGE), "max_pool2d"),
    "padding by zeros": (lambda: image(nn.ZeroPad2d(1), nn.Conv2d(3, 4, 3), out=256), numbers(*IMAGE), "concat"),
    "selu, mish, prelu": (lambda: nn.Sequential(nn.Linear(6, 8), nn.SELU(), nn.Mish(), nn.PReLU(), nn.Linear(8, 4)), numbers(*ROWS), "elu"),
    "images that are rolled": (lambda: Model(lambda s, x: s.h(torch.roll(s.c(x), (3, -1), (2, 3)).flatten(1)), c=nn.Conv2d(3, 4, 3, padding=1), h=nn.Linear(256, 3)), numbers(*IMAGE), "concat"),
    "encoder and decoder, padding": (
        lambda: Model(
            lambda s, x, y: s.h(s.t(
                s.e(x), s.e(y), tgt_mask=nn.Transformer.generate_square_subsequent_mask(6), tgt_is_causal=True, src_key_padding_mask=x == 0, memory_key_padding_mask=x == 0
            )),
            e=nn.Embedding(20, 16), t=nn.Transformer(16, 4, 1, 1, 32, 0.0, batch_first=True), h=nn.Linear(16, 20),
        ),
        lambda: (torch.where(padded() == 0, 0, 1 + ids()[0] % 19), *ids()), "attention",
    ),
    "adapters as peft has them": (lambda: Model(lambda s, x: s.h(F.relu(s.a(s.e(x)))), e=nn.Embedding(20, 16), a=Adapted(nn.Linear(16, 24)), h=nn.Linear(24, 20)), ids, "dropout"),
    "table with padding": (lambda: words(lambda s, x: x.mean(1), h=nn.Linear(8, 3)), lambda: (torch.tensor([[1, 2, 0], [3, 0, 0]]),), "embedding"),
    "scale of one number": (rezero, numbers(*ROWS), "parameter"),
    "token types": (lambda: Model(lambda s, x, k: s.h((s.e(x) + s.k(k)).mean(1)), e=nn.Embedding(20, 8), k=nn.Embedding(2, 8), h=nn.Linear(8, 3)), with_mask, "embedding"),
    "two inputs": (lambda: Model(lambda s, x, z: s.h(torch.cat([s.a(x), z], 1)), a=nn.Linear(6, 6), h=nn.Linear(9, 4)), lambda: (torch.randn(ROWS), torch.randn(5, 3)), "concat"),
    "positions": (lambda: Model(lambda s, x: s.h(s.e(x) * math.sqrt(8) + torch.arange(48.0).view(6, 8).sin()), e=nn.Embedding(20, 8), h=nn.Linear(8, 20)), ids, "embedding"),
}  # fmt: skip


def export(model: nn.Module, inputs: tuple[torch.Tensor, ...], out: pathlib.Path, loss: object = "cross_entropy") -> "verifyd.Exported":
    opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    return verifyd.export(model, inputs, loss=loss, optimizer=opt, out=out / "program.json")


@pytest.mark.parametrize("name", PROVEN)
def test_a_layer_is_proven_by_one_step(name: str, tmp_path: pathlib.Path) -> None:
    torch.manual_seed(1)
    make, inputs, has = PROVEN[name]
    got = export(make(), inputs(), tmp_path)
    assert got.proof is not None and got.proof.passed and got.proof.own < 1e-3
    assert has in {n["op"] for n in got.nodes}


def test_a_table_leaves_its_row_of_padding_alone(tmp_path: pathlib.Path) -> None:
    torch.manual_seed(1)
    x = torch.tensor([[1, 2, 0], [3, 0, 0]])
    table = nn.Embedding(20, 8, padding_idx=0)
    got = export(Model(lambda s, x: s.h(s.e(x).mean(1)), e=table, h=nn.Linear(8, 3)), (x,), tmp_path)
    assert got.frozen == ["constants.e.weight.kept"]
    with torch.no_grad():
        table.weight[0] = 1
    with pytest.raises(verifyd.Refused, match="not zero"):
        export(Model(lambda s, x: s.h(s.e(x).mean(1)), e=table, h=nn.Linear(8, 3)), (x,), tmp_path)


def test_rotations_have_the_models_own_frequencies(tmp_path: pathlib.Path) -> None:
    torch.manual_seed(1)
    model = Llama()
    model.inv_freq[2:] /= 8  # as Llama 3 slows them for long texts
    got = export(model, (torch.randint(0, 50, (3, 12)),), tmp_path)
    assert [n["attrs"]["frequencies"] for n in got.nodes if n["op"] == "rope"] == [model.inv_freq.tolist()] * 2
    angle = torch.arange(12.0)[:, None] * model.inv_freq.repeat(2)
    attrs, factor = rotation(1.25 * angle.cos(), 1.25 * angle.sin(), 12, 8, [model.inv_freq])  # as YaRN does
    assert attrs == {"frequencies": model.inv_freq.tolist()} and factor == 1.25
    assert rotation(angle.cos(), angle.sin().flip(0), 12, 8, []) is None


LOSSES = {
    "smoothed": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 4)), ROWS, nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=2), 4),
    "of log_softmax": (lambda: nn.Sequential(nn.Linear(6, 4), nn.LogSoftmax(1)), ROWS, nn.NLLLoss(), 2),
    "of pixels": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 1)), IMAGE, nn.CrossEntropyLoss(), 7),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_pytorchs(name: str, tmp_path: pathlib.Path) -> None:
    torch.manual_seed(1)
    make, shape, loss, nodes = LOSSES[name]
    got = export(make(), (torch.randn(shape),), tmp_path, loss)
    assert got.proof is not None and got.proof.passed and len(got.nodes) == nodes


REFUSED = {
    "padding of a head": (lambda: _tied(), lambda: (torch.tensor([[1, 2, 0], [3, 0, 0]]),), "padding_idx None"),
    "batch norm without statistics": (lambda: image(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), out=288), numbers(*IMAGE), "in 1: .*track_running_stats=True"),
    "layer norm of images": (lambda: image(nn.LayerNorm([3, 8, 8]), out=192), numbers(*IMAGE), r"in 0: .*nn.GroupNorm\(1, channels\)"),
    "lstm of two directions": (lambda: words(lambda s, x: s.l(x)[0][:, -1], l=nn.LSTM(8, 12, batch_first=True, bidirectional=True), h=nn.Linear(24, 3)), ids, "in l: .*direction"),
    "gru": (lambda: words(lambda s, x: s.l(x)[0][:, -1], l=nn.GRU(8, 12, batch_first=True), h=nn.Linear(12, 3)), ids, "in l: .*LSTM"),
    "weight norm": (lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))), numbers(*ROWS), "parametrizations.weight.0: .*remove_parametrizations"),
    "spectral norm": (lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(6, 4))), numbers(*ROWS), "remove_parametrizations"),
    "max_norm": (lambda: Model(lambda s, x: s.h(s.e(x).mean(1)), e=nn.Embedding(20, 8, max_norm=1.0), h=nn.Linear(8, 3)), ids, "max_norm rewrites"),
    "dropout of channels": (lambda: image(nn.Conv2d(3, 4, 3), nn.Dropout2d(0.2), out=144), numbers(*IMAGE), "in 1: .*nn.Dropout has"),
    "padding by another token": (
        lambda: attention(lambda q, k, v, x: F.scaled_dot_product_attention(q, k, v, attn_mask=(x != 3)[:, None, None, :])), ids, "other keys than those where it is 0",
    ),
    "a negative log of no log_softmax": (lambda: nn.Linear(6, 4), numbers(*ROWS), "NLLLoss"),
    "a write into a part": (lambda: Model(lambda s, x: _written(s.a(x)), a=nn.Linear(6, 4)), numbers(*ROWS), "writes into a part"),
}  # fmt: skip


def _tied() -> nn.Module:
    model = Model(lambda s, x: s.h(s.e(x)), e=nn.Embedding(20, 8, padding_idx=0), h=nn.Linear(8, 20, bias=False))
    model.h.weight = model.e.weight
    return model


def _written(x: torch.Tensor) -> torch.Tensor:
    x[:, :2].zero_()
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_without_equivalent_is_refused_with_what_would_help(name: str, tmp_path: pathlib.Path) -> None:
    torch.manual_seed(1)
    make, inputs, says = REFUSED[name]
    with pytest.raises(verifyd.Refused, match=says):
        export(make(), inputs(), tmp_path, nn.NLLLoss() if "negative log" in name else "cross_entropy")
    assert not list(tmp_path.iterdir())
