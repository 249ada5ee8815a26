"""What people noted on frames: the notes of a video or of a project, and how many are open. Edits: `note_edits`."""

from typing import Any

from app.document.queries import Queries
from app.document.records import EditRefused, Note, NotePlace

_NOTE = "SELECT note_id, video_id, frame_index, x, y, text, author, created, resolved FROM notes"
_IS_SHOWN = "video_id IN (SELECT video_id FROM videos WHERE NOT removed)"
_SHOWN_LETTERS = 40


def notes_of(queries: Queries, video_id: int) -> list[Note]:
    """Notes of a video by frame, those of one frame as they were added."""
    rows = queries.rows(f"{_NOTE} WHERE video_id = ? ORDER BY frame_index, note_id", video_id)
    return [_read(row) for row in rows]


def all_notes(queries: Queries) -> list[Note]:
    """Notes of every video that is in the project, by video and frame."""
    sql = f"{_NOTE} WHERE {_IS_SHOWN} ORDER BY video_id, frame_index, note_id"
    return [_read(row) for row in queries.rows(sql)]


def note(queries: Queries, video_id: int, note_id: int) -> Note:
    """One note.

    Raises:
        EditRefused: it is not there (any more).
    """
    rows = queries.rows(f"{_NOTE} WHERE video_id = ? AND note_id = ?", video_id, note_id)
    if not rows:
        raise EditRefused(f"There is no note {note_id} in this video; it may have been deleted")
    return _read(rows[0])


def open_note_counts(queries: Queries) -> dict[int, int]:
    """How many notes are open, by video; videos without any are not listed."""
    sql = f"SELECT video_id, count(*) FROM notes WHERE NOT resolved AND {_IS_SHOWN} GROUP BY video_id"
    return dict(queries.rows(sql))


def next_note_id(queries: Queries, video_id: int) -> int:
    """An id above those of all notes of a video."""
    return int(queries.rows("SELECT coalesce(max(note_id), 0) + 1 FROM notes WHERE video_id = ?", video_id)[0][0])


def first_words(words: str) -> str:
    """The beginning of a note in one short line."""
    line = " ".join(words.split())
    return line if len(line) <= _SHOWN_LETTERS else f"{line[: _SHOWN_LETTERS - 1].rstrip()}…"


def _read(row: Any) -> Note:  # noqa: ANN401 - a row of `_NOTE`
    note_id, video_id, frame_index, x, y, words, author, created, resolved = row
    place = None if x is None else NotePlace(x, y)
    return Note(note_id, video_id, frame_index, place, words, author, created, bool(resolved))
