"""Above the queue: find videos by name, list only some, put them in another order."""

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from app import theme
from app.panels.queue_model import QueueOrder, QueueShare, QueueView

_MARGIN = 12


class QueueTools(QWidget):
    """A line to type in and a menu; a mark on the button says that not all is listed, or in another order.

    Signals:
        changed: the `QueueView` that is wanted now.
        left: Enter or Esc was pressed in the line.
    """

    changed = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = QueueView()
        self._line = QLineEdit(placeholderText="Find a video", clearButtonEnabled=True)
        self._line.setObjectName("queueSearch")
        self._line.setAccessibleName("Part of the name of a video")
        self._line.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._line.textChanged.connect(self._find)
        self._line.installEventFilter(self)
        self._button = QToolButton()
        self._button.setObjectName("queueMenu")
        self._button.setToolTip("Which videos are listed, and in which order")
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._orders = self._group(menu, QueueOrder)
        menu.addSeparator()
        self._shares = self._group(menu, QueueShare)
        self._button.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        layout.setSpacing(4)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._button)
        theme.theme_changes().changed.connect(self._restyle)
        self._restyle()

    def clear(self) -> None:
        """List everything in the order in which it was added."""
        for group in (self._orders, self._shares):
            group.actions()[0].setChecked(True)
        self._line.blockSignals(True)
        self._line.clear()
        self._line.blockSignals(False)
        self._set(QueueView())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Enter and Esc give the keys back to the commands; Esc finds everything again."""
        if watched is self._line and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._line.clear()
            if event.key() in {Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self.left.emit()
                return True
        return super().eventFilter(watched, event)

    def _group(self, menu: QMenu, choices: type[QueueOrder] | type[QueueShare]) -> QActionGroup:
        group = QActionGroup(menu)
        for choice in choices:
            action = menu.addAction(choice.value)
            action.setCheckable(True)
            action.setData(choice)
            group.addAction(action)
        group.actions()[0].setChecked(True)
        group.triggered.connect(self._choose)
        return group

    def _choose(self, action: QAction) -> None:
        choice = action.data()
        name = "order" if isinstance(choice, QueueOrder) else "share"
        self._set(replace(self._view, **{name: choice}))

    def _find(self, text: str) -> None:
        self._set(replace(self._view, text=text))

    def _set(self, view: QueueView) -> None:
        self._view = view
        self._restyle()
        self.changed.emit(self._view)

    def _restyle(self) -> None:
        is_special = replace(self._view, text="") != QueueView()
        colour = theme.current_theme().accent if is_special else None
        self._button.setIcon(theme.icon("mdi6.sort-variant", colour) if colour else theme.icon("mdi6.sort-variant"))
