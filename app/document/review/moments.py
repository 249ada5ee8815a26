"""Moments at which identity may have gone wrong, and what speaks for it: switches, broken tracks, two objects in one.

Each kind compares sides of tracks (`sides`): a switch whether two tracks go on better crossed than straight, a join
whether one track goes on as another that begins, a break whether a track goes on as itself.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.review.links import Links, Pairs
from app.document.review.observations import Indices, Observations
from app.document.review.sides import Match, match, side_after, side_before

SWITCH_FEATURES = ("near", "wide", "look", "votes", "shift", "growth", "whole", "spatial")
JOIN_FEATURES = ("near", "wide", "look", "votes", "shift", "growth", "gap")
BREAK_FEATURES = ("near", "wide", "look", "votes", "shift", "growth", "gap", "length")

_PAUSE = 2  # frames: a track absent for longer than this has ended for the moment
_MOST = 4000  # moments of a kind that are looked at
_WAIT = 300  # frames after which an ended track is not looked for any more
_AROUND = (4, 8)  # frames before and after a track ended in which another may have taken its object over
_BESIDE = 2.0  # sizes: further apart, no track takes the other's object over
_LIMIT = 4.0  # of one feature, so that none decides alone


class Moments(NamedTuple):
    """Moments of one kind, k of them.

    Attributes:
        frames: (k,) int64, the first frame after.
        tracks, others: (k,) int64 ids; `others` is 0 where only one track is in question.
        features: (k, F) float32, NaN where unknown; what they are say `SWITCH_FEATURES` and so on.
    """

    frames: NDArray[np.int64]
    tracks: NDArray[np.int64]
    others: NDArray[np.int64]
    features: NDArray[np.float32]


def switches(seen: Observations, links: Links, pairs: Pairs) -> Moments:
    """Two tracks that may go on better crossed: features are how much better, in `SWITCH_FEATURES`."""
    order = np.argsort(pairs.closeness - np.nan_to_num(pairs.gains), kind="stable")[:_MOST]
    taken = _taken_over(seen, links)
    frames, tracks, others = (
        np.concatenate([column[order], more])
        for column, more in zip((pairs.frames, pairs.tracks, pairs.others), taken, strict=True)
    )
    low, high = np.minimum(tracks, others), np.maximum(tracks, others)
    table = np.unique(np.stack([frames, low, high], 1), axis=0)
    frames, tracks, others = (np.ascontiguousarray(column) for column in table.T)
    parts = [_switch_features(seen, frames[s], tracks[s], others[s]) for s in _slices(len(frames))]
    return Moments(frames, tracks, others, _stacked(parts, len(SWITCH_FEATURES)))


def joins(seen: Observations) -> Moments:
    """Tracks that begin (`others`) after another ended (`tracks`), or in a gap of it; features: `JOIN_FEATURES`."""
    empty = np.zeros(0, np.int64)
    births = np.flatnonzero(seen.previous < 0)
    births = births[seen.frames[births] > 0]
    ends = np.flatnonzero((seen.following < 0) | (_gap_after(seen) > _PAUSE))
    ends = ends[np.argsort(seen.frames[ends], kind="stable")]
    first = np.searchsorted(seen.frames[ends], seen.frames[births] - _WAIT)
    stop = np.searchsorted(seen.frames[ends], seen.frames[births] + _PAUSE)
    counts = np.maximum(stop - first, 0)
    born = np.repeat(births, counts)
    steps = np.arange(len(born)) - np.repeat(np.cumsum(counts) - counts, counts)
    ended = ends[np.repeat(first, counts) + steps] if len(born) else empty
    last = _last_frames(seen)
    resumed = np.where(seen.following[ended] >= 0, seen.frames[seen.following[ended]], np.iinfo(np.int64).max)
    fits = (seen.tracks[ended] != seen.tracks[born]) & (last[born] < resumed)
    born, ended = born[fits], ended[fits]
    gaps = np.maximum(seen.frames[born] - seen.frames[ended], 1)
    distance = np.linalg.norm(seen.centres[born] - seen.centres[ended], axis=1) / seen.sizes[ended] / np.sqrt(gaps)
    order = np.argsort(distance, kind="stable")[:_MOST]
    born, ended = born[order], ended[order]
    frames, tracks, others = seen.frames[born], seen.tracks[ended], seen.tracks[born]
    parts = []
    for s in _slices(len(frames)):
        # The frame after the end, where that comes after the birth: masks of the two may overlap for a moment.
        before = side_before(seen, tracks[s], np.maximum(frames[s], seen.frames[ended[s]] + 1))
        parts.append(_absolute(match(seen, before, side_after(seen, others[s], frames[s]))))
    return Moments(frames, tracks, others, _stacked(parts, len(JOIN_FEATURES)))


def breaks(seen: Observations, links: Links) -> Moments:
    """Links of one track that may join two objects; features: `BREAK_FEATURES`."""
    usual = np.nanmedian(links.logits) if np.isfinite(links.logits).any() else 0.0
    with np.errstate(invalid="ignore"):
        odd = np.nan_to_num(usual - links.logits) + np.nan_to_num(links.jumps) + np.abs(np.nan_to_num(links.growths))
    odd[links.gaps > _PAUSE] += 2
    later = np.flatnonzero(seen.previous >= 0)
    later = later[np.argsort(-odd[later], kind="stable")[:_MOST]]
    frames, tracks = seen.frames[later], seen.tracks[later]
    parts = []
    for s in _slices(len(later)):
        before, after = side_before(seen, tracks[s], frames[s]), side_after(seen, tracks[s], frames[s])
        shorter = np.log(np.maximum(np.minimum(before.counts, after.counts), 1)).astype(np.float32)
        parts.append(np.concatenate([_absolute(match(seen, before, after)), shorter[:, None]], axis=1))
    return Moments(frames, tracks, np.zeros(len(later), np.int64), _stacked(parts, len(BREAK_FEATURES)))


def _switch_features(seen: Observations, frames: Indices, tracks: Indices, others: Indices) -> NDArray[np.float32]:
    before = side_before(seen, tracks, frames), side_before(seen, others, frames)
    after = side_after(seen, tracks, frames), side_after(seen, others, frames)
    straight = match(seen, before[0], after[0]), match(seen, before[1], after[1])
    crossed = match(seen, before[0], after[1]), match(seen, before[1], after[0])
    known = np.stack([side.known for side in (*before, *after)])
    whole = known.all(0).astype(np.float32)
    columns = []
    for name in ("near", "wide", "look", "votes", "shift", "growth"):
        sign = -1 if name in {"shift", "growth"} else 1  # distances: less is better
        ways = [[getattr(m, name) for m in way] for way in (straight, crossed)]
        # With all four sides the sum of each way counts; with three there is one pair of each way.
        means = [np.where(np.isnan(one), two, np.where(np.isnan(two), one, (one + two) / 2)) for one, two in ways]
        columns.append(np.clip(sign * (means[1] - means[0]), -_LIMIT, _LIMIT))
    spatial = np.clip(np.fmin(crossed[0].shift, crossed[1].shift), 0, _LIMIT)
    usable = known.sum(0) >= 3
    features = np.stack([*columns, whole, spatial], axis=1)
    features[~usable] = np.nan
    return features


def _absolute(found: Match) -> NDArray[np.float32]:
    """(k, 7): a match's figures, bounded."""
    gap = np.log1p(np.maximum(np.abs(found.gap) - 1, 0))
    columns = (found.near, found.wide, found.look, found.votes, found.shift, found.growth, gap)
    return np.stack([np.clip(column, -2 * _LIMIT, _LIMIT) for column in columns], axis=1).astype(np.float32)


