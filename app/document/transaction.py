"""Primitives that edits and runs are composed of: each changes rows and notes what was there and what is there now."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

from app.document.confirmation import confirmed_positions, refusal
from app.document.document import Document
from app.document.images import Cell, Images, Position, RowKey, Value, cells_of
from app.document.records import Change, EditRefused, FrameRange
from visolo import rle as rle_masks
from visolo.rle import Rle

COLUMNS = {  # table -> primary key columns, other columns
    "videos": (
        ("video_id",),
        ("name", "source", "frame_count", "height", "width", "frame_rate", "pixel_aspect", "removed"),
    ),
    "categories": (("category_id",), ("name",)),
    "tracks": (("video_id", "track_id"), ("category_id", "category_set", "locked")),
    "absences": (("video_id", "track_id", "first_frame"), ("last_frame",)),
    "confirmed": (("video_id", "track_id", "first_frame"), ("last_frame",)),
    "dismissals": (("video_id", "key"), ("created",)),
    "rejections": (("video_id",), ("reason",)),
    "notes": (("video_id", "note_id"), ("frame_index", "x", "y", "text", "author", "created", "resolved")),
    "category_details": (("category_id",), ("color", "synonyms", "joined_with")),
}
_INSERT_CELL = "INSERT INTO cells VALUES (?,?,?,?,?,?,?,?,?,?)"
_UPSERT_CELL = (
    f"{_INSERT_CELL} ON CONFLICT DO UPDATE SET instance_id = excluded.instance_id,"
    " mask_id = excluded.mask_id, score = excluded.score, origin = excluded.origin, edited = excluded.edited,"
    " run_id = excluded.run_id, slot = excluded.slot"
)


class ActiveRun(Protocol):
    """A run that is still delivering frames of a video, as edits and the history see it.

    Attributes:
        head: next frame to be delivered.
        wants_end: it could not be ended when it should, e.g. because the disk was full.
    """

    run_id: int
    entry_id: int
    head: int
    wants_end: bool

    def end(self) -> None:
        """Try again to end it."""

    def overflow_track(self, transaction: "Transaction", track_id: int) -> int:
        """The track that takes in what is detected for a locked track; made when needed."""


class Transaction:
    """One entry's work on the open document, inside `Document.transaction()`.

    Attributes:
        images: what was changed so far, see `take_images`.
        change: what views have to look at again.
        text: a better text for the entry than the edit alone can give; empty when there is none.
        run: while a run's frames land, that run.
        is_landing: an edit made earlier is applied to frames that came later; it leaves out what is confirmed there.
    """

    def __init__(self, document: Document, entry_id: int) -> None:
        self.document = document
        self.entry_id = entry_id
        self.images = Images()
        self.change = Change()
        self.text = ""
        self.run: ActiveRun | None = None
        self.is_landing = False
        self._connection: sqlite3.Connection = document.connection

    def cells(self, video_id: int, track_ids: Iterable[int], frames: FrameRange) -> list[Cell]:
        """Instances of some tracks in a range of frames, by track and frame."""
        marks = ",".join(str(int(t)) for t in track_ids)
        rows = self._connection.execute(
            f"SELECT * FROM cells WHERE video_id = ? AND track_id IN ({marks}) AND frame_index BETWEEN ? AND ?"
            " ORDER BY track_id, frame_index",
            (video_id, frames.first, frames.end),
        )
        return cells_of(rows)

    def frame_cells(self, video_id: int, frame_index: int) -> list[Cell]:
        """All instances of a frame."""
        sql = "SELECT * FROM cells INDEXED BY cells_by_frame WHERE video_id = ? AND frame_index = ?"
        return cells_of(self._connection.execute(sql, (video_id, frame_index)))

    def replace_cells(self, before: Sequence[Cell], after: Sequence[Cell]) -> None:
        """Take instances out and put others in; what `after` does not hold is gone.

        Args:
            before: exactly as they are in the document.
            after: at positions of `before` or at vacant ones.

        Raises:
            EditRefused: some of it is confirmed.
        """
        before, after = self._open_to_change(before, after)
        old: dict[Position, Cell] = {cell[:3]: cell for cell in before}
        new: dict[Position, Cell] = {cell[:3]: cell for cell in after}
        assert len(new) == len(after), "two instances of one track in a frame"
        self._delete_cells(old.keys() - new.keys())
        self._write_cells(_UPSERT_CELL, [cell for position, cell in new.items() if position in old])
        self._write_cells(_INSERT_CELL, [cell for position, cell in new.items() if position not in old])
        self.images.note_cells(old, new)
        self._touch_cells(before, after)

    def add_landed(self, cells: Sequence[Cell]) -> None:
        """Put instances that a run has found at vacant positions; the caller extends the cache, it is not dropped."""
        self._connection.executemany(_INSERT_CELL, cells)
        self.images.note_cells({}, {cell[:3]: cell for cell in cells})
        for cell in cells:
            here = FrameRange(cell.frame_index, cell.frame_index)
            self.note(Change(frozenset({cell.video_id}), frozenset({cell.track_id}), here))

    def row(self, table: str, *key: Value) -> tuple[Value, ...] | None:
        """Columns of a row of a small table, without its key; None when it is not there."""
        keys, columns = COLUMNS[table]
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {_where(keys)}"
        found = self._connection.execute(sql, key).fetchone()
        return None if found is None else tuple(found)

    def put_row(self, table: str, key: tuple[Value, ...], values: tuple[Value, ...] | None) -> None:
        """Write a row of a small table, or take it out with None."""
        self.images.note_row((table, key), self.row(table, *key), values)
        self._write_row((table, key), values)

    def add_mask(self, rle: Rle) -> int:
        """Store a mask; its id."""
        box = rle_masks.bounding_box(rle)
        cursor = self._connection.execute(
            "INSERT INTO masks (entry_id, height, width, counts, area, box_x, box_y, box_width, box_height)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            (self.entry_id, *rle.size, rle.counts, rle_masks.area(rle), *box),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def add_track(self, video_id: int, track_id: int, category_id: int, category_set: bool) -> None:
        """Make a track with an id that was never used, or take up one that is present nowhere."""
        self.put_row("tracks", (video_id, track_id), (category_id, int(category_set), 0))

    def is_present(self, video_id: int, track_id: int, frames: FrameRange) -> bool:
        """Whether the track has an instance in these frames."""
        sql = "SELECT 1 FROM cells WHERE video_id = ? AND track_id = ? AND frame_index BETWEEN ? AND ? LIMIT 1"
        return self._connection.execute(sql, (video_id, track_id, frames.first, frames.end)).fetchone() is not None

    def require_unlocked(self, video_id: int, track_ids: Iterable[int]) -> None:
        """Check that tracks exist and may be edited.

        Raises:
            EditRefused: a track is missing or locked.
        """
        for track_id in track_ids:
            row = self.row("tracks", video_id, track_id)
            if row is None:
                raise EditRefused(f"There is no track {track_id} in this video")
            if row[2]:
                raise EditRefused(f"Track {track_id} is locked; unlock it first")

    def require_open(self, cells: Iterable[Cell]) -> None:
        """Check that instances are not confirmed.

        Raises:
            EditRefused: some are.
        """
        if closed := confirmed_positions(self.document, (cell[:3] for cell in cells)):
            raise EditRefused(refusal(closed))

    def made(self) -> tuple[str, float]:
        """Who makes the entry, and when: seconds since 1970."""
        sql = "SELECT author, created FROM history WHERE entry_id = ?"
        author, created = self._connection.execute(sql, (self.entry_id,)).fetchone()
        return author, created

    def take_images(self) -> Images:
        """The images since the last time, to be stored."""
        images, self.images = self.images, Images()
        return images

    def restore(self, images: Images, *, forward: bool) -> None:
        """Write the images back: what was before, or with `forward` what was after."""
        side = 1 if forward else 0
        for key, pair in images.rows.items():
            self._write_row(key, pair[side])
        old, new = (images.before, images.after) if forward else (images.after, images.before)
        before, after = ([cell for cell in cells.values() if cell is not None] for cells in (old, new))
        self._delete_cells(position for position, cell in new.items() if cell is None)
        self._write_cells(_UPSERT_CELL, after)
        self._touch_cells(before, after)

    def note(self, change: Change) -> None:
        """Say what else changed."""
        self.change = self.change.union(change)

    def _open_to_change(self, before: Sequence[Cell], after: Sequence[Cell]) -> tuple[Sequence[Cell], Sequence[Cell]]:
        """Both without the frames in which one of them is confirmed, while frames land; else all or a refusal."""
        if not self.is_landing:
            self.require_open(chain(before, after))
            return before, after
        closed = confirmed_positions(self.document, (cell[:3] for cell in chain(before, after)))
        frames = {(video_id, frame_index) for video_id, _, frame_index in closed}
        kept = ([c for c in cells if (c.video_id, c.frame_index) not in frames] for cells in (before, after))
        return next(kept), next(kept)

    def _delete_cells(self, positions: Iterable[Position]) -> None:
        sql = "DELETE FROM cells WHERE video_id = ? AND track_id = ? AND frame_index = ?"
        self._connection.executemany(sql, sorted(positions))

    def _write_cells(self, sql: str, cells: list[Cell]) -> None:
        """In the order of the table, which halves the time of a hundred thousand."""
        self._connection.executemany(sql, sorted(cells))

    def _write_row(self, key: RowKey, values: tuple[Value, ...] | None) -> None:
        table, ids = key
        keys, columns = COLUMNS[table]
        if values is None:
            self._connection.execute(f"DELETE FROM {table} WHERE {_where(keys)}", ids)
        else:
            names, marks = ", ".join(keys + columns), ", ".join("?" * len(keys + columns))
            updates = ", ".join(f"{c} = excluded.{c}" for c in columns)
            self._connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {updates}", (*ids, *values)
            )
        self._touch_row(table, ids)

    def _touch_row(self, table: str, ids: tuple[Value, ...]) -> None:
        if table in {"tracks", "absences"}:
            video_id, track_id = int(ids[0] or 0), int(ids[1] or 0)
            self._connection.execute(
                "INSERT INTO track_counters VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET last_track_id = max(last_track_id, excluded.last_track_id)",
                (video_id, track_id),
            )
            self.note(Change(frozenset({video_id}), frozenset({track_id})))
        elif table in {"categories", "category_details"}:
            self.document.cache.forget_classes()
            self.note(Change(categories=True))
        elif table == "notes":
            self.note(Change(frozenset({int(ids[0] or 0)}), notes=True))
        else:
            is_list = table == "videos"
            self.note(Change(frozenset({int(ids[0] or 0)}), videos=is_list, review=not is_list))

    def _touch_cells(self, before: Sequence[Cell], after: Sequence[Cell]) -> None:
        for video_id in {cell.video_id for cell in chain(before, after)}:
            old, new = ([c for c in cells if c.video_id == video_id] for cells in (before, after))
            self.document.cache.change(video_id, old, new)
            frames = {cell.frame_index for cell in chain(old, new)}
            track_ids = frozenset(cell.track_id for cell in chain(old, new))
            self.note(Change(frozenset({video_id}), track_ids, FrameRange(min(frames), max(frames))))


def _where(keys: tuple[str, ...]) -> str:
    return " AND ".join(f"{k} = ?" for k in keys)
