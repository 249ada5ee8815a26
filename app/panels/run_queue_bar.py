"""Below the queue: run over all videos, how far that is, hold and go on, and what failed."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.panels.pacing import PacedRefresh
from app.run_queue import RunQueue
from app.session import RunStatus, Session

_REFRESH_MS = 300
_LONGEST_PX = 520


class RunQueueBar(QFrame):
    """A button while nothing waits, else words, go on or clear, and failures in a menu."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._queue = session, session.run_queue
        self._rate = 0.0
        self._video_count = 0
        self.setObjectName("runQueueBar")
        self._words = QLabel()
        self._words.setObjectName("runQueueWords")
        self._words.setProperty("muted", True)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._all = QPushButton("Run over all videos")
        self._all.setObjectName("runAll")
        self._all.setToolTip("Run the model over every video that it has not finished (Ctrl+Shift+F5)")
        self._all.clicked.connect(self._queue.add_unfinished)
        self._go_on = QPushButton("Go on")
        self._go_on.setObjectName("runQueueGoOn")
        self._go_on.setToolTip("Run over the videos that wait")
        self._go_on.clicked.connect(self._queue.go_on)
        self._clear = QPushButton("Clear", flat=True)
        self._clear.setObjectName("runQueueClear")
        self._clear.setToolTip("Let no video wait any more; what was computed stays")
        self._clear.clicked.connect(self._queue.clear)
        self._failed = QPushButton(flat=True)
        self._failed.setObjectName("runQueueFailed")
        self._failed.setToolTip("Show what failed and why, and try again")
        self._failed.clicked.connect(self._open_failures)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self._all, self._go_on, self._clear):
            buttons.addWidget(button, int(button is not self._clear))
        for button in (self._all, self._go_on, self._clear, self._failed):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        words = QHBoxLayout()
        words.addWidget(self._words, 1)
        words.addWidget(self._failed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 10)
        layout.setSpacing(6)
        layout.addLayout(words)
        layout.addLayout(buttons)
        self._paced = PacedRefresh(self._show, _REFRESH_MS, self)
        self._queue.changed.connect(self._show)
        session.document_changed.connect(self._paced.soon)
        session.run_changed.connect(self._note_run)
        theme.theme_changes().changed.connect(self._restyle)
        self._restyle()
        self._show()

    def show_for(self, video_count: int) -> None:
        """The project has so many videos; with one there is nothing to be said here."""
        self._video_count = video_count
        self._show()

    def _note_run(self, run: RunStatus) -> None:
        self._rate = run.frames_per_second or self._rate
        self._paced.soon()

    def _show(self) -> None:
        queue = self._queue
        waiting, failed = len(queue.waiting), len(queue.failures)
        self.setVisible(self._video_count > 1 or waiting > 0 or failed > 0)
        self._all.setVisible(not waiting)
        self._words.setVisible(waiting > 0 or failed > 0)
        self._words.setText(queue_words(queue, self._session.run, self._rate))
        self._words.setToolTip(self._words.text())
        self._go_on.setVisible(waiting > 0 and not queue.is_active)
        self._clear.setVisible(waiting > 0 and not queue.is_active)
        self._failed.setVisible(failed > 0)
        self._failed.setText(f"{failed} failed")

    def _open_failures(self) -> None:
        document = self._session.document
        assert document is not None
        menu = QMenu(self)
        menu.setObjectName("runQueueFailures")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for video_id, sentence in self._queue.failures.items():
            reason = sentence.removeprefix(f"{document.source_path(video_id)}: ")
            text = f"{document.video(video_id).name}: {reason}"
            short = menu.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, _LONGEST_PX)
            entry = menu.addAction(short.replace("&", "&&"))
            entry.setToolTip(sentence)
            entry.triggered.connect(partial(self._show_video, video_id))
        menu.addSeparator()
        menu.addAction("Try these again").triggered.connect(self._queue.retry)
        menu.popup(self._failed.mapToGlobal(self._failed.rect().bottomLeft()))

    def _show_video(self, video_id: int, _checked: bool = False) -> None:
        self._session.show_video(video_id)

    def _restyle(self) -> None:
        self._all.setIcon(theme.icon("mdi6.playlist-play"))
        self._go_on.setIcon(theme.icon("mdi6.play"))


def queue_words(queue: RunQueue, run: RunStatus, rate: float) -> str:
    """E.g. "video 3 of 12, about 14 min left", or "9 videos wait".

    Args:
        queue: what waits.
        run: what the model does.
        rate: frames per second, 0 where not known yet.
    """
    waiting = len(queue.waiting)
    if not waiting:
        return ""
    if not queue.is_active:
        return "1 video waits" if waiting == 1 else f"{waiting} videos wait"
    text = f"video {queue.done_count + 1} of {queue.done_count + waiting}"
    if run.state == "paused":
        return f"{text}, paused"
    return f"{text}, about {_duration(queue.frames_left() / rate)} left" if rate else text


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
