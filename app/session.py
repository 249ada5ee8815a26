"""The session: document, history, current video and frame, selection and scope, as signals. No widgets, no files."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.document.confirmation import Confirmed, confirmed_content
from app.document.document import Document
from app.document.edits import Edit
from app.document.history import History
from app.document.records import Change, FrameRange, TrackSummary, Video
from app.identities import Identities
from app.notes import Notes
from app.preview import Preview
from app.review import Review
from app.run_queue import RunQueue
from app.track_colors import TrackColors
from app.trial import ThresholdTrial
from visolo.errors import VisoloError


class Scope(Enum):
    """Which frames an identity edit touches; always visible, obeyed, and named in the undo text."""

    FRAME = "This frame"
    FROM_HERE = "From here on"
    RANGE = "Range"
    TRACK = "Whole track"


@dataclass(frozen=True)
class RunStatus:
    """What the model is doing.

    Attributes:
        state: idle, loading, running or paused.
        head: next frame to be computed.
        text: words that replace the usual ones.
        memory_frames: how many frames the network remembers.
        device_bytes: memory in use on the GPU, 0 on the CPU.
        is_following: it follows one object; frames are counted from the prompt's, and `video_id` is 0.
    """

    state: str = "idle"
    video_id: int = 0
    head: int = 0
    first_frame: int = 0
    frame_count: int = 0
    frames_per_second: float = 0.0
    text: str = ""
    memory_frames: int = 0
    device_bytes: int = 0
    is_following: bool = False


class RunControl(Protocol):
    """What actions need of the model worker; the worker itself lives in app/workers."""

    def start(self, first_frame: int) -> None:
        """Run the model over the current video, from a frame on."""

    def pause(self) -> None:
        """Hold after the current frame."""

    def resume(self) -> None:
        """Go on after a pause."""

    def cancel(self) -> None:
        """Stop; what was computed stays."""

    def settings_changed(self) -> None:
        """The next run uses other settings."""


class Session(QObject):
    """Everything the panels share.

    Signals:
        project_opened: another document is shown now; read everything again.
        edited: a person made an edit, undid or redid one; `document_changed` follows.
        edit_done: the Edit that a person has just made, after all the others.
        document_changed: an edit, undo, redo or model result changed what the `Change` names.
        frame_changed: 0-based frame index now shown.
        selection_changed: frozenset of the selected track ids.
        range_changed: the marked FrameRange or None.
        run_changed: RunStatus.
        tool_changed: id of the canvas tool that has the mouse.
        counted: id of a video whose suspicions were counted.
        message: one line for the status bar.
        refused: one sentence why an edit was not done.
    """

    project_opened = Signal()
    edited = Signal()
    edit_done = Signal(object)
    document_changed = Signal(object)
    video_changed = Signal(int)
    frame_changed = Signal(int)
    selection_changed = Signal(object)
    scope_changed = Signal(object)
    range_changed = Signal(object)
    history_changed = Signal()
    visibility_changed = Signal()
    run_changed = Signal(object)
    tool_changed = Signal(str)
    counted = Signal(int)
    message = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: Document | None = None
        self.history: History | None = None
        self.video: Video | None = None
        self.frame_index = 0
        self.selection: frozenset[int] = frozenset()
        self.scope = Scope.FROM_HERE
        self.range: FrameRange | None = None
        self.hidden: frozenset[int] = frozenset()
        self.solo: int | None = None
        self.run = RunStatus()
        self.tool_id = "select"
        self.review = Review(self)
        self.notes = Notes(self)
        self.run_queue = RunQueue(self)
        self.colors = TrackColors(self)
        self._tracks: list[TrackSummary] | None = None
        self._names: dict[int, str] | None = None
        self._confirmed: Confirmed | None = None
        self.identities = Identities(self)
        self.preview = Preview(self)
        self.trial = ThresholdTrial(self)

    def open_document(self, document: Document, history: History) -> None:
        """Show another project; the caller closes the previous one."""
        self.document, self.history = document, history
        self._forget()
        self.video, self.frame_index = None, 0
        self.selection, self.hidden, self.range, self.solo = frozenset(), frozenset(), None, None
        self.project_opened.emit()
        self.history_changed.emit()
        videos = document.videos()
        if videos:
            wanted = document.view_state("video_id", videos[0].video_id)
            self.show_video(wanted if any(v.video_id == wanted for v in videos) else videos[0].video_id)

    def close_document(self) -> None:
        """Show no project any more and let go of the file."""
        document = self.document
        self.save_place()
        self.document, self.history, self.video = None, None, None
        self._forget()
        self.project_opened.emit()
        self.history_changed.emit()
        if document is not None:
            document.close()

    def show_video(self, video_id: int) -> None:
        """Go to a video, at the frame where it was left."""
        assert self.document is not None
        self.save_place()
        self.video = self.document.video(video_id)
        self._forget()
        self.selection, self.range, self.solo = frozenset(), None, None
        self.hidden = frozenset(self.document.view_state(f"hidden/{video_id}", []))
        self.document.set_view_state("video_id", video_id)
        self.frame_index = 0
        self.video_changed.emit(video_id)
        self.selection_changed.emit(self.selection)
        self.show_frame(int(self.document.view_state(f"frame/{video_id}", 0)))

    def show_frame(self, frame_index: int) -> None:
        """Go to a frame, clipped to the video."""
        if self.video is None:
            return
        self.frame_index = max(0, min(frame_index, self.video.frame_count - 1))
        self.frame_changed.emit(self.frame_index)

    def select(self, track_ids: Iterable[int]) -> None:
        """Select tracks; the order does not matter."""
        selection = frozenset(track_ids)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit(selection)

    def set_scope(self, scope: Scope) -> None:
        """Choose which frames the next identity edit touches."""
        self.scope = scope
        self.scope_changed.emit(scope)

    def set_tool(self, tool_id: str) -> None:
        """Give the mouse on the canvas to a tool."""
        self.tool_id = tool_id
        self.tool_changed.emit(tool_id)

    def set_range(self, frames: FrameRange | None) -> None:
        """Mark a range of frames, or none."""
        self.range = frames
        self.range_changed.emit(frames)

    def tracks(self) -> list[TrackSummary]:
        """All tracks of the current video by id, read once after every change; not to be modified."""
        if self._tracks is None:
            self._tracks = []
            if self.document is not None and self.video is not None:
                self._tracks = self.document.tracks(self.video.video_id)
        return self._tracks

    def confirmed(self) -> Confirmed:
        """What is confirmed of the current video, read once after every change; not to be modified."""
        assert self.document is not None
        assert self.video is not None
        if self._confirmed is None:
            self._confirmed = confirmed_content(self.document, self.video.video_id)
        return self._confirmed

    def category_names(self) -> dict[int, str]:
        """Names of the project's classes by id, read once after every change; not to be modified."""
        if self._names is None:
            known = self.document.categories() if self.document is not None else ()
            self._names = {category.category_id: category.name for category in known}
        return self._names

    def save_place(self) -> None:
        """Remember the current frame in the project."""
        if self.document is not None and self.video is not None:
            self.document.set_view_state(f"frame/{self.video.video_id}", self.frame_index)

    def scope_frames(self) -> FrameRange:
        """Frames that an edit made now touches.

        Raises:
            VisoloError: the scope is Range and no range is marked.
        """
        if self.scope is Scope.FRAME:
            return FrameRange(self.frame_index, self.frame_index)
        if self.scope is Scope.FROM_HERE:
            return FrameRange(self.frame_index, None)
        if self.scope is Scope.TRACK:
            return FrameRange(0, None)
        if self.range is None:
            raise VisoloError("No range is marked; drag with Shift on the timeline, or choose another scope with P")
        return self.range

    def do(self, edit: Edit) -> bool:
        """Make an edit; the only way anything in the app changes the document.

        Returns:
            False when it can't be done; `refused` has said why.
        """
        assert self.history is not None
        try:
            with _waiting_pointer():
                change = self.history.do(edit)
        except VisoloError as error:
            self.refused.emit(str(error))
            return False
        # The entry's own words: it may know the names of what the edit knows by number.
        self._announce(change, self.history.undo_text)
        self.edit_done.emit(edit)
        return True

    def undo(self) -> None:
        """Take the latest edit back."""
        if self.history is not None and self.can_undo:
            text = self.history.undo_text
            self.replay(self.history.undo, f"Undid: {text}")

    def redo(self) -> None:
        """Do the latest undone edit again."""
        if self.history is not None and self.history.can_redo:
            text = self.history.redo_text
            self.replay(self.history.redo, f"Redid: {text}")

    def replay(self, step: Callable[[], Change], text: str) -> None:
        """Take edits back or do them again: `step` asks the history to, `text` says so afterwards."""
        try:
            with _waiting_pointer():
                change = step()
        except VisoloError as error:
            self.refused.emit(str(error))
            return
        self._announce(change, text)

    def results_landed(self, change: Change) -> None:
        """Tell the panels about frames a model run has added."""
        self._forget()
        self.document_changed.emit(change)
        self.history_changed.emit()

    def set_run(self, status: RunStatus) -> None:
        """Tell the panels what the model is doing."""
        self.run = status
        self.run_changed.emit(status)

    def set_hidden(self, track_ids: Iterable[int]) -> None:
        """Hide these tracks and show all others."""
        assert self.document is not None
        assert self.video is not None
        self.hidden = frozenset(track_ids)
        self.document.set_view_state(f"hidden/{self.video.video_id}", sorted(self.hidden))
        self.visibility_changed.emit()

    def set_solo(self, track_id: int | None) -> None:
        """Show one track only, or all again."""
        self.solo = track_id
        self.visibility_changed.emit()

    def is_visible(self, track_id: int) -> bool:
        """Whether the canvas draws this track."""
        return track_id == self.solo if self.solo is not None else track_id not in self.hidden

    @property
    def can_undo(self) -> bool:
        """Whether an edit can be taken back; the adding of a project's only video is not offered."""
        if self.history is None or self.document is None or not self.history.can_undo:
            return False
        return not (self.history.undo_text.startswith("Add video ") and len(self.document.videos()) == 1)

    def _announce(self, change: Change, text: str) -> None:
        assert self.document is not None
        self._forget()
        if change.videos and self.video is not None:
            self._leave_removed_video(self.video.video_id)
        if self.video is not None and change.track_ids:
            present = {summary.track.track_id for summary in self.tracks()}
            self.select(self.selection & present)
        self.edited.emit()
        self.document_changed.emit(change)
        self.history_changed.emit()
        self.message.emit(text)

    def _leave_removed_video(self, video_id: int) -> None:
        assert self.document is not None
        left = [video.video_id for video in self.document.videos()]
        if video_id not in left:
            self.video = None
            self._forget()
            self.project_opened.emit()
            if left:
                self.show_video(left[0])

    def _forget(self) -> None:
        """What was read from the document may be old."""
        self._tracks = self._names = self._confirmed = None


@contextmanager
def _waiting_pointer() -> Iterator[None]:
    """An edit of a hundred thousand instances takes seconds, in which the window can't answer."""
    QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QGuiApplication.restoreOverrideCursor()
