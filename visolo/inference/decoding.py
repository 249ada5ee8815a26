"""From the maps of one frame to its instances: score reweighting (paper 4.3), threshold, masks, matrix NMS, overlaps.

Pure functions. Masks are made on the maps' device, decisions fall on the CPU. Knows nothing of other frames but the
similarity it is given, nothing of tracks, and leaves masks at the network's input size.
Source: the official post-processing, with its defects only under `InferenceConfig.official_quirks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from visolo.config import InferenceConfig

MASK_STRIDE = 4
"""Mask features are at a quarter of the input."""

_MAX_NMS_INPUT = 500
_CHUNK_PX = 1 << 22  # full-size logits made at a time: 16 MiB of float32


@dataclass(frozen=True, eq=False)
class Detections:
    """The instances of one frame before they get track ids, best score first.

    Attributes:
        cells: (N,) int64 grid cells that detected them, row * columns + column.
        category_indices: (N,) int64 argmax of the unweighted class scores.
        scores: (N,) float32 after reweighting, maskness and NMS.
        class_scores: (N, C) float32 unweighted.
        masks: (N, H, W) bool at the network's input size, on the maps' device, none empty.
    """

    cells: NDArray[np.int64]
    category_indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    class_scores: NDArray[np.float32]
    masks: Tensor

    def __len__(self) -> int:
        return len(self.cells)


class Candidates(NamedTuple):
    """Cells above the score threshold in ascending order: the first four fields of `Detections` without masks."""

    cells: NDArray[np.int64]
    category_indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    class_scores: NDArray[np.float32]

    def take(self, order: NDArray[np.intp]) -> "Candidates":
        """The candidates at these positions, in this order."""
        return Candidates(self.cells[order], self.category_indices[order], self.scores[order], self.class_scores[order])


class MaskStatistics(NamedTuple):
    """What decisions need to know of N masks.

    Attributes:
        areas: (N,) float32 foreground pixels.
        maskness: (N,) float32 mean probability over the foreground; NaN where there is none.
        intersections: (N, N) float32 pixels that two masks share.
    """

    areas: NDArray[np.float32]
    maskness: NDArray[np.float32]
    intersections: NDArray[np.float32]

    def take(self, order: NDArray[np.intp]) -> "MaskStatistics":
        """The masks at these positions, in this order."""
        return MaskStatistics(self.areas[order], self.maskness[order], self.intersections[np.ix_(order, order)])

    def ious(self) -> NDArray[np.float32]:
        """(N, N) float32 overlap of every two masks; NaN where both are empty."""
        unions = self.areas[:, None] + self.areas[None] - self.intersections
        with np.errstate(invalid="ignore"):
            return self.intersections / unions


def decode_instances(
    category_scores: Tensor,
    kernels: Tensor,
    mask_features: Tensor,
    config: InferenceConfig,
    weights: Tensor | None = None,
) -> Detections:
    """Instances of one frame from the network's maps.

    Args:
        category_scores: (C, G) float in [0, 1].
        kernels: (D, G) mask kernel of every cell.
        mask_features: (D, h, w).
        config: thresholds and rules.
        weights: (G,) score weight of every cell, see `score_weights`; None leaves scores as they are.
    """
    candidates = select_cells(category_scores, config, weights)
    cells = torch.from_numpy(candidates.cells).to(kernels.device)
    masks, statistics = make_masks(kernels[:, cells], mask_features)
    scores = candidates.scores * statistics.maskness
    order = best_first(scores) if config.official_quirks else drop_nan(best_first(scores), scores)
    order = order[:_MAX_NMS_INPUT]
    ranked, ranked_statistics = candidates.take(order)._replace(scores=scores[order]), statistics.take(order)
    scores = matrix_nms(ranked_statistics.ious(), ranked.category_indices, ranked.scores, config.nms_sigma)
    kept = drop_low(scores, config)
    kept = kept[uncovered(ranked_statistics.take(kept), config.overlap_threshold)]
    chosen = torch.from_numpy(order[kept]).to(masks.device)
    return Detections(*ranked.take(kept)._replace(scores=scores[kept]), masks=masks[chosen])


def score_weights(similarity_logits: Sequence[Tensor]) -> Tensor:
    """Weight of every cell's score: how well its best match in each reference frame fits (paper 4.3).

    Args:
        similarity_logits: per reference frame (G, P) logits of this frame's queries to that frame's references.

    Returns:
        (G,) float in [0, 1], the mean over the reference frames.
    """
    return torch.stack([logits.amax(1).sigmoid() for logits in similarity_logits]).mean(0)


def select_cells(category_scores: Tensor, config: InferenceConfig, weights: Tensor | None = None) -> Candidates:
    """Cells whose best weighted class score reaches the threshold.

    Args:
        category_scores: (C, G) float in [0, 1].
        config: `score_threshold`, inclusive.
        weights: (G,) or None.
    """
    class_scores = category_scores.float().cpu().numpy()  # (C, G)
    scores = class_scores.max(0)
    if weights is not None:
        scores = scores * weights.float().cpu().numpy()
    cells = np.flatnonzero((scores >= config.score_threshold) & (scores > 0))
    if config.official_quirks and cells.sum() == 0:
        cells = cells[:0]  # the official test for "no cell" adds up cell numbers, so cell 0 alone counts as none
    return Candidates(cells, class_scores.argmax(0)[cells], scores[cells], class_scores.T[cells])


def make_masks(kernels: Tensor, mask_features: Tensor) -> tuple[Tensor, MaskStatistics]:
    """Full-size masks of some cells.

    Args:
        kernels: (D, N) of these cells.
        mask_features: (D, h, w).

    Returns:
        (N, H, W) bool on the maps' device with H, W four times h, w, and their statistics.
    """
    size = tuple(MASK_STRIDE * side for side in mask_features.shape[1:])
    pixels = mask_features.float().flatten(1)
    logits = (kernels.float().T @ pixels).view(-1, 1, *mask_features.shape[1:])  # (N, 1, h, w)
    masks = torch.empty((len(logits), *size), dtype=torch.bool, device=logits.device)
    sums = torch.zeros(len(logits), device=logits.device)
    step = max(1, _CHUNK_PX // (size[0] * size[1]))
    for start in range(0, len(logits), step):
        part = slice(start, start + step)
        # Logits are upsampled, not probabilities, as in the official code.
        scores = F.interpolate(logits[part], scale_factor=MASK_STRIDE, mode="bilinear").sigmoid_()[:, 0]
        masks[part] = scores > 0.5
        sums[part] = scores.mul_(masks[part]).sum((1, 2))
    intersections = _intersections(masks.flatten(1))
    areas = intersections.diagonal()
    numbers = torch.cat([areas[None], (sums / areas)[None], intersections]).cpu().numpy()  # one transfer
    return masks, MaskStatistics(numbers[0], numbers[1], numbers[2:])


def best_first(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Positions by descending score; NaN first and ties in their order, as the official sort has them."""
    return np.argsort(np.where(np.isnan(scores), -np.inf, -scores), kind="stable")


