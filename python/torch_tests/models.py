"""Models as people write them: each an idiom of a family, small."""

from __future__ import annotations

import math
from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    """ResNet's basic block, with batch norm, in place as torchvision has it."""

    def __init__(self, a: int, b: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if a != b or stride > 1 else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.down is None else self.down(x)
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(Residual(8, 8), Residual(8, 16, 2))
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


class Mobile(nn.Module):
    """Inverted residual with squeeze and excitation, hard activations and depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.depth, self.project = nn.Conv2d(4, 16, 1), nn.Conv2d(16, 16, 3, 2, 1, groups=16), nn.Conv2d(16, 8, 1)
        self.fc1, self.fc2 = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.act, self.gate, self.six = nn.Hardswish(inplace=True), nn.Hardsigmoid(), nn.ReLU6(inplace=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.six(self.depth(self.act(self.expand(x))))
        s = self.gate(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))
        return self.head(self.project(s * x).mean([2, 3]))


class ConvNeXt(nn.Module):
    """Channels last inside, a layer scale, and stochastic depth of rows."""

    def __init__(self, keep: float = 0.9) -> None:
        super().__init__()
        self.stem, self.dw, self.norm = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.layer_scale, self.keep = nn.Parameter(torch.full((8, 1, 1), 0.5)), keep
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = self.layer_scale * self.down(F.gelu(self.up(y))).permute(0, 3, 1, 2)
        if self.keep < 1:
            noise = torch.empty(y.shape[0], 1, 1, 1).bernoulli_(self.keep)
            y = y * noise.div_(self.keep)
        return self.head((x + y).mean((-2, -1)))


class ViT(nn.Module):
    """Class token, learned positions, and nn.MultiheadAttention, which puts the batch second inside."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 5, 16))
        self.ln, self.attn, self.mlp = nn.LayerNorm(16), nn.MultiheadAttention(16, 4, batch_first=True), nn.Linear(16, 16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        y = self.ln(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return self.head((x + self.mlp(x))[:, 0])


class Conv1D(nn.Module):
    """Hugging Face's: a weight of (in, out)."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.weight, self.bias, self.out = nn.Parameter(torch.randn(a, b) * 0.1), nn.Parameter(torch.zeros(b)), b

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(*x.shape[:-1], self.out)


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class GPT2(nn.Module):
    """Tied head, split of one projection, attention spelled out, tanh GELU spelled out."""

    def __init__(self, eager: bool = True) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(50, 16), nn.Embedding(12, 16)
        self.ln, self.c_attn, self.c_proj, self.c_fc, self.c_out = nn.LayerNorm(16), Conv1D(16, 48), Conv1D(16, 16), Conv1D(16, 64), Conv1D(64, 16)
        self.lm_head, self.eager = nn.Linear(16, 50, bias=False), eager
        self.lm_head.weight = self.wte.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        b, t = ids.shape
        x = self.wte(ids) + self.wpe(torch.arange(t))
        q, k, v = (p.view(b, t, 4, 4).transpose(1, 2) for p in self.c_attn(self.ln(x)).split(16, dim=2))
        if self.eager:
            w = torch.matmul(q, k.transpose(-1, -2)) / (4**0.5)
            w = w + torch.full((t, t), torch.finfo(torch.float32).min).triu(1)
            y = torch.matmul(F.softmax(w, dim=-1), v)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).contiguous().view(b, t, 16))
        return self.lm_head(x + self.c_out(gelu_new(self.c_fc(x))))


class RMSNorm(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.to(torch.float32)
        return self.weight * (h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def rotate_half(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]), dim=-1)


class Llama(nn.Module):
    """Grouped queries, rotations, SwiGLU, RMS norm; a head's norm as Qwen has it."""

    def __init__(self, base: float = 10000.0) -> None:
        super().__init__()
        self.embed, self.n1, self.n2, self.head_norm = nn.Embedding(50, 32), RMSNorm(32), RMSNorm(32), RMSNorm(8)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(32, d, bias=False) for d in (32, 16, 16, 32))
        self.gate, self.up, self.down, self.lm_head = nn.Linear(32, 48, bias=False), nn.Linear(32, 48, bias=False), nn.Linear(48, 32, bias=False), nn.Linear(32, 50, bias=False)
        self.register_buffer("inv_freq", 1.0 / (base ** (torch.arange(0, 8, 2).float() / 8)), persistent=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        b, t = ids.shape
        x = self.embed(ids)
        h = self.n1(x)
        q = self.head_norm(self.q_proj(h).view(b, t, -1, 8)).transpose(1, 2)
        k, v = (p(h).view(b, t, -1, 8).transpose(1, 2) for p in (self.k_proj, self.v_proj))
        freqs = torch.arange(t).float()[None, :, None] * self.inv_freq
        emb = torch.cat((freqs, freqs), dim=-1)
        cos, sin = emb.cos().unsqueeze(1), emb.sin().unsqueeze(1)
        q, k = (q * cos) + (rotate_half(q) * sin), (k * cos) + (rotate_half(k) * sin)
        k, v = (p[:, :, None].expand(b, 2, 2, t, 8).reshape(b, 4, t, 8) for p in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, -1)
        x = x + self.o_proj(y)
        h = self.n2(x)
        return self.lm_head(x + self.down(F.silu(self.gate(h)) * self.up(h)))


class LoRA(nn.Module):
    """Adapters on frozen linears; only they are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 10)).requires_grad_(False)
        self.lora_A, self.lora_B, self.scale = nn.Parameter(torch.randn(3, 12) * 0.1), nn.Parameter(torch.randn(24, 3) * 0.1), 16 / 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.base[0](x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale
        return self.base[2](self.base[1](h))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.e, self.l, self.f = nn.Embedding(30, 8), nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.f(self.l(self.e(ids))[0][:, -1])


class UNet(nn.Module):
    """Transposed convolution, concatenation of skips, group norm, upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.norm, self.up, self.c = nn.GroupNorm(4, 16), nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 8, 3, padding=2, dilation=2)
        self.d, self.out = nn.Conv2d(8, 4, 3, 2, 1), nn.Conv2d(12, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = F.leaky_relu(self.a(x), 0.1)
        b = F.silu(self.norm(self.b(a)))
        c = torch.cat([self.up(b), a], 1)
        c = F.relu(self.c(c))
        d = F.interpolate(self.d(c), scale_factor=2, mode="nearest")
        return self.out(torch.cat([c, d], 1)).flatten(2).transpose(1, 2)


class Products(nn.Module):
    """Activations multiplied with each other, with and without a batch of matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.a(x), self.b(x)
        s = torch.bmm(a, b.transpose(1, 2)) * 0.3
        return torch.matmul(torch.sigmoid(s), b) - 0.5 * a + 1.0


IMAGE, TOKENS = (4, 3, 8, 8), (3, 12)
MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "resnet": (ResNet, lambda: torch.randn(IMAGE)),
    "mobile": (Mobile, lambda: torch.randn(4, 4, 8, 8)),
    "convnext": (ConvNeXt, lambda: torch.randn(IMAGE)),
    "vit": (ViT, lambda: torch.randn(IMAGE)),
    "gpt2": (GPT2, lambda: torch.randint(0, 50, TOKENS)),
    "gpt2 with sdpa": (lambda: GPT2(False), lambda: torch.randint(0, 50, TOKENS)),
    "llama": (Llama, lambda: torch.randint(0, 50, TOKENS)),
    "llama of base 500000": (lambda: Llama(500000.0), lambda: torch.randint(0, 50, TOKENS)),
    "lora": (LoRA, lambda: torch.randn(5, 12)),
    "lstm": (Recurrent, lambda: torch.randint(0, 30, (4, 7))),
    "unet": (UNet, lambda: torch.randn(3, 1, 8, 8)),
    "products": (Products, lambda: torch.randn(3, 5, 6)),
}
