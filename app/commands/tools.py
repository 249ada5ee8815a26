"""Which canvas tool has the mouse."""

from PySide6.QtCore import QObject

from app.canvas.canvas_controller import CanvasController
from app.session import Session


class ToolCommands(QObject):
    """Handlers of the tool actions."""

    def __init__(self, session: Session, canvas: CanvasController, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._canvas = session, canvas

    @property
    def tool_id(self) -> str:
        """select, brush, eraser, polygon or follow."""
        return self._session.tool_id

    def use(self, tool_id: str) -> None:
        """Give the mouse to a tool."""
        self._session.set_tool(tool_id)
        self._session.message.emit(self._canvas.view.tool.hint)
        self._canvas.view.setFocus()

    def toggle_brush(self) -> None:
        """Into mask editing, or back to selecting."""
        self.use("brush" if self._session.tool_id == "select" else "select")

    def cut_polygon(self) -> None:
        """Close the polygon and take it out of the mask."""
        if self._session.tool_id == "polygon":
            self._canvas.polygon.cut_out()
            self._canvas.view.redraw_masks()

    def resize_brush(self, steps: int) -> None:
        """A smaller or larger brush."""
        self._canvas.brush.resize(steps)
        self._canvas.eraser.radius = self._canvas.brush.radius
        self._session.message.emit(f"Brush {2 * self._canvas.brush.radius:.0f} px wide")
        self._canvas.view.update()
