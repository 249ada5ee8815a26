"""Keys that mean something while they are held: Space pans with the mouse, Ctrl shows which digit is which track."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QWidget

from app.canvas.navigation import Panning

# Ctrl alone, held so long, is a question; shorter, it is on its way to a shortcut.
_LEGEND_AFTER_MS = 300
OWN_SPACE = "ownSpace"
"""Property of a widget in which Space does something of its own."""
_OWN_SPACE = (QLineEdit, QAbstractSpinBox, QComboBox, QAbstractButton)


class HeldKeys(QObject):
    """Watches the keys of one window.

    Signals:
        space_tapped: Space was pressed and released without dragging the picture.
        legend_wanted: whether the digit legend should be shown.
        key_coming: a key was pressed and its shortcut is about to be looked up.
    """

    key_coming = Signal()
    space_tapped = Signal()
    legend_wanted = Signal(bool)

    def __init__(self, window: QWidget, panning: Panning) -> None:
        super().__init__(window)
        self._window, self._panning = window, panning
        self._legend_timer = QTimer(self, singleShot=True, interval=_LEGEND_AFTER_MS)
        self._legend_timer.timeout.connect(self._show_legend)
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Look at keys before anyone else; True for those that stop here."""
        kind = event.type()
        if kind in (QEvent.Type.WindowDeactivate, QEvent.Type.MouseButtonPress):
            self._hide_legend()
        if not isinstance(event, QKeyEvent):
            return False
        if kind == QEvent.Type.ShortcutOverride:
            self.key_coming.emit()
        if event.key() == Qt.Key.Key_Space and not event.modifiers() and self._is_for_us(watched):
            return self._space(kind, event)
        if kind == QEvent.Type.KeyPress:
            self._watch_control(event)
        elif kind == QEvent.Type.KeyRelease and event.key() == Qt.Key.Key_Control:
            self._hide_legend()
        return False

    def _is_for_us(self, watched: QObject) -> bool:
        # Key events visit the window object first; only the widget that has the focus counts.
        if not isinstance(watched, QWidget) or QApplication.activeModalWidget() is not None:
            return False
        has_own = isinstance(watched, _OWN_SPACE) or watched.property(OWN_SPACE)
        return watched.window() is self._window and not has_own

    def _space(self, kind: QEvent.Type, event: QKeyEvent) -> bool:
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._panning.space_held, self._panning.moved_with_space = True, False
        elif kind == QEvent.Type.KeyRelease and not event.isAutoRepeat() and self._panning.space_held:
            self._panning.space_held = False
            if not self._panning.moved_with_space:
                self.space_tapped.emit()
        return True

    def _watch_control(self, event: QKeyEvent) -> None:
        alone = event.key() == Qt.Key.Key_Control and QApplication.activeModalWidget() is None
        if alone and not event.isAutoRepeat():
            self._legend_timer.start()
        elif event.key() != Qt.Key.Key_Control:
            self._legend_timer.stop()

    def _show_legend(self) -> None:
        self.legend_wanted.emit(True)

    def _hide_legend(self) -> None:
        self._legend_timer.stop()
        self.legend_wanted.emit(False)
