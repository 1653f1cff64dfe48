"""Records two steps of a model that moves, repeats, sums and clamps: case.json and steps.safetensors beside this file.
Needs torch and safetensors. usage: record.py"""
import json, os
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import save_file


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc1, self.fc2 = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4), nn.Linear(4, 8)
        self.proj = nn.Module()
        self.proj.weight, self.proj.bias = nn.Parameter(torch.randn(8, 12) * 0.5), nn.Parameter(torch.randn(12) * 0.1)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        h = F.hardswish(self.conv(x) * 3)
        s = F.relu6(self.fc1(h.mean((2, 3))) * 4 + 1)
        h = h * F.hardsigmoid(self.fc2(s))[:, :, None, None]
        h = F.leaky_relu(h - h.mean(1, keepdim=True), 0.1)
        t = h.flatten(2).transpose(1, 2)
        u = torch.cat([t.mean(1, keepdim=True), t], 1)[:, 0:65:3]
        a, g = (u @ self.proj.weight + self.proj.bias).chunk(2, -1)
        z = F.elu(a, 0.7) * F.softplus(g) + F.hardtanh(a, -0.5, 0.5) - torch.clamp(g, min=-0.1)
        q = z.view(-1, 22, 2, 3).permute(0, 2, 1, 3)
        q = q + q.mean(2, keepdim=True).expand(-1, -1, 22, -1)
        q = q.permute(0, 2, 1, 3).reshape(-1, 22, 6)
        return self.head(q[:, 0] + q[:, 21])


torch.manual_seed(1)
torch.set_num_threads(1)
model, rate = Model(), 0.1
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
x, y = torch.randn(2, 16, 3, 8, 8), torch.randint(0, 5, (2, 16))
tensors, recorded = {}, []
for step in range(2):
    def keep(kind, values):
        tensors.update({f"{step:05d}/{kind}{name}": v.detach().clone().contiguous() for name, v in values})
    slots = lambda: [(n, optimizer.state[p]["momentum_buffer"]) for n, p in model.named_parameters() if optimizer.state[p]]
    keep("before/param/", model.named_parameters())
    keep("before/opt/momentum_buffer/", slots())
    keep("", [("x", x[step]), ("y", y[step])])
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x[step]), y[step])
    loss.backward()
    keep("grad/", [(n, p.grad) for n, p in model.named_parameters()])
    optimizer.step()
    keep("after/param/", model.named_parameters())
    keep("after/opt/momentum_buffer/", slots())
    recorded.append({"step": step, "lr": rate, "loss": loss.item(), "grad_norm": None})
here = os.path.dirname(os.path.abspath(__file__))
save_file(tensors, os.path.join(here, "steps.safetensors"))
with open(os.path.join(here, "case.json"), "w") as f:
    json.dump({"name": "shapes-sgd", "framework": f"PyTorch {torch.__version__} CPU, 1 thread", "recorded": recorded}, f, indent=1)
    f.write("\n")
