"""Videos that wait for the model, one run after the other. Kept in the project, so that a restart loses none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.confirmation import accepted_videos
from app.document.queries import Queries
from app.document.records import Change, Video

if TYPE_CHECKING:
    from app.session import Session

_KEY = "run_queue"


class RunQueue(QObject):
    """Which videos the model is to run over, and where it failed. It decides what is next; others run it.

    Signals:
        changed: another video waits, runs, is done or failed.
        run_wanted: id of the video that is to be run now.
    """

    changed = Signal()
    run_wanted = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.waiting: tuple[int, ...] = ()
        self.failures: dict[int, str] = {}
        self.is_active = False
        self.done_count = 0
        # Later, so that a thousand videos that are all missing do not end in a thousand nested calls.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._run_next)
        session.project_opened.connect(self._load)
        session.document_changed.connect(self._leave_removed)

    def add_unfinished(self) -> None:
        """Run over every video that no run has finished and nobody rejected; those that failed are tried again."""
        document = self._session.document
        if document is None:
            return
        unfinished = [v.video_id for v in accepted_videos(document) if first_frame_to_run(document, v) is not None]
        if not unfinished and not self.waiting:
            self._session.message.emit("The model has been run over every video to its end")
        self.add(unfinished)

    def add(self, video_ids: Iterable[int]) -> None:
        """Let videos wait, in this order behind those that do already, and go on."""
        new = [i for i in dict.fromkeys(video_ids) if i not in self.waiting]
        if not self.waiting:
            self.done_count = 0
        self.waiting += tuple(new)
        self.failures = {i: text for i, text in self.failures.items() if i not in new}
        self.go_on()

    def retry(self) -> None:
        """Try the videos again whose runs failed."""
        self.add(tuple(self.failures))

    def go_on(self) -> None:
        """Run what waits; at once where the model is idle."""
        self.is_active = bool(self.waiting)
        self._keep()
        self._soon.start()

    def clear(self) -> None:
        """Let no video wait and forget the failures; a run that goes on goes on."""
        self.waiting, self.failures, self.is_active, self.done_count = (), {}, False, 0
        self._keep()

    def takes_failure(self, video_id: int) -> bool:
        """Whether a failure of this video's run is listed here rather than told at once."""
        return self.is_active and video_id in self.waiting

    def note_end(self, video_id: int, state: str, sentence: str = "") -> None:
        """A run ended.

        Args:
            video_id: over which.
            state: done, failed, or stopped by a person: then the queue holds, and goes on there later.
            sentence: why it failed.
        """
        if video_id not in self.waiting:
            return
        if state == "stopped":
            self.is_active = False
        else:
            self.waiting = tuple(i for i in self.waiting if i != video_id)
            self.done_count += 1
        if state == "failed":
            self.failures[video_id] = sentence
        self._go_on_or_rest()

    def frames_left(self) -> int:
        """Frames that the model has yet to compute in all videos that wait."""
        document, run = self._session.document, self._session.run
        if document is None:
            return 0
        left = 0
        for video_id in self.waiting:
            video = document.video(video_id)
            start = run.head if video_id == run.video_id else first_frame_to_run(document, video) or 0
            left += video.frame_count - start
        return left

    def _run_next(self) -> None:
        if self.is_active and self.waiting and self._session.run.state == "idle":
            self.run_wanted.emit(self.waiting[0])

    def _go_on_or_rest(self) -> None:
        self.is_active = self.is_active and bool(self.waiting)
        self._keep()
        self._soon.start()

    def _keep(self) -> None:
        if self._session.document is not None:
            failures = {str(i): text for i, text in self.failures.items()}
            self._session.document.set_view_state(_KEY, {"waiting": self.waiting, "failures": failures})
        self.changed.emit()

    def _load(self) -> None:
        """Another project: what waits there does so until a person says to go on."""
        document = self._session.document
        state = {} if document is None else document.view_state(_KEY, {})
        known = set() if document is None else {v.video_id for v in document.videos()}
        self.waiting = tuple(i for i in state.get("waiting", ()) if i in known)
        self.failures = {int(i): text for i, text in state.get("failures", {}).items() if int(i) in known}
        self.is_active, self.done_count = False, 0
        self.changed.emit()

    def _leave_removed(self, change: Change) -> None:
        if not (change.videos or change.review) or self._session.document is None:
            return
        known = {v.video_id for v in accepted_videos(self._session.document)}
        if not known.issuperset((*self.waiting, *self.failures)):
            self.waiting = tuple(i for i in self.waiting if i in known)
            self.failures = {i: text for i, text in self.failures.items() if i in known}
            self._go_on_or_rest()


def first_frame_to_run(document: Queries, video: Video) -> int | None:
    """The frame that the latest run over a video had come to; 0 where there is none, None where it reached the end."""
    runs = document.runs(video.video_id)
    if not runs:
        return 0
    return runs[-1].head if runs[-1].state != "done" and runs[-1].head < video.frame_count else None
