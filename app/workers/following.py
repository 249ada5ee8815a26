"""Following one object as the app sees it: asked for with a box or a selected track; masks land as they are found."""

import logging
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.follow import Follow, FollowWriter, FoundMask, begin_follow
from app.document.held_masks import SAME_OBJECT_IOU
from app.document.records import Video
from app.projects import locate_media
from app.run_choice import read_choice
from app.session import RunStatus, Scope, Session
from app.settings import FOLLOW_REPLACES, Settings
from app.workers.engine_link import EngineLink
from app.workers.engine_messages import Ended, Failed, Followed, FollowRequest, Loading
from visolo import rle
from visolo.errors import MediaError, VisoloError
from visolo.rle import Box, Rle
from visolo.words import counted

logger = logging.getLogger(__name__)

_BATCH_MS = 100


@dataclass
class _Pursuit:
    """One object being followed.

    Attributes:
        frames: that are looked at, in this order.
        track_id: that takes the masks in; None while it is not known, because the object was not seen yet.
        writer: None until then.
        seen: the last frame in which it was seen.
        looked: how many frames were looked at.
    """

    number: int
    video: Video
    frames: range
    track_id: int | None
    writer: FollowWriter | None = None
    pending: list[FoundMask] = field(default_factory=list)
    seen: int = -1
    looked: int = 0
    found: int = 0


