"""Frames to the network's input size, masks to the size that people asked for; both exactly as the official code."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_PIL_BITS = 22  # PIL's weights are integers of this many binary places


def resize_frame(frame: NDArray[np.uint8], size: Sequence[int]) -> NDArray[np.uint8]:
    """Squash or stretch a frame: PIL bilinear on uint8, antialiased; a frame that fits already is not touched.

    First across, then down: Pillow 13 takes whichever order is faster, which changes the rounding, the Pillow of the
    official code this one.

    Args:
        frame: (H, W, 3) uint8 RGB, or (H, W) uint8 grey.
        size: height and width in px; the aspect ratio is not kept.

    Returns:
        (height, width, 3) uint8, a writable copy.
    """
    height, width = size
    image = Image.fromarray(frame).convert("RGB")
    for step in ((width, image.height), (width, height)):
        if image.size != step:
            image = image.resize(step, Image.Resampling.BILINEAR)
    return np.array(image)


def resize_frame_on_device(frame: Tensor, size: Sequence[int]) -> Tensor:
    """The same, to the last bit, where the frame is: PIL's arithmetic is of integers. Faster on a GPU, slower on a CPU.

    Args:
        frame: (H, W, 3) or (H, W) uint8, on any device.
        size: height and width in px.

    Returns:
        (height, width, 3) uint8 on that device.
    """
    height, width = size
    colour = frame if frame.ndim == 3 else frame[..., None].expand(-1, -1, 3)
    return _resized_along(0, _resized_along(1, colour, width), height)


def _resized_along(dim: int, image: Tensor, length: int) -> Tensor:
    if image.shape[dim] == length:
        return image
    positions, weights = _pil_taps(image.shape[dim], length, image.device)
    shape = [-1 if axis == dim else 1 for axis in range(image.ndim)]
    total: Tensor | int = 1 << (_PIL_BITS - 1)
    for position, weight in zip(positions, weights, strict=True):
        total = total + image.index_select(dim, position).int() * weight.view(shape)
    assert isinstance(total, Tensor)
    return (total >> _PIL_BITS).clamp_(0, 255).to(torch.uint8)


@lru_cache(maxsize=16)
def _pil_taps(source: int, target: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For every tap, the source positions (target,) int64 that it reads and their weights (target,) int32.

    Source: Pillow's bilinear resampling: a triangle as wide as a target pixel, at least as a source pixel.
    """
    scale = source / target
    support = max(scale, 1.0)
    positions = np.zeros((2 * math.ceil(support) + 1, target), dtype=np.int64)
    weights = np.zeros(positions.shape, dtype=np.int32)
    for index in range(target):
        centre = (index + 0.5) * scale
        first, last = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), source)
        triangle = [max(0.0, 1 - abs((i - centre + 0.5) / support)) for i in range(first, last)]
        total = sum(triangle)
        positions[: last - first, index] = range(first, last)
        weights[: last - first, index] = [int(0.5 + w / total * (1 << _PIL_BITS)) for w in triangle]
    return torch.from_numpy(positions).to(device), torch.from_numpy(weights).to(device)


def resize_mask(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Squash or stretch a mask: bilinear on 0 and 1 without antialiasing, foreground from one half.

    The same as torch's `interpolate(align_corners=False)`, but only where the mask is.

    Args:
        mask: (h, w) bool.
        size: height and width in px.

    Returns:
        (height, width) bool, column-major in memory as run-length coding wants it.
    """
    resized = np.zeros(size, dtype=np.bool_, order="F")
    if not mask.any():
        return resized
    rows = _taps(mask.shape[0], size[0]).touching(np.flatnonzero(mask.any(1)))
    columns = _taps(mask.shape[1], size[1]).touching(np.flatnonzero(mask.any(0)))
    if not (len(rows.first) and len(columns.first)):
        return resized
    top = rows.first[0]
    window = mask[top : rows.second[-1] + 1].astype(np.float32)
    across = window[:, columns.first] * (1 - columns.weight) + window[:, columns.second] * columns.weight
    above, below, weight = across[rows.first - top], across[rows.second - top], rows.weight[:, None]
    # Product and sum of the first term are rounded once, as the fused operation that torch uses does.
    values = (above.astype(np.float64) * (1 - weight) + below * weight).astype(np.float32)
    resized[rows.targets, columns.targets] = values >= 0.5
    return resized


class _Taps(NamedTuple):
    """Along one side: source positions that each target position lies between, and the weight of the second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weight: NDArray[np.float32]
    targets: slice

    def touching(self, sources: NDArray[np.intp]) -> "_Taps":
        """Those of the target positions that lie beside a source position between the first and the last given."""
        start = int(np.searchsorted(self.second, sources[0], side="left"))
        stop = int(np.searchsorted(self.first, sources[-1], side="right"))
        part = slice(start, stop)
        return _Taps(self.first[part], self.second[part], self.weight[part], part)


@lru_cache(maxsize=16)
def _taps(source: int, target: int) -> _Taps:
    # float32, and product and sum rounded once, as in torch: rounding decides pixels that lie exactly on one half.
    scale = np.float64(np.float32(source) / np.float32(target))
    positions = np.maximum((scale * (np.arange(target) + 0.5) - 0.5).astype(np.float32), 0)
    first = np.minimum(positions.astype(np.intp), source - 1)
    second = np.minimum(first + 1, source - 1)
    weight = np.clip(positions - first.astype(np.float32), 0, 1).astype(np.float32)
    return _Taps(first, second, weight, slice(0, target))
