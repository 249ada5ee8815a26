"""Every note of a project as a line of a CSV file, for spreadsheets and scripts. Written whole or not at all."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.document.export import Progress
from app.document.notes import all_notes
from app.document.queries import Queries, snapshot
from app.document.records import Note
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path
from visolo.words import counted

COLUMNS = ("video_id", "video", "frame_index", "x", "y", "text", "author", "created", "resolved")


def export_notes(document: Queries, target: Path, video_ids: Sequence[int] | None = None) -> Iterator[Progress]:
    """Write a row for each note, by video and frame, of rejected videos too; closing the iterator early leaves nothing.

    x and y are in pixels, and empty where a note is about its whole frame; created is in UTC as ISO 8601 has it;
    resolved is 1 or 0.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        target: the CSV file.
        video_ids: of which videos; None for all.

    Yields:
        Progress before and after; the last says what was written.

    Raises:
        OutputError: there is nothing to write, or it cannot be written there.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries:
        names = {video.video_id: video.name for video in queries.videos()}
        notes = [note for note in all_notes(queries) if video_ids is None or note.video_id in video_ids]
    if not notes:
        raise OutputError("There is no note to write: add one to a frame first, or choose other videos")
    rows = [tuple(map(str, _row(note, names[note.video_id]))) for note in notes]
    yield Progress(0, 1, f"Writing {counted(len(notes), 'note')}")
    with atomic_path(target) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
        with temporary.open(encoding="utf-8", newline="") as file:
            if [tuple(row) for row in csv.reader(file)] != [COLUMNS, *rows]:
                raise OutputError(f"{target}: what was written lacks rows; nothing was changed, try again")
    open_count = sum(not note.is_resolved for note in notes)
    yield Progress(1, 1, f"{target}: {counted(len(notes), 'note')}, {open_count} open")


def _row(note: Note, video: str) -> tuple[object, ...]:
    place = ("", "") if note.place is None else (f"{note.place.x:g}", f"{note.place.y:g}")
    created = datetime.fromtimestamp(note.created, UTC).isoformat(timespec="seconds")
    flag = int(note.is_resolved)
    return (note.video_id, video, note.frame_index, *place, note.words, note.author, created, flag)
