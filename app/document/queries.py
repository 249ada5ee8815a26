"""Questions to a project: everything that can be read, nothing that changes. Works on any open connection."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from app.document import project_file
from app.document.records import (
    Category,
    ClassVotes,
    FrameRange,
    Instance,
    Lane,
    Origin,
    Run,
    Track,
    TrackSummary,
    Video,
)
from app.document.track_cache import Presence, TrackCache, read_class_scores
from visolo.errors import ProjectError
from visolo.rle import Box, Rle

_INSTANCE_COLUMNS = """
SELECT c.instance_id, c.video_id, c.frame_index, c.track_id, m.height, m.width, m.counts, c.score, c.origin, c.edited,
       m.area, m.box_x, m.box_y, m.box_width, m.box_height, c.run_id
"""
_INSTANCE = f"{_INSTANCE_COLUMNS} FROM cells c JOIN masks m USING (mask_id)"
_VIDEO = "SELECT video_id, name, source, frame_count, height, width, frame_rate, pixel_aspect FROM videos"


class Queries:
    """Reads a project. One connection belongs to one thread; `snapshot` gives another thread its own."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.cache = TrackCache(self.rows)

    def rows(self, sql: str, *values: int | float | str | None) -> list[Any]:
        """All rows of a SELECT; the way for everything in this package to read.

        Raises:
            ProjectError: the file is damaged or cannot be read.
        """
        with project_file.translated_errors(self.path):
            return self.connection.execute(sql, values).fetchall()

    def videos(self) -> list[Video]:
        """All videos in the order in which they were added."""
        return [Video(*row) for row in self.rows(f"{_VIDEO} WHERE NOT removed ORDER BY video_id")]

    def video(self, video_id: int) -> Video:
        """One video.

        Raises:
            ProjectError: the project has no such video.
        """
        rows = self.rows(f"{_VIDEO} WHERE NOT removed AND video_id = ?", video_id)
        if not rows:
            raise ProjectError(f"{self.path}: there is no video {video_id} in this project")
        return Video(*rows[0])

    def next_video_id(self) -> int:
        """An id that no video has had."""
        return int(self.rows("SELECT coalesce(max(video_id), 0) + 1 FROM videos")[0][0])

    def source_path(self, video_id: int) -> Path:
        """Where the video's file or folder should be; a relative source counts from the project's folder."""
        return self.path.parent / self.video(video_id).source

    def categories(self) -> tuple[Category, ...]:
        """The project's classes by id; those that were joined with another are not among them."""
        rows = self.rows(
            "SELECT category_id, name, color, synonyms FROM categories LEFT JOIN category_details USING (category_id)"
            " WHERE joined_with IS NULL ORDER BY category_id"
        )
        return tuple(Category(i, name, color, tuple(json.loads(more or "[]"))) for i, name, color, more in rows)

    def next_category_id(self) -> int:
        """An id that no class has."""
        return int(self.rows("SELECT coalesce(max(category_id), 0) + 1 FROM categories")[0][0])

    def tracks(self, video_id: int) -> list[TrackSummary]:
        """All tracks that are present somewhere, by id."""
        presence = self.cache.presence(video_id)
        rows = self.rows("SELECT * FROM tracks WHERE video_id = ? ORDER BY track_id", video_id)
        found = [(self._track(row), presence[row[1]]) for row in rows if row[1] in presence]
        return [_summary(t, p, self.cache.category_means(video_id, t.track_id)) for t, p in found]

    def track(self, video_id: int, track_id: int) -> Track:
        """One track, also when it is present nowhere (any more).

        Raises:
            ProjectError: the video never had such a track.
        """
        rows = self.rows("SELECT * FROM tracks WHERE video_id = ? AND track_id = ?", video_id, track_id)
        if not rows:
            raise ProjectError(f"there is no track {track_id} in video {video_id}")
        return self._track(rows[0])

    def next_track_id(self, video_id: int) -> int:
        """An id that no track of the video has had, not even one whose making was undone."""
        rows = self.rows("SELECT last_track_id FROM track_counters WHERE video_id = ?", video_id)
        return int(rows[0][0]) + 1 if rows else 1

    def instances(self, video_id: int, frame_index: int) -> list[Instance]:
        """All instances of a frame by track id."""
        # Without the hint SQLite scans the whole video, to save sorting a frame's few rows by track.
        tables = "FROM cells c INDEXED BY cells_by_frame JOIN masks m USING (mask_id)"
        sql = f"{_INSTANCE_COLUMNS} {tables} WHERE c.video_id = ? AND c.frame_index = ? ORDER BY c.track_id"
        return [_instance(row) for row in self.rows(sql, video_id, frame_index)]

    def instance(self, video_id: int, track_id: int, frame_index: int) -> Instance | None:
        """The instance of a track in a frame; None when it is absent."""
        sql = f"{_INSTANCE} WHERE c.video_id = ? AND c.track_id = ? AND c.frame_index = ?"
        rows = self.rows(sql, video_id, track_id, frame_index)
        return _instance(rows[0]) if rows else None

    def track_instances(self, video_id: int, track_id: int) -> list[Instance]:
        """All instances of a track by frame."""
        sql = f"{_INSTANCE} WHERE c.video_id = ? AND c.track_id = ? ORDER BY c.frame_index"
        return [_instance(row) for row in self.rows(sql, video_id, track_id)]

    def lane(self, video_id: int, track_id: int) -> Lane:
        """Where a track is present; empty arrays when nowhere."""
        rows = self.rows(
            "SELECT frame_index, score, origin, edited FROM cells WHERE video_id = ? AND track_id = ?"
            " ORDER BY frame_index",
            video_id,
            track_id,
        )
        columns = np.fromiter(chain.from_iterable(rows), np.float64, 4 * len(rows)).reshape(-1, 4).T
        return Lane(
            columns[0].astype(np.int32),
            columns[1].astype(np.float32),
            columns[2].astype(np.uint8),
            columns[3].astype(np.bool_),
        )

    def class_votes(self, video_id: int, track_id: int) -> ClassVotes | None:
        """Class scores of every frame where a model detected the track; None when none did."""
        rows = self.rows(
            "SELECT run_id, frame_index, slot FROM cells WHERE video_id = ? AND track_id = ? AND run_id > 0"
            " ORDER BY frame_index",
            video_id,
            track_id,
        )
        if not rows:
            return None
        table = np.array(rows, dtype=np.int64)
        runs = np.unique(table[:, 0]).tolist()
        category_ids = sorted({c for run_id in runs for c in self.cache.run_categories(run_id)})
        scores = np.zeros((len(table), len(category_ids)), dtype=np.float32)
        for run_id in runs:
            chosen = np.flatnonzero(table[:, 0] == run_id)
            known = self.cache.run_categories(run_id)
            columns = np.searchsorted(category_ids, known)
            found = read_class_scores(self.rows, run_id, len(known), table[chosen, 1], table[chosen, 2])
            for index, column in enumerate(columns):  # several of the model's classes may be one here
                scores[chosen, column] = np.maximum(scores[chosen, column], found[:, index])
        return ClassVotes(table[:, 1].astype(np.int32), scores, np.array(category_ids, dtype=np.int32))

    def absences(self, video_id: int, track_id: int) -> list[FrameRange]:
        """Where a person said that the object is not in the picture."""
        rows = self.rows(
            "SELECT first_frame, last_frame FROM absences WHERE video_id = ? AND track_id = ? ORDER BY first_frame",
            video_id,
            track_id,
        )
        return [FrameRange(*row) for row in rows]

    def runs(self, video_id: int) -> list[Run]:
        """Runs over a video that are not undone, the oldest first."""
        rows = self.rows(
            "SELECT r.run_id, r.video_id, r.first_frame, r.head, r.state, r.settings, r.label_set, r.category_ids,"
            " r.set_aside, h.author, h.created FROM runs r JOIN history h USING (entry_id)"
            " WHERE r.video_id = ? AND NOT h.undone ORDER BY r.run_id",
            video_id,
        )
        return [Run(*(*r[:5], json.loads(r[5]), r[6], self.cache.run_categories(r[0]), *r[8:])) for r in rows]

    def view_state(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """What `set_view_state` keeps under this key."""
        rows = self.rows("SELECT value FROM view_state WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else default

    def _track(self, row: Any) -> Track:  # noqa: ANN401 - a row of `tracks`
        video_id, track_id, category_id, category_set, locked = row
        if not category_set and (winner := self.cache.winner(video_id, track_id)):
            category_id = winner[0]
        category_id = self.cache.joined_with(category_id)
        return Track(video_id, track_id, category_id, bool(locked), bool(category_set))


@contextmanager
def snapshot(path: Path) -> Iterator[Queries]:
    """The project as it is at the first question, for a worker thread; edits made meanwhile do not show.

    Raises:
        ProjectError: the file is missing or damaged.
    """
    with project_file.reading(path) as connection:
        yield Queries(path, connection)


def _summary(track: Track, presence: Presence, means: dict[int, float]) -> TrackSummary:
    score = means.get(track.category_id, presence.score_sum / presence.count)
    return TrackSummary(track, score, presence.count, presence.first, presence.last, presence.edited)


def _instance(row: Any) -> Instance:  # noqa: ANN401 - a row of `_INSTANCE`
    return Instance(
        instance_id=row[0],
        video_id=row[1],
        frame_index=row[2],
        track_id=row[3],
        rle=Rle((row[4], row[5]), row[6]),
        score=row[7],
        origin=Origin(row[8]),
        edited=bool(row[9]),
        area=row[10],
        box=Box(*row[11:15]),
        run_id=row[15],
    )
