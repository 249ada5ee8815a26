"""Model runs as the app sees them: start, pause, resume, stop; results go into the project in batches."""

import logging
from collections import deque
from dataclasses import asdict, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.adopt import RunWriter, begin_run
from app.document.records import Video
from app.projects import locate_media
from app.run_choice import RunChoice, read_choice
from app.run_queue import first_frame_to_run
from app.session import RunStatus, Session
from app.settings import Settings
from app.workers.engine_link import EngineLink
from app.workers.engine_messages import Ended, Failed, Landed, Loading, RunRequest, Started, Taken
from app.workers.following import FollowControl
from visolo.errors import DeviceError, MediaError, VisoloError
from visolo.results import FrameResult

logger = logging.getLogger(__name__)

# Results land at most so often: each time every panel looks at what has changed.
_BATCH_MS = 100
_RATE_FRAMES = 30
# Frames that wait to land; more would only fill memory while the window is busy.
_MOST_AHEAD = 96
_KILLED = -9


class EngineError(Exception):
    """The model's process failed in a way nobody foresaw; carries its own traceback as text."""


class InferenceControl(QObject):
    """Runs the model over the session's video; implements `app.session.RunControl`, for following, too.

    Attributes:
        following: the same model on one object at a time.

    Signals:
        failed: title and exception.
        device_known: name of the device that the model is on.
        choice_changed: the run settings were edited.
    """

    failed = Signal(str, object)
    device_known = Signal(str)
    choice_changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._link = EngineLink(self)
        self._link.message_received.connect(self._receive)
        self._link.process_died.connect(self._report_death)
        self.following = FollowControl(session, settings, self._link, self)
        self.following.failed.connect(self.failed)
        self.most_ahead = _MOST_AHEAD
        self._number = 0
        self._choice = RunChoice()
        self._writer: RunWriter | None = None
        self._pending: list[FrameResult] = []
        self._used = 0, 0
        self._times: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._batch = QTimer(self, interval=_BATCH_MS)
        self._batch.timeout.connect(self._land)
        session.run_queue.run_wanted.connect(self.start_next)

    def start(self, first_frame: int) -> None:
        """Run the model over the current video, from a frame to the end."""
        if self._session.video is not None:
            self._start(self._session.video, first_frame)

    def start_next(self, video_id: int) -> None:
        """Run the model over a video of the queue, from where the last run left it."""
        if self._session.document is not None:
            video = self._session.document.video(video_id)
            self._start(video, first_frame_to_run(self._session.document, video) or 0)

    def _start(self, video: Video, first_frame: int) -> None:
        session, document = self._session, self._session.document
        if document is None or session.run.state != "idle":
            return
        source = locate_media(document, video)
        if source is None:
            sentence = f"{video.source} is not there any more; locate it first"
            self._report("The model cannot run", video.video_id, MediaError(sentence))
            return
        self._number = self._link.next_number()
        self._choice = read_choice(self._settings)
        self._times.clear()
        size = (video.height, video.width)
        status = RunStatus("loading", video.video_id, first_frame, first_frame, video.frame_count)
        session.set_run(replace(status, text="Loading the model…"))
        self._link.request(
            RunRequest(
                self._number, document.path, video.video_id, source, size, first_frame, self._choice, self.most_ahead
            )
        )

    def pause(self) -> None:
        """Hold after the current frame."""
        if self._session.run.state == "running":
            self._link.order("pause")
            self._set_state("paused")

    def resume(self) -> None:
        """Go on after a pause."""
        if self._session.run.state == "paused":
            self._link.order("resume")
            self._set_state("running")

    def cancel(self) -> None:
        """Stop; what was computed stays."""
        if self.following.is_active:
            self.following.cancel()
        elif self._session.run.state != "idle":
            self._link.order("cancel")
            self._end("stopped")

    def end_run(self) -> None:
        """Stop before another project is shown."""
        self.cancel()

    def close(self) -> None:
        """End the model's process."""
        self.cancel()
        self._link.close()

    def settings_changed(self) -> None:
        """The next run uses other settings."""
        self.choice_changed.emit()

    def _receive(self, message: object) -> None:
        # A run that was stopped may still be sending.
        if getattr(message, "number", None) != self._number or self._session.run.state == "idle":
            return
        if isinstance(message, Landed):
            self._pending.append(message.result)
            self._times.append(message.seconds)
            self._used = message.memory_frames, message.device_bytes
        elif isinstance(message, Loading):
            self._session.set_run(replace(self._session.run, text=message.text))
        elif isinstance(message, Started):
            self._begin(message)
        elif isinstance(message, Ended):
            self._end(message.state)
        elif isinstance(message, Failed):
            self._fail(_error_of(message), is_general=message.is_of_model)

    def _begin(self, started: Started) -> None:
        session, choice = self._session, self._choice
        assert session.history is not None
        settings = {
            "model": choice.weights_name,
            "weights": str(choice.weights_path),
            "weights_id": started.weights_id,
            "device": started.device,
            "precision": choice.precision,
            "inference": asdict(choice.inference),
            "similarity": asdict(started.similarity),
        }
        known = {track_id: track_id for track_id in started.known_tracks}
        try:
            self._writer = begin_run(
                session.history, session.run.video_id, settings, started.label_set, session.run.first_frame, known
            )
        except VisoloError as error:
            self._link.order("cancel")
            self._fail(error)
            return
        session.history_changed.emit()
        self.device_known.emit(started.device)
        session.set_run(replace(session.run, state="running", text=""))
        self._batch.start()

    def _land(self) -> None:
        """Put what has arrived into the project."""
        if not self._pending or self._writer is None:
            return
        results, self._pending = self._pending, []
        try:
            change = self._writer.add(results)
        except VisoloError as error:
            self._link.order("cancel")
            self._fail(error)
            return
        rate = len(self._times) / sum(self._times) if self._times and sum(self._times) > 0 else 0.0
        self._link.order(Taken(self._writer.head - self._session.run.first_frame))
        memory_frames, device_bytes = self._used
        status = replace(self._session.run, head=self._writer.head, frames_per_second=rate)
        self._session.set_run(replace(status, memory_frames=memory_frames, device_bytes=device_bytes))
        self._session.results_landed(change)

    def _end(self, state: str) -> None:
        self._land()
        run = self._session.run
        if run.state == "idle":
            return
        self._finish_writer(state)
        self._session.set_run(RunStatus())
        self._session.run_queue.note_end(run.video_id, state)
        count = run.head - run.first_frame
        words = {"done": f"The model has finished: {count} frames", "stopped": f"Stopped; {count} frames are kept"}
        self._session.message.emit(words.get(state, "The run failed; what was computed is kept"))

    def _fail(self, error: Exception, *, is_general: bool = False) -> None:
        video_id = self._session.run.video_id
        self._land_quietly()
        self._finish_writer("failed")
        self._session.set_run(RunStatus())
        self._report("The model cannot go on", video_id, error, is_general=is_general)

    def _report(self, title: str, video_id: int, error: Exception, *, is_general: bool = False) -> None:
        """Tell a person: now, or in the queue where other videos wait and may fare better."""
        queue = self._session.run_queue
        if is_general or not queue.takes_failure(video_id):
            self.failed.emit(title, error)
        elif isinstance(error, EngineError):
            logger.error("the run over video %d failed: %s", video_id, error)
        queue.note_end(video_id, "stopped" if is_general else "failed", str(error).splitlines()[0])

    def _finish_writer(self, state: str) -> None:
        self._batch.stop()
        writer, self._writer, self._pending = self._writer, None, []
        self._number = 0
        if writer is None:
            return
        try:
            change = writer.finish("done" if state == "done" else "stopped" if state == "stopped" else "failed")
            self._session.results_landed(change)
        except VisoloError as error:
            logger.warning("the run could not be closed: %s", error)

    def _land_quietly(self) -> None:
        if self._writer is not None and self._pending:
            try:
                self._session.results_landed(self._writer.add(self._pending))
            except VisoloError as error:
                logger.warning("the last frames of a failed run are lost: %s", error)

    def _set_state(self, state: str) -> None:
        self._land()
        self._session.set_run(replace(self._session.run, state=state))

    def _report_death(self, exit_code: int) -> None:
        if self._session.run.state == "idle":
            return
        if exit_code == _KILLED:
            sentence = "the computer ran out of memory and ended the model; close other programs, then run from here"
        else:
            sentence = f"the model's process ended by itself (code {exit_code}); run again from here"
        if self.following.is_active:
            self.following.fail(DeviceError(sentence))
        else:
            self._fail(DeviceError(sentence), is_general=True)


def _error_of(message: Failed) -> Exception:
    return EngineError(f"{message.sentence}\n{message.details}") if message.details else VisoloError(message.sentence)
