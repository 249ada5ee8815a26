"""The network: what is computed per frame, per pair of frames and per training clip. No thresholds, no tracks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from visolo.config import ModelConfig
from visolo.errors import ConfigError
from visolo.model.aggregation import Aggregation
from visolo.model.backbone import ResNet
from visolo.model.branches import CategoryBranch, KernelBranch, MaskBranch
from visolo.model.layers import FrozenBatchNorm, coordinate_map, resample
from visolo.model.matching import Matching

_LARGEST_SIZE = 65536


@dataclass(frozen=True)
class FrameFeatures:
    """Everything that depends on one frame alone; R, K are the grid's rows and columns, G = R * K.

    Attributes:
        key: (B, D, R, K) K, the category branch's first feature, before any activation.
        category: (B, D, R, K) C before memory reading.
        kernel: (B, D, R, K) M before memory reading.
        mask: (B, D, h, w) mask features at a quarter of the input.
        query: (B, G, E) q of every cell.
        reference: (B, G, E) r of every cell.
        category_value: (B, D, G) value projection of C for memory reading.
        kernel_value: (B, D, G) value projection of M.
    """

    key: Tensor
    category: Tensor
    kernel: Tensor
    mask: Tensor
    query: Tensor
    reference: Tensor
    category_value: Tensor
    kernel_value: Tensor


@dataclass(frozen=True)
class Prediction:
    """Of one frame after memory reading: category_logits (B, C, R, K) float32, kernels (B, D, R, K)."""

    category_logits: Tensor
    kernels: Tensor


@dataclass(frozen=True)
class ClipPrediction:
    """Of T frames that read each other.

    Attributes:
        category_logits: (B, T, C, R, K) float32.
        kernels: (B, T, D, R, K).
        mask_features: (B, T, D, h, w).
        similarity_logits: (B, T * (T - 1) / 2, G, G) float32, of the pairs (0, 1), (0, 2), .., (1, 2), ..;
            rows are the earlier frame's cells, columns the later one's.
    """

    category_logits: Tensor
    kernels: Tensor
    mask_features: Tensor
    similarity_logits: Tensor


class Visolo(nn.Module):
    """VISOLO; `build_model` makes one with start values, `visolo.model.checkpoint.load_weights` a trained one.

    Device and dtype are the parameters'. Pixels are normalised, similarities and softmax computed in float32 always.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        _check(config)
        self.config = config
        self.backbone = ResNet(config)
        self.category_branch = CategoryBranch(self.backbone.channels[2], config)
        self.kernel_branch = KernelBranch(self.backbone.channels[2], config)
        self.mask_branch = MaskBranch(self.backbone.channels, config)
        self.matching = Matching(config)
        self.aggregation = Aggregation(config)
        self.register_buffer("pixel_mean", torch.empty(0), persistent=False)
        self.register_buffer("pixel_std", torch.empty(0), persistent=False)
        self._set_pixel_statistics()

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.category_branch.classify.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the parameters."""
        return self.category_branch.classify.weight.dtype

    def encode(self, images: Tensor) -> FrameFeatures:
        """Compute everything that depends on one frame alone.

        Args:
            images: (B, 3, H, W) RGB 0..255 on the model's device, any dtype, already at `config.input_size`
                (other sizes from 32 px work, too).
        """
        features = self.backbone(self._normalise(images))
        grid = self.config.grid
        on_grid = resample(features.res4, grid)
        key, category = self.category_branch(on_grid)
        # Resampling works per channel, so the coordinates can be resampled apart from the features.
        kernel = self.kernel_branch(on_grid, resample(coordinate_map(features.res4), grid))
        mask = self.mask_branch(features)
        query, reference = self.matching(key)
        values = self.aggregation(category), self.aggregation(kernel)
        return FrameFeatures(key, category, kernel, mask, query, reference, *values)

    def similarity_logits(self, query: Tensor, reference: Tensor) -> Tensor:
        """Similarity of (B, G, E) queries to (B, P, E) references: (B, G, P) float32 logits."""
        return self.matching.similarity_logits(query, reference)

    def read(self, value: Tensor, affinity: Tensor, memory_value: Tensor) -> Tensor:
        """Add to a feature what its cells read from memory.

        Args:
            value: (B, D, R, K) `category` or `kernel` of the current frame.
            affinity: (B, G, P) logits, current queries to the references of all memory cells.
            memory_value: (B, D, P) `category_value` or `kernel_value` of the memory frames, in the same order.

        Returns:
            (B, D, R, K).
        """
        return self.aggregation.read(value, affinity, memory_value)

    def predict(self, category: Tensor, kernel: Tensor) -> Prediction:
        """Class logits and mask kernels of (B, D, R, K) features after memory reading."""
        return Prediction(self.category_branch.decode(category), self.kernel_branch.decode(kernel))

    def forward_clip(self, images: Tensor) -> ClipPrediction:
        """Training: every frame of (B, T, 3, H, W) reads the other T - 1 in increasing order (itself if T is 1)."""
        batch, length = images.shape[:2]
        features = self.encode(images.flatten(0, 1))
        similarity = self._clip_similarity(features, batch, length)  # (B, T, T, G, G)
        category = self._read_others(features.category, similarity, features.category_value)
        kernel = self._read_others(features.kernel, similarity, features.kernel_value)
        prediction = self.predict(category, kernel)
        rows, columns = torch.triu_indices(length, length, offset=1, device=images.device)
        return ClipPrediction(
            _split(prediction.category_logits, length),
            _split(prediction.kernels, length),
            _split(features.mask, length),
            similarity[:, rows, columns],
        )

    def forward(self, images: Tensor) -> ClipPrediction:
        """The same as `forward_clip`, so that wrappers for training work."""
        return self.forward_clip(images)

    def optimize_for_inference(self) -> Self:
        """Make inference faster within rounding: no gradients, norms folded into convolutions, channels last.

        Call it before moving to half precision, so that folding rounds once. The model cannot be trained afterwards;
        saving it still works and writes bias-only norms.
        """
        self.eval().requires_grad_(False)
        self.backbone.fold_norms()
        return self.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _clip_similarity(self, features: FrameFeatures, batch: int, length: int) -> Tensor:
        query = features.query.reshape(batch, -1, self.config.embedding)
        reference = features.reference.reshape(batch, -1, self.config.embedding)
        logits = self.similarity_logits(query, reference)  # (B, T * G, T * G)
        cells = logits.shape[1] // length
        return logits.view(batch, length, cells, length, cells).transpose(2, 3)

    def _read_others(self, value: Tensor, similarity: Tensor, memory_value: Tensor) -> Tensor:
        length = similarity.shape[1]
        value, memory_value = _split(value, length), _split(memory_value, length)
        frames = []
        for t in range(length):
            others = [s for s in range(length) if s != t] or [t]
            affinity = torch.cat([similarity[:, t, s] for s in others], dim=2)
            memory = torch.cat([memory_value[:, s] for s in others], dim=2)
            frames.append(self.read(value[:, t], affinity, memory))
        return torch.stack(frames, 1).flatten(0, 1)

    def _normalise(self, images: Tensor) -> Tensor:
        normalised = (images.float() - self.pixel_mean) / self.pixel_std
        return normalised.to(self.dtype)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        # Moving the module must not round the pixel statistics to half precision.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._set_pixel_statistics()
        return self

    def _set_pixel_statistics(self) -> None:
        for name in ("pixel_mean", "pixel_std"):
            values = getattr(self.config, name)
            setattr(self, name, torch.tensor(values, dtype=torch.float32, device=self.device)[:, None, None])


def build_model(config: ModelConfig) -> Visolo:
    """A network with start values, on the CPU, in training mode; torch's global seed decides them.

    Raises:
        ConfigError: the configuration cannot be built.
    """
    model = empty_model(config)
    _initialise(model)
    return model


def empty_model(config: ModelConfig) -> Visolo:
    """A network on the CPU whose values are undefined, for loading weights without the cost of drawing random ones.

    Raises:
        ConfigError: the configuration cannot be built.
    """
    return meta_model(config).to_empty(device="cpu")


def meta_model(config: ModelConfig) -> Visolo:
    """A network of shapes without storage.

    Raises:
        ConfigError: the configuration cannot be built.
    """
    with torch.device("meta"):
        return Visolo(config)


@torch.no_grad()
def _initialise(model: Visolo) -> None:
    """Kaiming normal (fan out) convolutions, zero biases, identity norms.

    Source: official head initialisation; the prior bias of the classes is an option of ours.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GroupNorm):
            module.reset_parameters()
        elif isinstance(module, FrozenBatchNorm):
            module.set_bias_only()
    nn.init.constant_(_bias(model.category_branch.classify), model.config.category_prior_bias)
    model.matching.reset_similarity(model.config.embedding)


def _split(x: Tensor, length: int) -> Tensor:
    """(B * T, ...) -> (B, T, ...)."""
    return x.reshape(-1, length, *x.shape[1:])


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _check(config: ModelConfig) -> None:
    for name in ("bottleneck_width", "num_classes", "width", "embedding", "norm_groups", "grid", "input_size"):
        value = getattr(config, name)
        values = value if isinstance(value, tuple) else (value,)
        if min(values) < 1 or max(values) > _LARGEST_SIZE:
            raise ConfigError(f"{name} is {value}; it must be 1 to {_LARGEST_SIZE}")
    if min(config.pixel_std) <= 0:
        raise ConfigError(f"pixel_std is {config.pixel_std}; every value must be above 0")
    for name in ("width", "embedding"):
        if getattr(config, name) % config.norm_groups:
            raise ConfigError(
                f"{name} {getattr(config, name)} cannot be split into norm_groups {config.norm_groups}; "
                f"choose a divisor of both width and embedding"
            )
