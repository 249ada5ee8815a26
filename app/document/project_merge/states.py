"""A video as one project has it, now or rewound to an earlier entry of the history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.document import images
from app.document.confirmation import WHOLE_FRAMES, Confirmed, frames_in
from app.document.images import Cell, Position, Value, cells_of
from app.document.queries import Queries
from app.document.records import FrameRange
from app.document.revisions import parts_after
from app.document.transaction import COLUMNS

Key = tuple[Value, ...]
Rows = dict[str, dict[Key, Key]]

FACTS = ("tracks", "absences", "confirmed", "dismissals", "rejections", "notes")
"""Small tables of a video; their rows are kept by key without the video's id."""


@dataclass(frozen=True, eq=False)
class VideoState:
    """One video of one side.

    Attributes:
        cells: all instances by position.
        facts: rows of the small tables.
        runs: (entry of the history, first frame, head) of the runs over it.
        frame_count: of the video.
    """

    cells: Mapping[Position, Cell]
    facts: Rows
    runs: tuple[tuple[int, int, int], ...]
    frame_count: int

    def confirmed(self) -> Confirmed:
        """What is confirmed."""
        by_track: dict[int, list[FrameRange]] = {}
        for (track_id, first), (last,) in self.facts["confirmed"].items():
            by_track.setdefault(_int(track_id), []).append(FrameRange(_int(first), _int(last)))
        frames = frames_in(by_track.pop(WHOLE_FRAMES, []), self.frame_count)
        return Confirmed(frames, {t: frames_in(ranges, self.frame_count) for t, ranges in by_track.items()})

    def absences(self) -> dict[int, list[FrameRange]]:
        """Where tracks were said to be absent."""
        found: dict[int, list[FrameRange]] = {}
        for (track_id, first), (last,) in self.facts["absences"].items():
            found.setdefault(_int(track_id), []).append(FrameRange(_int(first), None if last is None else _int(last)))
        return found

    def is_computed(self, frame_index: int, since: int = 0) -> bool:
        """Whether a run, of those after an entry of the history, has looked at a frame."""
        return any(entry_id > since and first <= frame_index < head for entry_id, first, head in self.runs)


def current_state(queries: Queries, video_id: int) -> VideoState:
    """The video as it is."""
    cells = cells_of(queries.rows("SELECT * FROM cells WHERE video_id = ?", video_id))
    facts: Rows = {}
    for table in FACTS:
        keys, columns = COLUMNS[table]
        names = ", ".join(keys[1:] + columns)
        rows = queries.rows(f"SELECT {names or 1} FROM {table} WHERE video_id = ?", video_id)
        facts[table] = {row[: len(keys) - 1]: row[len(keys) - 1 :] for row in rows}
    runs = queries.rows(
        "SELECT entry_id, first_frame, head FROM runs JOIN history USING (entry_id)"
        " WHERE runs.video_id = ? AND NOT undone",
        video_id,
    )
    return VideoState({cell[:3]: cell for cell in cells}, facts, tuple(runs), queries.video(video_id).frame_count)


def rewound(queries: Queries, video_id: int, state: VideoState, entry_id: int) -> VideoState:
    """The video as it was after an entry of the history, given how it is."""
    cells = dict(state.cells)
    facts = {table: dict(rows) for table, rows in state.facts.items()}
    for part_id in parts_after(queries, video_id, entry_id):
        ((data,),) = queries.rows("SELECT images FROM history_parts WHERE part_id = ?", part_id)
        part = images.decode(data)
        for position, cell in part.before.items():
            if position[0] != video_id:
                continue
            if cell is None:
                cells.pop(position, None)
            else:
                cells[position] = cell
        for (table, key), (before, _) in part.rows.items():
            if table not in facts or key[0] != video_id:
                continue
            if before is None:
                facts[table].pop(key[1:], None)
            else:
                facts[table][key[1:]] = before
    return replace(state, cells=cells, facts=facts)


def translated(state: VideoState, video_id: int, shared_mask: int, shared_run: int) -> VideoState:
    """The state of the other project, as one of ours: ids of masks, instances and runs that are not shared are negated.

    Args:
        state: of the other project.
        video_id: of ours.
        shared_mask: masks, and instances, that are named after their first masks, are the same up to this id.
        shared_run: runs are the same up to this id.
    """

    def own(value: int, shared: int) -> int:
        return value if value <= shared else -value

    cells: dict[Position, Cell] = {}
    for _, track_id, frame_index, instance_id, mask_id, score, origin, edited, run_id, slot in state.cells.values():
        ids = own(instance_id, shared_mask), own(mask_id, shared_mask)
        cell = Cell(video_id, track_id, frame_index, *ids, score, origin, edited, own(run_id, shared_run), slot)
        cells[cell[:3]] = cell
    return replace(state, cells=cells)


def by_frame(cells: Mapping[Position, Cell], wanted: Callable[[int], Any]) -> dict[int, list[Cell]]:
    """Instances of the frames for which `wanted` is true, by frame."""
    found: dict[int, list[Cell]] = {}
    for position, cell in cells.items():
        if wanted(position[2]):
            found.setdefault(position[2], []).append(cell)
    return found


def _int(value: Value) -> int:
    assert value is not None
    return int(value)
