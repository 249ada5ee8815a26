"""Cheap signals of every link (an instance and the one before it in its track) and of every two tracks, frame by frame.

They only say where to look closer: `sides` compares what was before such a moment with what came after it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.records import FrameRange
from app.document.review.observations import Indices, Observations

_CHUNK = 256  # frames
_LONG_GAP = 30  # frames after which where a thing was says little about where it is
_FAR = 1.5  # sizes: centres further apart than this are not near each other
_LIKELY = -3.0  # logits: a crossed pair this much less alike than the straight one may still be right
_PER_FRAME = 3  # pairs of a frame that are looked at closer, at most


class Links(NamedTuple):
    """Of each instance to the one before it in its track, (n,) each; NaN for the first of a track.

    Attributes:
        gaps: int64 frames between the two, 0 for the first of a track.
        logits: float32 of their similarity; NaN where no model saw both.
        jumps: float32 distance from where the motion so far leads, in sizes, less where the gap is long.
        growths: float32 natural logarithm of the area's ratio.
        overlaps: float32 IoU of the boxes, the earlier one moved to where it should be.
    """

    gaps: NDArray[np.int64]
    logits: NDArray[np.float32]
    jumps: NDArray[np.float32]
    growths: NDArray[np.float32]
    overlaps: NDArray[np.float32]


class Pairs(NamedTuple):
    """Two tracks that may have been mixed up between a frame and the one before, (k,) each.

    Attributes:
        frames: int64, the later frame.
        tracks, others: int64 ids, the smaller one first.
        gains: float32 mean logit that the crossed links have more than the straight ones; NaN without evidence.
        closeness: float32 distance of the centres in sizes.
    """

    frames: NDArray[np.int64]
    tracks: NDArray[np.int64]
    others: NDArray[np.int64]
    gains: NDArray[np.float32]
    closeness: NDArray[np.float32]


def find_links(seen: Observations) -> Links:
    """The links of all tracks."""
    count = len(seen.frames)
    later = np.flatnonzero(seen.previous >= 0)
    earlier = seen.previous[later]
    gaps = np.zeros(count, np.int64)
    gaps[later] = seen.frames[later] - seen.frames[earlier]
    logits, jumps, growths, overlaps = (np.full(count, np.nan, np.float32) for _ in range(4))
    for chunk in np.array_split(np.arange(len(later)), max(1, len(later) // 8192)):
        logits[later[chunk]] = seen.affinity_logits(earlier[chunk], later[chunk])
    velocities = velocities_at(seen)
    span = np.minimum(gaps[later], _LONG_GAP)[:, None].astype(np.float32)
    shifts = velocities[earlier] * np.minimum(span, 5)
    size = (seen.sizes[later] + seen.sizes[earlier]) / 2
    distance = np.linalg.norm(seen.centres[later] - seen.centres[earlier] - shifts, axis=1)
    jumps[later] = distance / size / np.sqrt(span[:, 0])
    growths[later] = np.log(np.maximum(seen.areas[later], 1) / np.maximum(seen.areas[earlier], 1))
    moved = seen.boxes[earlier].copy()
    moved[:, :2] += shifts
    overlaps[later] = box_overlaps(moved, seen.boxes[later])
    return Links(gaps, logits, jumps, growths, overlaps)


def velocities_at(seen: Observations) -> NDArray[np.float32]:
    """(n, 2) px per frame, over the last link; 0 for the first of a track and after a gap."""
    velocities = np.zeros((len(seen.frames), 2), np.float32)
    later = np.flatnonzero(seen.previous >= 0)
    earlier = seen.previous[later]
    close = seen.frames[later] - seen.frames[earlier] <= 2
    later, earlier = later[close], earlier[close]
    span = (seen.frames[later] - seen.frames[earlier])[:, None]
    velocities[later] = (seen.centres[later] - seen.centres[earlier]) / span
    return velocities


def box_overlaps(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of (..., 4) boxes with others: (...)."""
    left = np.maximum(boxes[..., 0], others[..., 0])
    top = np.maximum(boxes[..., 1], others[..., 1])
    right = np.minimum(boxes[..., 0] + boxes[..., 2], others[..., 0] + others[..., 2])
    bottom = np.minimum(boxes[..., 1] + boxes[..., 3], others[..., 1] + others[..., 3])
    shared = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    union = boxes[..., 2] * boxes[..., 3] + others[..., 2] * others[..., 3] - shared
    result: NDArray[np.float32] = shared / np.maximum(union, 1e-6)
    return result


