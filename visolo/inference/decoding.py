"""From the maps of one frame to its instances: score reweighting (paper 4.3), threshold, masks.

Pure functions. Products of maps stay on their device; which candidates become instances is decided in `choosing`. Knows
nothing of other frames but the similarity it is given, nothing of tracks, and leaves masks at the network's input size.
Source: the official post-processing, with its defects only under `InferenceConfig.official_quirks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from visolo.config import InferenceConfig
from visolo.inference.choosing import FrameCandidates, MaskStatistics, choose, ever_chosen

MASK_STRIDE = 4
"""Mask features are at a quarter of the input."""

_MASKS_AT_ONCE = 16


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


class DecodedFrame(NamedTuple):
    """Instances of a frame and those that other thresholds would show.

    Attributes:
        detections: first what is shown, best score first, then what is hidden, with score 0.
        shown_count: how many are shown.
        candidates: what was chosen from, `slots` counting the detections; None when nothing can be chosen again.
    """

    detections: Detections
    shown_count: int
    candidates: FrameCandidates | None


class Candidates(NamedTuple):
    """Cells above the score threshold in ascending order: the first four fields of `Detections` without masks."""

    cells: NDArray[np.int64]
    category_indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    class_scores: NDArray[np.float32]

    def take(self, order: NDArray[np.intp]) -> "Candidates":
        """The candidates at these positions, in this order."""
        return Candidates(self.cells[order], self.category_indices[order], self.scores[order], self.class_scores[order])


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
    masks, statistics = make_masks(kernels[:, torch.from_numpy(candidates.cells).to(kernels.device)], mask_features)
    chosen, scores = choose(candidates.category_indices, candidates.scores, statistics, config)
    return Detections(*candidates.take(chosen)._replace(scores=scores), masks=masks[chosen])


def decode_with_evidence(
    category_scores: Tensor,
    kernels: Tensor,
    mask_features: Tensor,
    config: InferenceConfig,
    weights: Tensor | None = None,
) -> DecodedFrame:
    """As `decode_instances`, together with all that other thresholds would show; those not with `official_quirks`."""
    if config.official_quirks:
        detections = decode_instances(category_scores, kernels, mask_features, config, weights)
        return DecodedFrame(detections, len(detections), None)
    floor = min(config.score_threshold, config.evidence_threshold)
    candidates = select_cells(category_scores, replace(config, score_threshold=floor), weights)
    masks, statistics = make_masks(kernels[:, torch.from_numpy(candidates.cells).to(kernels.device)], mask_features)
    known = candidates.category_indices, candidates.scores, statistics
    chosen, scores = choose(*known, config)
    hidden = np.setdiff1d(ever_chosen(*known, config), chosen)
    rows = np.concatenate([chosen, hidden])
    slots = np.full(len(masks), -1, np.int32)
    slots[rows] = np.arange(len(rows))
    scores = np.concatenate([scores, np.zeros(len(hidden), np.float32)])
    detections = Detections(*candidates.take(rows)._replace(scores=scores), masks=masks[rows])
    return DecodedFrame(detections, len(chosen), FrameCandidates(slots, *known))


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
    logits = _products(kernels.float().T, mask_features.float().flatten(1)).view(-1, height, width).cpu()
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


def _products(kernels: Tensor, features: Tensor) -> Tensor:
    """(N, D) times (D, P) so that each row is to the last bit the same whichever others are there.

    Matrix products of another size add up in another order, and instances chosen again from kept evidence must be those
    that a run finds.
    """
    padding = -len(kernels) % _MASKS_AT_ONCE
    blocks = torch.split(F.pad(kernels, (0, 0, 0, padding)), _MASKS_AT_ONCE)
    return torch.cat([block @ features for block in blocks])[: len(kernels)]


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
