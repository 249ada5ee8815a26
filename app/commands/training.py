"""Training on corrected videos, and what happens with the weights that come out of it."""

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.dialogs.retrain import RetrainDialog
from app.run_choice import RunChoice, read_choice, standard_rules, write_choice
from app.session import RunControl, Session
from app.settings import Settings
from app.workers.training import TrainingControl

_QUESTION = "closeWhileTraining"


class TrainingCommands(QObject):
    """Handlers of the training actions."""

    def __init__(
        self,
        session: Session,
        training: TrainingControl,
        run: RunControl,
        settings: Settings,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._training, self._run = session, training, run
        self._settings, self._window = settings, parent
        # Set where nobody is there to answer: when the computer shuts down or the program is told to end.
        self.closes_unasked = False
        training.ended.connect(self._tell_end)

    def retrain(self) -> None:
        """Show the dialog; there is one at most."""
        # One that was closed is still there until the event loop has removed it.
        dialog = next((d for d in self._window.findChildren(RetrainDialog) if d.isVisible()), None)
        if dialog is None:
            dialog = RetrainDialog(self._session, self._training, self._settings, self._window)
            dialog.weights_chosen.connect(self._use_weights)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def may_close(self) -> bool:
        """Whether the window may close now; while a run goes on this asks, and closes the window when told to."""
        if not self._training.status.is_active or self.closes_unasked:
            return True
        if self._window.findChild(QMessageBox, _QUESTION) is None:
            box = QMessageBox(
                QMessageBox.Icon.Question,
                "Training is going on",
                "Stop the training and close? It is saved after the present step, and Run > Retrain… can resume it.",
                QMessageBox.StandardButton.Cancel,
                self._window,
            )
            box.setObjectName(_QUESTION)
            box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
            stop.clicked.connect(self._close_window)
            box.open()
        return False

    def _close_window(self) -> None:
        self.closes_unasked = True
        self._window.close()

    def _use_weights(self, weights: Path) -> None:
        """Run with these from now on, by their own rules."""
        choice = read_choice(self._settings)
        self._settings.add_recent_weights(choice.weights_path)
        rules = standard_rules(weights, "")
        write_choice(self._settings, RunChoice(weights, "", choice.device, choice.precision, rules))
        self._run.settings_changed()

    def _tell_end(self) -> None:
        words = {"finished": "Training has finished", "stopped": "Training has stopped; it can be resumed"}
        state = self._training.status.state
        if state in words:
            self._session.message.emit(f"{words[state]}: Run > Retrain… shows what came of it")
        else:
            self._session.refused.emit(f"Training failed: {self._training.status.sentence}")