def _taken_over(seen: Observations, links: Links) -> tuple[Indices, Indices, Indices]:
    """Frames, tracks and tracks ended or begun beside them: the object of one may have become the other's."""
    paused = (seen.following < 0) | (_gap_after(seen) > _PAUSE)
    begun = (seen.previous < 0) | (links.gaps > _PAUSE)
    found: list[tuple[int, int, int]] = []
    for positions, step, around in (
        (np.flatnonzero(paused & (seen.frames < seen.frame_count - 1)), 1, _AROUND),
        (np.flatnonzero(begun & (seen.frames > 0)), -1, _AROUND[::-1]),
    ):
        for position in positions[: _MOST // 2].tolist():
            found += _neighbours(seen, links, position, step, around)
    table = np.array(found, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _neighbours(
    seen: Observations, links: Links, position: int, step: int, around: tuple[int, int]
) -> list[tuple[int, int, int]]:
    """Where tracks beside the end (or beginning) of another jump: frame, track, the other."""
    frame = int(seen.frames[position]) + step
    beside = np.arange(seen.starts[frame], seen.starts[frame + 1])
    distance = np.linalg.norm(seen.centres[beside] - seen.centres[position], axis=1) / seen.sizes[position]
    beside = beside[(distance < _BESIDE) & (seen.tracks[beside] != seen.tracks[position])]
    found = []
    for track_id in seen.tracks[beside].tolist():
        low, high = frame - around[0], frame + around[1]
        first = seen.starts[max(0, low)]
        stop = seen.starts[min(seen.frame_count, high + 1)]
        own = first + np.flatnonzero(seen.tracks[first:stop] == track_id)
        own = own[links.gaps[own] > 0]
        if len(own):
            odd = np.nan_to_num(links.jumps[own]) - np.nan_to_num(links.logits[own]) / 2
            best = own[np.argsort(-odd)[:2]]
            found += [(int(seen.frames[b]), track_id, int(seen.tracks[position])) for b in best]
        found.append((frame if step > 0 else frame + 1, track_id, int(seen.tracks[position])))
    return found


def _gap_after(seen: Observations) -> NDArray[np.int64]:
    if not len(seen.frames):
        return np.zeros(0, np.int64)
    return np.where(seen.following >= 0, seen.frames[seen.following] - seen.frames, 0)


def _last_frames(seen: Observations) -> NDArray[np.int64]:
    """(n,) last frame of each instance's track."""
    if not len(seen.frames):
        return np.zeros(0, np.int64)
    ids, which = np.unique(seen.tracks, return_inverse=True)
    last = np.zeros(len(ids), np.int64)
    np.maximum.at(last, which, seen.frames)
    return last[which]


def _slices(count: int, size: int = 1024) -> list[slice]:
    return [slice(first, first + size) for first in range(0, count, size)]


def _stacked(parts: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    return np.concatenate([np.zeros((0, width), np.float32), *parts]).astype(np.float32)
