"""Two sets of tracks of one video side by side: before and after a training, a threshold, a review.

    compare(queries, before, after, progress)   -> Comparison: which tracks differ, in which frames, and how

The sides come from `revisions`. Instances are matched frame by frame by their masks, tracks by what they have in
common.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries
from app.document.records import FrameRange
from app.document.revisions import TrackSet
from app.document.seen_instances import Ids, Progress
from visolo import rle as rle_masks
from visolo.assignment import assigned
from visolo.rle import Rle

_SAME_OBJECT_IOU = 0.5
_SAME_MASK_IOU = 0.8
_FRAMES_AT_ONCE = 64
_NONE = -1


class DifferenceKind(StrEnum):
    """How the sides differ."""

    IDENTITY = "identity"
    LOST = "lost"
    FOUND = "found"
    MASK = "mask"
    CLASS = "class"


@dataclass(frozen=True)
class RunDifference:
    """A stretch of frames in which a track differs in one way.

    Attributes:
        before_track, after_track: None where there is none on that side. With IDENTITY the object is in `after_track`,
            which is not the one that has most of `before_track`'s objects.
        count: of instances.
        before_category, after_category: with CLASS.
    """

    kind: DifferenceKind
    frames: FrameRange
    before_track: int | None
    after_track: int | None
    count: int
    before_category: int | None = None
    after_category: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What differs.

    Attributes:
        differences: by first frame.
        partners: after track by the before track that it corresponds to.
        instance_count: of both sides, what is on both counted once.
        same_count: of those, how many are alike in mask and track.
    """

    differences: tuple[RunDifference, ...]
    partners: Mapping[int, int]
    instance_count: int
    same_count: int

    @property
    def counts(self) -> Mapping[DifferenceKind, int]:
        """Instances by kind of difference."""
        counted: Counter[DifferenceKind] = Counter()
        for difference in self.differences:
            counted[difference.kind] += difference.count
        return counted

    @property
    def same_share(self) -> float:
        """Share of the instances that are alike, 0 to 1."""
        return self.same_count / self.instance_count if self.instance_count else 1.0


def compare(queries: Queries, before: TrackSet, after: TrackSet, progress: Progress = lambda share: None) -> Comparison:
    """Find what differs between two sets of tracks of one video.

    Args:
        queries: of the project that holds their masks.
        before: the one side.
        after: the other.
        progress: told the share that is done; may raise to stop.
    """
    partner_rows, overlaps = _match(queries, before, after, progress)
    matched = np.flatnonzero(partner_rows != _NONE)
    partners = _partners(before.tracks[matched], after.tracks[partner_rows[matched]])
    others = np.where(partner_rows == _NONE, _NONE, after.tracks[partner_rows])
    expected = np.array([partners.get(track_id, _NONE) for track_id in before.tracks.tolist()], np.int64)
    fates = np.select(
        [others == _NONE, others != expected, overlaps < _SAME_MASK_IOU],
        [_CODES.index(kind) for kind in (DifferenceKind.LOST, DifferenceKind.IDENTITY, DifferenceKind.MASK)],
        _NONE,
    )
    is_found = np.ones(len(after.frames), np.bool_)
    is_found[partner_rows[matched]] = False
    found = np.where(is_found, _CODES.index(DifferenceKind.FOUND), _NONE)
    differences = [
        *_stretches(before.frames, before.tracks, others, fates),
        *_stretches(after.frames, np.full(len(found), _NONE), after.tracks, found),
        *_class_differences(before, after, partners, others),
    ]
    differences.sort(key=lambda d: (d.frames.first, d.kind, d.before_track or 0, d.after_track or 0))
    count = len(before.frames) + int(is_found.sum())
    return Comparison(tuple(differences), partners, count, int((fates == _NONE).sum()))


_CODES = tuple(DifferenceKind)


def _match(queries: Queries, before: TrackSet, after: TrackSet, progress: Progress) -> tuple[Ids, NDArray[np.float64]]:
    """Row of `after` that shows the object of each instance of `before`, -1 for none, and the overlap of the masks."""
    rows, overlaps = np.full(len(before.frames), _NONE, np.int64), np.zeros(len(before.frames))
    end = 1 + max((int(side.frames[-1]) for side in (before, after) if len(side.frames)), default=-1)
    edges = [np.searchsorted(side.frames, np.arange(end + 1)).tolist() for side in (before, after)]
    for first in range(0, end, _FRAMES_AT_ONCE):
        progress(first / end)
        last = min(end, first + _FRAMES_AT_ONCE)
        pieces = [slice(edge[first], edge[last]) for edge in edges]
        masks = _masks_that_differ(queries, before, after, pieces)
        for frame in range(first, last):
            mine, theirs = (range(edge[frame], edge[frame + 1]) for edge in edges)
            for row, other, overlap in _match_frame(before, after, (mine, theirs), masks):
                rows[row], overlaps[row] = other, overlap
    return rows, overlaps


