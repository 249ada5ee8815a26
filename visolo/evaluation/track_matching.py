"""Which predicted track stands for which annotated one, as the official video metric decides it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IOU_THRESHOLDS: NDArray[np.float64] = np.linspace(0.5, 0.95, 10)
AREA_RANGES = {"all": (0.0, 1e10), "small": (0.0, 128.0**2), "medium": (128.0**2, 256.0**2), "large": (256.0**2, 1e10)}
_BOUNDS = np.array(list(AREA_RANGES.values()))  # (A, 2), both ends inclusive


class GroundTruth(NamedTuple):
    """The annotated tracks of one video and class, in file order.

    Attributes:
        ids: (M,) annotation ids.
        is_crowd: (M,) they stand for groups.
        areas: (M,) mean area in pixels.
    """

    ids: NDArray[np.int64]
    is_crowd: NDArray[np.bool_]
    areas: NDArray[np.float64]

    def is_ignored(self) -> NDArray[np.bool_]:
        """(A, M) crowds, and whatever is outside the area range."""
        return is_outside(self.areas) | self.is_crowd


class Matches(NamedTuple):
    """For A area ranges, T IoU thresholds and N predictions, (A, T, N) each.

    Attributes:
        is_matched: the prediction stands for an annotation.
        is_ignored: that annotation is ignored in the area range.
    """

    is_matched: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_]


def match_tracks(ious: NDArray[np.float64], truth: GroundTruth, *, official_quirks: bool = False) -> Matches | None:
    """Match greedily, best score first; each annotation once, crowds as often as wanted.

    A prediction takes the best overlap at or above the threshold among the annotations that count, only else among
    ignored ones; of equal overlaps the later in the file.

    Args:
        ious: (N, M) video overlap, predictions sorted by score.
        truth: M annotations.
        official_quirks: an annotation with id 0 is taken, but makes its prediction count as unmatched.

    Returns:
        None when no prediction reaches any annotation.
    """
    reaching = np.flatnonzero((ious >= IOU_THRESHOLDS[0]).any(axis=1)).tolist()
    if not reaching:
        return None
    ignored = truth.is_ignored()
    shape = (len(_BOUNDS), len(IOU_THRESHOLDS), len(ious))
    is_matched, is_ignored = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    is_free = np.ones((*shape[:2], len(truth.ids)), dtype=np.bool_)  # (A, T, M)
    for n in reaching:
        near = np.flatnonzero(ious[n] >= IOU_THRESHOLDS[0])  # most often one: nothing to choose
        is_candidate = is_free[:, :, near] & (ious[n, near] >= IOU_THRESHOLDS[:, None])
        a, t = np.nonzero(is_candidate.any(axis=2))
        chosen = near[_best(is_candidate[a, t], ignored[:, near][a], ious[n, near])]
        is_free[a, t, chosen] = truth.is_crowd[chosen]
        is_matched[a, t, n] = truth.ids[chosen] != 0 if official_quirks else True
        is_ignored[a, t, n] = ignored[a, chosen]
    return Matches(is_matched, is_ignored)


def is_outside(areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(A, N) whether each area, (N,) in pixels, is outside each range."""
    return (areas < _BOUNDS[:, :1]) | (areas > _BOUNDS[:, 1:])


def _best(
    is_candidate: NDArray[np.bool_], is_ignored: NDArray[np.bool_], ious: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Index of the annotation each row takes, (P,); rows are (P, M) with at least one candidate."""
    if ious.size == 1:
        return np.zeros(len(is_candidate), dtype=np.intp)
    counting = is_candidate & ~is_ignored
    eligible = np.where(counting.any(axis=1, keepdims=True), counting, is_candidate)
    reversed_ious = np.where(eligible, ious, -1.0)[:, ::-1]
    return np.asarray(ious.size - 1 - reversed_ious.argmax(axis=1), dtype=np.intp)
