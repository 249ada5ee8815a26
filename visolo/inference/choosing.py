"""Which candidates of a frame become instances: order, matrix NMS, thresholds, overlaps. Decisions on numpy, no torch.

The same rules serve the tracker and, on what a project keeps of each frame, other thresholds without the network.
Source: the official post-processing, with its defects only under `InferenceConfig.official_quirks`.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.config import InferenceConfig

_MAX_NMS_INPUT = 500


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


@dataclass(frozen=True, eq=False)
class FrameCandidates:
    """What the instances of a frame were chosen from, N cells in ascending order, enough to choose again.

    Attributes:
        slots: (N,) int32 position among the frame's instances and, after those, the hidden ones; -1 for cells that
            become an instance at no thresholds or whose mask vanishes at the output size.
        category_indices: (N,) int64 argmax of the class scores.
        scores: (N,) float32 best class score, reweighted.
        statistics: of their masks.
    """

    slots: NDArray[np.int32]
    category_indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    statistics: MaskStatistics

    def with_slots(self, visible: NDArray[np.intp]) -> "FrameCandidates":
        """With positions among the visible ones of what `slots` counts; -1 for the others."""
        places = np.full(int(self.slots.max(initial=-1)) + 1, -1, np.int32)
        places[visible] = np.arange(len(visible))
        slots = np.where(self.slots >= 0, places[self.slots] if len(places) else -1, -1).astype(np.int32)
        return replace(self, slots=slots)

    def choose(self, config: InferenceConfig) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Slots of the instances, best first, as a run with this configuration finds them, and their (n,) scores."""
        chosen, scores = choose(self.category_indices, self.scores, self.statistics, config)
        visible = self.slots[chosen] >= 0
        return self.slots[chosen[visible]], scores[visible]


def choose(
    category_indices: NDArray[np.int64],
    scores: NDArray[np.float32],
    statistics: MaskStatistics,
    config: InferenceConfig,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which of N candidates become instances.

    Args:
        category_indices: (N,).
        scores: (N,) best class scores, reweighted; those below the score threshold take no part.
        statistics: of the candidates' masks.
        config: thresholds and rules.

    Returns:
        (n,) positions, best first, and their (n,) scores after maskness and NMS.
    """
    able = np.flatnonzero(scores >= config.score_threshold)
    ranked = scores[able] * statistics.maskness[able]
    order = best_first(ranked) if config.official_quirks else drop_nan(best_first(ranked), ranked)
    order = order[:_MAX_NMS_INPUT]
    positions = able[order]
    there = statistics.take(positions)
    lowered = matrix_nms(there.ious(), category_indices[positions], ranked[order], config.nms_sigma)
    kept = drop_low(lowered, config)
    kept = kept[uncovered(there.take(kept), config.overlap_threshold)]
    return positions[kept], lowered[kept]


def ever_chosen(
    category_indices: NDArray[np.int64],
    scores: NDArray[np.float32],
    statistics: MaskStatistics,
    config: InferenceConfig,
) -> NDArray[np.intp]:
    """Positions, ascending, of the candidates that become instances at any score and update threshold; see `choose`."""
    ranked = scores * statistics.maskness
    # A candidate that goes is felt by those of worse rank that it overlapped.
    holds_down = (ranked[:, None] >= ranked[None]) & (scores[:, None] < scores[None])
    holds_down &= (category_indices[:, None] == category_indices[None]) & (statistics.intersections > 0)
    is_felt = holds_down.any(1)
    ever = np.zeros(len(scores), np.bool_)
    gone = np.ones(len(scores), np.bool_)
    chosen = np.zeros(len(scores), np.bool_)
    for level in np.unique(scores).tolist():
        # `gone` are those of the level before: what remains goes on as it is, unless they held something down.
        is_crowded = np.count_nonzero(scores >= level) + np.count_nonzero(gone) > config.max_instances
        if is_crowded or (gone & (is_felt | chosen)).any() or gone.all():
            # Raising the update threshold only shortens what is chosen, so 0 stands for all of them.
            rules = replace(config, score_threshold=level, update_threshold=0.0)
            chosen[:] = False
            chosen[choose(category_indices, scores, statistics, rules)[0]] = True
            ever |= chosen
        gone = scores == level
    return np.flatnonzero(ever)


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
