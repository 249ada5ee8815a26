"""From the maps of one frame to its instances: score reweighting (paper 4.3), threshold, masks, matrix NMS, overlaps.

Pure functions. Products of maps stay on their device, decisions fall on the CPU. Knows nothing of other frames but the
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


@dataclass(frozen=True, eq=False)
class Detections:
    """The instances of one frame before they get track ids, best score first.

    Attributes:
        cells: (N,) int64 grid cells that detected them, row * columns + column.
        category_indices: (N,) int64 argmax of the unweighted class scores.
        scores: (N,) float32 after reweighting, maskness and NMS.
        class_scores: (N, C) float32 unweighted.
        masks: (N, H, W) bool at the network's input size, none empty.
    """

    cells: NDArray[np.int64]
    category_indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    class_scores: NDArray[np.float32]
    masks: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, order: NDArray[np.intp]) -> "Detections":
        """The detections at these positions, in this order."""
        fields = (self.cells, self.category_indices, self.scores, self.class_scores)
        return Detections(*Candidates(*fields).take(order), masks=self.masks[order])


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
    return Detections(*ranked.take(kept)._replace(scores=scores[kept]), masks=masks[order[kept]])


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


def make_masks(kernels: Tensor, mask_features: Tensor) -> tuple[NDArray[np.bool_], MaskStatistics]:
    """Full-size masks of some cells.

    Args:
        kernels: (D, N) of these cells.
        mask_features: (D, h, w).

    Returns:
        (N, H, W) bool with H, W four times h, w, and their statistics.
    """
    height, width = mask_features.shape[1:]
    # The product stays on the device; what follows touches few pixels, and all of them are needed on the CPU.
    logits = (kernels.float().T @ mask_features.float().flatten(1)).view(-1, height, width).cpu()
    masks = np.zeros((len(logits), MASK_STRIDE * height, MASK_STRIDE * width), dtype=np.bool_)
    sums = np.zeros(len(logits), dtype=np.float32)
    windows = [_positive_window(positive) for positive in (logits > 0).numpy()]
    for index, window in enumerate(windows):
        if window is not None:
            # Logits are upsampled, not probabilities, as in the official code.
            scores = F.interpolate(logits[index][window][None, None], scale_factor=MASK_STRIDE, mode="bilinear")
            values = scores.sigmoid_()[0, 0].numpy()
            mask = values > 0.5
            masks[index][_upscaled(window)] = mask
            sums[index] = values[mask].sum()
    intersections = _intersections(masks, [window and _upscaled(window)[0] for window in windows])
    areas = intersections.diagonal()
    with np.errstate(invalid="ignore"):
        return masks, MaskStatistics(areas, sums / areas, intersections)


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


def _positive_window(positive: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Rows and columns of a map outside which upsampling finds nothing positive; None where there is nothing.

    One row and column around the positive ones take part in interpolation.
    """
    rows, columns = np.flatnonzero(positive.any(1)), np.flatnonzero(positive.any(0))
    if not len(rows):
        return None
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def _upscaled(window: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(MASK_STRIDE * side.start, MASK_STRIDE * side.stop) for side in window)
    return rows, columns


def _intersections(masks: NDArray[np.bool_], rows: Sequence[slice | None]) -> NDArray[np.float32]:
    """Shared pixels of every two masks, counted in words of 64 pixels.

    Args:
        masks: (N, H, W).
        rows: of each mask that may hold foreground; None for an empty one.

    Returns:
        (N, N) float32; areas on the diagonal.
    """
    width = masks.shape[2]
    bits = np.packbits(masks.reshape(len(masks), masks.shape[1] * width), axis=1)
    packed = np.zeros((len(masks), -(-bits.shape[1] // 8)), dtype=np.uint64)
    packed.view(np.uint8)[:, : bits.shape[1]] = bits
    shared = np.zeros((len(masks), len(masks)), dtype=np.float32)
    for index, part in enumerate(rows):
        if part is not None:
            words = slice(part.start * width // 64, -(-part.stop * width // 64))
            both = packed[index, words] & packed[index:, words]
            shared[index, index:] = shared[index:, index] = np.bitwise_count(both).sum(1, dtype=np.int64)
    return shared
