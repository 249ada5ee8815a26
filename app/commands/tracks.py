"""Correcting identities, classes and masks of the selected tracks. Each command ends in one Edit at most."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.merge import merge_tracks
from app.dialogs.track_picker import TrackPicker
from app.digits import tracks_by_digit
from app.document.edits import (
    DeleteTrack,
    Edit,
    EditGroup,
    ReassignTrack,
    RemoveInstances,
    SetLocked,
    SplitTrack,
    SwapTracks,
)
from app.document.records import FrameRange, TrackSummary
from app.session import Session
from visolo.errors import VisoloError


class TrackCommands(QObject):
    """Handlers of the track actions; `parent` is the window that pop-ups belong to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent
        self._then: Callable[[int], None] = self._assign

    def assign_digit(self, digit: int) -> None:
        """Give the selected track's frames to the track of a digit key."""
        track_id = self._of_digit(digit)
        if track_id is not None:
            self._assign(track_id)

    def assign_to(self) -> None:
        """Ask for the track that gets the selected track's frames."""
        self._ask_track(f"Assign {self._selected} to", self._assign)

    def assign_new(self) -> None:
        """Give the selected track's frames to a new track."""
        assert self._session.document is not None
        self._assign(self._session.document.next_track_id(self._video_id))

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
        session = self._session
        assert session.document is not None
        new_track_id = session.document.next_track_id(self._video_id)
        if session.do(SplitTrack(self._video_id, self._selected, session.frame_index, new_track_id)):
            session.select({new_track_id})

    def mark_absent(self) -> None:
        """Say that the object is not here, in the chosen frames."""
        self._remove(self._session.scope_frames, absent=True)

    def delete_here(self) -> None:
        """Delete the mask on this frame."""
        index = self._session.frame_index
        self._remove(lambda: FrameRange(index, index), absent=False)

    def delete_from_here(self) -> None:
        """Delete the masks from this frame on."""
        self._remove(lambda: FrameRange(self._session.frame_index, None), absent=False)

    def delete_track(self) -> None:
        """Delete the selected tracks everywhere."""
        chosen = sorted(self._session.selection)
        edits = [DeleteTrack(self._video_id, track_id) for track_id in chosen]
        self._do_all(f"Delete tracks {', '.join(map(str, chosen))}", edits)

    def toggle_lock(self) -> None:
        """Lock the selected tracks, or unlock them when all are locked."""
        chosen = self._summaries()
        locks = not all(summary.track.locked for summary in chosen)
        self._session.do(SetLocked(self._video_id, tuple(sorted(self._session.selection)), locks))

    def _assign(self, track_id: int) -> None:
        selected = self._selected
        if track_id == selected:
            self._session.message.emit(f"Track {selected} is already {track_id}")
            return
        if self._do_scoped(lambda frames: ReassignTrack(self._video_id, selected, track_id, frames)):
            self._session.select({track_id})

    def _swap_with(self, other: int) -> None:
        first = min(self._session.selection)
        self._do_scoped(lambda frames: SwapTracks(self._video_id, first, other, frames))

    def _merge_with(self, other: int) -> None:
        kept, absorbed = sorted((min(self._session.selection), other))
        merge_tracks(self._session, kept, absorbed, self._window)

    def _remove(self, frames: Callable[[], FrameRange], absent: bool) -> None:
        try:
            where = frames()
        except VisoloError as error:
            self._session.refused.emit(str(error))
            return
        chosen = sorted(self._session.selection)
        edits = [RemoveInstances(self._video_id, track_id, where, absent) for track_id in chosen]
        what = f"tracks {', '.join(map(str, chosen))}"
        self._do_all(f"Mark {what} absent {where}" if absent else f"Delete masks of {what} {where}", edits)

    def _do_all(self, label: str, edits: Sequence[Edit]) -> None:
        """Several edits as one entry of the history."""
        self._session.do(edits[0] if len(edits) == 1 else EditGroup(self._video_id, label, tuple(edits)))

    def _do_scoped(self, make: Callable[[FrameRange], Edit]) -> bool:
        try:
            frames = self._session.scope_frames()
        except VisoloError as error:
            self._session.refused.emit(str(error))
            return False
        return self._session.do(make(frames))

    def _ask_track(self, title: str, then: Callable[[int], None]) -> None:
        session = self._session
        assert session.document is not None
        others = [s for s in session.document.tracks(self._video_id) if s.track.track_id not in session.selection]
        if not others:
            session.message.emit("There is no other track")
            return
        self._then = then
        picker = TrackPicker(title, others, session.document.categories(), self._window)
        picker.track_chosen.connect(self._take_track)
        picker.open()

    def _take_track(self, track_id: int) -> None:
        self._then(track_id)

    def _of_digit(self, digit: int) -> int | None:
        track_id = tracks_by_digit(self._session).get(digit)
        if track_id is None:
            self._session.message.emit(f"There is no track {digit}")
        return track_id

    def _summaries(self) -> list[TrackSummary]:
        assert self._session.document is not None
        tracks = self._session.document.tracks(self._video_id)
        return [summary for summary in tracks if summary.track.track_id in self._session.selection]

    @property
    def _video_id(self) -> int:
        assert self._session.video is not None
        return self._session.video.video_id

    @property
    def _selected(self) -> int:
        return min(self._session.selection)
