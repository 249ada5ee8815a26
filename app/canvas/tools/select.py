"""The select tool: a click selects a track, with Shift or Ctrl adds or removes it, on nothing clears."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QPainter

from app.canvas.scene import Scene
from app.canvas.view_transform import ViewTransform
from app.session import Session

_ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class SelectTool:
    """Picks tracks."""

    hint = "Click a mask to select its track; Shift or Ctrl adds"

    def __init__(self, session: Session, scene: Scene) -> None:
        self._session, self._scene = session, scene
        self.edited_track_id: int | None = None

    def cursor(self) -> QCursor:
        """An arrow."""
        return QCursor(Qt.CursorShape.ArrowCursor)

    def press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Select at once: waiting for the release feels slow."""
        drawn = self._scene.at(point.x(), point.y())
        adds = bool(modifiers & _ADDING)
        if drawn is None:
            if not adds:
                self._session.select(())
        elif adds:
            self._session.select(self._session.selection ^ {drawn.track_id})
        else:
            self._session.select({drawn.track_id})

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Nothing to draw."""
        return False

    def release(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Done at the press."""

    def key(self, key: int) -> bool:
        """Escape clears the selection."""
        if key == Qt.Key.Key_Escape and self._session.selection:
            self._session.select(())
            return True
        return False

    def cancel(self) -> None:
        """Nothing is ever half done."""

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """Nothing to draw."""
