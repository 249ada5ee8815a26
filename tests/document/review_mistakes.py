"""Plants the mistakes of identity that models make into recordings whose tracks are right."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from review_truth import Recording

from visolo.results import InstanceResult
from visolo.rle import bounding_box

_MARGIN = 6  # frames between a mistake and the ends of its tracks


def plant(recording: Recording, seed: int, kinds: tuple[str, ...]) -> Recording:
    """One mistake after the other, at random moments; where a kind does not fit in any more it is left out.

    Args:
        recording: tracks that are right.
        seed: of the choice.
        kinds: keys of `MISTAKES`.
    """
    generator = np.random.default_rng(seed)
    for kind in kinds:
        recording = MISTAKES[kind](recording, generator)
    return recording


def _switch(recording: Recording, generator: np.random.Generator) -> Recording:
    """Two tracks go on as each other; likelier where they are near each other."""
    moments = [
        (frame, one, two)
        for frame in range(_MARGIN, recording.length - _MARGIN)
        for one, two in _pairs(_present(recording, frame))
        if {one, two} <= set(_present(recording, frame - 1))
    ]
    if not moments:
        return recording
    apart = np.array([_distance(recording, *moment) for moment in moments])
    nearest = np.argsort(apart, kind="stable")[: max(1, len(moments) // 4)]
    frame, one, two = moments[int(generator.choice(nearest))]
    later = recording.frames >= frame
    tracks = recording.tracks.copy()
    tracks[later & (recording.tracks == one)] = two
    tracks[later & (recording.tracks == two)] = one
    return replace(recording, tracks=tracks)


def _fragment(recording: Recording, generator: np.random.Generator) -> Recording:
    """A track is lost for a few frames and goes on as a new one."""
    chosen = _any_link(recording, generator)
    if chosen is None:
        return recording
    track, frame = chosen
    tail = (recording.tracks == track) & (recording.frames >= frame)
    tracks = recording.tracks.copy()
    tracks[tail] = recording.tracks.max() + 1
    lost = tail & (recording.frames < frame + int(generator.integers(0, 4)))
    return replace(recording, tracks=tracks).only(~lost)


def _merge(recording: Recording, generator: np.random.Generator) -> Recording:
    """A track ends, and another that begins later gets its id."""
    ids = np.unique(recording.tracks).tolist()
    one, two = (int(t) for t in generator.permutation(ids)[:2]) if len(ids) > 1 else (0, 0)
    if not one:
        return recording
    frame = int(generator.integers(_MARGIN, recording.length - _MARGIN))
    lost = (recording.tracks == one) & (recording.frames >= frame)
    lost |= (recording.tracks == two) & (recording.frames < frame + int(generator.integers(0, 3)))
    tracks = np.where(recording.tracks == two, one, recording.tracks)
    return replace(recording, tracks=tracks).only(~lost)


def _flip(recording: Recording, generator: np.random.Generator) -> Recording:
    """A track's class is wrong in most of its frames."""
    track = int(generator.choice(np.unique(recording.tracks)))
    rows = np.flatnonzero(recording.tracks == track)
    wrong = set(generator.permutation(rows)[: max(1, round(0.65 * len(rows)))].tolist())
    other = int(generator.integers(1, len(recording.labels.categories)))
    instances = [
        _another_class(instance, other) if row in wrong else instance
        for row, instance in enumerate(recording.instances)
    ]
    return replace(recording, instances=tuple(instances))


def _duplicate(recording: Recording, generator: np.random.Generator) -> Recording:
    """An object is found twice for a while, in a second track."""
    chosen = _any_link(recording, generator)
    if chosen is None:
        return recording
    track, frame = chosen
    length = int(generator.integers(8, 20))
    near = (recording.frames >= frame) & (recording.frames < frame + length)
    rows = np.flatnonzero(near & (recording.tracks == track))
    twins = [
        replace(i, score=0.8 * i.score, query=_noisy(i.query, generator), reference=_noisy(i.reference, generator))
        for i in (recording.instances[row] for row in rows.tolist())
    ]
    frames = np.concatenate([recording.frames, recording.frames[rows]])
    order = np.argsort(frames, kind="stable")
    instances = (*recording.instances, *twins)
    return replace(
        recording,
        frames=frames[order],
        tracks=np.concatenate([recording.tracks, np.full(len(rows), recording.tracks.max() + 1)])[order],
        objects=np.concatenate([recording.objects, recording.objects[rows]])[order],
        instances=tuple(instances[i] for i in order.tolist()),
    )


MISTAKES: dict[str, Callable[[Recording, np.random.Generator], Recording]] = {
    "switch": _switch,
    "fragment": _fragment,
    "merge": _merge,
    "flip": _flip,
    "duplicate": _duplicate,
}


def _any_link(recording: Recording, generator: np.random.Generator) -> tuple[int, int] | None:
    """A track and a frame in which it goes on, with enough on both sides."""
    found = []
    for track in np.unique(recording.tracks).tolist():
        found += [(track, int(f)) for f in recording.frames[recording.tracks == track][_MARGIN:-_MARGIN]]
    return found[int(generator.integers(len(found)))] if found else None


def _present(recording: Recording, frame: int) -> list[int]:
    return sorted(recording.tracks[recording.frames == frame].tolist())


def _pairs(ids: list[int]) -> list[tuple[int, int]]:
    return [(one, two) for index, one in enumerate(ids) for two in ids[index + 1 :]]


def _distance(recording: Recording, frame: int, one: int, two: int) -> float:
    middles = []
    for track in (one, two):
        row = int(np.flatnonzero((recording.frames == frame) & (recording.tracks == track))[0])
        left, top, width, height = bounding_box(recording.instances[row].rle)
        middles.append((left + width / 2, top + height / 2))
    return float(np.hypot(*np.subtract(*middles)))


def _another_class(instance: InstanceResult, step: int) -> InstanceResult:
    scores = np.roll(instance.class_scores, step)
    return replace(instance, class_scores=scores, category_index=int(scores.argmax()))


def _noisy(vector: NDArray[np.float16], generator: np.random.Generator) -> NDArray[np.float16]:
    spread = 0.1 * float(np.abs(vector.astype(np.float32)).mean())
    return (vector + spread * generator.standard_normal(len(vector))).astype(np.float16)