class FollowControl(QObject):
    """Follows one object at a time with the model's process; any edit in between ends it.

    Signals:
        failed: title and exception.
    """

    failed = Signal(str, object)

    def __init__(self, session: Session, settings: Settings, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._link = session, settings, link
        self._pursuit: _Pursuit | None = None
        self._batch = QTimer(self, interval=_BATCH_MS)
        self._batch.timeout.connect(self._land)
        link.message_received.connect(self._receive)
        session.edited.connect(self._note_edit)

    @property
    def is_active(self) -> bool:
        """An object is being followed."""
        return self._pursuit is not None

    def follow_box(self, box: Box) -> None:
        """Follow what is in a box on the frame shown: as the selected track where that one is not on the frame."""
        session = self._session
        assert session.document is not None
        assert session.video is not None
        track_id = next(iter(session.selection)) if len(session.selection) == 1 else None
        if track_id is not None:
            present = session.document.instance(session.video.video_id, track_id, session.frame_index)
            track_id = track_id if present is None else None
        self._start(box, track_id, is_backward=False)

    def follow_selected(self, is_backward: bool) -> None:
        """Follow the selected track from its mask on the frame shown."""
        session = self._session
        assert session.document is not None
        assert session.video is not None
        track_id = next(iter(session.selection))
        instance = session.document.instance(session.video.video_id, track_id, session.frame_index)
        if instance is None:
            session.refused.emit(f"Track {track_id} is not on this frame; go to one with its mask, or draw a box (F)")
        else:
            self._start(instance.box if instance.is_box else instance.rle, track_id, is_backward)

    def cancel(self) -> None:
        """Stop; what was found stays."""
        if self._pursuit is not None:
            self._land()
        if self._pursuit is not None:
            self._link.order("cancel")
            self._end("Stopped following")

    def fail(self, error: Exception) -> None:
        """The model's process cannot go on."""
        if self._pursuit is not None:
            self._land()
        self._end("")
        self.failed.emit("The model cannot follow", error)

    def _start(self, prompt: Box | Rle, track_id: int | None, is_backward: bool) -> None:
        session, document, video = self._session, self._session.document, self._session.video
        if document is None or video is None:
            return
        if session.run.state != "idle":
            session.refused.emit("The model is running; stop it first (Shift+F5)")
            return
        frames = self._frames(video, is_backward)
        if len(frames) < 2:
            session.refused.emit("There is no frame to follow it to; go to another frame, or choose another scope")
            return
        source = locate_media(document, video)
        if source is None:
            sentence = f"{video.source} is not there any more; locate it first"
            self.failed.emit("The model cannot follow", MediaError(sentence))
            return
        self._pursuit = _Pursuit(self._link.next_number(), video, frames, track_id)
        session.set_run(RunStatus("loading", frame_count=len(frames), text="Loading the model…", is_following=True))
        self._link.request(FollowRequest(self._pursuit.number, source, frames, prompt, read_choice(self._settings)))
        self._batch.start()

    def _frames(self, video: Video, is_backward: bool) -> range:
        """From the frame shown to the end of the video, or of the marked range where the scope is that."""
        session = self._session
        first, marked = session.frame_index, session.range if session.scope is Scope.RANGE else None
        if marked is not None and not marked.first <= first <= marked.end:
            marked = None
        if is_backward:
            return range(first, (marked.first if marked else 0) - 1, -1)
        return range(first, min(marked.end if marked else video.frame_count, video.frame_count - 1) + 1)

    def _receive(self, message: object) -> None:
        pursuit = self._pursuit
        if pursuit is None or getattr(message, "number", None) != pursuit.number:
            return
        if isinstance(message, Followed):
            self._take(pursuit, message)
        elif isinstance(message, Loading):
            self._session.set_run(replace(self._session.run, text=message.text))
        elif isinstance(message, Ended):
            self._land()
            self._end("")
        elif isinstance(message, Failed):
            self._land()
            self._end("")
            # Not a fault, but an answer: nothing is there. What is a fault comes with details.
            if message.details or message.is_of_model:
                self.failed.emit("The model cannot follow", VisoloError(message.sentence))
            else:
                self._session.refused.emit(message.sentence)

    def _take(self, pursuit: _Pursuit, message: Followed) -> None:
        pursuit.looked += 1
        if message.mask is None:
            return
        if pursuit.writer is None and not self._begin(pursuit, message):
            return
        pursuit.seen = message.frame_index
        pursuit.found += 1
        pursuit.pending.append(FoundMask(message.frame_index, message.mask, message.score))

    def _begin(self, pursuit: _Pursuit, first: Followed) -> bool:
        """Make the entry, now that the object was seen; False where that is refused."""
        session, history = self._session, self._session.history
        assert history is not None
        track_id = pursuit.track_id
        if track_id is None and first.mask is not None:
            track_id = self._track_there(pursuit.video.video_id, first.frame_index, first.mask)
        replaces = self._settings.get(FOLLOW_REPLACES)
        is_backward = pursuit.frames.step < 0
        follow = Follow(pursuit.video.video_id, track_id, first.category, pursuit.frames[0], is_backward, replaces)
        try:
            pursuit.writer = begin_follow(history, follow)
        except VisoloError as error:
            self._link.order("cancel")
            self._end("")
            session.refused.emit(str(error))
            return False
        session.set_run(replace(session.run, state="running", text="Following"))
        return True

    def _track_there(self, video_id: int, frame_index: int, mask: Rle) -> int | None:
        """The track that has this object in a frame already."""
        assert self._session.document is not None
        instances = self._session.document.instances(video_id, frame_index)
        fitting = [i for i in instances if not i.is_box and rle.iou([mask], [i.rle])[0, 0] >= SAME_OBJECT_IOU]
        return fitting[0].track_id if fitting else None

    def _land(self) -> None:
        """Put what has arrived into the project."""
        pursuit = self._pursuit
        if pursuit is None or pursuit.writer is None or not pursuit.pending:
            return
        found, pursuit.pending = pursuit.pending, []
        is_first = pursuit.found == len(found)
        try:
            change = pursuit.writer.add(found)
        except VisoloError as error:
            self._link.order("cancel")
            self._end(f"Stopped following: {error}")
            return
        text = f"Following: frame {pursuit.looked} of {len(pursuit.frames)}"
        self._session.set_run(replace(self._session.run, head=pursuit.looked, text=text))
        self._session.results_landed(change)
        if is_first and self._session.video is not None and self._session.video.video_id == pursuit.video.video_id:
            self._session.select({pursuit.writer.track_id})

    def _note_edit(self) -> None:
        pursuit = self._pursuit
        if pursuit is not None and pursuit.writer is not None and not pursuit.writer.is_latest:
            self._link.order("cancel")
            self._end("Stopped following, because something else was edited or undone")

    def _end(self, why: str) -> None:
        """No more frames; `why` is empty where they came to their end."""
        pursuit, self._pursuit = self._pursuit, None
        self._batch.stop()
        self._session.set_run(RunStatus())
        if pursuit is not None and pursuit.writer is not None:
            self._finish(pursuit.writer)
            self._session.message.emit(_end_words(pursuit, pursuit.writer, why))
        elif why:
            self._session.message.emit(why)
        if self._session.run_queue.is_active:
            self._session.run_queue.go_on()

    def _finish(self, writer: FollowWriter) -> None:
        try:
            change = writer.finish()
        except VisoloError as error:
            logger.warning("an entry without masks could not be taken away: %s", error)
            return
        if change is not None:
            self._session.results_landed(change)


def _end_words(pursuit: _Pursuit, writer: FollowWriter, why: str) -> str:
    """How it ended, in one sentence."""
    words = why
    if not why and pursuit.seen == pursuit.frames[-1]:
        words = f"Followed track {writer.track_id} to frame {pursuit.seen}"
    elif not why:
        words = f"Track {writer.track_id} was lost after frame {pursuit.seen}"
    words += f": {counted(writer.count, 'new mask')}"
    if others := sorted(writer.other_tracks):
        names = ("track " if len(others) == 1 else "tracks ") + ", ".join(map(str, others))
        return f"{words}; where {names} had the object already, it was left there"
    kept = pursuit.found - writer.count
    return f"{words}; {counted(kept, 'frame')} kept what was there" if kept else words
