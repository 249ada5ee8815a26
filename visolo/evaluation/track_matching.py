"""Which predicted track stands for which annotated one, as the official video metric decides it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IOU_THRESHOLDS: NDArray[np.float64] = np.linspace(0.5, 0.95, 10)
AREA_RANGES = {"all": (0.0, 1e10), "small": (0.0, 128.0**2), "medium": (128.0**2, 256.0**2), "large": (256.0**2, 1e10)}
_BOUNDS = np.array(list(AREA_RANGES.values()))  # (A, 2), both ends inclusive


class GroundTruth(NamedTuple):
    """The annotated tracks of one video and class, in file order."""

    ids: NDArray[np.int64]
    is_crowd: NDArray[np.bool_]
    areas: NDArray[np.float64]


class Matches(NamedTuple):
    """Outcome of one video and class for A area ranges and T IoU thresholds.

    Attributes:
        scores: (N,) best first.
        is_matched: (A, T, N) the prediction stands for an annotation.
        is_ignored: (A, T, N) it counts neither as right nor as wrong.
        positives: (A,) annotations that should be found.
    """

    scores: NDArray[np.float64]
    is_matched: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_]
    positives: NDArray[np.int64]


def match_tracks(
    scores: NDArray[np.float64],
    areas: NDArray[np.float64],
    truth: GroundTruth,
    ious: NDArray[np.float64],
    *,
    official_quirks: bool = False,
) -> Matches:
    """Match greedily, best score first; each annotation once, crowds as often as wanted.

    A prediction takes the best overlap at or above the threshold among the annotations that count, only else among
    ignored ones (crowds and those outside the area range); of equal overlaps the later in the file. A prediction
    without a match is ignored when its own area is outside the range.

    Args:
        scores: (N,) sorted, best first.
        areas: (N,) mean area of each prediction in pixels.
        truth: M annotations.
        ious: (N, M) video overlap.
        official_quirks: an annotation with id 0 makes its prediction count as unmatched.
    """
    is_outside_truth = _outside(truth.areas) | truth.is_crowd  # (A, M)
    shape = (len(_BOUNDS), len(IOU_THRESHOLDS), len(scores))
    is_matched, is_ignored = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    is_free = np.ones((*shape[:2], len(truth.ids)), dtype=np.bool_)  # (A, T, M)
    never_counts = truth.ids == 0 if official_quirks else np.zeros(len(truth.ids), dtype=np.bool_)
    for n in np.flatnonzero((ious >= IOU_THRESHOLDS[0]).any(axis=1)) if truth.ids.size else ():
        is_candidate = is_free & (ious[n] >= IOU_THRESHOLDS[:, None])
        a, t = np.nonzero(is_candidate.any(axis=2))
        chosen = _best(is_candidate[a, t], is_outside_truth[a], ious[n])
        is_free[a, t, chosen] = truth.is_crowd[chosen]
        is_matched[a, t, n] = ~never_counts[chosen]
        is_ignored[a, t, n] = is_outside_truth[a, chosen]
    is_ignored |= ~is_matched & _outside(areas)[:, None, :]
    return Matches(scores, is_matched, is_ignored, (~is_outside_truth).sum(axis=1))


def merge_matches(parts: Sequence[Matches], most: int) -> Matches:
    """One class over all videos, at most `most` predictions of each video, best score first.

    Args:
        parts: in ascending video id, which decides between equal scores.
        most: the official maxDets.
    """
    scores = np.concatenate([part.scores[:most] for part in parts])
    order = np.argsort(-scores, kind="stable")
    return Matches(
        scores[order],
        np.concatenate([part.is_matched[..., :most] for part in parts], axis=2)[..., order],
        np.concatenate([part.is_ignored[..., :most] for part in parts], axis=2)[..., order],
        np.sum([part.positives for part in parts], axis=0),
    )


def _best(
    is_candidate: NDArray[np.bool_], is_ignored: NDArray[np.bool_], ious: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Index of the annotation each row takes, (P,); rows are (P, M) with at least one candidate."""
    counting = is_candidate & ~is_ignored
    eligible = np.where(counting.any(axis=1, keepdims=True), counting, is_candidate)
    reversed_ious = np.where(eligible, ious, -1.0)[:, ::-1]
    return np.asarray(ious.size - 1 - reversed_ious.argmax(axis=1), dtype=np.intp)


def _outside(areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(A, N) whether each area is outside each range."""
    return (areas < _BOUNDS[:, :1]) | (areas > _BOUNDS[:, 1:])
