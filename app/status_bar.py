"""The status bar: where one is, what is selected, how masks look, how far the model is."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QSizePolicy, QSlider, QStatusBar, QWidget

from app.document.confirmation import percent_words, review_progress
from app.panels.pacing import PacedRefresh
from app.session import RunStatus, Session
from app.settings import MASK_OPACITY, Settings
from app.video.player import Player
from app.workers.training import TrainingStatus

_MESSAGE_MS = 6000
_REVIEW_MS = 200


class MainStatusBar(QStatusBar):
    """Permanent facts left and right; messages pass over the left ones.

    Signals:
        training_wanted: the words about the training run were clicked.
    """

    training_wanted = Signal()

    def __init__(
        self, session: Session, player: Player, settings: Settings, set_opacity: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._session, self._player, self._settings = session, player, settings
        self.setSizeGripEnabled(False)
        self._frame, self._time, self._size, self._selection = (QLabel() for _ in range(4))
        self._message = QLabel()
        self._message.setObjectName("message")
        # A long sentence must not make the window wider.
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._message_timer = QTimer(self, singleShot=True, interval=_MESSAGE_MS)
        self._message_timer.timeout.connect(self._message.clear)
        self._progress = QProgressBar(maximum=1000)
        self._progress.setFixedWidth(120)
        self._run, self._memory, self._review = QLabel(), QLabel(), QLabel()
        self._review.setObjectName("review")
        self._review.setToolTip("Share of the instances that are confirmed (C)")
        self._paced_review = PacedRefresh(self._show_review, _REVIEW_MS, self)
        self._training = QPushButton(flat=True)
        self._training.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._training.setObjectName("trainingStatus")
        self._training.setToolTip("Show the training run")
        self._training.clicked.connect(self.training_wanted)
        self._training.hide()
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setObjectName("opacity")
        self._opacity.setAccessibleName("Opacity of the masks")
        self._opacity.setFixedWidth(90)
        self._opacity.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._opacity.setToolTip("Opacity of the masks (Ctrl+Alt+Up and Down)")
        self._opacity.setValue(settings.get(MASK_OPACITY))
        self._opacity.valueChanged.connect(set_opacity)
        for widget in (self._frame, self._time, self._size, self._selection):
            self.addWidget(widget)
        self.addWidget(self._message, 1)
        masks = QLabel("Masks")
        ends = (self._review, self._training, self._run, self._progress, self._memory, masks, self._opacity, QWidget())
        for part in ends:
            self.addPermanentWidget(part)
        self._connect()
        self.refresh()

    def say(self, text: str, warning: bool = False) -> None:
        """Show a message for a few seconds."""
        self._message.setProperty("warning", warning)
        self._message.style().polish(self._message)
        self._message.setText(text)
        self._message.setToolTip(text)
        self._message_timer.start()

    def message(self) -> str:
        """The message that is shown; empty when none is."""
        return self._message.text()

    def show_opacity(self) -> None:
        """The opacity was changed by keys."""
        self._opacity.setValue(self._settings.get(MASK_OPACITY))

    def show_training(self, status: TrainingStatus) -> None:
        """How a training run is doing, while it does something."""
        self._training.setVisible(status.is_active)
        self._training.setText(training_text(status))

    def refresh(self) -> None:
        """Read everything again."""
        self._show_frame()
        self._show_selection()
        self._show_run(self._session.run)
        self._show_review()

    def _connect(self) -> None:
        session = self._session
        session.project_opened.connect(self.refresh)
        session.video_changed.connect(self.refresh)
        session.frame_changed.connect(self._show_frame)
        session.selection_changed.connect(self._show_selection)
        session.document_changed.connect(self._show_selection)
        session.document_changed.connect(self._paced_review.soon)
        session.run_changed.connect(self._show_run)
        session.message.connect(self.say)
        session.refused.connect(self._refuse)

    def _refuse(self, sentence: str) -> None:
        self.say(sentence, warning=True)

    def _show_frame(self) -> None:
        video = self._session.video
        for label in (self._frame, self._time, self._size):
            label.setVisible(video is not None)
        if video is None:
            return
        index = self._session.frame_index
        self._frame.setText(f"frame {index} / {video.frame_count - 1}")
        self._time.setText(clock(self._player.time_of(index)))
        self._size.setText(f"{video.width} × {video.height}")
        if self._session.selection:
            self._show_selection()

    def _show_selection(self) -> None:
        self._selection.setText(_selection_text(self._session))

    def _show_review(self) -> None:
        document, video = self._session.document, self._session.video
        share = 0.0
        if document is not None and video is not None:
            share = review_progress(document, video.video_id).instance_percent / 100
        self._review.setVisible(share > 0)
        self._review.setText(f"{percent_words(share)} confirmed")

    def _show_run(self, status: RunStatus) -> None:
        busy = status.state != "idle"
        self._progress.setVisible(busy)
        self._run.setVisible(busy)
        self._memory.setVisible(busy and status.memory_frames > 0)
        if not busy:
            return
        self._progress.setMaximum(0 if status.state == "loading" else 1000)
        total = max(1, status.frame_count - status.first_frame)
        self._progress.setValue(1000 * (status.head - status.first_frame) // total)
        self._run.setText(_run_text(status))
        self._memory.setText(_memory_text(status))


def clock(seconds: float) -> str:
    """Time as minutes, seconds and hundredths: 00:07.13."""
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def training_text(status: TrainingStatus) -> str:
    """E.g. "training: 40 %"."""
    if status.state == "running" and status.steps:
        return f"training: {100 * status.step // status.steps} %"
    return {"preparing": "training: writing data", "starting": "training: starting"}.get(
        status.state, "training: saving"
    )


def _run_text(status: RunStatus) -> str:
    if status.text:
        return status.text
    left = status.frame_count - status.head
    if status.state == "paused":
        return f"paused at frame {status.head}, {left} left"
    if not status.frames_per_second:
        return f"running: frame {status.head}, {left} left"
    seconds = left / status.frames_per_second
    when = f"{seconds:.1f} s" if seconds < 10 else (f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min")
    return f"running: frame {status.head}, {left} left, about {when}"


def _memory_text(status: RunStatus) -> str:
    text = f"memory {status.memory_frames} frames"
    return f"{text}   GPU {status.device_bytes / 1e9:.1f} GB" if status.device_bytes else text


def _selection_text(session: Session) -> str:
    document, video = session.document, session.video
    if document is None or video is None or not session.selection:
        return ""
    ids = ", ".join(str(track_id) for track_id in sorted(session.selection))
    if len(session.selection) > 1:
        return f"tracks {ids} selected"
    track_id = next(iter(session.selection))
    names = {category.category_id: category.name for category in document.categories()}
    name = names.get(document.track(video.video_id, track_id).category_id, "?")
    instance = document.instance(video.video_id, track_id, session.frame_index)
    area = "" if instance is None else f"{instance.area:,}".replace(",", " ")
    where = "not on this frame" if instance is None else f"score {instance.score:.2f}, area {area} px"
    return f"track {ids} {name}: {where}"
