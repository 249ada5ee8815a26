"""What a canvas tool is: mouse events in, at most one Edit out on release; Escape cancels."""

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QPainter

from app.canvas.view_transform import ViewTransform


class Tool(Protocol):
    """One way to use the mouse on the canvas; points are (x, y) in image px."""

    @property
    def hint(self) -> str:
        """One line for the status bar."""

    @property
    def edited_track_id(self) -> int | None:
        """Track whose mask the tool paints itself, or None."""

    def cursor(self) -> QCursor:
        """Shape of the mouse cursor."""

    def press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The left button went down."""

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """The mouse moved, with or without the button; True when the tool must be painted again."""

    def release(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The left button went up."""

    def key(self, key: int) -> bool:
        """A key of the tool's own; True when it was used."""

    def cancel(self) -> None:
        """Forget what was begun."""

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """Draw what is being made, in widget px."""
