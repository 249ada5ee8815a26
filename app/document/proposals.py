"""Who an instance may be: the tracks whose sightings before and after it look most like it. Reads only.

    identity_proposals(queries, video_id, track_id, frame_index)  -> [Proposal] for one instance, best first
    link_suggestions(queries, video_id, track_id)                 -> [Proposal] of tracks that this one may continue

Similarity is the network's own, q of the earlier and r of the later instance (paper 4.4). `ReassignTrack` or
`SwapTracks` accepts a proposal in the scope that is set, `merging.link_edit` a suggested link.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import confirmed_content
from app.document.evidence import comparable_runs, detection_vectors, run_similarity
from app.document.queries import Queries
from app.document.records import LAST_FRAME, FrameRange, Run
from visolo.inference.linking import Similarity

_WINDOW = 3  # sightings on each side; one alone may be a bad one


@dataclass(frozen=True)
class Proposal:
    """A track that an instance may belong to.

    Attributes:
        similarity: in [0, 1], of the instance to the track's last sightings before it; for a track that was not seen
            before, to its next ones.
        own_similarity: in [0, 1], of what the track has in the frame itself to the same sightings; None where it has
            nothing there.
        last_seen: frame of its latest sighting before the instance, None when there is none.
        next_seen: frame of its next sighting after the instance, None when there is none.
        seen_at: of those two the one that was compared: the frame of the crop to show.
    """

    track_id: int
    similarity: float
    own_similarity: float | None
    last_seen: int | None
    next_seen: int | None
    seen_at: int

    @property
    def margin(self) -> float:
        """How much better the instance fits than what the track has, -1 to 1.

        Proposals are in the order of it: a track that fits what it has well is hardly another object's.
        """
        return self.similarity - (self.own_similarity or 0.0)


class _Sighting(NamedTuple):
    frame_index: int
    run_id: int
    slot: int


def identity_proposals(
    queries: Queries, video_id: int, track_id: int, frame_index: int, limit: int = 3
) -> list[Proposal]:
    """The tracks that look most like an instance, without its own and those that may not be edited there.

    Args:
        queries: of the project.
        video_id: of the video.
        track_id: the instance's track.
        frame_index: the instance's frame.
        limit: of proposals.

    Returns:
        Best first; empty where no model saw the instance, or its track is locked or confirmed there.
    """
    here = _sightings(queries, video_id, track_id, FrameRange(frame_index, frame_index))
    closed = _closed_tracks(queries, video_id, FrameRange(frame_index, frame_index))
    if not here or track_id in closed:
        return []
    comparison = _Comparison(queries, video_id, here)
    others = queries.cache.presence(video_id).keys() - closed - {track_id}
    return _best((comparison.proposal(other, FrameRange(frame_index, frame_index)) for other in others), limit)


def link_suggestions(queries: Queries, video_id: int, track_id: int, limit: int = 3) -> list[Proposal]:
    """The tracks that a track may be the continuation of: seen before it was born, absent while it is there.

    Args:
        queries: of the project.
        video_id: of the video.
        track_id: of the track that was born.
        limit: of suggestions.

    Returns:
        Best first; empty where no model saw the track, or it is locked or confirmed somewhere.
    """
    presence = queries.cache.presence(video_id)
    if track_id not in presence:
        return []
    life = FrameRange(presence[track_id].first, presence[track_id].last)
    closed = _closed_tracks(queries, video_id, life)
    first = _sightings(queries, video_id, track_id, life)
    if not first or track_id in closed:
        return []
    comparison = _Comparison(queries, video_id, first)
    earlier = {other for other in presence.keys() - closed - {track_id} if presence[other].first < life.first}
    ended = (other for other in earlier if not _is_present(queries, video_id, other, life))
    return _best((comparison.proposal(other, life) for other in ended), limit)


class _Comparison:
    """Compares one instance, or a few of one object, with tracks by the vectors of one model, each read once."""

    def __init__(self, queries: Queries, video_id: int, here: list[_Sighting]) -> None:
        runs = {run.run_id: run for run in queries.runs(video_id)}
        self._run_ids = comparable_runs(runs.values(), runs[here[0].run_id])
        self._similarity = _similarity_of(runs[here[0].run_id])
        self._queries, self._video_id, self._here = queries, video_id, here
        self._known: dict[tuple[int, int], tuple[NDArray[np.float16], NDArray[np.float16]]] = {}

    def proposal(self, track_id: int, frames: FrameRange) -> Proposal | None:
        """How like a track's sightings around some frames the instance is; None where nothing can be compared."""
        track = self._queries, self._video_id, track_id
        before = _sightings(*track, FrameRange(0, frames.first - 1), newest_first=True)
        after = _sightings(*track, FrameRange(frames.end + 1, None))
        own = _sightings(*track, frames)
        similarity, rival = self._likeness(before, self._here), self._likeness(before, own)
        if is_later := similarity < 0:
            similarity, rival = self._likeness(self._here, after), self._likeness(own, after)
        if similarity < 0:
            return None
        last_seen = before[0].frame_index if before else None
        next_seen = after[0].frame_index if after else None
        seen_at = next_seen if is_later else last_seen
        assert seen_at is not None
        return Proposal(track_id, similarity, rival if rival >= 0 else None, last_seen, next_seen, seen_at)

    def _likeness(self, earlier: list[_Sighting], later: list[_Sighting]) -> float:
        """Similarity of the mean q of some sightings to the mean r of others; -1 where nothing can be compared."""
        sides = [[s for s in side if s.run_id in self._run_ids] for side in (earlier, later)]
        if not all(sides):
            return -1.0
        queries, references = (
            np.stack([self._vectors(s)[kind][s.slot] for s in side]).mean(0, np.float32, keepdims=True)
            for kind, side in enumerate(sides)
        )
        return float(self._similarity.scores(queries, references)[0, 0])

    def _vectors(self, sighting: _Sighting) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        key = sighting.run_id, sighting.frame_index
        if key not in self._known:
            self._known[key] = detection_vectors(self._queries, *key)
        return self._known[key]


