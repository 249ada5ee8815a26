"""Which grid cells are responsible for which instance, for a whole batch of clips at once.

Source: paper 4.5, details as the official code. Losses are in `losses.py`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from visolo.training.config import TargetExtent


@dataclass(frozen=True)
class ClipBatch:
    """Training clips, padded to the same number of instances.

    Attributes:
        images: (B, T, 3, H, W) uint8 RGB.
        masks: (B, T, N, H, W) bool, visible parts; all zero where an instance is absent or a slot is unused.
        classes: (B, N) int64 class indices; of unused slots any value.
    """

    images: Tensor
    masks: Tensor
    classes: Tensor


@dataclass(frozen=True)
class LabelledBatch:
    """Training clips as they are handed over: a label map says what N masks say in a fraction of the memory.

    Attributes:
        images: (B, T, 3, H, W) uint8 RGB.
        labels: (B, T, H, W) uint8, slot of the instance plus 1; 0 is background.
        classes: (B, N) int64 class indices; of unused slots any value.
    """

    images: Tensor
    labels: Tensor
    classes: Tensor

    def to(self, device: torch.device) -> "LabelledBatch":
        """The batch on another device."""
        return LabelledBatch(*(x.to(device, non_blocking=True) for x in (self.images, self.labels, self.classes)))

    def pin_memory(self) -> "LabelledBatch":
        """The batch in memory from which copies to a GPU are quick; torch's loader calls it."""
        return LabelledBatch(*(x.pin_memory() for x in (self.images, self.labels, self.classes)))

    def part(self, start: int, stop: int) -> ClipBatch:
        """The clips from `start` to `stop`, exclusive, with a mask for every instance."""
        classes = self.classes[start:stop]
        slots = torch.arange(1, classes.shape[1] + 1, device=classes.device, dtype=torch.uint8)
        masks = self.labels[start:stop, :, None] == slots[:, None, None]
        return ClipBatch(self.images[start:stop], masks, classes)


@dataclass(frozen=True)
class Regions:
    """Where the instances are, in px of the input; y before x.

    Attributes:
        centres: (B, T, N, 2) float mean position of the mask; 0 where absent.
        sizes: (B, T, N, 2) float height and width; 1 where absent.
        present: (B, T, N) bool.
    """

    centres: Tensor
    sizes: Tensor
    present: Tensor


@dataclass(frozen=True)
class ClipTargets:
    """What the network should say.

    Attributes:
        owners: (B, T, G) int64 slot of the instance each cell is responsible for, -1 for none.
        categories: (B, T, C, R, K) float 0 or 1.
        similarities: (B, P, G, G) float 0 or 1 for the frame pairs in the order of `frame_pairs`.
    """

    owners: Tensor
    categories: Tensor
    similarities: Tensor


def frame_pairs(length: int) -> list[tuple[int, int]]:
    """Pairs (earlier position, later position) of a clip: (0, 1), (0, 2), (1, 2), ..."""
    return [(first, second) for first in range(length) for second in range(first + 1, length)]


def measure_regions(masks: Tensor, extent: TargetExtent) -> Regions:
    """Centre and size of every mask.

    Args:
        masks: (B, T, N, H, W) bool.
        extent: "official" counts height and width from the frame's top left corner to the mask's last row and column,
            "true" from the mask's first ones.
    """
    row_sums = masks.sum(4)  # (B, T, N, H) int64: integers keep the centre of any mask exact
    column_sums = masks.sum(3)  # (B, T, N, W)
    area = row_sums.sum(3)
    y, x = (torch.arange(sums.shape[3], device=masks.device) for sums in (row_sums, column_sums))
    weight = area.clamp(min=1).double()
    centres = torch.stack(((row_sums * y).sum(3) / weight, (column_sums * x).sum(3) / weight), dim=3)
    sizes = torch.stack((_extent(row_sums > 0, y, extent), _extent(column_sums > 0, x, extent)), dim=3)
    return Regions(centres, sizes.double(), area > 0)


def assign_cells(regions: Regions, image_size: tuple[int, int], grid: tuple[int, int], centre_size: float) -> Tensor:
    """The instance every cell is responsible for.

    A cell in the centre region of several instances belongs to the nearest centre, the first slot among equals.

    Args:
        regions: from `measure_regions`.
        image_size: (H, W) in px of the masks.
        grid: rows and columns.
        centre_size: side of the centre region as a share of the instance's side.

    Returns:
        (B, T, G) int64 slot, -1 for none; G = row * columns + column.
    """
    inside = regions.present
    distances = []
    for axis in range(2):
        cell = image_size[axis] / grid[axis]
        index = torch.arange(grid[axis], device=inside.device)
        centre, half = regions.centres[..., axis], centre_size * regions.sizes[..., axis] / 2
        first = torch.floor((centre - half) / cell)[..., None]
        last = torch.floor((centre + half) / cell)[..., None]
        distance = ((index + 0.5) * cell - centre[..., None]).square()
        distances.append(distance.masked_fill((index < first) | (index > last), torch.inf))
    total = distances[0][..., :, None] + distances[1][..., None, :]  # (B, T, N, R, K)
    total = total.masked_fill(~inside[..., None, None], torch.inf).flatten(3)
    slots = total.shape[2]
    if slots == 0:
        return torch.full((*total.shape[:2], total.shape[3]), -1, device=inside.device)
    nearest = total.amin(2)  # (B, T, G)
    slot = torch.arange(slots, device=inside.device)[:, None]
    # argmin does not promise the first of equal entries.
    owner = torch.where(total == nearest[:, :, None], slot, slots).amin(2)
    return torch.where(nearest.isinf(), -1, owner)


def build_targets(batch: ClipBatch, owners: Tensor, num_classes: int, grid: tuple[int, int]) -> ClipTargets:
    """Category and similarity targets from the owners of the cells.

    Args:
        batch: the clips.
        owners: (B, T, G) from `assign_cells`.
        num_classes: C.
        grid: rows and columns.
    """
    clips, length, cells = owners.shape
    taken = owners >= 0
    slots = owners.clamp(min=0)
    if batch.classes.shape[1] == 0:
        classes = torch.zeros_like(owners)
    else:
        classes = batch.classes[:, None].expand(-1, length, -1).gather(2, slots)
    categories = torch.zeros(clips, length, num_classes, cells, device=owners.device)
    categories.scatter_(2, classes[:, :, None], taken[:, :, None].float())
    pairs = frame_pairs(length)
    similarities = torch.zeros(clips, len(pairs), cells, cells, device=owners.device)
    for index, (first, second) in enumerate(pairs):
        same = owners[:, first, :, None] == owners[:, second, None, :]
        similarities[:, index] = (same & taken[:, first, :, None]).float()
    return ClipTargets(owners, categories.reshape(clips, length, num_classes, *grid), similarities)


def _extent(occupied: Tensor, index: Tensor, extent: TargetExtent) -> Tensor:
    """(..., L) bool to (...) length in px."""
    length = occupied.shape[-1]
    last = torch.where(occupied, index, -1).amax(-1)
    # Departs from official where asked for: there `min(mask * y)` is 0 unless the mask fills the frame.
    first = torch.where(occupied, index, length).amin(-1) if extent == "true" else torch.zeros_like(last)
    return (last - first + 1).clamp(min=1)
