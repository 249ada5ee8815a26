"""What can be done with tracks, each as one entry of the history; keys and context menus both come here."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.dialogs.merge import merge_tracks
from app.dialogs.split import SplitDialog
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
from app.document.merging import link_edit
from app.document.records import FrameRange, TrackSummary
from app.session import Session
from visolo.errors import VisoloError


class TrackEdits:
    """Edits of tracks of the current video. Where one can't be made, the session says why.

    `frames` are those of the scope that the person saw: `frames()`, which a menu asks for when it opens; with None
    nothing is done.

    Args:
        session: what does them.
        parent: of dialogs.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        self._session, self._parent = session, parent

    def frames(self) -> FrameRange | None:
        """The frames that an identity edit made now touches; None, and the reason is said, where there are none."""
        try:
            return self._session.scope_frames()
        except VisoloError as error:
            self._session.refused.emit(str(error))
            return None

    def reassign(self, track_id: int, to_track_id: int | None, frames: FrameRange | None) -> None:
        """Give a track's instances to another track; None for a new one."""
        if track_id == to_track_id:
            self._session.message.emit(f"Track {track_id} is already {to_track_id}")
            return
        target = self._new_track_id() if to_track_id is None else to_track_id
        if frames and self._session.do(ReassignTrack(self._video_id, track_id, target, frames)):
            self._session.select({target})

    def swap(self, track_id: int, other_track_id: int, frames: FrameRange | None) -> None:
        """Exchange two tracks."""
        if frames:
            self._session.do(SwapTracks(self._video_id, track_id, other_track_id, frames))

    def merge(self, absorbed_track_id: int, keep_track_id: int) -> None:
        """Make two tracks one, asking where they overlap."""
        merge_tracks(self._session, keep_track_id, absorbed_track_id, self._parent)

    def link(self, track_id: int, other_track_id: int) -> None:
        """Make one track of two that follow each other; the one that begins first keeps its id."""
        assert self._session.document is not None
        try:
            edit = link_edit(self._session.document, self._video_id, track_id, other_track_id)
        except VisoloError as error:
            self._session.refused.emit(str(error))
            return
        if self._session.do(edit):
            self._session.select({edit.keep_track_id})

    def split(self, track_id: int, frame_index: int) -> None:
        """Cut a track before a frame; the head keeps the id."""
        new_track_id = self._new_track_id()
        if self._session.do(SplitTrack(self._video_id, track_id, frame_index, new_track_id)):
            self._session.select({new_track_id})

    def ask_split(self, summary: TrackSummary, frame_index: int) -> None:
        """Ask where to cut a track."""
        dialog = SplitDialog(self._session, summary, frame_index, self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def remove(self, track_ids: Iterable[int], frames: FrameRange | None, absent: bool) -> None:
        """Delete masks, or mark the tracks absent."""
        if frames is None:
            return
        chosen = sorted(track_ids)
        # One of several tracks that is not there at all must not make the whole edit fail.
        present = [t for t in chosen if absent or self._is_present(t, frames)] or chosen
        done = "Mark {} absent" if absent else "Delete masks of {}"
        edits = [RemoveInstances(self._video_id, t, frames, absent) for t in present]
        self._do_all(f"{done.format(listed(present))} {frames}", edits)

    def delete(self, track_ids: Iterable[int]) -> None:
        """Take the tracks out everywhere."""
        chosen = sorted(track_ids)
        self._do_all(f"Delete {listed(chosen)}", [DeleteTrack(self._video_id, t) for t in chosen])

    def lock(self, track_ids: Iterable[int], locked: bool) -> None:
        """Lock or unlock."""
        self._session.do(SetLocked(self._video_id, tuple(sorted(track_ids)), locked))

    def hide(self, track_ids: Iterable[int], hidden: bool) -> None:
        """Hide on the canvas, or show."""
        mine = frozenset(track_ids)
        self._session.set_hidden(self._session.hidden | mine if hidden else self._session.hidden - mine)

    def _is_present(self, track_id: int, frames: FrameRange) -> bool:
        assert self._session.document is not None
        indices = self._session.document.lane(self._video_id, track_id).frame_indices
        return bool(((indices >= frames.first) & (indices <= frames.end)).any())

    def _do_all(self, label: str, edits: Sequence[Edit]) -> None:
        self._session.do(edits[0] if len(edits) == 1 else EditGroup(self._video_id, label, tuple(edits)))

    def _new_track_id(self) -> int:
        assert self._session.document is not None
        return self._session.document.next_track_id(self._video_id)

    @property
    def _video_id(self) -> int:
        assert self._session.video is not None
        return self._session.video.video_id


def listed(track_ids: Sequence[int]) -> str:
    """E.g. "track 2" or "tracks 2, 5"."""
    return ("track " if len(track_ids) == 1 else "tracks ") + ", ".join(map(str, track_ids))
