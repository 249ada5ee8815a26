"""Asks for a frame number; Enter goes there."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QWidget

from app.dialogs.form_parts import NumberBox, set_dialog_margins


class GoToFrame(QDialog):
    """A small window with one number.

    Signals:
        frame_chosen: 0-based frame index.
    """

    frame_chosen = Signal(int)

    def __init__(self, frame_index: int, frame_count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Go to frame")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._number = NumberBox(minimum=0, maximum=frame_count - 1, value=frame_index)
        self._number.setMinimumWidth(110)
        self._number.selectAll()
        layout = QHBoxLayout(self)
        set_dialog_margins(layout)
        layout.addWidget(QLabel("Frame"))
        layout.addWidget(self._number)
        layout.addWidget(QLabel(f"of 0 to {frame_count - 1}"))
        self._number.lineEdit().returnPressed.connect(self.accept)
        self._number.setFocus()

    def accept(self) -> None:
        """Hand the number over and close."""
        self._number.interpretText()
        self.frame_chosen.emit(self._number.value())
        super().accept()
