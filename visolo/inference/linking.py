"""From instances to tracks: which earlier one each instance of a frame continues (paper 4.4). Index logic on numpy.

A frame's detected cells are all it takes: the similarity of two cells is a function of the query of the earlier and the
reference of the later one, so q and r of a frame's detections stand for the whole frame, and association can be run
again from stored evidence without the network. Knows no masks, no classes and no torch.
Source: the official tracker.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.config import InferenceConfig

Embeddings = NDArray[np.floating]
"""q or r of cells, (N, E): float32 from the network, float16 where kept as evidence."""

_UNLINKED = -1


@dataclass(frozen=True)
class Similarity:
    """How alike two cells are: sigmoid(scale * q . r + bias); the official network has scale 1 and bias 0."""

    scale: float = 1.0
    bias: float = 0.0

    def scores(self, queries: Embeddings, references: Embeddings) -> NDArray[np.float32]:
        """Of (N, E) queries of earlier cells to (M, E) references of later ones: (N, M) float32 in [0, 1]."""
        logits = queries.astype(np.float32, copy=False) @ references.astype(np.float32, copy=False).T
        with np.errstate(over="ignore"):  # exp overflows to infinity, and 1 / infinity is the right 0
            scores: NDArray[np.float32] = 1 / (1 + np.exp(-np.float32(self.scale) * logits - np.float32(self.bias)))
        return scores


@dataclass(frozen=True)
class LinkConstraints:
    """What is decided already and association must obey.

    Attributes:
        forced: track_id by (frame_index, detection_index); no other detection of that frame gets this track, and the
            track goes on from there, wherever it was seen before.
        forbidden: (frame_index, detection_index, track_id) that must not come together.
        excluded: by frame_index, tracks that no detection of that frame gets unless it is forced.
    """

    forced: Mapping[tuple[int, int], int] = field(default_factory=dict)
    forbidden: frozenset[tuple[int, int, int]] = frozenset()
    excluded: Mapping[int, frozenset[int]] = field(default_factory=dict)


class Sighting(NamedTuple):
    """Where a known track was seen last, and the (E,) query of its cell there."""

    frame_index: int
    track_id: int
    query: Embeddings


@dataclass(frozen=True, eq=False)
class SeenTracks:
    """Tracks seen in one frame and where they can be found again: track_ids (N,) int64 and queries (N, E)."""

    frame_index: int
    track_ids: NDArray[np.int64]
    queries: Embeddings

    def __len__(self) -> int:
        return len(self.track_ids)

    def without(self, track_ids: NDArray[np.int64]) -> "SeenTracks":
        """Those whose track is not among `track_ids`."""
        rest = ~(self.track_ids[:, None] == track_ids).any(1)
        return self if rest.all() else SeenTracks(self.frame_index, self.track_ids[rest], self.queries[rest])


@dataclass(frozen=True, eq=False)
class LinkState:
    """All that association knows between two frames. Never changed in place, so keeping one is free.

    Attributes:
        previous: tracks of the frame linked last; None where it had no detections.
        lost: tracks seen before that and not since, by frame, oldest first; every track is in one place only.
        next_track_id: of the next new track. A caller that forces an id in a later frame and means no track born
            before raises it above that id.
    """

    previous: SeenTracks | None = None
    lost: tuple[SeenTracks, ...] = ()
    next_track_id: int = 0


def link_state(frame_index: int, last_seen: Iterable[Sighting], next_track_id: int = 0) -> LinkState:
    """The state with which association goes on at a frame when the tracks before it are known.

    Args:
        frame_index: of the frame to be linked next.
        last_seen: one for every track, those of one frame in the order of its detections (it decides exact ties).
        next_track_id: least id of new tracks; raised above all known ones.

    Raises:
        ValueError: a track is seen twice, or not before `frame_index`.
    """
    by_frame: dict[int, list[Sighting]] = {}
    for sighting in last_seen:
        by_frame.setdefault(sighting.frame_index, []).append(sighting)
    groups = [_seen_tracks(by_frame[index]) for index in sorted(by_frame)]
    track_ids = [int(track_id) for group in groups for track_id in group.track_ids]
    if len(set(track_ids)) < len(track_ids):
        raise ValueError("a track was last seen in one place; give one sighting for every track")
    if groups and groups[-1].frame_index >= frame_index:
        raise ValueError(
            f"frame {frame_index} is next, a track seen in frame {groups[-1].frame_index} is not known yet"
        )
    previous = groups.pop() if groups and groups[-1].frame_index == frame_index - 1 else None
    return LinkState(previous, tuple(groups), max([next_track_id, *(i + 1 for i in track_ids)]))


class TrackLinker:
    """Gives every detection of every frame a track id, frame by frame, and remembers where tracks were seen last.

    Within a frame detections choose in their order (best score first): the most similar track of the previous frame
    that is still free, else the most similar lost one, looking from the newest loss back, else a new track.
    """

    def __init__(
        self,
        config: InferenceConfig,
        similarity: Similarity,
        constraints: LinkConstraints | None = None,
        state: LinkState | None = None,
    ) -> None:
        """Start with no tracks, or go on from `state`."""
        self._threshold = np.float32(config.link_threshold)
        # Departs from official: there lost tracks pile up for as long as the video lasts.
        self._lost_limit = 0 if config.official_quirks else config.lost_limit
        self._similarity = similarity
        self._decisions = _decisions_by_frame(constraints or LinkConstraints())
        state = state or LinkState()
        self._previous = state.previous
        self._lost = _joined(state.lost[-self._lost_limit :])
        self._next_track_id = state.next_track_id

    @property
    def state(self) -> LinkState:
        """What is known after the frame linked last."""
        return LinkState(self._previous, self._lost.groups(), self._next_track_id)

    def link(self, frame_index: int, queries: Embeddings, references: Embeddings) -> NDArray[np.int64]:
        """Track ids of the next frame's detections.

        Args:
            frame_index: greater than that of all frames before.
            queries: (N, E) of the detected cells, best score first.
            references: (N, E) of the same cells.

        Returns:
            (N,) int64.

        Raises:
            ValueError: a constraint names a detection that the frame has not, or forces one track twice.
        """
        track_ids = np.full(len(references), _UNLINKED, dtype=np.int64)
        decisions = self._decisions.get(frame_index, _NOTHING_DECIDED)
        previous, lost = self._previous, self._lost
        if decisions.forced:
            _force(frame_index, track_ids, decisions.forced)
            previous, lost = previous and previous.without(track_ids), lost.without(track_ids)
        unlinked = len(track_ids) - len(decisions.forced)
        if previous is not None and len(previous.track_ids) and unlinked:
            self._choose(track_ids, references, previous, decisions)
        if len(lost.track_ids) and _UNLINKED in track_ids:
            self._choose(track_ids, references, lost, decisions)
        self._go_on(frame_index, track_ids, queries)
        return track_ids.copy()

    def follow(self, frame_index: int, track_ids: NDArray[np.int64], queries: Embeddings) -> None:
        """Take over a frame whose identities are all known: as `link` with all of them forced, but faster.

        Args:
            frame_index: greater than that of all frames before.
            track_ids: (N,) int64, all different.
            queries: (N, E) of the same detections.
        """
        self._go_on(frame_index, track_ids.copy(), queries)

    def _go_on(self, frame_index: int, track_ids: NDArray[np.int64], queries: Embeddings) -> None:
        """Name new tracks and remember where all were seen; `track_ids` is filled and kept."""
        self._next_track_id = self._name_new(track_ids)
        lost = self._lost.without(track_ids)
        # What was not found again in this frame is looked for from the next one on.
        if self._previous is not None and len(rest := self._previous.without(track_ids)):
            lost = lost.with_newest(rest, self._lost_limit)
        self._lost = lost
        self._previous = SeenTracks(frame_index, track_ids, queries) if len(track_ids) else None

    def _choose(
        self,
        track_ids: NDArray[np.int64],
        references: Embeddings,
        known: "SeenTracks | _LostTracks",
        decisions: "_Decisions",
    ) -> None:
        """Let unlinked detections choose, of lost tracks from the newest loss back; fills `track_ids`."""
        unlinked = np.flatnonzero(track_ids == _UNLINKED)
        scores = self._similarity.scores(known.queries, references[unlinked])
        scores[scores < self._threshold] = 0
        for detection_index, track_id in decisions.forbidden:
            scores[np.ix_(known.track_ids == track_id, unlinked == detection_index)] = 0
        if decisions.excluded:
            scores[np.isin(known.track_ids, decisions.excluded)] = 0
        if isinstance(known, SeenTracks):
            chosen = _greedy(scores)
            linked = np.flatnonzero(chosen >= 0)
            track_ids[unlinked[linked]] = known.track_ids[chosen[linked]]
        else:
            for row, column in _greedy_by_frame(scores, known.frame_indices):
                track_ids[unlinked[column]] = known.track_ids[row]

    def _name_new(self, track_ids: NDArray[np.int64]) -> int:
        """Fill in ids of new tracks; returns the next one."""
        first = max(self._next_track_id, int(track_ids.max(initial=_UNLINKED)) + 1)
        new = np.flatnonzero(track_ids == _UNLINKED)
        track_ids[new] = np.arange(first, first + len(new))
        return first + len(new)


@dataclass(frozen=True, eq=False)
class _LostTracks:
    """All lost tracks, the oldest loss first: frame_indices and track_ids (N,), queries (N, E)."""

    frame_indices: NDArray[np.int64]
    track_ids: NDArray[np.int64]
    queries: Embeddings

    def without(self, track_ids: NDArray[np.int64]) -> "_LostTracks":
        if not len(self.track_ids) or not len(track_ids):
            return self
        found = (self.track_ids[:, None] == track_ids).any(1)
        if not found.any():
            return self
        rest = ~found
        return _LostTracks(self.frame_indices[rest], self.track_ids[rest], self.queries[rest])

    def with_newest(self, seen: SeenTracks, limit: int) -> "_LostTracks":
        """Add those of one frame and let go of the oldest frames beyond `limit` (0: none)."""
        if not len(self.track_ids):
            return _joined([seen])
        frame_indices = np.append(self.frame_indices, np.full(len(seen), seen.frame_index))
        track_ids = np.append(self.track_ids, seen.track_ids)
        queries = np.concatenate([self.queries, seen.queries])
        starts = np.flatnonzero(np.diff(frame_indices, prepend=-1))
        first = starts[-limit] if 0 < limit < len(starts) else 0
        return _LostTracks(frame_indices[first:], track_ids[first:], queries[first:])

    def groups(self) -> tuple[SeenTracks, ...]:
        """By the frame in which they were seen last."""
        starts = [*np.flatnonzero(np.diff(self.frame_indices, prepend=-1)).tolist(), len(self.track_ids)]
        return tuple(
            SeenTracks(int(self.frame_indices[first]), self.track_ids[first:end], self.queries[first:end])
            for first, end in pairwise(starts)
        )


class _Decisions(NamedTuple):
    """`LinkConstraints` of one frame."""

    forced: dict[int, int]
    forbidden: list[tuple[int, int]]
    excluded: list[int]


_NOTHING_DECIDED = _Decisions({}, [], [])


def _decisions_by_frame(constraints: LinkConstraints) -> dict[int, _Decisions]:
    by_frame: defaultdict[int, _Decisions] = defaultdict(lambda: _Decisions({}, [], []))
    for (frame_index, detection_index), track_id in constraints.forced.items():
        by_frame[frame_index].forced[detection_index] = track_id
    for frame_index, detection_index, track_id in constraints.forbidden:
        by_frame[frame_index].forbidden.append((detection_index, track_id))
    for frame_index, track_ids in constraints.excluded.items():
        by_frame[frame_index].excluded.extend(track_ids)
    return dict(by_frame)


def _force(frame_index: int, track_ids: NDArray[np.int64], forced: dict[int, int]) -> None:
    if max(forced) >= len(track_ids) or min(forced) < 0:
        raise ValueError(f"frame {frame_index} has {len(track_ids)} detections, none has the index {max(forced)}")
    if len(set(forced.values())) < len(forced):
        raise ValueError(f"frame {frame_index}: one track is forced on two detections")
    track_ids[list(forced)] = list(forced.values())


def _greedy(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Row that each column takes: in order, the best one above 0 that no earlier column took; -1 for none.

    Args:
        scores: (N, M) float32, at least 0; changed.
    """
    best: list[int] = np.where(scores.max(0) > 0, scores.argmax(0), -1).tolist()
    taken: set[int] = set()
    for column, row in enumerate(best):
        if row in taken:
            scores[list(taken), column] = 0
            other = int(scores[:, column].argmax())
            best[column] = other if scores[other, column] > 0 else -1
        if best[column] >= 0:
            taken.add(best[column])
    return np.array(best, dtype=np.intp)


