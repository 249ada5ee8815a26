"""The retrain dialog as a person uses it, for tests."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QSpinBox

from app.dialogs.retrain import RetrainDialog
from app.dialogs.training_plot import TrainingPlot

LEFT = Qt.MouseButton.LeftButton
LONG_MS = 120_000


class RetrainDriver:
    """Opens the dialog of a window."""

    def __init__(self, window, qtbot):
        self.window, self._qtbot = window, qtbot
        window.workspace.actions.action("run.retrain").trigger()
        self.dialog = next(d for d in window.findChildren(RetrainDialog) if d.isVisible())
        qtbot.waitUntil(lambda: "Counting" not in self.status, timeout=LONG_MS)

    def text(self, name: str) -> str:
        return self.dialog.findChild(QLabel, name).text()

    @property
    def status(self) -> str:
        return self.text("retrainStatus")

    @property
    def state(self) -> str:
        return self.text("retrainState")

    def button(self, name: str) -> QPushButton:
        return self.dialog.findChild(QPushButton, name)

    def press(self, name: str) -> None:
        assert self.button(name).isVisible(), f"{name} is not offered"
        self._qtbot.mouseClick(self.button(name), LEFT)

    def fill(self, steps: int, folder: Path) -> None:
        self.dialog.findChild(QSpinBox, "retrainSteps").setValue(steps)
        self.dialog.findChild(QSpinBox, "retrainBatch").setValue(1)
        self.dialog.findChild(QLineEdit, "retrainFolder").setText(str(folder))

    def wait_for(self, *states: str) -> None:
        self._qtbot.waitUntil(lambda: self.state in states, timeout=LONG_MS)

    def wait_for_step(self, step: int) -> None:
        control = self.window.workspace.training
        self._qtbot.waitUntil(lambda: control.status.step >= step, timeout=LONG_MS)

    @property
    def plot(self) -> TrainingPlot:
        return self.dialog.findChild(TrainingPlot)
