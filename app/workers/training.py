"""Training in a process of its own: data written, process started, watched, stopped, resumed. No widgets."""

import logging
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

import visolo
from app.document.exchange import ExportOptions, Progress
from app.document.queries import Queries
from app.training.choice import TrainingChoice, read_choice, resume_command, training_command, write_choice
from app.training.run_log import RunLog, error_sentence
from app.workers.export import export_task
from app.workers.task import Task, TaskQueue
from visolo.errors import OutputError, VisoloError

logger = logging.getLogger(__name__)

_OUTPUT_NAME, _ERRORS_NAME = "output.txt", "errors.txt"
_POLL_MS = 700
# A step on a slow computer, and writing the checkpoint.
_CLOSE_WAIT_MS = 60_000
# Training yields to the window and to a model that someone watches.
_NICENESS = 5
_STOPPED_EXIT_CODE = 130
_NOTHING_TRAINED = "Stopped before the first step; nothing was trained."
_ACTIVE = ("preparing", "starting", "running", "stopping")


@dataclass(frozen=True)
class TrainingStatus:
    """How a training run is doing.

    Attributes:
        state: idle, preparing (its data is being written), starting, running, stopping, stopped, finished or failed.
        step: steps done, `steps` of the whole run.
        images_per_second: frames trained on.
        seconds_left: until the end at the present speed; NaN while unknown.
        sentence: what is being done, or what went wrong.
        fraction: of the data that is written, while preparing.
    """

    state: str = "idle"
    step: int = 0
    steps: int = 0
    images_per_second: float = 0.0
    seconds_left: float = float("nan")
    sentence: str = ""
    fraction: float = 0.0

    @property
    def is_active(self) -> bool:
        """Whether something is going on that can be stopped."""
        return self.state in _ACTIVE


