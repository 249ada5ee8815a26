"""Sums over each track's instances, kept while nothing touches the track: presence, scores and class votes.

Everything here can be computed again from the file; it is dropped or extended by whoever changes cells.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.document.images import Cell

Read = Callable[..., list[Any]]  # SELECT and its values -> rows


@dataclass
class Presence:
    """Where a track is and how good, summed over its instances."""

    count: int = 0
    first: int = 0
    last: int = -1
    score_sum: float = 0.0
    edited: int = 0


@dataclass
class Votes:
    """Class scores summed over the instances that a model detected, per run because class lists differ.

    Half-precision scores sum without rounding in float64, so the order of adding does not matter.

    Attributes:
        counts: instances by run.
        sums: (C,) float64 by run.
        means: by category id; None until someone asks.
    """

    counts: dict[int, int] = field(default_factory=dict)
    sums: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    means: dict[int, float] | None = None

    def add(self, run_id: int, scores: NDArray[np.float64], count: int) -> None:
        """Add the sum of `count` instances of a run; both negative to take instances out."""
        self.means = None
        self.counts[run_id] = self.counts.get(run_id, 0) + count
        self.sums[run_id] = self.sums[run_id] + scores if run_id in self.sums else scores
        if not self.counts[run_id]:
            del self.counts[run_id], self.sums[run_id]


_QUICK_SPAN = 16  # frames

_Sums = TypeVar("_Sums", Presence, Votes)


class TrackCache:
    """Sums per video and track; computes what is missing when asked."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._presence: dict[int, dict[int, Presence]] = {}
        self._votes: dict[int, dict[int, Votes]] = {}
        self._stale_presence: dict[int, set[int]] = {}
        self._stale_votes: dict[int, set[int]] = {}
        self._run_categories: dict[int, tuple[int, ...]] = {}
        self._joined: dict[int, int] | None = None

    def presence(self, video_id: int) -> dict[int, Presence]:
        """Presence of all tracks that have an instance, by track id. Read only."""
        known = self._presence.get(video_id)
        if known is None:
            known = self._presence[video_id] = self._count(video_id, None)
        elif stale := self._stale_presence.get(video_id):
            _refresh(known, stale, self._count(video_id, stale))
        self._stale_presence.pop(video_id, None)
        return known

    def votes(self, video_id: int) -> dict[int, Votes]:
        """Votes of all tracks that a model has detected somewhere, by track id. Read only."""
        known = self._votes.get(video_id)
        if known is None:
            known = self._votes[video_id] = self._sum_votes(video_id, None)
        elif stale := self._stale_votes.get(video_id):
            _refresh(known, stale, self._sum_votes(video_id, stale))
        self._stale_votes.pop(video_id, None)
        return known

    def winner(self, video_id: int, track_id: int) -> tuple[int, float] | None:
        """Category id with the best mean class score and that mean; None when no model voted."""
        means = self.category_means(video_id, track_id)
        return max(means.items(), key=lambda item: item[1]) if means else None  # the first of equals, as argmax

    def category_means(self, video_id: int, track_id: int) -> dict[int, float]:
        """Mean class score by category id, over the frames where a model detected the track."""
        votes = self.votes(video_id).get(track_id)
        if votes is None:
            return {}
        if votes.means is None:
            votes.means = {}
            count = sum(votes.counts.values())
            for run_id in sorted(votes.sums):
                means = best_by_category(self.run_categories(run_id), votes.sums[run_id] / count)
                for category_id, mean in means.items():
                    votes.means[category_id] = votes.means.get(category_id, 0.0) + mean
        return votes.means

    def run_categories(self, run_id: int) -> tuple[int, ...]:
        """Category id of each class index of a run; of several classes that were joined, the same."""
        if run_id not in self._run_categories:
            self._run_categories[run_id] = read_run_categories(self._read, run_id, self._joins())
        return self._run_categories[run_id]

    def joined_with(self, category_id: int) -> int:
        """The class that this one was joined with, in the end; its own id when it was not."""
        return last_joined(category_id, self._joins())

    def _joins(self) -> dict[int, int]:
        if self._joined is None:
            self._joined = read_joins(self._read)
        return self._joined

    def forget_classes(self) -> None:
        """The list of classes changed: which of them are one may have, too."""
        self._joined = None
        self._run_categories.clear()
        for votes in (votes for known in self._votes.values() for votes in known.values()):
            votes.means = None

    def change(self, video_id: int, before: Sequence[Cell], after: Sequence[Cell]) -> None:
        """Some instances of a video were replaced by others."""
        track_ids = {cell.track_id for cell in chain(before, after)}
        self._stale_presence.setdefault(video_id, set()).update(track_ids)
        frames = {cell.frame_index for cell in chain(before, after)}
        if max(frames) - min(frames) > _QUICK_SPAN:
            self._stale_votes.setdefault(video_id, set()).update(track_ids)
        elif video_id in self._votes:
            self._move_votes(self._votes[video_id], video_id, before, after)

    def extend(self, cell: Cell, class_scores: NDArray[np.float16]) -> None:
        """An instance that a run has just added, where its track was absent."""
        presence = self._presence.get(cell.video_id)
        if presence is not None and cell.track_id not in self._stale_presence.get(cell.video_id, ()):
            sums = presence.setdefault(cell.track_id, Presence(first=cell.frame_index, last=cell.frame_index))
            sums.count += 1
            sums.first, sums.last = min(sums.first, cell.frame_index), max(sums.last, cell.frame_index)
            sums.score_sum += cell.score
        votes = self._votes.get(cell.video_id)
        if votes is not None and cell.track_id not in self._stale_votes.get(cell.video_id, ()):
            votes.setdefault(cell.track_id, Votes()).add(cell.run_id, class_scores.astype(np.float64), 1)

    def clear(self) -> None:
        """Anything may have changed."""
        for table in (self._presence, self._votes, self._stale_presence, self._stale_votes, self._run_categories):
            table.clear()
        self._joined = None

    def _move_votes(
        self, votes: dict[int, Votes], video_id: int, before: Sequence[Cell], after: Sequence[Cell]
    ) -> None:
        """Follow a change of few frames, so that editing a mask of a long track does not read all of its votes."""
        stale = self._stale_votes.get(video_id, set())
        moves = Counter((c.track_id, c.run_id, c.frame_index, c.slot) for c in after if c.run_id)
        moves.subtract((c.track_id, c.run_id, c.frame_index, c.slot) for c in before if c.run_id)
        for (track_id, run_id, frame_index, slot), sign in moves.items():
            if sign and track_id not in stale:
                place = np.array([frame_index]), np.array([slot])
                scores = read_class_scores(self._read, run_id, len(self.run_categories(run_id)), *place)
                votes.setdefault(track_id, Votes()).add(run_id, sign * scores[0].astype(np.float64), sign)
        for track_id in {key[0] for key in moves} & votes.keys():
            if not votes[track_id].counts:
                del votes[track_id]

    def _count(self, video_id: int, track_ids: set[int] | None) -> dict[int, Presence]:
        rows = self._read(
            "SELECT track_id, count(*), min(frame_index), max(frame_index), sum(score), sum(edited > 0) FROM cells"
            f" WHERE video_id = ? {_only(track_ids)} GROUP BY track_id",
            video_id,
        )
        return {row[0]: Presence(*row[1:]) for row in rows}

    def _sum_votes(self, video_id: int, track_ids: set[int] | None) -> dict[int, Votes]:
        rows = self._read(
            "SELECT run_id, track_id, frame_index, slot FROM cells"
            f" WHERE video_id = ? {_only(track_ids)} AND run_id > 0",
            video_id,
        )
        table = np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 4)
        result: dict[int, Votes] = {}
        for run_id in np.unique(table[:, 0]).tolist():
            part = table[table[:, 0] == run_id]
            scores = read_class_scores(self._read, run_id, len(self.run_categories(run_id)), part[:, 2], part[:, 3])
            order = np.argsort(part[:, 1], kind="stable")
            tracks, starts, counts = np.unique(part[order, 1], return_index=True, return_counts=True)
            sums = np.add.reduceat(scores[order].astype(np.float64), starts, axis=0)
            for track_id, total, count in zip(tracks.tolist(), sums, counts.tolist(), strict=True):
                result.setdefault(track_id, Votes()).add(run_id, total, count)
        return result


