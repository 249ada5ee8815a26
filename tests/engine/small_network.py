"""A small real network, and videos in which it finds objects, for tests of what runs around it."""

import numpy as np
import torch

from visolo.config import ModelConfig
from visolo.model.visolo import Visolo, build_model

SMALL = ModelConfig(
    backbone="resnet18",
    bottleneck_width=8,
    num_classes=5,
    grid=(3, 4),
    width=16,
    embedding=8,
    norm_groups=4,
    input_size=(48, 64),
)


def small_network() -> Visolo:
    """Random weights under which objects come, go and come back."""
    torch.manual_seed(2)
    made = build_model(SMALL).eval()
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.dim() == 1:
                tensor.add_(torch.randn_like(tensor) * 0.3)
        made.category_branch.classify.bias.sub_(1.0)
    return made


def video(length, size=(72, 108)):
    """Coloured squares that drift; two frames of nothing."""
    base = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    frames = []
    for t in range(length):
        frame = np.kron(np.roll(base, t, 1), np.ones((9, 9, 1), np.uint8))
        frame[:, :, 0] += np.uint8(t * 3 % 256)
        if t in (5, 6):
            frame[:] = 10
        rows, columns = (np.linspace(0, n - 1, wanted).astype(int) for n, wanted in zip((72, 108), size, strict=True))
        frames.append(np.ascontiguousarray(frame[rows][:, columns]))
    return frames
