"""Records two steps of a model with grouped queries, masks, RoPE in both layouts, cross attention and products of activations:
case.json and steps.safetensors beside this file. Needs torch and safetensors. usage: record.py"""
import json, os
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import save_file


def frequencies(theta, dim):  # as transformers computes inv_freq
    return 1.0 / (theta ** (torch.arange(0, dim, 2, dtype=torch.int64).float() / dim))


def angles(f, length, offset):
    return torch.outer(torch.arange(offset, offset + length).float(), f)


def halves(x, f, offset=0):  # (batch, heads, length, dim)
    a = angles(f, x.shape[2], offset)
    cos, sin = torch.cat([a, a], -1).cos(), torch.cat([a, a], -1).sin()
    u, v = x.chunk(2, -1)
    return x * cos + torch.cat([-v, u], -1) * sin


def interleaved(x, f, offset=0):  # the first 2*len(f) dimensions turn
    a, n = angles(f, x.shape[2], offset), 2 * len(f)
    t, rest = x[..., :n], x[..., n:]
    u, v = t[..., 0::2], t[..., 1::2]
    y = torch.stack([u * a.cos() - v * a.sin(), v * a.cos() + u * a.sin()], -1).flatten(-2)
    return torch.cat([y, rest], -1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(11, 24)
        self.q, self.k, self.v, self.o = nn.Linear(24, 32, bias=False), nn.Linear(24, 16), nn.Linear(24, 16), nn.Linear(32, 24)
        self.fewer = nn.Linear(24, 3)
        self.q2, self.k2, self.v2 = nn.Linear(24, 12), nn.Linear(24, 12), nn.Linear(24, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        heads = lambda t, n: t.view(t.shape[0], t.shape[1], n, -1).transpose(1, 2)
        rows = lambda t: t.transpose(1, 2).flatten(2)
        keys = (x != 0)[:, None, None, :]
        h, f = self.tok(x), frequencies(10000.0, 8)
        q, k, v = halves(heads(self.q(h), 4), f), halves(heads(self.k(h), 2), f), heads(self.v(h), 2)
        causal = torch.ones(x.shape[1], x.shape[1]).tril().bool()
        h = h + self.o(rows(F.scaled_dot_product_attention(q, k, v, attn_mask=keys & causal, enable_gqa=True)))
        few = self.fewer(h).transpose(1, 2) @ h
        g = torch.tensor([1.0, 0.25])
        q, k, v = interleaved(heads(self.q2(few), 2), g, 5), interleaved(heads(self.k2(h), 2), g), heads(self.v2(h), 2)
        few = rows(F.scaled_dot_product_attention(q, k, v, attn_mask=keys, scale=0.3))
        return self.head(few @ (few.transpose(1, 2) @ few))


torch.manual_seed(1)
torch.set_num_threads(1)
model, rate = Model(), 0.01
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
x, y = torch.randint(0, 11, (2, 6, 20)), torch.randint(0, 5, (2, 6, 3))
x[:, :, 0] = 1
x[:, :2, 14:] = 0
tensors, recorded = {}, []
for step in range(2):
    def keep(kind, values):
        tensors.update({f"{step:05d}/{kind}{name}": v.detach().clone().contiguous() for name, v in values})
    slots = lambda: [(n, optimizer.state[p]["momentum_buffer"]) for n, p in model.named_parameters() if optimizer.state[p]]
    keep("before/param/", model.named_parameters())
    keep("before/opt/momentum_buffer/", slots())
    keep("", [("x", x[step]), ("y", y[step])])
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x[step]).flatten(0, 1), y[step].flatten())
    loss.backward()
    keep("grad/", [(n, p.grad) for n, p in model.named_parameters()])
    optimizer.step()
    keep("after/param/", model.named_parameters())
    keep("after/opt/momentum_buffer/", slots())
    recorded.append({"step": step, "lr": rate, "loss": loss.item(), "grad_norm": None})
here = os.path.dirname(os.path.abspath(__file__))
save_file(tensors, os.path.join(here, "steps.safetensors"))
with open(os.path.join(here, "case.json"), "w") as f:
    json.dump({"name": "attention-sgd", "framework": f"PyTorch {torch.__version__} CPU, 1 thread", "recorded": recorded}, f, indent=1)
    f.write("\n")
