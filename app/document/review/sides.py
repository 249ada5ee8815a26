"""What a track looked like just before or after a frame, and how well one side continues another."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.review.observations import Indices, Observations

NEAR, WIDE = 5, 12
"""Instances of a side: those beside the moment, where objects may cover each other, and enough to know it by."""

_MOTION = 4  # instances that the velocity is taken over
_FORGET = 6  # frames after which motion is not trusted to go on
_REACH = 60  # frames: instances further away belong to another time
_MISSING = np.float32(np.nan)


class Side(NamedTuple):
    """One side of (k,) moments.

    Attributes:
        known: bool, the track is present on this side.
        frames: int64 of the nearest instance.
        counts: int64 instances looked at, at most `WIDE`.
        centres: (k, 2) float32 px, of the nearest instance.
        velocities: (k, 2) float32 px per frame, in the direction of time.
        sizes: float32 px, areas: float32 px, medians of the nearest.
        models: int64, whose vectors; -1 none.
        queries, references: (k, E) float32 means over all; near_queries, near_references over the nearest.
        votes: (k, C) float32 mean class scores, NaN where no model voted.
    """

    known: NDArray[np.bool_]
    frames: NDArray[np.int64]
    counts: NDArray[np.int64]
    centres: NDArray[np.float32]
    velocities: NDArray[np.float32]
    sizes: NDArray[np.float32]
    areas: NDArray[np.float32]
    models: NDArray[np.int64]
    queries: NDArray[np.float32]
    references: NDArray[np.float32]
    near_queries: NDArray[np.float32]
    near_references: NDArray[np.float32]
    votes: NDArray[np.float32]


class Match(NamedTuple):
    """How well sides after continue sides before, (k,) float32 each, NaN where a side or its evidence is missing.

    Attributes:
        near: logit of q . r of the instances beside the moment.
        wide: the same of all instances of both sides.
        look: cosine of the q and r of both sides with each other.
        votes: cosine of the class scores.
        shift: distance from where the motion leads, in sizes.
        growth: absolute logarithm of the ratio of areas.
        gap: frames between them.
    """

    near: NDArray[np.float32]
    wide: NDArray[np.float32]
    look: NDArray[np.float32]
    votes: NDArray[np.float32]
    shift: NDArray[np.float32]
    growth: NDArray[np.float32]
    gap: NDArray[np.float32]


def side_before(seen: Observations, tracks: Indices, frames: Indices) -> Side:
    """The tracks as they were before these frames, (k,) each."""
    return _side(seen, seen.window(tracks, frames, WIDE, before=True))


def side_after(seen: Observations, tracks: Indices, frames: Indices) -> Side:
    """The tracks as they are from these frames on, (k,) each."""
    return _side(seen, seen.window(tracks, frames, WIDE, before=False))


def match(seen: Observations, before: Side, after: Side) -> Match:
    """Whether `after` is the same object as `before`, moment by moment."""
    both = before.known & after.known
    gap = np.where(both, after.frames - before.frames, np.nan).astype(np.float32)
    scale, bias = _similarity(seen, before.models)
    comparable = both & (before.models >= 0) & (before.models == after.models)

    def logits(queries: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(comparable, scale * np.einsum("ke,ke->k", queries, references) + bias, _MISSING)

    look = (cosine(before.queries, after.queries) + cosine(before.references, after.references)) / 2
    ahead = np.clip(gap, -_FORGET, _FORGET)[:, None]
    towards = before.centres + before.velocities * ahead
    back = after.centres - after.velocities * ahead
    sizes = (before.sizes + after.sizes) / 2
    shifts = [np.linalg.norm(x, axis=1) for x in (towards - after.centres, back - before.centres)]
    spread = sizes * np.sqrt(np.clip(np.abs(gap), 1, 30))
    return Match(
        logits(before.near_queries, after.near_references),
        logits(before.queries, after.references),
        np.where(comparable, look, _MISSING),
        np.where(both, cosine(before.votes, after.votes), _MISSING),
        np.where(both, (shifts[0] + shifts[1]) / 2 / spread, _MISSING).astype(np.float32),
        np.where(both, np.abs(np.log(after.areas / before.areas)), _MISSING).astype(np.float32),
        gap,
    )


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of (k, E) vectors, row by row: (k,); NaN where one is NaN or 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float32] = np.einsum("ke,ke->k", a, b) / (
            np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        )
    return result


def _side(seen: Observations, window: Indices) -> Side:
    """Of (k, WIDE) positions, the nearest first."""
    nearest = window[:, 0]
    known = nearest >= 0
    safe = np.maximum(window, 0)
    count = len(seen.frames)
    if not count:
        return _nothing(seen, len(window))
    apart = np.abs(seen.frames[safe] - seen.frames[safe[:, :1]])
    window = np.where((window >= 0) & (apart <= _REACH), window, -1)
    safe = np.maximum(window, 0)
    near = window.copy()
    near[:, NEAR:] = -1
    models = np.where(known, seen.models[safe[:, 0]], -1)
    whole, beside = _vectors(seen, window, models), _vectors(seen, near, models)
    areas = np.where(near >= 0, seen.areas[safe], np.nan)
    sizes = np.where(near >= 0, seen.sizes[safe], np.nan)
    areas[~known], sizes[~known] = 1, 1
    votes = seen.class_means(window)
    return Side(
        known,
        np.where(known, seen.frames[safe[:, 0]], -1),
        (window >= 0).sum(1),
        seen.centres[safe[:, 0]].astype(np.float32),
        _velocities(seen, window),
        np.nanmedian(sizes[:, :NEAR], axis=1).astype(np.float32),
        np.maximum(np.nanmedian(areas[:, :NEAR], axis=1), 1).astype(np.float32),
        models,
        *whole,
        *beside,
        votes,
    )


def _nothing(seen: Observations, count: int) -> Side:
    numbers, places = np.zeros(count, np.int64), np.zeros((count, 2), np.float32)
    ones, vectors = np.ones(count, np.float32), np.full((count, 1), np.nan, np.float32)
    models = np.full(count, -1, np.int64)
    votes = np.full((count, len(seen.evidence.category_ids)), np.nan, np.float32)
    nothing = models == 0
    return Side(
        nothing, numbers, numbers, places, places, ones, ones, models, vectors, vectors, vectors, vectors, votes
    )


def _velocities(seen: Observations, window: Indices) -> NDArray[np.float32]:
    """(k, 2) px per frame, over the nearest instances that are close in time."""
    steps = window[:, :_MOTION]
    safe = np.maximum(steps, 0)
    close = (steps >= 0) & (np.abs(seen.frames[safe] - seen.frames[safe[:, :1]]) <= _FORGET)
    last = np.maximum(close.sum(1) - 1, 0)
    far = safe[np.arange(len(safe)), last]
    span = (seen.frames[safe[:, 0]] - seen.frames[far])[:, None]
    moved = seen.centres[safe[:, 0]] - seen.centres[far]
    return np.where(span != 0, moved / np.where(span == 0, 1, span), 0).astype(np.float32)


def _vectors(seen: Observations, window: Indices, models: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean q and r of (k, a) instances, only of those that the moment's model saw: (k, E), NaN where there are none."""
    width = max([1, *(model.embedding for model in seen.evidence.models)])
    queries, references = (np.full((len(window), width), np.nan, np.float32) for _ in range(2))
    for index, model in enumerate(seen.evidence.models):
        chosen = np.flatnonzero(models == index)
        part = np.where(
            (window[chosen] >= 0) & (seen.models[np.maximum(window[chosen], 0)] == index), window[chosen], -1
        )
        rows = seen.rows[np.maximum(part, 0)]
        weight = (part >= 0).astype(np.float32)
        weight /= np.maximum(weight.sum(1, keepdims=True), 1)
        for target, vectors in ((queries, model.queries), (references, model.references)):
            values = vectors[np.maximum(rows, 0)].astype(np.float32)
            target[chosen] = 0
            target[chosen[:, None], np.arange(model.embedding)] = np.einsum("ka,kae->ke", weight, values)
    return queries, references


def _similarity(seen: Observations, models: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if not seen.similarities:
        return np.ones(len(models), np.float32), np.zeros(len(models), np.float32)
    table = np.array(seen.similarities, np.float32)[np.maximum(models, 0)]
    return table[:, 0], table[:, 1]
