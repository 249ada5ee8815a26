"""Which predicted mask stands for which annotated object, frame by frame, as CLEAR MOT, IDF1 and HOTA each decide it.

Everything is counted per annotated track, so that any choice of tracks and videos can be summed afterwards.
Source: Bernardin and Stiefelhagen 2008 (CLEAR MOT), Ristani et al. 2016 (IDF1), Luiten et al. 2021 (HOTA); where the
papers leave a choice, that of TrackEval, so that numbers can be compared.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.assignment import assigned

IOU_THRESHOLD = 0.5  # of CLEAR MOT and IDF1
ALPHAS: NDArray[np.float64] = np.arange(0.05, 0.99, 0.05)  # (A,) the IoU thresholds of HOTA
_EPSILON = float(np.finfo(np.float64).eps)
_CONTINUES = 1000.0  # going on with the track of the frame before outweighs any overlap


class VideoOverlaps(NamedTuple):
    """One video, T frames, N annotated and M predicted tracks.

    Attributes:
        ious: (T, N, M) float64 mask IoU; 0 where either is absent.
        is_annotated: (T, N) bool, the annotated track is visible.
        is_predicted: (T, M) bool, the predicted track has a mask.
    """

    ious: NDArray[np.float64]
    is_annotated: NDArray[np.bool_]
    is_predicted: NDArray[np.bool_]


class TrackCounts(NamedTuple):
    """What was counted for N annotated tracks, and the predicted masks of their videos.

    Attributes:
        frames: (N,) in which the track is visible.
        found: (N,) frames in which a mask stands for it (CLEAR MOT).
        switches: (N,) times that another predicted track took over.
        fragments: (N,) interruptions of being found.
        identified: (N,) frames found by the one predicted track that stands for it (IDF1).
        matched: (A, N) frames found at each threshold of HOTA.
        association: (A, N) sum over these of their association accuracy.
        overlap: (A, N) sum over these of their IoU.
        predicted_masks: number of predicted masks.
    """

    frames: NDArray[np.float64]
    found: NDArray[np.float64]
    switches: NDArray[np.float64]
    fragments: NDArray[np.float64]
    identified: NDArray[np.float64]
    matched: NDArray[np.float64]
    association: NDArray[np.float64]
    overlap: NDArray[np.float64]
    predicted_masks: int


class _Clear(NamedTuple):
    found: NDArray[np.float64]
    switches: NDArray[np.float64]
    fragments: NDArray[np.float64]


class _Hota(NamedTuple):
    matched: NDArray[np.float64]
    association: NDArray[np.float64]
    overlap: NDArray[np.float64]


def count_tracks(overlaps: VideoOverlaps) -> TrackCounts:
    """Match one video in the three ways; N and M may be 0."""
    clear, hota = _clear(overlaps), _hota(overlaps)
    return TrackCounts(
        frames=overlaps.is_annotated.sum(axis=0, dtype=np.float64),
        found=clear.found,
        switches=clear.switches,
        fragments=clear.fragments,
        identified=_identified(overlaps),
        matched=hota.matched,
        association=hota.association,
        overlap=hota.overlap,
        predicted_masks=int(overlaps.is_predicted.sum()),
    )


def _clear(overlaps: VideoOverlaps) -> _Clear:
    """Keep the pairs of the frame before, then overlap most; frames with nothing on either side change nothing."""
    count = overlaps.is_annotated.shape[1]
    found, switches, starts = np.zeros(count), np.zeros(count), np.zeros(count)
    last_owner = np.full(count, -1)  # whoever stood for the track last
    owner_before = np.full(count, -1)  # in the frame before
    for ious, is_annotated, is_predicted in zip(*overlaps, strict=True):
        rows, columns = np.flatnonzero(is_annotated), np.flatnonzero(is_predicted)
        if not rows.size or not columns.size:
            continue
        near = ious[np.ix_(rows, columns)]
        scores = _CONTINUES * (columns == owner_before[rows][:, None]) + near
        scores[near < IOU_THRESHOLD - _EPSILON] = 0
        matched, owners = assigned(scores)
        is_match = scores[matched, owners] > _EPSILON
        matched, owners = rows[matched[is_match]], columns[owners[is_match]]
        switches[matched] += (last_owner[matched] >= 0) & (last_owner[matched] != owners)
        found[matched] += 1
        starts[matched] += owner_before[matched] < 0
        last_owner[matched] = owners
        owner_before[:] = -1
        owner_before[matched] = owners
    return _Clear(found, switches, np.maximum(starts - 1, 0))


def _identified(overlaps: VideoOverlaps) -> NDArray[np.float64]:
    """(N,) frames that the best one-to-one choice of predicted tracks finds; a track may stay without one."""
    together = (overlaps.ious >= IOU_THRESHOLD).sum(axis=0, dtype=np.float64)  # (N, M)
    identified = np.zeros(len(together))
    rows, columns = assigned(together)
    identified[rows] = together[rows, columns]
    return identified


def _hota(overlaps: VideoOverlaps) -> _Hota:
    """Match by global alignment times overlap, once for all thresholds."""
    ious, is_annotated, is_predicted = overlaps
    alignment = _alignment(overlaps)
    pairs = np.zeros((len(ALPHAS), *alignment.shape))  # (A, N, M) frames matched
    overlap = np.zeros((len(ALPHAS), len(alignment)))
    for t, near in enumerate(ious):
        rows, columns = np.flatnonzero(is_annotated[t]), np.flatnonzero(is_predicted[t])
        if not rows.size or not columns.size:
            continue
        scores = (alignment * near)[np.ix_(rows, columns)]
        matched, owners = assigned(scores)
        matched, owners = rows[matched], columns[owners]
        is_match = near[matched, owners] >= ALPHAS[:, None] - _EPSILON  # (A, pairs)
        pairs[:, matched, owners] += is_match
        overlap[:, matched] += is_match * near[matched, owners]
    lengths = is_annotated.sum(axis=0)[:, None] + is_predicted.sum(axis=0)[None]
    association = pairs * pairs / np.maximum(1, lengths - pairs)
    return _Hota(pairs.sum(axis=2), association.sum(axis=2), overlap)


def _alignment(overlaps: VideoOverlaps) -> NDArray[np.float64]:
    """(N, M) how much two tracks share over the whole video, in [0, 1]."""
    ious, is_annotated, is_predicted = overlaps
    sums = ious.sum(axis=1, keepdims=True) + ious.sum(axis=2, keepdims=True) - ious
    shares = np.divide(ious, sums, out=np.zeros_like(ious), where=sums > _EPSILON).sum(axis=0)
    lengths = is_annotated.sum(axis=0)[:, None] + is_predicted.sum(axis=0)[None] - shares
    return np.asarray(np.divide(shares, lengths, out=np.zeros_like(shares), where=lengths > 0))