def _sightings(
    queries: Queries, video_id: int, track_id: int, frames: FrameRange, *, newest_first: bool = False
) -> list[_Sighting]:
    """The first few detections of a track in a range of frames, or the last few."""
    order = "DESC" if newest_first else "ASC"
    rows = queries.rows(
        "SELECT frame_index, run_id, slot FROM cells WHERE video_id = ? AND track_id = ?"
        f" AND frame_index BETWEEN ? AND ? AND run_id > 0 ORDER BY frame_index {order} LIMIT ?",
        video_id,
        track_id,
        frames.first,
        frames.end,
        _WINDOW,
    )
    return [_Sighting(*row) for row in rows]


def _is_present(queries: Queries, video_id: int, track_id: int, frames: FrameRange) -> bool:
    sql = "SELECT 1 FROM cells WHERE video_id = ? AND track_id = ? AND frame_index BETWEEN ? AND ? LIMIT 1"
    return bool(queries.rows(sql, video_id, track_id, frames.first, min(frames.end, LAST_FRAME)))


def _closed_tracks(queries: Queries, video_id: int, frames: FrameRange) -> set[int]:
    """Tracks that are locked, or confirmed somewhere in these frames."""
    confirmed = confirmed_content(queries, video_id)
    closed = {row[0] for row in queries.rows("SELECT track_id FROM tracks WHERE video_id = ? AND locked", video_id)}
    return closed | {
        track_id
        for track_id in queries.cache.presence(video_id)
        if confirmed.of_track(track_id)[frames.first : frames.end + 1].any()
    }


def _similarity_of(run: Run) -> Similarity:
    return run_similarity(run) or Similarity()  # a run of an older version: as the official network compares


def _best(found: Iterable[Proposal | None], limit: int) -> list[Proposal]:
    return sorted((p for p in found if p is not None), key=lambda p: (-p.margin, p.track_id))[:limit]
