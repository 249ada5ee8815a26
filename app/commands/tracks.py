"""Correcting identities, classes and masks of the selected tracks by keys. Each command ends in one Edit at most."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.track_picker import TrackPicker
from app.digits import tracks_by_digit
from app.document.records import FrameRange, TrackSummary
from app.session import Session
from app.track_edits import TrackEdits


class TrackCommands(QObject):
    """Handlers of the track actions; `parent` is the window that pop-ups belong to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent
        self._edits = TrackEdits(session, parent)
        self._then: Callable[[int], None] = self._assign

    def assign_digit(self, digit: int) -> None:
        """Give the selected track's frames to the track of a digit key."""
        track_id = tracks_by_digit(self._session).get(digit)
        if track_id is None:
            self._session.message.emit(f"There is no track {digit}")
        else:
            self._assign(track_id)

    def assign_to(self) -> None:
        """Ask for the track that gets the selected track's frames."""
        self._ask_track(f"Assign {self._selected} to", self._assign)

    def assign_new(self) -> None:
        """Give the selected track's frames to a new track."""
        self._edits.reassign(self._selected, None, self._edits.frames())

    def swap(self) -> None:
        """Swap the two selected tracks, or ask for the other one."""
        if len(self._session.selection) == 2:
            self._swap_with(max(self._session.selection))
        else:
            self._ask_track(f"Swap {self._selected} with", self._swap_with)

    def merge(self) -> None:
        """Make one track of two; the lower id stays."""
        if len(self._session.selection) == 2:
            self._merge_with(max(self._session.selection))
        else:
            self._ask_track(f"Merge {self._selected} with", self._merge_with)

    def split(self) -> None:
        """Make a new track of everything from this frame on."""
        self._edits.split(self._selected, self._session.frame_index)

    def mark_absent(self) -> None:
        """Say that the object is not here, in the chosen frames."""
        self._edits.remove(self._session.selection, self._edits.frames(), absent=True)

    def delete_here(self) -> None:
        """Delete the mask on this frame."""
        index = self._session.frame_index
        self._edits.remove(self._session.selection, FrameRange(index, index), absent=False)

    def delete_from_here(self) -> None:
        """Delete the masks from this frame on."""
        self._edits.remove(self._session.selection, FrameRange(self._session.frame_index, None), absent=False)

    def delete_track(self) -> None:
        """Delete the selected tracks everywhere."""
        self._edits.delete(self._session.selection)

    def toggle_lock(self) -> None:
        """Lock the selected tracks, or unlock them when all are locked."""
        locks = not all(summary.track.locked for summary in self._summaries())
        self._edits.lock(self._session.selection, locks)

    def _assign(self, track_id: int) -> None:
        self._edits.reassign(self._selected, track_id, self._edits.frames())

    def _swap_with(self, other: int) -> None:
        self._edits.swap(self._selected, other, self._edits.frames())

    def _merge_with(self, other: int) -> None:
        kept, absorbed = sorted((self._selected, other))
        self._edits.merge(absorbed, kept)

    def _ask_track(self, title: str, then: Callable[[int], None]) -> None:
        session = self._session
        assert session.document is not None
        others = [s for s in session.tracks() if s.track.track_id not in session.selection]
        if not others:
            session.message.emit("There is no other track")
            return
        self._then = then
        picker = TrackPicker(title, others, session, self._window)
        picker.track_chosen.connect(self._take_track)
        picker.open()

    def _take_track(self, track_id: int) -> None:
        self._then(track_id)

    def _summaries(self) -> list[TrackSummary]:
        return [s for s in self._session.tracks() if s.track.track_id in self._session.selection]

    @property
    def _selected(self) -> int:
        return min(self._session.selection)