def best_by_category(category_ids: Sequence[int], scores: NDArray[np.float64]) -> dict[int, float]:
    """Score of each class; one that several of a model's classes stand for has the best of theirs.

    Args:
        category_ids: of the model's C classes.
        scores: (C,).
    """
    best: dict[int, float] = {}
    for category_id, score in zip(category_ids, scores.tolist(), strict=True):
        best[category_id] = max(score, best.get(category_id, score))
    return best


def read_joins(read: Read) -> dict[int, int]:
    """Which class each class was joined with, of those that were."""
    return dict(read("SELECT category_id, joined_with FROM category_details WHERE joined_with IS NOT NULL"))


def last_joined(category_id: int, joins: Mapping[int, int]) -> int:
    """The class that one was joined with, in the end; its own id when it was not."""
    while category_id in joins:
        category_id = joins[category_id]
    return category_id


def read_run_categories(read: Read, run_id: int, joins: Mapping[int, int]) -> tuple[int, ...]:
    """Category id of each class index of a run, as classes are joined in `joins`."""
    ((text,),) = read("SELECT category_ids FROM runs WHERE run_id = ?", run_id)
    return tuple(last_joined(category_id, joins) for category_id in json.loads(text))


def read_class_scores(
    read: Read,
    run_id: int,
    class_count: int,
    frame_indices: NDArray[np.int64],
    slots: NDArray[np.int64],
) -> NDArray[np.float16]:
    """Class scores of some detections of a run.

    Args:
        read: gives the rows of a SELECT.
        run_id: of the run.
        class_count: C, of its model.
        frame_indices: (n,) of the detections.
        slots: (n,) position among the detections of that frame.

    Returns:
        (n, C) float16.
    """
    frames: list[int] = []
    blobs: list[bytes] = []
    for frame_index, blob in read(
        "SELECT frame_index, class_scores FROM run_frames"
        " WHERE run_id = ? AND frame_index BETWEEN ? AND ? ORDER BY frame_index",
        run_id,
        int(frame_indices.min()),
        int(frame_indices.max()),
    ):
        frames.append(frame_index)
        blobs.append(blob)
    counts = np.array([len(blob) // (2 * class_count) for blob in blobs])
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    scores = np.frombuffer(b"".join(blobs), np.float16).reshape(-1, class_count)
    rows = offsets[np.searchsorted(np.array(frames), frame_indices)] + slots
    return scores[rows]


def _refresh(known: dict[int, _Sums], stale: set[int], fresh: dict[int, _Sums]) -> None:
    for track_id in stale:
        known.pop(track_id, None)
    known.update(fresh)


def _only(track_ids: set[int] | None) -> str:
    return "" if track_ids is None else f"AND track_id IN ({','.join(str(int(t)) for t in sorted(track_ids))})"
