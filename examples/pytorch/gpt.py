"""A decoder as Llama has it: RMS norm, rotary positions, grouped queries, SwiGLU, and a head tied to the embedding."""

import pathlib
import tempfile

import torch
import torch.nn.functional as F
import verifyd
from pool import Pool, save, show
from torch import nn

WIDTH, HEADS, SHARED, CONTEXT, VOCAB = 64, 4, 2, 32, 96


def turned(x: torch.Tensor) -> torch.Tensor:
    angle = torch.arange(x.shape[-2])[:, None] * 10000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        d = WIDTH // HEADS
        self.n1, self.n2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, n * d, bias=False) for n in (HEADS, SHARED, SHARED, HEADS))
        self.gate, self.up, self.down = nn.Linear(WIDTH, 128, bias=False), nn.Linear(WIDTH, 128, bias=False), nn.Linear(128, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.n1(x)
        q, k, v = (p(h).unflatten(-1, (-1, WIDTH // HEADS)).transpose(1, 2) for p in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True, enable_gqa=True)
        x = x + self.o(y.transpose(1, 2).flatten(2))
        h = self.n2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class GPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tok, self.layers, self.norm, self.head = nn.Embedding(VOCAB, WIDTH), nn.Sequential(Layer(), Layer()), nn.RMSNorm(WIDTH), nn.Linear(WIDTH, VOCAB, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.layers(self.tok(ids))))


torch.manual_seed(0)
text = torch.cumsum(torch.randint(1, 4, (128, CONTEXT + 1)), 1) % VOCAB
model = GPT()
nn.init.normal_(model.tok.weight, std=0.02)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1)

with tempfile.TemporaryDirectory() as folder:
    pool = Pool(pathlib.Path(folder))
    save(pool.at / "data.safetensors", x=text[:, :-1].int().numpy(), y=text[:, 1:].int().numpy())
    exported = verifyd.export(model, text[:8, :-1], loss="cross_entropy", optimizer=optimizer, clip_norm=1.0, out=pool.at / "program.json")
    pool.offer(steps=30)
    with verifyd.Trainer(exported, **pool.worker()) as trainer:
        while trainer.steps < trainer.total:
            loss = trainer.step()
            if trainer.steps % 10 == 0:
                print(f"step {trainer.steps}: loss {loss:.4f}")
        trainer.sync(model)
        trainer.finish()
    show(pool.judge())
