"""Edits of the notes that people leave on frames, for others or for later.

    AddNote(video_id, frame_index, words, NotePlace(x, y) | None)           # None: of the frame as a whole
    RewordNote(video_id, note_id, words)
    MoveNote(video_id, note_id, NotePlace(x, y) | None)
    ResolveNote(video_id, note_id) / ResolveNote(video_id, note_id, resolved=False)
    DeleteNote(video_id, note_id)

Notes are no content: they can be left on what is locked, confirmed or rejected, and model runs do not touch them. What
is noted now: `notes`.
"""

from dataclasses import dataclass, replace

from app.document.notes import first_words, next_note_id, note
from app.document.records import EditRefused, Note, NotePlace
from app.document.transaction import Transaction


@dataclass(frozen=True)
class AddNote:
    """Note something on a frame; whoever makes the entry is the author."""

    video_id: int
    frame_index: int
    words: str
    place: NotePlace | None = None

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Note on frame {self.frame_index}: {first_words(self.words)}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        video = transaction.document.video(self.video_id)
        if not 0 <= self.frame_index < video.frame_count:
            raise EditRefused(f"There is no frame {self.frame_index}; the video has {video.frame_count} frames")
        note_id = new_note_id(transaction, self.video_id)
        author, created = transaction.made()
        made = (self.words, author, created, False)
        _write(transaction, Note(note_id, self.video_id, self.frame_index, self.place, *made))


@dataclass(frozen=True)
class RewordNote:
    """Say a note in other words."""

    video_id: int
    note_id: int
    words: str

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Reword note {self.note_id}: {first_words(self.words)}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        old = note(transaction.document, self.video_id, self.note_id)
        _replace(transaction, old, replace(old, words=self.words.strip()), "Reword note")


@dataclass(frozen=True)
class MoveNote:
    """Pin a note to another place of its frame, or with None to the frame as a whole."""

    video_id: int
    note_id: int
    place: NotePlace | None

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Move note {self.note_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        old = note(transaction.document, self.video_id, self.note_id)
        _replace(transaction, old, replace(old, place=self.place), "Move note")


@dataclass(frozen=True)
class ResolveNote:
    """Say that what is noted is dealt with, or take that back."""

    video_id: int
    note_id: int
    resolved: bool = True

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"{'Resolve' if self.resolved else 'Reopen'} note {self.note_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        old = note(transaction.document, self.video_id, self.note_id)
        verb = "Resolve note" if self.resolved else "Reopen note"
        _replace(transaction, old, replace(old, is_resolved=self.resolved), verb)


@dataclass(frozen=True)
class DeleteNote:
    """Take a note away."""

    video_id: int
    note_id: int

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Delete note {self.note_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        old = note(transaction.document, self.video_id, self.note_id)
        transaction.put_row("notes", (self.video_id, self.note_id), None)
        transaction.text = f"Delete note {_named(old)}"


def new_note_id(transaction: Transaction, video_id: int) -> int:
    """An id that no note of the video has had."""
    # Entries are never numbered alike, not even after undo, so notes are not either. A group may add several.
    return max(transaction.entry_id, next_note_id(transaction.document, video_id))


def _replace(transaction: Transaction, old: Note, new: Note, verb: str) -> None:
    if new == old:
        raise EditRefused("Nothing to change: the note is so already")
    _write(transaction, new)
    transaction.text = f"{verb} {_named(new)}"


def _write(transaction: Transaction, noted: Note) -> None:
    """Check it and store it."""
    words = noted.words.strip()
    if not words:
        raise EditRefused("A note needs words; write what is to be looked at")
    video, place = transaction.document.video(noted.video_id), noted.place
    if place is not None and not (0 <= place.x <= video.width and 0 <= place.y <= video.height):
        raise EditRefused(
            f"A note can't be at ({place.x:g}, {place.y:g}), outside the video of {video.width} x {video.height} px"
        )
    values = (noted.frame_index, *(place or (None, None)), words, noted.author, noted.created, int(noted.is_resolved))
    transaction.put_row("notes", (noted.video_id, noted.note_id), values)


def _named(noted: Note) -> str:
    return f"on frame {noted.frame_index}: {first_words(noted.words)}"
