"""ResNet-18/34/50/101 up to stride 16 with frozen norms; the last stage of the classifier is not part of it."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from visolo.config import ModelConfig
from visolo.errors import ConfigError
from visolo.model.layers import ConvFrozenNorm

STEM_CHANNELS = 64
_BASIC_BLOCKS = {"resnet18": (2, 2, 2), "resnet34": (3, 4, 6)}
_BOTTLENECK_BLOCKS = {"resnet50": (3, 4, 6), "resnet101": (3, 4, 23)}


class BackboneFeatures(NamedTuple):
    """Maps of one batch, each (B, C, h, w), at strides 4, 8 and 16."""

    res2: Tensor
    res3: Tensor
    res4: Tensor


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (ResNet-18 and -34)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut = _shortcut(inputs, outputs, stride)
        self.conv1 = ConvFrozenNorm(inputs, outputs, 3, stride)
        self.conv2 = ConvFrozenNorm(outputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        return F.relu_(self.conv2(F.relu_(self.conv1(x))) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around a shortcut (ResNet-50 and -101); the outer width is four times the inner."""

    def __init__(self, inputs: int, width: int, stride: int, stride_in_1x1: bool) -> None:
        super().__init__()
        self.shortcut = _shortcut(inputs, 4 * width, stride)
        self.conv1 = ConvFrozenNorm(inputs, width, 1, stride if stride_in_1x1 else 1)
        self.conv2 = ConvFrozenNorm(width, width, 3, 1 if stride_in_1x1 else stride)
        self.conv3 = ConvFrozenNorm(width, 4 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, 4 * width, h / stride, w / stride)."""
        inner = F.relu_(self.conv2(F.relu_(self.conv1(x))))
        return F.relu_(self.conv3(inner) + self.shortcut(x))


class ResNet(nn.Module):
    """The stem and the stages res2, res3, res4; `channels` are their output widths.

    Raises:
        ConfigError: the configuration names no known backbone.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        blocks = _block_counts(config.backbone)
        self.ceil_pool = config.ceil_pool
        expansion = 4 if config.backbone in _BOTTLENECK_BLOCKS else 1
        widths = [config.bottleneck_width * 2**stage for stage in range(3)]
        self.channels = tuple(expansion * width for width in widths)
        self.stem = ConvFrozenNorm(3, STEM_CHANNELS, 7, 2)
        self.res2 = _stage(STEM_CHANNELS, widths[0], blocks[0], 1, config)
        self.res3 = _stage(self.channels[0], widths[1], blocks[1], 2, config)
        self.res4 = _stage(self.channels[1], widths[2], blocks[2], 2, config)

    def forward(self, images: Tensor) -> BackboneFeatures:
        """Features of normalised images (B, 3, H, W), at least 16 px high and wide."""
        x = F.relu_(self.stem(images))
        # Caffe pads bottom and right only.
        x = F.max_pool2d(x, 3, 2, padding=0 if self.ceil_pool else 1, ceil_mode=self.ceil_pool)
        res2 = self.res2(x)
        res3 = self.res3(res2)
        return BackboneFeatures(res2, res3, self.res4(res3))

    def fold_norms(self) -> None:
        """Fold every frozen norm into its convolution (inference only)."""
        for module in list(self.modules()):
            if isinstance(module, ConvFrozenNorm):
                module.fold()


def freeze_at(backbone: ResNet, stage: int) -> None:
    """Stop the gradient of the first parts: 0 none, 1 the stem, 2 also res2 (official), 3 also res3, 4 all.

    Raises:
        ValueError: `stage` is not in 0..4.
    """
    if stage not in range(5):
        raise ValueError(f"freeze_at takes 0 to 4, not {stage}")
    parts = (backbone.stem, backbone.res2, backbone.res3, backbone.res4)
    for index, part in enumerate(parts):
        part.requires_grad_(index >= stage)


def _block_counts(name: str) -> tuple[int, int, int]:
    counts = {**_BASIC_BLOCKS, **_BOTTLENECK_BLOCKS}
    if name not in counts:
        raise ConfigError(f"no backbone is called {name!r}; there are {', '.join(counts)}")
    return counts[name]


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Identity() if inputs == outputs and stride == 1 else ConvFrozenNorm(inputs, outputs, 1, stride)


def _stage(inputs: int, width: int, count: int, stride: int, config: ModelConfig) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for index in range(count):
        step = stride if index == 0 else 1
        if config.backbone in _BOTTLENECK_BLOCKS:
            blocks.append(Bottleneck(inputs, width, step, config.stride_in_1x1))
            inputs = 4 * width
        else:
            blocks.append(BasicBlock(inputs, width, step))
            inputs = width
    return nn.Sequential(*blocks)