class TrainingControl(QObject):
    """Owns the one training run of this window.

    Attributes:
        status: as last announced.
        choice: what the run was started with; None before the first.
        log: what the run has logged; None before the first.

    Signals:
        changed: the `TrainingStatus`, also after every step that was noticed.
        ended: the run has come to rest: stopped, finished or failed.
    """

    changed = Signal(object)
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.status = TrainingStatus()
        self.choice: TrainingChoice | None = None
        self.log: RunLog | None = None
        self._tasks = TaskQueue(self)
        self._writing: Task | None = None
        self._process: QProcess | None = None
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._look)

    def start(
        self, choice: TrainingChoice, document: Queries | None = None, export: ExportOptions | None = None
    ) -> None:
        """Start a new run.

        Args:
            choice: what to train on and how; its folder must not hold a run.
            document: the project whose data is written first.
            export: what of it; its target lies in the run's folder and is among the run's data.
        """
        assert not self.status.is_active
        self.choice, self.log = choice, RunLog(choice.folder)
        try:
            _make_folder(choice.folder)
            if export is None or document is None:
                self._begin(resume=False)
                return
        except VisoloError as error:
            self._fail(str(error))
            return
        self._writing = export_task(document, export)
        self._writing.item_ready.connect(self._show_writing)
        self._writing.succeeded.connect(self._begin_after_writing)
        self._writing.failed.connect(self._fail_writing)
        self._writing.canceled.connect(self._stop_writing)
        self._set(TrainingStatus("preparing", sentence="Writing the project's frames…", steps=choice.steps))
        self._tasks.start(self._writing)

    def resume(self, folder: Path) -> None:
        """Go on with the run in a folder, with the identical next step."""
        assert not self.status.is_active
        self.log = RunLog(folder)
        try:
            self.choice = read_choice(folder)
            self._begin(resume=True)
        except VisoloError as error:
            self._fail(str(error))

    def stop(self) -> None:
        """Finish the step, save, and end; what is written before the run goes is given up."""
        if self._writing is not None:
            self._writing.cancel()
            self._set(replace(self.status, state="stopping", sentence="Stopping…"))
        elif self._process is not None and self.status.state != "stopping":
            self._set(replace(self.status, state="stopping", sentence="Finishing the step and saving…"))
            self._process.terminate()  # unlike Ctrl-C it arrives where that is ignored, as in a background of a shell

    def close(self) -> None:
        """Stop and wait until everything is saved."""
        self.stop()
        self._tasks.close()
        process = self._process
        if process is not None and not process.waitForFinished(_CLOSE_WAIT_MS):
            logger.warning("training did not stop; killing it")
            process.kill()
            process.waitForFinished()

    def _begin_after_writing(self) -> None:
        self._writing = None
        try:
            self._begin(resume=False)
        except VisoloError as error:
            self._fail(str(error))

    def _begin(self, *, resume: bool) -> None:
        choice = self.choice
        assert choice is not None
        if not resume:
            write_choice(choice)
        program, *arguments = resume_command(choice.folder) if resume else training_command(choice)
        process = QProcess(self)
        process.setProgram(program)
        process.setArguments(arguments)
        process.setProcessEnvironment(QProcessEnvironment.systemEnvironment())
        # Found there without being installed, whatever folder the app was started in.
        process.setWorkingDirectory(str(Path(visolo.__file__).parents[1]))
        # Files instead of pipes: the run must be able to write when the app is gone.
        process.setStandardOutputFile(str(choice.folder / _OUTPUT_NAME))
        process.setStandardErrorFile(str(choice.folder / _ERRORS_NAME))
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._report_error)
        self._process = process
        self._set(TrainingStatus("starting", steps=choice.steps, sentence="Loading the network and the data…"))
        process.start()
        if sys.platform != "win32":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.processId(), _NICENESS)
        self._poll.start()

    def _look(self) -> None:
        """Read what the run has written since the last time."""
        assert self.log is not None
        if not self.log.refresh() or not self.log.steps or self._process is None:
            return
        last = self.log.steps[-1]
        state = "stopping" if self.status.state == "stopping" else "running"
        sentence = self.status.sentence if state == "stopping" else ""
        self._set(TrainingStatus(state, last.step, last.steps, last.images_per_second, last.seconds_left, sentence))

    def _finish(self, exit_code: int, exit_status: QProcess.ExitStatus) -> None:
        self._poll.stop()
        self._look()
        self._release()
        assert self.log is not None
        if exit_status is QProcess.ExitStatus.NormalExit and exit_code == 0:
            self._end("finished", "")
        elif exit_code == _STOPPED_EXIT_CODE or (self.status.state == "stopping" and not self._error()):
            self._end("stopped", "" if self.log.is_resumable() else _NOTHING_TRAINED)
        else:
            self._fail(self._reason(exit_code))

    def _reason(self, exit_code: int) -> str:
        """Why the run failed: its own words where it had any."""
        assert self.log is not None
        logger.warning("training in %s ended with code %d", self.log.folder.path, exit_code)
        sentence = self._error() or self.log.state()[1]
        if sentence:
            return sentence
        way_on = "resume it" if self.log.is_resumable() else "start it again with a smaller batch"
        return f"the training process ended by itself (code {exit_code}), perhaps out of memory; {way_on}"

    def _error(self) -> str:
        """What the run said about an error; empty when it said nothing."""
        assert self.log is not None
        try:
            return error_sentence((self.log.folder.path / _ERRORS_NAME).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return ""

    def _report_error(self, error: QProcess.ProcessError) -> None:
        # Of the others `finished` tells.
        if error is QProcess.ProcessError.FailedToStart:
            assert self._process is not None
            sentence = (
                f"{self._process.program()}: cannot be started ({self._process.errorString()}); reinstall the app"
            )
            self._release()
            self._fail(sentence)

    def _release(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
        self._process = None

    def _show_writing(self, progress: Progress) -> None:
        if self.status.state == "preparing":
            fraction = progress.done / max(1, progress.total)
            self._set(replace(self.status, sentence=f"{progress.text}…", fraction=fraction))

    def _fail_writing(self, error: Exception) -> None:
        self._writing = None
        self._fail(str(error))

    def _stop_writing(self) -> None:
        self._writing = None
        self._end("stopped", _NOTHING_TRAINED)

    def _fail(self, sentence: str) -> None:
        self._poll.stop()
        self._end("failed", sentence)

    def _end(self, state: str, sentence: str) -> None:
        self._set(replace(self.status, state=state, sentence=sentence))
        self.ended.emit()

    def _set(self, status: TrainingStatus) -> None:
        self.status = status
        self.changed.emit(status)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if any(folder.iterdir()):
            raise OutputError(f"{folder}: is not empty; choose another folder for the run") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error
