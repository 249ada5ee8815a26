"""What is odd about a track as a whole: it is there twice, hardly there at all, or its class is unsure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries
from app.document.review.links import box_overlaps
from app.document.review.observations import Observations
from app.document.review.sides import cosine
from visolo import rle
from visolo.rle import Rle

_SAME_BOX, _SAME_MASK = 0.45, 0.4  # IoU from which two instances of a frame may be one object
_SAMPLES = 3  # frames whose masks are compared
_CHUNK = 256
_SHORT = 8  # frames: a track shorter than this may be a mistake
_EVEN_SHARE = 0.75  # of the frames: below, the class of a track is not clear


class Duplicate(NamedTuple):
    """Two tracks that cover the same pixels.

    Attributes:
        keep, drop: track ids; the one with more instances stays.
        frames: (m,) int64 frames in which they do.
        overlap: mean IoU of the masks.
        share: of the dropped track's instances that are covered.
        alike: cosine of their q; NaN where no model saw both.
    """

    keep: int
    drop: int
    frames: NDArray[np.int64]
    overlap: float
    share: float
    alike: float


class Doubtful(NamedTuple):
    """A track that may be no object.

    Attributes:
        frame_index: where it begins.
        length: instances.
        score: mean of theirs.
        presence: share of its span where it is there.
        cut: the video begins or ends with it, so that it may be longer than it seems.
    """

    track_id: int
    frame_index: int
    length: int
    score: float
    presence: float
    cut: bool


class ClassDoubt(NamedTuple):
    """A track whose frames disagree on its class.

    Attributes:
        frame_index: where the votes turn first.
        category_id: that most frames vote for, of the other classes.
        share: of the frames that do.
        current: class that the track has, share_of_current: of the frames that vote for that one.
    """

    track_id: int
    frame_index: int
    category_id: int
    share: float
    current: int
    share_of_current: float


def duplicates(seen: Observations, queries: Queries) -> list[Duplicate]:
    """Pairs of tracks that are the same object in some frames."""
    found = [_same_boxes(seen, first) for first in range(0, seen.frame_count, _CHUNK)]
    if not found or not sum(len(part[0]) for part in found):
        return []
    a, b = (np.concatenate([part[side] for part in found]) for side in (0, 1))
    overlaps = np.concatenate([part[2] for part in found])
    keys, which = np.unique(np.stack([seen.tracks[a], seen.tracks[b]], 1), axis=0, return_inverse=True)
    counts = dict(zip(*(c.tolist() for c in np.unique(seen.tracks, return_counts=True)), strict=True))
    result = []
    for index, (one, two) in enumerate(keys.tolist()):
        pairs = np.flatnonzero(which.ravel() == index)
        best = pairs[np.argsort(-overlaps[pairs])[:_SAMPLES]]
        overlap = _mask_overlap(queries, seen.masks[a[best]].tolist(), seen.masks[b[best]].tolist())
        if overlap >= _SAME_MASK:
            keep, drop = (one, two) if counts[one] >= counts[two] else (two, one)
            frames = np.unique(seen.frames[a[pairs]])
            alike = _likeness(seen, a[best], b[best])
            result.append(Duplicate(keep, drop, frames, overlap, len(frames) / counts[drop], alike))
    return result


def doubtful_tracks(seen: Observations) -> list[Doubtful]:
    """Tracks that are short, weak or come and go."""
    if not len(seen.frames):
        return []
    ordered = seen.tracks[seen.order]
    ids, firsts, counts = np.unique(ordered, return_index=True, return_counts=True)
    scores = np.add.reduceat(seen.scores[seen.order], firsts) / counts
    begun = seen.frames[seen.order[firsts]]
    spans = seen.frames[seen.order[firsts + counts - 1]] - begun + 1
    edited = np.maximum.reduceat(seen.edited[seen.order].astype(np.int64) | (seen.origins[seen.order] == 1), firsts)
    cut = (begun == 0) | (begun + spans == seen.frame_count)
    found = [
        Doubtful(
            int(ids[i]), int(begun[i]), int(counts[i]), float(scores[i]), float(counts[i] / spans[i]), bool(cut[i])
        )
        for i in np.flatnonzero(edited == 0)
    ]
    return [d for d in found if (d.length < _SHORT or d.presence < 0.5) and d.length < seen.frame_count]


def class_doubts(seen: Observations, queries: Queries) -> list[ClassDoubt]:
    """Tracks, classed by votes, whose frames vote for different classes."""
    scores = seen.evidence.class_scores
    voted = np.flatnonzero(seen.class_rows >= 0)
    if not len(voted) or not scores.shape[1]:
        return []
    winners = seen.evidence.category_ids[scores[seen.class_rows[voted]].argmax(1)]
    order = np.lexsort((seen.frames[voted], seen.tracks[voted]))
    voted, winners = voted[order], winners[order]
    ids, firsts, counts = np.unique(seen.tracks[voted], return_index=True, return_counts=True)
    agreed = np.add.reduceat(winners == np.repeat(winners[firsts], counts), firsts) == counts
    result = []
    for track_id, first, count in zip(*(x[~agreed].tolist() for x in (ids, firsts, counts)), strict=True):
        track = queries.track(seen.video_id, track_id)
        if track.category_set:
            continue
        own, frames = winners[first : first + count], seen.frames[voted[first : first + count]]
        values, votes = np.unique(own[own != track.category_id], return_counts=True)
        of_current = float((own == track.category_id).mean())
        if of_current < _EVEN_SHARE:
            best = int(values[votes.argmax()])
            turns = np.flatnonzero(own[1:] != own[:-1])
            where = int(frames[turns[0] + 1]) if len(turns) else int(frames[0])
            result.append(ClassDoubt(track_id, where, best, float(votes.max() / count), track.category_id, of_current))
    return result


def _same_boxes(seen: Observations, first: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Positions of instances of one frame whose boxes overlap, and by how much."""
    end = min(first + _CHUNK, seen.frame_count)
    starts, stops = seen.starts[first:end], seen.starts[first + 1 : end + 1]
    width = int((stops - starts).max(initial=0))
    places = starts[:, None] + np.arange(width)[None]
    there = places < stops[:, None]
    pairs = there[:, :, None] & there[:, None, :] & np.triu(np.ones((width, width), bool), 1)[None]
    frame, one, two = np.nonzero(pairs)
    a, b = places[frame, one], places[frame, two]
    overlaps = box_overlaps(seen.boxes[a], seen.boxes[b])
    near = overlaps >= _SAME_BOX
    return a[near], b[near], overlaps[near]


def _likeness(seen: Observations, a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Mean cosine of q, pair by pair; NaN where no model saw both."""
    same = (seen.models[a] >= 0) & (seen.models[a] == seen.models[b])
    if not same.any():
        return float("nan")
    found = []
    for one, two in zip(a[same].tolist(), b[same].tolist(), strict=True):
        queries = seen.evidence.models[seen.models[one]].queries[[seen.rows[one], seen.rows[two]]].astype(np.float32)
        found.append(float(cosine(queries[:1], queries[1:])[0]))
    return float(np.mean(found))


def _mask_overlap(queries: Queries, one: list[int], two: list[int]) -> float:
    ids = sorted({*one, *two})
    marks = ",".join(map(str, ids))
    rows = queries.rows(f"SELECT mask_id, height, width, counts FROM masks WHERE mask_id IN ({marks})")
    masks = {row[0]: Rle((row[1], row[2]), row[3]) for row in rows}
    return float(np.mean([rle.iou([masks[x]], [masks[y]])[0, 0] for x, y in zip(one, two, strict=True)]))
