"""What an empty window shows: how to begin, and what was opened lately."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.theme import current_theme, icon, theme_changes

_PATH_ROLE = Qt.ItemDataRole.UserRole
_LISTED = 6


class Welcome(QWidget):
    """Two buttons, a hint, and the recent list.

    Signals:
        open_wanted: ask for a file.
        sample_wanted: open the sample.
        path_chosen: one of the recent paths.
    """

    open_wanted = Signal()
    sample_wanted = Signal()
    path_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._sign = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Review what the model has seen", alignment=Qt.AlignmentFlag.AlignCenter)
        title.setStyleSheet("font-size: 21px; font-weight: 600;")
        hint = QLabel(
            "Open a video, an image folder, annotations or a project,\nor drop one anywhere on this window.",
            alignment=Qt.AlignmentFlag.AlignCenter,
        )
        hint.setProperty("muted", True)
        self._heading = QLabel("RECENT")
        self._heading.setProperty("heading", True)
        self._list = QListWidget()
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.itemActivated.connect(self._choose)
        self._list.itemClicked.connect(self._choose)
        column = QVBoxLayout()
        column.setSpacing(12)
        for widget in (self._sign, title, hint):
            column.addWidget(widget)
        column.addSpacing(8)
        column.addWidget(self._button("Open a video…", self.open_wanted, primary=True))
        column.addWidget(self._button("Open the sample", self.sample_wanted, primary=False))
        column.addSpacing(14)
        column.addWidget(self._heading)
        column.addWidget(self._list)
        middle = QWidget()
        middle.setFixedWidth(460)
        middle.setLayout(column)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        theme_changes().changed.connect(self._draw_sign)
        self._draw_sign()

    def show_recent(self, paths: Sequence[Path]) -> None:
        """List what was opened lately."""
        self._list.clear()
        for path in paths[:_LISTED]:
            item = QListWidgetItem(f"{path.name}    {path.parent}")
            item.setToolTip(str(path))
            item.setData(_PATH_ROLE, str(path))
            self._list.addItem(item)
        self._heading.setVisible(bool(paths))
        self._list.setVisible(bool(paths))
        row = self._list.sizeHintForRow(0) if paths else 0
        self._list.setFixedHeight(row * min(len(paths), _LISTED) + 4)

    def _button(self, text: str, signal: object, primary: bool) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("primary", primary)
        button.setMinimumHeight(36)
        button.clicked.connect(signal)
        return button

    def _choose(self, item: QListWidgetItem) -> None:
        self.path_chosen.emit(Path(item.data(_PATH_ROLE)))

    def _draw_sign(self) -> None:
        self._sign.setPixmap(icon("mdi6.movie-open-check-outline", current_theme().muted).pixmap(QSize(64, 64)))
