"""The category, kernel and mask branches (paper 3.1), each split where memory is read."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visolo.config import ModelConfig
from visolo.model.backbone import BackboneFeatures
from visolo.model.layers import ConvGroupNorm, ResidualBlock, conv_stack, coordinate_map, resample


class CategoryBranch(nn.Module):
    """From stride-16 features on the grid to class logits; also makes the key feature K of the matching."""

    def __init__(self, inputs: int, config: ModelConfig) -> None:
        super().__init__()
        width, groups = config.width, config.norm_groups
        self.key = ConvGroupNorm(inputs, width, groups)
        self.encoder = conv_stack(width, width, groups, 2)
        self.project = ConvGroupNorm(width, width, groups, size=1)
        self.decoder = conv_stack(width, width, groups, 3)
        self.classify = nn.Conv2d(width, config.num_classes, 3, padding=1)

    def forward(self, grid_features: Tensor) -> tuple[Tensor, Tensor]:
        """K and C of (B, inputs, R, K) grid features, both (B, D, R, K) before any activation."""
        key = self.key(grid_features)
        return key, self.project(self.encoder(F.relu(key)))

    def decode(self, category: Tensor) -> Tensor:
        """Logits (B, C, R, K) float32 of the category feature (B, D, R, K) after memory reading."""
        logits: Tensor = self.classify(self.decoder(category))
        return logits.float()


class KernelBranch(nn.Module):
    """From stride-16 features and coordinates on the grid to one dynamic 1x1 kernel per cell."""

    def __init__(self, inputs: int, config: ModelConfig) -> None:
        super().__init__()
        width, groups = config.width, config.norm_groups
        self.encoder = conv_stack(inputs + 2, width, groups, 3)
        self.decoder = conv_stack(width, width, groups, 2)
        self.project = ConvGroupNorm(width, width, groups, size=1)

    def forward(self, grid_features: Tensor, grid_coordinates: Tensor) -> Tensor:
        """M (B, D, R, K) of (B, inputs, R, K) features and (B, 2, R, K) coordinates."""
        feature: Tensor = self.encoder(torch.cat((grid_features, grid_coordinates), 1))
        return feature

    def decode(self, kernel: Tensor) -> Tensor:
        """Kernels (B, D, R, K) of the kernel feature (B, D, R, K) after memory reading."""
        kernels: Tensor = self.project(self.decoder(kernel))
        return kernels


class Refine(nn.Module):
    """One step up: adds a finer backbone map to the upsampled coarser feature."""

    def __init__(self, skip_channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(skip_channels, width, 3, padding=1)
        self.skip_residual = ResidualBlock(width)
        self.sum_residual = ResidualBlock(width)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """(B, skip_channels, h, w) and coarser (B, D, h', w') -> (B, D, h, w)."""
        skip = self.skip_residual(self.project(skip))
        # To the skip's size rather than twice as large: the same at even sizes, and right at odd ones.
        refined: Tensor = self.sum_residual(skip + resample(x, (skip.shape[-2], skip.shape[-1])))
        return refined


class MaskBranch(nn.Module):
    """Mask features at stride 4 from all three backbone maps."""

    def __init__(self, channels: tuple[int, ...], config: ModelConfig) -> None:
        super().__init__()
        width, groups = config.width, config.norm_groups
        self.project = ConvGroupNorm(channels[2] + 2, width, groups)
        self.residual = ResidualBlock(width)
        self.refine3 = Refine(channels[1], width)
        self.refine2 = Refine(channels[0], width)
        self.smooth = ConvGroupNorm(width, width, groups)
        self.output = ConvGroupNorm(width, width, groups, size=1)

    def forward(self, features: BackboneFeatures) -> Tensor:
        """(B, D, h, w), h and w as res2's."""
        x = self.project(torch.cat((features.res4, coordinate_map(features.res4)), 1))
        x = self.refine3(features.res3, self.residual(x))
        x = self.refine2(features.res2, x)
        mask: Tensor = self.output(F.relu(self.smooth(F.relu(x))))
        return mask
