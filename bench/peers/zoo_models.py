"""The models of the zoo: what people train, small, with random weights. Those of torchvision and transformers are their own code."""

import math

import torch
import torch.nn.functional as F
import torchvision.models as vision
import transformers as hf
from torch import nn


class MLP(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.f1, self.f2, self.f3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.f3(F.relu(self.f2(F.relu(self.f1(torch.flatten(x, 1))))))


class LSTMClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.head = nn.Embedding(100, 32), nn.LSTM(32, 64, batch_first=True), nn.Linear(64, 5)

    def forward(self, x):
        out, _ = self.lstm(self.embed(x))
        return self.head(out[:, -1])


class Double(nn.Sequential):
    def __init__(self, a, b):
        super().__init__(
            nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
            nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Segmentation: a class for each pixel, the classes behind."""

    def __init__(self):
        super().__init__()
        self.d1, self.d2, self.mid = Double(1, 16), Double(16, 32), Double(32, 64)
        self.u2, self.c2 = nn.ConvTranspose2d(64, 32, 2, stride=2), Double(64, 32)
        self.u1, self.c1 = nn.ConvTranspose2d(32, 16, 2, stride=2), Double(32, 16)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        y = self.c2(torch.cat([self.u2(c), b], 1))
        y = self.c1(torch.cat([self.u1(y), a], 1))
        return self.out(y).permute(0, 2, 3, 1)


class ResBlock(nn.Module):
    def __init__(self, c, t):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(8, c), nn.Conv2d(c, c, 3, padding=1)
        self.t = nn.Linear(t, c)
        self.n2, self.c2 = nn.GroupNorm(8, c), nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x, t):
        h = self.c1(F.silu(self.n1(x))) + self.t(F.silu(t))[:, :, None, None]
        return x + self.c2(F.silu(self.n2(h)))


class Diffusion(nn.Module):
    """The noise of an image at a time step; the time is an input of its own."""

    def __init__(self, c=32, t=64):
        super().__init__()
        self.inp, self.t1, self.t2 = nn.Conv2d(1, c, 3, padding=1), nn.Linear(32, t), nn.Linear(t, t)
        self.b1, self.b2 = ResBlock(c, t), ResBlock(c, t)
        self.down, self.out = nn.Conv2d(c, c, 3, stride=2, padding=1), nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x, t):
        f = torch.exp(-math.log(1e4) * torch.arange(16, dtype=torch.float32) / 16)
        a = t.float()[:, None] * f
        e = self.t2(F.silu(self.t1(torch.cat([a.sin(), a.cos()], -1))))
        h = self.b1(self.inp(x), e)
        h = self.b2(self.down(h), e)
        return self.out(F.interpolate(h, scale_factor=2.0, mode="nearest"))


class MoE(nn.Module):
    """The two best of four experts; every expert computes, and gates mask."""

    def __init__(self, d=64, n=4, k=2):
        super().__init__()
        self.gate, self.k, self.head = nn.Linear(d, n, bias=False), k, nn.Linear(d, 10)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(d, 2 * d), nn.SiLU(), nn.Linear(2 * d, d)) for _ in range(n))

    def forward(self, x):
        p = self.gate(x).softmax(-1)
        v, i = p.topk(self.k, -1)
        g = torch.zeros_like(p).scatter(-1, i, v / v.sum(-1, keepdim=True))
        return self.head(x + sum(g[:, j : j + 1] * e(x) for j, e in enumerate(self.experts)))


class Block(nn.Module):
    def __init__(self, w, h):
        super().__init__()
        self.h, self.ln1, self.ln2 = h, nn.LayerNorm(w), nn.LayerNorm(w)
        self.qkv, self.proj, self.up, self.down = nn.Linear(w, 3 * w), nn.Linear(w, w), nn.Linear(w, 4 * w), nn.Linear(4 * w, w)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.h, c // self.h).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, c)
        x = x + self.proj(y)
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class NanoGPT(nn.Module):
    """nanoGPT's: fused attention, and a head that is the embedding."""

    def __init__(self, v=256, t=64, w=64, n=2, h=4):
        super().__init__()
        self.tok, self.pos = nn.Embedding(v, w), nn.Embedding(t, w)
        self.blocks = nn.ModuleList(Block(w, h) for _ in range(n))
        self.lnf, self.head = nn.LayerNorm(w), nn.Linear(w, v, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, ids):
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1], device=ids.device))
        for b in self.blocks:
            x = b(x)
        return self.head(self.lnf(x))


