"""The retrain dialog: what to train on, then how it goes, then what to do with the new weights."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QLabel, QStackedWidget, QWidget

from app.dialogs.compare import CompareDialog
from app.dialogs.form_parts import Sentence, dialog_column, push_button
from app.dialogs.retrain_form import RetrainForm
from app.dialogs.retrain_progress import RetrainProgress
from app.run_choice import read_choice, run_choice_of
from app.session import Session
from app.settings import Settings
from app.training.run_log import RunLog
from app.workers.training import TrainingControl, TrainingStatus

RUNS = "training_runs"


class RetrainDialog(QDialog):
    """Starts, shows and ends the training run of the window; closing it leaves the run going.

    Signals:
        weights_chosen: path of new weights that runs shall use from now on.
    """

    weights_chosen = Signal(object)

    def __init__(
        self, session: Session, control: TrainingControl, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Retrain")
        self.setObjectName("retrainDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._control = session, control
        self._document = session.document
        self.form = RetrainForm(session.document, read_choice(settings))
        self.form.offer_weights(settings.recent_weights())
        self.progress = RetrainProgress()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.form)
        self._pages.addWidget(self.progress)
        self._words = Sentence("retrainStatus")
        self._build()
        self.form.changed.connect(self._describe)
        session.run_changed.connect(self._describe)
        session.project_opened.connect(self.close)
        control.changed.connect(self._show_status)
        self._find_unfinished()
        self._show_page(self.progress if control.status.state != "idle" else self.form)

    def done(self, result: int) -> None:
        """Close, after the counting has stopped; a run goes on."""
        self.form.sources.close_tasks()
        super().done(result)

    def _build(self) -> None:
        self._unfinished = QComboBox()
        self._unfinished.setObjectName("retrainUnfinished")
        self._unfinished.setAccessibleName("Unfinished training runs")
        self._unfinished_row = QWidget()
        row = QHBoxLayout(self._unfinished_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Unfinished"))
        row.addWidget(self._unfinished, 1)
        row.addWidget(push_button("Resume", "retrainResumeOld", self._resume_old))
        self._start = push_button("Start training", "retrainStart", self._begin, is_primary=True)
        self._stop = push_button("Stop and save", "retrainStop", self._control.stop)
        self._resume = push_button("Resume", "retrainResume", self._go_on, is_primary=True)
        self._use = push_button("Use the new weights", "retrainUse", self._use_weights, is_primary=True)
        self._compare = push_button("Compare old and new…", "retrainCompare", self._compare_weights)
        self._again = push_button("New training…", "retrainAgain", self._start_over)
        self._folder = push_button("Open folder", "retrainFolderOpen", self._open_folder)
        self._close = push_button("Close", "retrainClose", self.close)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._folder)
        buttons.addWidget(self._again)
        buttons.addStretch(1)
        for button in (self._close, self._stop, self._resume, self._compare, self._use, self._start):
            buttons.addWidget(button)
        layout = dialog_column(self)
        layout.addWidget(self._unfinished_row)
        layout.addWidget(self._pages, 1)
        layout.addWidget(self._words)
        layout.addLayout(buttons)
        self.resize(860, 620)

    def _show_page(self, page: QWidget) -> None:
        self._pages.setCurrentWidget(page)
        self._show_status(self._control.status)
        self._describe()

    def _describe(self) -> None:
        """The sentence at the bottom, and which buttons there are."""
        status, is_form = self._control.status, self._pages.currentWidget() is self.form
        log = self._control.log
        # What failed before its first step would fail again: New training… keeps the form as it was, to mend it.
        is_hopeless = status.state == "failed" and log is not None and not log.steps
        can_resume = not status.is_active and log is not None and log.is_resumable() and not is_hopeless
        has_weights = not status.is_active and log is not None and log.weights() is not None
        problem = self.form.problem() if is_form else ""
        self._unfinished_row.setVisible(is_form and self._unfinished.count() > 0)
        self._start.setVisible(is_form)
        self._start.setEnabled(not problem and not status.is_active)
        self._stop.setVisible(not is_form and status.is_active)
        self._stop.setEnabled(status.state != "stopping")
        self._resume.setVisible(not is_form and can_resume)
        is_usable = not is_form and status.state in ("finished", "stopped") and has_weights
        self._use.setVisible(is_usable)
        self._compare.setVisible(is_usable and self._session.document is not None)
        self._use.setProperty("primary", status.state == "finished")
        self._again.setVisible(not is_form and not status.is_active)
        self._folder.setVisible(not is_form and log is not None and log.folder.path.is_dir())
        self._words.say(problem or self._hint(is_form), is_problem=bool(problem) and "…" not in problem)
        self._words.setVisible(bool(self._words.text()))

    def _hint(self, is_form: bool) -> str:
        status = self._control.status
        if is_form:
            return f"{self.form.sources.sentence()} How long it takes shows after the first steps."
        if not status.is_active:
            return ""
        if self._session.run.state in ("loading", "running"):
            return "The model is running on a video, too: both are slower meanwhile. Pause the run to train faster."
        return "You can close this window and go on working; the training goes on and shows in the status bar."

    def _show_status(self, status: TrainingStatus) -> None:
        self.progress.show_status(status)
        if self._control.log is not None:
            self.progress.show_log(self._control.log)
        self._describe()

    def _begin(self) -> None:
        choice = self.form.choice()
        self._remember(choice.folder)
        self._show_page(self.progress)
        self._control.start(choice, self._document, self.form.sources.export_options(choice.folder))

    def _go_on(self) -> None:
        assert self._control.log is not None
        self._control.resume(self._control.log.folder.path)

    def _resume_old(self) -> None:
        self._show_page(self.progress)
        self._control.resume(Path(self._unfinished.currentData()))

    def _start_over(self) -> None:
        self.form.propose_folder()
        self._find_unfinished()
        self._show_page(self.form)

    def _use_weights(self) -> None:
        assert self._control.log is not None
        self.weights_chosen.emit(self._control.log.weights())
        self._words.say("The model runs with the new weights from now on; Run settings has the way back.")
        self._words.show()
        self._use.setEnabled(False)

    def _compare_weights(self) -> None:
        choice, log = self._control.choice, self._control.log
        assert choice is not None
        assert log is not None
        new = run_choice_of(log.weights(), "", choice.device)
        old = run_choice_of(choice.weights, choice.preset, choice.device)
        is_here = self._document is not None and choice.project == self._document.path
        CompareDialog(self._session, old, new, choice.video_ids if is_here else (), self).open()

    def _open_folder(self) -> None:
        assert self._control.log is not None
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._control.log.folder.path)))

    def _remember(self, folder: Path) -> None:
        """Note in the project that this run is about it."""
        if self._document is not None:
            known = [path for path in self._document.view_state(RUNS, []) if path != str(folder)]
            self._document.set_view_state(RUNS, [*known, str(folder)])

    def _find_unfinished(self) -> None:
        self._unfinished.clear()
        for path in reversed(self._document.view_state(RUNS, []) if self._document is not None else []):
            log = RunLog(Path(path))
            if log.is_resumable():
                log.refresh()
                last = log.steps[-1] if log.steps else None
                where = f"step {last.step} of {last.steps}" if last is not None else "before its first step"
                self._unfinished.addItem(f"{Path(path).name}: {log.state()[0]} at {where}", path)