class PairFinder:
    """Finds pairs of tracks that are near each other, or whose links could as well be crossed, by looks or by place.

    Remembers what it has found: after an edit only the frames around it are compared again.
    """

    def __init__(self) -> None:
        self._parts: dict[int, Pairs] = {}  # by first frame of `_CHUNK`
        self._similarities: list[tuple[float, float]] = []

    def forget(self, frames: FrameRange) -> None:
        """Instances in these frames have changed."""
        for first in [f for f in self._parts if f + _CHUNK >= frames.first and f <= frames.end]:
            del self._parts[first]

    def find(self, seen: Observations) -> Pairs:
        """All pairs of the video."""
        if seen.similarities != self._similarities:
            self._parts, self._similarities = {}, seen.similarities
        end = seen.frame_count - 1
        for first in range(0, end, _CHUNK):
            if first not in self._parts:
                self._parts[first] = _pairs_of(seen, first, min(first + _CHUNK, end))
        parts = [self._parts[first] for first in range(0, end, _CHUNK)]
        if not parts:
            empty = np.zeros(0, np.int64)
            return Pairs(empty, empty, empty, np.zeros(0, np.float32), np.zeros(0, np.float32))
        return Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _pairs_of(seen: Observations, first: int, end: int) -> Pairs:
    """Pairs of frames `first` to `end` - 1 and the one after each."""
    here = _padded(seen, first, end)  # (F, N)
    following = np.where(here >= 0, seen.following[here], -1) if len(seen.frames) else here
    one_on = (following >= 0) & (seen.frames[following] == seen.frames[here] + 1) if len(seen.frames) else here >= 0
    both = one_on[:, :, None] & one_on[:, None, :]
    both &= np.triu(np.ones(both.shape[1:], bool), 1)[None]
    frame, one, two = np.nonzero(both)
    a, c = here[frame, one], here[frame, two]
    next_a, next_c = seen.following[a], seen.following[c]
    sizes = (seen.sizes[a] + seen.sizes[c]) / 2
    apart = seen.centres[next_a] - seen.centres[next_c]
    distance = np.hypot(apart[:, 0], apart[:, 1]) / sizes
    gains = _gains(seen, here, following, (frame, one, two))
    shortened = _shortened(seen, here, following)[frame, one, two] / sizes
    likely = np.nan_to_num(gains, nan=_LIKELY - 1)
    kept = (likely > _LIKELY) | (distance < _FAR) | (shortened > 0)
    worth = np.maximum(likely, shortened)
    order = np.flatnonzero(kept)
    order = order[np.lexsort((-worth[order] + distance[order], frame[order]))]
    rank = np.arange(len(order)) - np.searchsorted(frame[order], frame[order])
    order = order[rank < _PER_FRAME]
    return Pairs(
        seen.frames[a[order]] + 1,
        seen.tracks[a[order]],
        seen.tracks[c[order]],
        gains[order],
        distance[order].astype(np.float32),
    )


def _shortened(seen: Observations, here: Indices, following: Indices) -> NDArray[np.float32]:
    """How much shorter the way is that two tracks go when crossed, in px, less than 0 where straight is shorter.

    Args:
        seen: the instances.
        here: (F, N) positions.
        following: (F, N) of the next instance of each one's track.

    Returns:
        (F, N, N); of no meaning where there is no instance.
    """
    steps = seen.centres[here][:, :, None] - seen.centres[following][:, None]
    ways = np.sqrt((steps * steps).sum(-1))  # from each to each one's successor
    straight = np.diagonal(ways, axis1=1, axis2=2)
    result: NDArray[np.float32] = straight[:, :, None] + straight[:, None] - ways - ways.transpose(0, 2, 1)
    return result


def _gains(
    seen: Observations, here: Indices, following: Indices, pairs: tuple[Indices, Indices, Indices]
) -> NDArray[np.float32]:
    """Mean logit that crossed links have more than straight ones, of each pair; NaN without evidence."""
    frame, one, two = pairs
    gains = np.full(len(frame), np.nan, np.float32)
    if not len(frame):
        return gains
    safe, safe_next = np.maximum(here, 0), np.maximum(following, 0)
    for index, model in enumerate(seen.evidence.models):
        scale, _ = seen.similarities[index]
        queries = model.queries[np.maximum(seen.rows[safe], 0)].astype(np.float32)
        references = model.references[np.maximum(seen.rows[safe_next], 0)].astype(np.float32)
        logits = scale * (queries @ references.transpose(0, 2, 1))  # (F, N, N): from each to each one's successor
        known = (seen.models[safe] == index) & (seen.models[safe_next] == index)
        crossed = logits[frame, one, two] + logits[frame, two, one]
        straight = logits[frame, one, one] + logits[frame, two, two]
        chosen = known[frame, one] & known[frame, two]
        gains[chosen] = (crossed - straight)[chosen] / 2
    return gains


def _padded(seen: Observations, first: int, end: int) -> Indices:
    """Positions of the instances of frames `first` to `end` - 1, (F, N), -1 where a frame has fewer."""
    starts, stops = seen.starts[first:end], seen.starts[first + 1 : end + 1]
    width = int((stops - starts).max(initial=0))
    positions = starts[:, None] + np.arange(width)[None]
    return np.where(positions < stops[:, None], positions, -1)