class LoRALinear(nn.Module):
    def __init__(self, base, r=8, alpha=16):
        super().__init__()
        self.base, self.scale = base, alpha / r
        i, o = base.weight.shape if type(base).__name__ == "Conv1D" else base.weight.shape[::-1]
        self.lora_A, self.lora_B = nn.Parameter(torch.randn(r, i) * 0.02), nn.Parameter(torch.randn(o, r) * 0.02)

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale


def lora(model, names):
    """Freezes a model and puts adapters on its linears of these names."""
    model.requires_grad_(False)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if name in names:
                setattr(module, name, LoRALinear(child))
    return model


class Logits(nn.Module):
    """A model of transformers that is called with one tensor and gives its logits."""

    def __init__(self, model, takes="input_ids"):
        super().__init__()
        self.model, self.takes = model, takes

    def forward(self, x):
        more = {"use_cache": False} if hasattr(self.model.config, "use_cache") and self.takes == "input_ids" else {}
        return self.model(**{self.takes: x}, **more).logits


SIZES = dict(vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
LLAMA = dict(SIZES, num_key_value_heads=2, max_position_embeddings=64)


def gpt2(attention="sdpa"):
    return hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=256, n_positions=64, n_embd=64, n_layer=2, n_head=4, attn_pdrop=0.0, attn_implementation=attention))


def llama(attention="sdpa"):
    return hf.LlamaForCausalLM(hf.LlamaConfig(**LLAMA, attn_implementation=attention))


def qwen3():
    return hf.Qwen3ForCausalLM(hf.Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True))


def bert():
    return hf.BertForSequenceClassification(hf.BertConfig(**SIZES, max_position_embeddings=64, attention_probs_dropout_prob=0.0))


def vit_hf():
    return hf.ViTForImageClassification(
        hf.ViTConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=32, patch_size=8, num_labels=10)
    )


def vit_torchvision():
    return vision.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10)


def mixtral():
    return hf.MixtralForCausalLM(hf.MixtralConfig(**LLAMA, num_local_experts=4))


def image(rows, channels, size):
    return lambda: (torch.randn(rows, channels, size, size),)


def tokens(vocab=256, rows=2, length=32):
    return lambda: (torch.randint(0, vocab, (rows, length)),)


# name: the model, what it is called with, its loss
ZOO = {
    "mlp": (MLP, lambda: (torch.randn(8, 784),), "cross_entropy"),
    "lenet": (LeNet, image(8, 1, 28), "cross_entropy"),
    "resnet18": (lambda: vision.resnet18(num_classes=10), image(4, 3, 64), "cross_entropy"),
    "mobilenet_v2": (lambda: vision.mobilenet_v2(num_classes=10), image(4, 3, 64), "cross_entropy"),
    "mobilenet_v3_small": (lambda: vision.mobilenet_v3_small(num_classes=10), image(4, 3, 64), "cross_entropy"),
    "efficientnet_b0": (lambda: vision.efficientnet_b0(num_classes=10), image(4, 3, 64), "cross_entropy"),
    "convnext_tiny": (lambda: vision.convnext_tiny(num_classes=10), image(2, 3, 64), "cross_entropy"),
    "vit (torchvision)": (vit_torchvision, image(4, 3, 32), "cross_entropy"),
    "vit (transformers)": (lambda: Logits(vit_hf(), "pixel_values"), image(4, 3, 32), "cross_entropy"),
    "gpt2": (lambda: Logits(gpt2()), tokens(), "cross_entropy"),
    "gpt2, eager attention": (lambda: Logits(gpt2("eager")), tokens(), "cross_entropy"),
    "gpt2, LoRA": (lambda: Logits(lora(gpt2(), {"c_attn"})), tokens(), "cross_entropy"),
    "llama": (lambda: Logits(llama()), tokens(), "cross_entropy"),
    "llama, eager attention": (lambda: Logits(llama("eager")), tokens(), "cross_entropy"),
    "llama, LoRA": (lambda: Logits(lora(llama(), {"q_proj", "v_proj"})), tokens(), "cross_entropy"),
    "qwen3": (lambda: Logits(qwen3()), tokens(), "cross_entropy"),
    "bert": (lambda: Logits(bert()), tokens(), "cross_entropy"),
    "lstm": (LSTMClassifier, tokens(100), "cross_entropy"),
    "u-net": (UNet, image(2, 1, 32), "cross_entropy"),
    "diffusion u-net": (Diffusion, lambda: (torch.randn(2, 1, 16, 16), torch.randint(0, 1000, (2,))), "mse"),
    "mixture of experts, dense": (MoE, lambda: (torch.randn(16, 64),), "cross_entropy"),
    "mixtral": (lambda: Logits(mixtral()), tokens(), "cross_entropy"),
    "nanogpt": (NanoGPT, tokens(), "cross_entropy"),
}
