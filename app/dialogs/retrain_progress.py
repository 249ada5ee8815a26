"""How a training run is doing: curves, a picture of what the network finds, speed and time left."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.dialogs.form_parts import Sentence, muted
from app.dialogs.training_plot import TrainingPlot
from app.training.run_log import RunLog
from app.workers.training import TrainingStatus

_TITLES = {
    "preparing": "Writing data",
    "starting": "Starting",
    "running": "Training",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Training failed",
}


class RetrainProgress(QWidget):
    """Shows a `TrainingStatus` and a `RunLog`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setObjectName("retrainState")
        font = self.title.font()
        font.setBold(True)
        font.setPixelSize(15)
        self.title.setFont(font)
        self.facts = muted()
        self.facts.setObjectName("retrainFacts")
        self.sentence = Sentence("retrainSentence")
        self.bar = QProgressBar()
        self.plot = TrainingPlot()
        self.picture = Picture()
        self._lay_out()

    def show_status(self, status: TrainingStatus) -> None:
        """Where the run is."""
        self.title.setText(_TITLES.get(status.state, ""))
        self.facts.setText(facts(status))
        self.sentence.say(status.sentence, is_problem=status.state == "failed")
        self.sentence.setVisible(bool(status.sentence))
        self.bar.setVisible(status.is_active)
        is_unknown = status.state == "starting" or (status.state == "preparing" and not status.fraction)
        self.bar.setMaximum(0 if is_unknown else 1000)
        done = status.fraction if status.state == "preparing" else status.step / max(1, status.steps)
        self.bar.setValue(round(1000 * done))

    def show_log(self, log: RunLog) -> None:
        """What the run has logged."""
        self.plot.show_records(log.steps, log.validations)
        self.picture.show_file(str(log.preview() or ""))

    def _lay_out(self) -> None:
        heads = QHBoxLayout()
        heads.setSpacing(14)
        heads.addWidget(self.title)
        heads.addWidget(self.facts, 1)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.plot, 3)
        row.addWidget(self.picture, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addLayout(heads)
        layout.addWidget(self.bar)
        layout.addWidget(self.sentence)
        layout.addLayout(row, 1)


class Picture(QLabel):
    """A picture file as large as there is room for; nothing where there is none."""

    def __init__(self) -> None:
        super().__init__(alignment=Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self.setObjectName("retrainPicture")
        self.setAccessibleName("What the network finds in the validation set")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._file = ""
        self._whole = QPixmap()
        self.hide()

    def sizeHint(self) -> QSize:
        """Room for two frames beside each other."""
        return QSize(320, 240)

    def show_file(self, path: str) -> None:
        """Another picture; one that cannot be read, because it is being replaced, is tried again the next time."""
        if path == self._file:
            return
        whole = QPixmap(path) if path else QPixmap()
        if path and whole.isNull():
            return
        self._file, self._whole = path, whole
        self.setVisible(not whole.isNull())
        self.setToolTip(path)
        self._scale()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the room."""
        super().resizeEvent(event)
        self._scale()

    def _scale(self) -> None:
        if self._whole.isNull():
            return
        ratio = self.devicePixelRatioF()
        scaled = self._whole.scaled(
            self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        scaled.setDevicePixelRatio(ratio)
        self.setPixmap(scaled)


def facts(status: TrainingStatus) -> str:
    """E.g. "step 120 of 300  ·  4.1 images/s  ·  about 6 min left"."""
    if not status.step:
        return ""
    words = [f"step {status.step:,} of {status.steps:,}".replace(",", " ")]
    if status.is_active and status.images_per_second > 0:
        words.append(f"{status.images_per_second:.1f} images/s")
    if status.state == "running" and math.isfinite(status.seconds_left):
        words.append(f"about {duration(status.seconds_left)} left")
    return "  ·  ".join(words)


def duration(seconds: float) -> str:
    """A time span in the one or two units that matter: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
