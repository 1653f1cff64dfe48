"""Models as PyTorch users have them, whose programs verifyd.export makes (../../verify/program/exported).

MODELS has each by its name: what makes it, what makes an example of its input, what makes its optimizer, and the largest norm
of its gradient, or 0. The small ones are one block of each.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    """ResNet's basic block."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 or a != b else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.down is None else self.down(x)
        return self.relu(y)


class ResNet(nn.Module):
    """For small images: the stem keeps their size. Each stage but the first halves it and doubles the channels."""

    def __init__(self, width=64, stages=(2, 2, 2, 2), classes=10):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        blocks, a = [], width
        for i, n in enumerate(stages):
            for k in range(n):
                blocks.append(Residual(a, width << i, 2 if i and not k else 1))
                a = width << i
        self.layers, self.fc = nn.Sequential(*blocks), nn.Linear(a, classes)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Encoder(nn.Module):
    """A transformer's layer with normalisation first and attention to all tokens, or to those before."""

    def __init__(self, width, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(self.ln1(x)).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class ViT(nn.Module):
    """Patches of 4x4 pixels, a class token and learned positions."""

    def __init__(self, width=192, layers=12, heads=3, size=32, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, (size // 4) ** 2 + 1, width))
        self.layers, self.norm, self.head = nn.Sequential(*(Encoder(width, heads) for _ in range(layers))), nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.layers(x))[:, 0])


def turned(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Decoder(nn.Module):
    """Llama's layer: grouped queries, rotary positions, SwiGLU."""

    def __init__(self, width, heads, shared, hidden):
        super().__init__()
        self.size = width // heads
        self.n1, self.n2 = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, n * self.size, bias=False) for n in (heads, shared, shared, heads))
        self.gate, self.up, self.down = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin):
        h = self.n1(x)
        q, k, v = (p(h).unflatten(-1, (-1, self.size)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        y = F.scaled_dot_product_attention(turned(q, cos, sin), turned(k, cos, sin), v, is_causal=True, enable_gqa=True)
        x = x + self.o_proj(y.transpose(1, 2).flatten(2))
        h = self.n2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    """The head is the embedding."""

    def __init__(self, vocab=256, width=256, layers=4, heads=8, shared=4, hidden=704):
        super().__init__()
        self.embed, self.layers = nn.Embedding(vocab, width), nn.ModuleList(Decoder(width, heads, shared, hidden) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(width, eps=1e-5), nn.Linear(width, vocab, bias=False)
        self.head.weight = self.embed.weight
        d = width // heads
        self.register_buffer("frequencies", 10000.0 ** (-torch.arange(0, d, 2).float() / d), persistent=False)

    def forward(self, ids):
        angle = torch.arange(ids.shape[1]).float()[:, None] * self.frequencies
        cos, sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.head(self.norm(x))


class GPT(nn.Module):
    def __init__(self, vocab=256, context=128, width=256, layers=4, heads=8):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks, self.lnf = nn.Sequential(*(Encoder(width, heads, True) for _ in range(layers))), nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, ids):
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        return self.head(self.lnf(self.blocks(x)))


class Adapted(nn.Module):
    """base(x) + scale * B A x, of which A and B are trained."""

    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.lora_A, self.lora_B = nn.Linear(base.in_features, rank, bias=False), nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x):
        return self.base(x) + self.lora_B(self.lora_A(x)) * self.scale


def lora(rank=8, **sizes):
    """A frozen GPT with adapters beside the two linears of attention."""
    model = GPT(**sizes).requires_grad_(False)
    for block in model.blocks:
        block.qkv, block.proj = Adapted(block.qkv, rank, 16), Adapted(block.proj, rank, 16)
    return model


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


def sgd(model):
    return torch.optim.SGD(trained(model), lr=0.01, momentum=0.9, weight_decay=5e-4)


def adamw(model):
    return torch.optim.AdamW(trained(model), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)


def images(batch, size):
    return lambda: torch.zeros(batch, 3, size, size)


def ids(batch, context):
    return lambda: torch.zeros(batch, context, dtype=torch.int64)


MODELS = {
    "resnet18": (ResNet, images(16, 32), sgd, 0.0),
    "vit-tiny": (ViT, images(16, 32), adamw, 1.0),
    "llama": (Llama, ids(8, 128), adamw, 1.0),
    "lora": (lora, ids(8, 128), adamw, 0.0),
    "resnet-block": (lambda: ResNet(4, (1, 1), 5), images(3, 8), sgd, 0.0),
    "vit-block": (lambda: ViT(12, 1, 3, 8, 5), images(3, 8), adamw, 1.0),
    "llama-block": (lambda: Llama(19, 24, 1, 4, 2, 36), ids(2, 11), adamw, 1.0),
    "lora-block": (lambda: lora(2, vocab=19, context=11, width=12, layers=1, heads=3), ids(2, 11), adamw, 0.0),
}