def _masks_that_differ(
    queries: Queries, before: TrackSet, after: TrackSet, pieces: list[slice]
) -> tuple[dict[int, Rle], dict[int, Rle]]:
    """The masks of some frames that are not the very same row of the project on both sides, by side and id."""
    mine, theirs = (side.mask_ids[piece] for side, piece in zip((before, after), pieces, strict=True))
    both = np.intersect1d(mine, theirs)
    both = both[both >= 0]
    wanted = (np.setdiff1d(ids, both).tolist() for ids in (mine, theirs))
    return before.read_masks(queries, next(wanted)), after.read_masks(queries, next(wanted))


def _match_frame(
    before: TrackSet, after: TrackSet, rows: tuple[range, range], masks: tuple[dict[int, Rle], dict[int, Rle]]
) -> list[tuple[int, int, float]]:
    """(row, other row, overlap) of a frame: first what is the very same mask, then the best overlaps."""
    places = {int(after.mask_ids[row]): row for row in rows[1]}
    ids = {row: int(before.mask_ids[row]) for row in rows[0]}
    same = [(row, places.pop(i), 1.0) for row, i in ids.items() if i >= 0 and i in places]
    for row, _, _ in same:
        del ids[row]
    if not ids or not places:
        return same
    mine, theirs = list(ids), list(places.values())
    overlaps = rle_masks.iou([masks[0][i] for i in ids.values()], [masks[1][i] for i in places])
    chosen = zip(*assigned(np.where(overlaps >= _SAME_OBJECT_IOU, overlaps, 0)), strict=True)
    pairs = [(mine[i], theirs[j], float(overlaps[i, j])) for i, j in chosen if overlaps[i, j] >= _SAME_OBJECT_IOU]
    return same + pairs


def _partners(tracks: Ids, others: Ids) -> dict[int, int]:
    """Which track corresponds to which, so that most instances stay in corresponding ones; (n,) of matched pairs."""
    if not len(tracks):
        return {}
    mine, rows = np.unique(tracks, return_inverse=True)
    theirs, columns = np.unique(others, return_inverse=True)
    together = np.zeros((len(mine), len(theirs)), np.int64)
    np.add.at(together, (rows, columns), 1)
    chosen = zip(*assigned(together), strict=True)
    return {int(mine[i]): int(theirs[j]) for i, j in chosen if together[i, j]}


def _stretches(frames: Ids, tracks: Ids, others: Ids, fates: Ids) -> list[RunDifference]:
    """Instances that follow each other in a track and have one fate, an index of `DifferenceKind`; -1 for none.

    Args:
        frames: (n,) of one side's instances.
        tracks: (n,) before tracks, -1 for none.
        others: (n,) after tracks, -1 for none.
        fates: (n,).
    """
    order = np.lexsort((frames, np.where(tracks == _NONE, others, tracks)))
    keys = np.stack([tracks[order], others[order], fates[order]])
    starts = np.flatnonzero((np.diff(keys, prepend=-2) != 0).any(0))
    ends = np.append(starts[1:], len(order))
    return [
        RunDifference(
            _CODES[keys[2, start]],
            FrameRange(int(frames[order[start]]), int(frames[order[end - 1]])),
            None if keys[0, start] == _NONE else int(keys[0, start]),
            None if keys[1, start] == _NONE else int(keys[1, start]),
            end - start,
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if keys[2, start] != _NONE
    ]


def _class_differences(
    before: TrackSet, after: TrackSet, partners: Mapping[int, int], others: Ids
) -> list[RunDifference]:
    """Corresponding tracks of different classes, from the first to the last frame that both are in."""
    found = []
    for track_id, other_id in partners.items():
        classes = before.categories[track_id], after.categories[other_id]
        if classes[0] != classes[1]:
            frames = before.frames[(before.tracks == track_id) & (others == other_id)]
            here = FrameRange(int(frames[0]), int(frames[-1]))
            found.append(RunDifference(DifferenceKind.CLASS, here, track_id, other_id, len(frames), *classes))
    return found