def drop_nan(order: NDArray[np.intp], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Positions without those whose score is NaN.

    Departs from official: there two empty masks, whose overlap is 0/0, erase all detections of the frame.
    """
    return order[~np.isnan(scores[order])]


def matrix_nms(
    ious: NDArray[np.float32], category_indices: NDArray[np.int64], scores: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Lower the scores of instances that overlap better ones of their class (Gaussian matrix NMS).

    Args:
        ious: (N, N), best score first.
        category_indices: (N,).
        scores: (N,), descending.
        sigma: the decay is exp(-sigma * iou^2).

    Returns:
        (N,) float32 in the same order; one NaN among the overlaps makes all of them NaN.

    Source: SOLOv2, arXiv 2003.10152, section 3.3.
    """
    if not len(scores):
        return scores
    same = category_indices[:, None] == category_indices[None]
    overlaps = np.triu(ious * same, k=1)  # row: the better one
    worst = overlaps.max(0)  # of each instance with any better one
    decay, compensation = (np.exp(-sigma * np.square(x)) for x in (overlaps, worst[:, None]))
    decayed: NDArray[np.float32] = scores * (decay / compensation).min(0)
    return decayed


def drop_low(scores: NDArray[np.float32], config: InferenceConfig) -> NDArray[np.intp]:
    """Positions by descending score, without those below the update threshold and without NaN."""
    order = best_first(scores)
    return order[scores[order] >= config.update_threshold][: config.max_instances]


def uncovered(statistics: MaskStatistics, threshold: float) -> NDArray[np.bool_]:
    """Which masks remain when each one drops the later ones that it covers by more than `threshold` of their area.

    Args:
        statistics: of masks in the order of their scores, best first.
        threshold: fraction of the later mask's area, exclusive.

    Returns:
        (N,) bool. A dropped mask drops no other.
    """
    with np.errstate(invalid="ignore"):
        covers = np.triu(statistics.intersections / statistics.areas[None] > threshold, k=1)
    remains = np.ones(len(covers), dtype=np.bool_)
    for index in np.flatnonzero(covers.any(1)):
        if remains[index]:
            remains[covers[index]] = False
    return remains


def _intersections(masks: Tensor) -> Tensor:
    """Shared pixels of every two of (N, P) bool masks: (N, N) float32, exact, in bounded memory."""
    counts = torch.zeros((len(masks), len(masks)), device=masks.device)
    step = max(1, _CHUNK_PX // max(1, len(masks)))
    for start in range(0, masks.shape[1], step):
        part = masks[:, start : start + step].float()
        counts.addmm_(part, part.T)
    return counts