def _greedy_by_frame(scores: NDArray[np.float32], frame_indices: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """As `_greedy` among the rows of one frame after the other, the latest first: (row, column) of what is taken.

    Args:
        scores: (N, M) float32, at least 0.
        frame_indices: (N,) ascending.
    """
    hopeful = np.flatnonzero(scores.any(axis=1)).tolist()
    # Plain lists, because these are few rows that come in yet fewer at a time.
    values = dict(zip(hopeful, scores[hopeful].tolist(), strict=True))
    columns = list(range(scores.shape[1]))
    for _, group in groupby(reversed(hopeful), key=lambda row: int(frame_indices[row])):
        rows = sorted(group)
        for column in tuple(columns):
            row = max(rows, key=lambda row: values[row][column], default=None)
            if row is not None and values[row][column] > 0:
                rows.remove(row)
                columns.remove(column)
                yield row, column


def _seen_tracks(sightings: list[Sighting]) -> SeenTracks:
    track_ids = np.array([sighting.track_id for sighting in sightings], dtype=np.int64)
    return SeenTracks(sightings[0].frame_index, track_ids, np.stack([sighting.query for sighting in sightings]))


def _joined(groups: Sequence[SeenTracks]) -> _LostTracks:
    if not groups:
        return _LostTracks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))
    frame_indices = np.repeat([group.frame_index for group in groups], [len(group) for group in groups])
    track_ids = np.concatenate([group.track_ids for group in groups])
    return _LostTracks(frame_indices, track_ids, np.concatenate([group.queries for group in groups]))
