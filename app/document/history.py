"""Doing, undoing and redoing edits: each one transaction together with its history row, unlimited, across restarts."""

import getpass
import time
from dataclasses import dataclass

from app.document import images
from app.document.document import Document
from app.document.edits import Edit, EditRefused, RemoveVideo, RoutedEdit, edit_from_json, edit_to_json
from app.document.records import LAST_FRAME, Change, FrameRange
from app.document.transaction import ActiveRun, Transaction

_FEW_PARTS = 8


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history.

    Attributes:
        created: seconds since 1970.
        undone: it can be redone.
        video_id: the one video it concerns, None for classes and the list of videos.
    """

    entry_id: int
    text: str
    author: str
    created: float
    undone: bool
    video_id: int | None


class History:
    """Edits in the order in which they were made; the only one who changes the document, together with `adopt`.

    Attributes:
        author: name written beside each entry.
        active_runs: by video id; edits wait for the frames that these runs have yet to deliver.
    """

    def __init__(self, document: Document, author: str = "") -> None:
        self.document = document
        self.author = author or account_name()
        self.active_runs: dict[int, ActiveRun] = {}
        self._close_interrupted_runs()

    def do(self, edit: Edit) -> Change:
        """Make an edit and record it; what was undone before can't be redone any more.

        Raises:
            EditRefused: it cannot be done; nothing was changed.
            ProjectError: it cannot be stored; nothing was changed.
        """
        self.end_runs()
        if isinstance(edit, RemoveVideo) and edit.video_id in self.active_runs:
            raise EditRefused(f"The model is running on video {edit.video_id}; stop it before removing the video")
        with self.document.transaction():
            entry_id = self.insert_entry(edit.text, _video_of(edit), edit_to_json(edit))
            transaction = Transaction(self.document, entry_id)
            run = self.active_runs.get(edit.video_id) if isinstance(edit, RoutedEdit) else None
            if run is not None and isinstance(edit, RoutedEdit):
                behind = edit.reach.cut(0, run.head - 1)
                if behind is None:
                    raise EditRefused(
                        f"The model has yet to compute frame {edit.reach.first};"
                        f" edit frames before {run.head}, or stop the run"
                    )
                edit.apply_first(transaction, behind)
                self._set_covered(entry_id, run.head if edit.reach.end >= run.head else None)
            else:
                edit.apply(transaction)
            if transaction.text:
                sql = "UPDATE history SET text = ? WHERE entry_id = ?"
                self.document.connection.execute(sql, (transaction.text, entry_id))
            self.store_images(transaction)
        return transaction.change

    def undo(self) -> Change:
        """Take the latest edit back.

        Raises:
            EditRefused: there is nothing to undo, or it is a run that is still on.
            ProjectError: the file cannot be written; nothing was changed.
        """
        self.end_runs()
        entry = self.next_undo()
        if entry is None:
            raise EditRefused("There is nothing to undo")
        if any(run.entry_id == entry.entry_id for run in self.active_runs.values()):
            raise EditRefused("The model is still running; stop it before undoing its run")
        with self.document.transaction() as connection:
            transaction = Transaction(self.document, entry.entry_id)
            for data in reversed(self._parts(entry)):
                transaction.restore(images.decode(data), forward=False)
            connection.execute("UPDATE history SET undone = 1 WHERE entry_id = ?", (entry.entry_id,))
        return transaction.change

    def redo(self) -> Change:
        """Do the latest undone edit again, also to frames that have landed since.

        Raises:
            EditRefused: there is nothing to redo.
            ProjectError: the file cannot be written; nothing was changed.
        """
        self.end_runs()
        entry = self.next_redo()
        if entry is None:
            raise EditRefused("There is nothing to redo")
        with self.document.transaction() as connection:
            transaction = Transaction(self.document, entry.entry_id)
            for data in self._parts(entry):
                transaction.restore(images.decode(data), forward=True)
            connection.execute("UPDATE history SET undone = 0 WHERE entry_id = ?", (entry.entry_id,))
            if entry.video_id is not None:
                run = self.active_runs.get(entry.video_id)
                self._extend(transaction, run.head if run else None, run)
        return transaction.change

    @property
    def can_undo(self) -> bool:
        """Whether an edit can be taken back."""
        return self.next_undo() is not None

    @property
    def can_redo(self) -> bool:
        """Whether an edit can be done again."""
        return self.next_redo() is not None

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty when nothing."""
        entry = self.next_undo()
        return entry.text if entry else ""

    @property
    def undo_author(self) -> str:
        """Who made what `undo` would take back; empty when nothing."""
        entry = self.next_undo()
        return entry.author if entry else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would do; empty when nothing."""
        entry = self.next_redo()
        return entry.text if entry else ""

    def next_undo(self) -> HistoryEntry | None:
        """The latest edit, which `undo` takes back; runs that are on in other videos do not stand in its way."""
        running = {run.entry_id: video_id for video_id, run in self.active_runs.items()}
        passed: list[HistoryEntry] = []
        for entry in self._entries("NOT undone", limit=len(running) + 1):
            if entry.entry_id not in running:
                blocked = entry.video_id is None or any(p.video_id == entry.video_id for p in passed)
                return passed[0] if blocked and passed else entry
            passed.append(entry)
        return passed[0] if passed else None

    def next_redo(self) -> HistoryEntry | None:
        """What `redo` would do."""
        entries = self._entries("undone", limit=1, order="ASC")
        return entries[0] if entries else None

    def entries(self, limit: int | None = None) -> list[HistoryEntry]:
        """The history, the oldest first, undone ones included; the latest `limit` of them."""
        return self._entries("1", limit=-1 if limit is None else limit)[::-1]

    def end_runs(self) -> None:
        """End runs that should have ended but could not be stored then.

        Raises:
            ProjectError: they still cannot.
        """
        for run in list(self.active_runs.values()):
            if run.wants_end:
                run.end()

    def insert_entry(self, text: str, video_id: int | None, edit: str) -> int:
        """Begin an entry, inside a transaction; for this package only. Undone entries end here."""
        self.document.connection.execute("DELETE FROM history WHERE undone")
        cursor = self.document.connection.execute(
            "INSERT INTO history (text, author, created, video_id, edit) VALUES (?,?,?,?,?)",
            (text, self.author, time.time(), video_id, edit),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def store_images(self, transaction: Transaction) -> None:
        """Write what a transaction has changed into its entry; for this package only."""
        taken = transaction.take_images()
        if taken:
            self.document.connection.execute(
                "INSERT INTO history_parts (entry_id, images) VALUES (?, ?)",
                (transaction.entry_id, images.encode(taken)),
            )

    def extend_edits(self, video_id: int, run: ActiveRun, head: int | None) -> Change:
        """Apply the edits made since a run began to what it has added since, inside a transaction.

        Args:
            video_id: of the run.
            run: still delivering, or just ending.
            head: frames before it have landed; None when nothing more will and the rest is as it was.
        """
        change = Change()
        for (entry_id,) in self.document.connection.execute(
            "SELECT entry_id FROM history WHERE entry_id > ? AND video_id = ? AND covered IS NOT NULL AND NOT undone"
            " ORDER BY entry_id",
            (run.entry_id, video_id),
        ).fetchall():
            transaction = Transaction(self.document, entry_id)
            self._extend(transaction, head, run)
            change = change.union(transaction.change)
        return change

    def _extend(self, transaction: Transaction, head: int | None, run: ActiveRun | None) -> None:
        sql = "SELECT edit, covered FROM history WHERE entry_id = ?"
        text, covered = self.document.connection.execute(sql, (transaction.entry_id,)).fetchone()
        if covered is None or covered == head:
            return
        edit = edit_from_json(text)
        assert isinstance(edit, RoutedEdit)
        transaction.run = run
        transaction.is_landing = True
        end = LAST_FRAME if head is None else head - 1
        if part := edit.reach.cut(covered, end):
            edit.extend(transaction, FrameRange(part.first, part.last))
        self.store_images(transaction)
        self._set_covered(transaction.entry_id, head if head is not None and edit.reach.end >= head else None)

    def _set_covered(self, entry_id: int, covered: int | None) -> None:
        self.document.connection.execute("UPDATE history SET covered = ? WHERE entry_id = ?", (covered, entry_id))

    def _parts(self, entry: HistoryEntry) -> list[bytes]:
        parts = self.document.rows(
            "SELECT images FROM history_parts WHERE entry_id = ? ORDER BY part_id", entry.entry_id
        )
        if len(parts) > _FEW_PARTS:
            self.document.cache.clear()  # following each of so many steps takes longer than beginning anew
        return [data for (data,) in parts]

    def _entries(self, condition: str, limit: int, order: str = "DESC") -> list[HistoryEntry]:
        rows = self.document.rows(
            f"SELECT entry_id, text, author, created, undone, video_id FROM history WHERE {condition}"
            f" ORDER BY entry_id {order} LIMIT ?",
            limit,
        )
        return [HistoryEntry(r[0], r[1], r[2], r[3], bool(r[4]), r[5]) for r in rows]

    def _close_interrupted_runs(self) -> None:
        """Runs that were on when the program was killed deliver nothing more: edits get what they waited for."""
        if not self.document.rows("SELECT run_id FROM runs WHERE state = 'running'"):
            return
        with self.document.transaction() as connection:
            connection.execute("UPDATE runs SET state = 'stopped' WHERE state = 'running'")
            waiting = connection.execute(
                "SELECT entry_id FROM history WHERE covered IS NOT NULL AND NOT undone ORDER BY entry_id"
            ).fetchall()
            for (entry_id,) in waiting:
                self._extend(Transaction(self.document, entry_id), None, None)


def _video_of(edit: Edit) -> int | None:
    video_id = getattr(edit, "video_id", None)
    return video_id if isinstance(video_id, int) else None


def account_name() -> str:
    """Name of the account that this program runs under; the author where no other name was given."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
