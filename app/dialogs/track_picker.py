"""A small pop-up that asks "which other track": type its id or part of its class, or pick from the list."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QWidget

from app.dialogs.form_parts import dialog_column
from app.document.records import TrackSummary
from app.session import Session

_TRACK_ROLE = Qt.ItemDataRole.UserRole
_MOVES = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class TrackPicker(QDialog):
    """A line to type in above the tracks to choose from.

    Signals:
        track_chosen: id of the track.
    """

    track_chosen = Signal(int)

    def __init__(
        self, title: str, tracks: Sequence[TrackSummary], session: Session, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._line = QLineEdit(placeholderText="Track number or class", clearButtonEnabled=True)
        self._line.installEventFilter(self)
        self._line.textChanged.connect(self._narrow)
        self._line.returnPressed.connect(self.accept)
        self._list = QListWidget()
        names = session.category_names()
        for summary in tracks:
            track = summary.track
            item = QListWidgetItem(_swatch(session.colors.of(track.track_id)), "")
            item.setText(f"{track.track_id}  {names.get(track.category_id, '?')}")
            item.setData(_TRACK_ROLE, track.track_id)
            self._list.addItem(item)
        self._list.itemActivated.connect(self.accept)
        self._list.itemClicked.connect(self.accept)
        layout = dialog_column(self)
        layout.addWidget(QLabel(title))
        layout.addWidget(self._line)
        layout.addWidget(self._list, 1)
        self._narrow("")
        self._line.setFocus()

    def sizeHint(self) -> QSize:
        """Room for about ten tracks."""
        return QSize(260, 320)

    def accept(self) -> None:
        """Choose the marked track."""
        item = self._list.currentItem()
        if item is not None and not item.isHidden():
            self.track_chosen.emit(item.data(_TRACK_ROLE))
            super().accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Arrow keys in the line move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self._list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _narrow(self, text: str) -> None:
        wanted = text.strip().casefold()
        items = [self._list.item(row) for row in range(self._list.count())]
        for item in items:
            item.setHidden(wanted not in item.text().casefold())
        shown = [item for item in items if not item.isHidden()]
        exact = [item for item in shown if str(item.data(_TRACK_ROLE)) == wanted]
        if shown:
            self._list.setCurrentItem((exact or shown)[0])


def _swatch(color: QColor) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(color)
    icon = QIcon(pixmap)
    # Qt would tint it in a selected row; the colour is what a track is known by.
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
