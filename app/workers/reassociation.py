"""After an identity edit "from here on": what else would change, found out in a thread from stored evidence."""

import logging
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject

from app.document.edits import Edit, EditGroup, ReassignTrack, RemoveInstances, SplitTrack, SwapTracks
from app.document.queries import snapshot
from app.document.reassociation import Reassociation, reassociate
from app.document.records import FrameRange
from app.preview import Offer, PreviewStep
from app.session import Session
from app.settings import REASSOCIATE, Settings
from app.workers.latest import LatestTask
from app.workers.task import report_progress

logger = logging.getLogger(__name__)

_SETTLE_MS = 30
_CAUSES = (SwapTracks, ReassignTrack, SplitTrack, RemoveInstances)


class ReassociationSearch(LatestTask):
    """Offers in `session.preview` what associating again would change; the next edit makes it begin anew."""

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(_SETTLE_MS, parent)
        self._session, self._settings = session, settings
        self._was_asked_for = False
        for signal in (session.edited, session.project_opened, session.video_changed):
            signal.connect(self.cancel)
        session.preview.declined.connect(self.cancel)
        session.edit_done.connect(self._note_edit)
        self.answered.connect(self._offer)
        self.progressed.connect(self._say_progress)
        self.failed.connect(self._say_why_not)

    def look(self, from_frame: int) -> None:
        """Find out what associating again from a frame on would change, and say so when it is nothing."""
        self._session.trial.close()
        self._was_asked_for = True
        self._search(from_frame)

    def _note_edit(self, edit: Edit) -> None:
        frame = first_frame_of(edit)
        is_wanted = self._settings.get(REASSOCIATE) and self._session.run.state == "idle"
        if frame is not None and is_wanted and edit is not self._session.preview.accepted:
            self._was_asked_for = False
            self._search(frame)

    def _search(self, from_frame: int) -> None:
        document, video = self._session.document, self._session.video
        if document is not None and video is not None:
            self.ask(_Search(document.path, video.video_id, from_frame))

    def _offer(self, found: object) -> None:
        assert isinstance(found, tuple)
        from_frame, result = found
        if not result.is_empty:
            self._session.preview.show(offer_of(result, f" from frame {from_frame} on"))
        elif self._was_asked_for:
            self._session.preview.clear()
            self._session.message.emit(f"Associating again from frame {from_frame} on changes nothing")

    def _say_progress(self, share: float) -> None:
        # After an edit it is of use only if something comes of it; a bar that comes and goes would be in the way.
        if self._was_asked_for:
            self._session.preview.wait(f"Associating again: {share:.0%}")

    def _say_why_not(self, error: Exception) -> None:
        if self._was_asked_for:
            self._session.preview.clear()
            self._session.refused.emit(str(error))
        else:
            logger.info("no re-association: %s", error)


class _Search:
    """A callable with what to look at: what `Task` runs."""

    def __init__(self, project: Path, video_id: int, from_frame: int) -> None:
        self._project, self._video_id, self._from_frame = project, video_id, from_frame

    def __call__(self) -> Iterator[object]:
        with snapshot(self._project) as queries:
            yield self._from_frame, reassociate(queries, self._video_id, self._from_frame, report_progress)


def first_frame_of(edit: Edit) -> int | None:
    """From where on an edit may have consequences; None for one that is not about identity to the end."""
    parts = edit.edits if isinstance(edit, EditGroup) else (edit,)
    open_ended = [part.reach for part in parts if isinstance(part, _CAUSES) and part.reach.last is None]
    return min((reach.first for reach in open_ended), default=None)


def offer_of(result: Reassociation, where: str = "") -> Offer:
    """A re-association in words; `where` may end the sentence: " from frame 20 on"."""
    steps = tuple(step_of(c.frames, c.from_track_id, c.to_track_id) for c in result.changes)
    if not steps:
        count = result.rescored_count
        scores = "The score of 1 instance" if count == 1 else f"The scores of {count} instances"
        return Offer(f"{scores} would change{where}", (), result.edit)
    tracks = "1 track" if len(result.track_ids) == 1 else f"{len(result.track_ids)} tracks"
    frames = "1 frame" if result.frame_count == 1 else f"{result.frame_count} frames"
    return Offer(f"{frames} of {tracks} would change{where}", steps, result.edit)


def step_of(frames: FrameRange, track_id: int | None, to_track_id: int | None) -> PreviewStep:
    """One change in words: "3 becomes 5 on frames 20-34"."""
    if track_id is None:
        return PreviewStep(frames, track_id, to_track_id, f"{to_track_id} is found {frames}")
    becomes = "is dropped" if to_track_id is None else f"becomes {to_track_id}"
    return PreviewStep(frames, track_id, to_track_id, f"{track_id} {becomes} {frames}")
