"""The edits behind the entries of a track menu: one entry of the history each, also for several tracks."""

from collections.abc import Sequence

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
from app.document.records import FrameRange, TrackSummary
from app.session import Session


class TrackEdits:
    """Edits of some tracks of the current video.

    Args:
        session: what does them.
        track_ids: increasing, at least one.
        scope: frames that identity edits touch; None when no range is marked, and then they must not be called.
        parent: of dialogs.
    """

    def __init__(self, session: Session, track_ids: Sequence[int], scope: FrameRange | None, parent: QWidget) -> None:
        assert session.document is not None
        assert session.video is not None
        self._session, self._document, self._video_id = session, session.document, session.video.video_id
        self._track_ids, self._scope, self._parent = tuple(track_ids), scope, parent

    def reassign(self, track_id: int, to_track_id: int | None) -> None:
        """Give a track's instances to another one; None for a new one."""
        target = self._document.next_track_id(self._video_id) if to_track_id is None else to_track_id
        if self._session.do(ReassignTrack(self._video_id, track_id, target, self._frames())):
            self._session.select({target})

    def swap(self, track_id: int, other_track_id: int) -> None:
        """Exchange two tracks."""
        self._session.do(SwapTracks(self._video_id, track_id, other_track_id, self._frames()))

    def merge(self, absorbed_track_id: int, keep_track_id: int) -> None:
        """Make two tracks one, asking where they overlap."""
        merge_tracks(self._session, keep_track_id, absorbed_track_id, self._parent)

    def split(self, track_id: int, frame_index: int) -> None:
        """Cut a track before a frame."""
        new_track_id = self._document.next_track_id(self._video_id)
        if self._session.do(SplitTrack(self._video_id, track_id, frame_index, new_track_id)):
            self._session.select({new_track_id})

    def ask_split(self, summary: TrackSummary, frame_index: int) -> None:
        """Ask where to cut a track."""
        dialog = SplitDialog(self._session, summary, frame_index, self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def remove(self, absent: bool) -> None:
        """Delete masks in the scope, or mark the tracks absent there."""
        frames = self._frames()
        # One of several tracks that is not there at all must not make the whole edit fail.
        present = tuple(t for t in self._track_ids if absent or self._is_present(t, frames)) or self._track_ids
        done = "Mark {} absent" if absent else "Delete masks of {}"
        edits = [RemoveInstances(self._video_id, t, frames, absent) for t in present]
        self._do_all(f"{done.format(listed(present))} {frames}", edits)

    def delete(self) -> None:
        """Take the tracks out everywhere."""
        self._do_all(f"Delete {listed(self._track_ids)}", [DeleteTrack(self._video_id, t) for t in self._track_ids])

    def lock(self, locked: bool) -> None:
        """Lock or unlock."""
        self._session.do(SetLocked(self._video_id, self._track_ids, locked))

    def hide(self, hidden: bool) -> None:
        """Hide on the canvas, or show."""
        mine = frozenset(self._track_ids)
        self._session.set_hidden(self._session.hidden | mine if hidden else self._session.hidden - mine)

    def _frames(self) -> FrameRange:
        assert self._scope is not None
        return self._scope

    def _is_present(self, track_id: int, frames: FrameRange) -> bool:
        indices = self._document.lane(self._video_id, track_id).frame_indices
        return bool(((indices >= frames.first) & (indices <= frames.end)).any())

    def _do_all(self, label: str, edits: Sequence[Edit]) -> None:
        self._session.do(edits[0] if len(edits) == 1 else EditGroup(self._video_id, label, tuple(edits)))


def listed(track_ids: Sequence[int]) -> str:
    """E.g. "track 2" or "tracks 2, 5"."""
    return ("track " if len(track_ids) == 1 else "tracks ") + ", ".join(map(str, track_ids))
