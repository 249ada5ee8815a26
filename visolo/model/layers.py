"""Building blocks shared by the backbone and the heads: frozen and group norms, coordinates, resampling."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FROZEN_EPS = 1e-5


class FrozenBatchNorm(nn.Module):
    """BatchNorm whose statistics and affine values never change: y = x * scale + shift per channel.

    A network whose norms were folded into convolution biases b is expressed by weight 1, bias b, mean 0 and
    variance 1 - `FROZEN_EPS` (see `set_bias_only`).
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.full((channels,), 1 - FROZEN_EPS))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, h, w) of any float dtype."""
        scale, shift = self.scale_and_shift()
        return torch.addcmul(shift.to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, None, None])

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The two (C,) float32 vectors that the norm amounts to."""
        scale = self.weight.float() / torch.sqrt(self.running_var.float() + FROZEN_EPS)
        return scale, self.bias.float() - self.running_mean.float() * scale

    @torch.no_grad()
    def set_bias_only(self, bias: Tensor | None = None) -> None:
        """Become an exact addition of `bias` (C,), or the identity."""
        self.weight.fill_(1)
        self.running_mean.zero_()
        self.running_var.fill_(1 - FROZEN_EPS)
        self.bias.zero_() if bias is None else self.bias.copy_(bias)


class ConvFrozenNorm(nn.Module):
    """Convolution without bias, then `FrozenBatchNorm`; `fold` turns both into one biased convolution."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
        self.norm: nn.Module = FrozenBatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, outputs, h', w')."""
        normed: Tensor = self.norm(self.conv(x))
        return normed

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply the norm into the convolution; only for inference, the state dict changes its keys."""
        if not isinstance(self.norm, FrozenBatchNorm):
            return
        scale, shift = self.norm.scale_and_shift()
        weight = self.conv.weight
        weight.copy_((weight.float() * scale[:, None, None, None]).to(weight.dtype))
        self.conv.bias = nn.Parameter(shift.to(weight.dtype), requires_grad=False)
        self.norm = nn.Identity()


class ConvGroupNorm(nn.Module):
    """Biased "same" convolution, then GroupNorm; no activation."""

    def __init__(self, inputs: int, outputs: int, groups: int, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2)
        self.norm = nn.GroupNorm(groups, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        normed: Tensor = self.norm(self.conv(x))
        return normed


class ResidualBlock(nn.Module):
    """x + conv2(relu(conv1(relu(x)))), without norm.

    Source: the official ResBlock, which does not pass its norm argument on.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        inner: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return x + inner


def conv_stack(inputs: int, width: int, groups: int, count: int) -> nn.Sequential:
    """`count` times 3x3 convolution, GroupNorm, ReLU; only the first one has `inputs` channels."""
    layers: list[nn.Module] = []
    for index in range(count):
        layers += [ConvGroupNorm(inputs if index == 0 else width, width, groups), nn.ReLU()]
    return nn.Sequential(*layers)


def resample(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (B, C, h, w) to `size` (rows, columns), without antialiasing; itself if it has that size."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def coordinate_map(x: Tensor) -> Tensor:
    """Coordinates of the pixels of (B, C, h, w): (B, 2, h, w), y then x, first pixel -1 and last pixel +1."""
    batch, _, height, width = x.shape
    ys = torch.linspace(-1, 1, height, device=x.device, dtype=torch.float32)[:, None].expand(height, width)
    xs = torch.linspace(-1, 1, width, device=x.device, dtype=torch.float32)[None].expand(height, width)
    return torch.stack((ys, xs)).to(x.dtype)[None].expand(batch, 2, height, width)
