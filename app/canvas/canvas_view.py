"""The canvas widget: one frame with its masks, zoomed and panned. What it shows is decided by the controller."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.canvas.labels import label_font, paint_labels, place_labels
from app.canvas.navigation import Panning, zoom_factor
from app.canvas.note_pins import NotePins
from app.canvas.notice import Legend, paint_legend, paint_notice
from app.canvas.overlay import PIXEL_ZOOM, OverlayStyle, render_overlay
from app.canvas.scene import DrawnInstance, Scene
from app.canvas.tools.tool import Tool
from app.canvas.trails import paint_trails
from app.canvas.view_transform import ViewTransform
from app.document.records import Note, NotePlace
from app.notes import note_tip
from app.theme import color


class CanvasView(QWidget):
    """Paints one frame and its masks.

    Signals:
        view_changed: zoom or position changed.
        track_hovered: track id under the cursor, or None.
        menu_requested: global position of a right click, and whether a key asked instead.
        escaped: Escape was pressed and the tool had nothing to drop.
    """

    view_changed = Signal()
    track_hovered = Signal(object)
    menu_requested = Signal(object, bool)
    escaped = Signal()

    def __init__(self, scene: Scene, tool: Tool, pins: NotePins, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene, self.tool, self.pins = scene, tool, pins
        pins.changed.connect(self.update)
        self.panning = Panning()
        self.accepts_edits = False
        self._legend: Legend | None = None
        self._image: QImage | None = None
        self._view = ViewTransform(QSize(1, 1))
        self._fits = True
        self._style, self._shows_labels = OverlayStyle(), True
        self._overlay: QImage | None = None
        self._notice, self._is_over_pin = "", False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setObjectName("canvas")

    @property
    def view(self) -> ViewTransform:
        """Where image pixels are."""
        return self._view

    @property
    def image(self) -> QImage | None:
        """The frame that is painted, without masks."""
        return self._image

    def show_image(self, image: QImage | None, pixel_aspect: float) -> None:
        """Paint another frame; a frame of another shape is fitted into the view."""
        self._image = image
        if image is not None and (image.size() != self._view.image_size or pixel_aspect != self._view.pixel_aspect):
            self._view = ViewTransform(image.size(), pixel_aspect)
            self.fit()
        self.redraw_masks()

    def redraw_masks(self) -> None:
        """Masks, selection or visibility changed."""
        self._overlay = None
        self.update()

    def set_style(self, style: OverlayStyle, shows_labels: bool) -> None:
        """Change how masks look."""
        if style != self._style or shows_labels != self._shows_labels:
            self._style, self._shows_labels = style, shows_labels
            self.redraw_masks()

    def set_tool(self, tool: Tool) -> None:
        """Use the mouse in another way."""
        self.tool.cancel()
        self.tool = tool
        self.setCursor(tool.cursor())
        self.redraw_masks()

    def set_notice(self, text: str) -> None:
        """Say in a line over the picture what is being waited for; empty for nothing."""
        if text != self._notice:
            self._notice = text
            self.update()

    @property
    def legend(self) -> Legend | None:
        """Which digit is which track, while that is shown."""
        return self._legend

    def show_legend(self, legend: Legend | None) -> None:
        """Show which digit is which track; None hides it."""
        if legend != self._legend:
            self._legend = legend
            self.update()

    def set_view(self, view: ViewTransform, fits: bool = False) -> None:
        """Show another part, larger or smaller; one that `fits` goes on fitting when the window is resized."""
        self._view, self._fits = view, fits
        self.redraw_masks()
        self.view_changed.emit()

    def fit(self) -> None:
        """The whole frame, as large as it goes."""
        self.set_view(self._view.fitted(self.size()), fits=True)

    def centre_on(self, point: QPointF) -> None:
        """Bring a point of the image into the middle; where the whole frame is shown, nothing needs to move."""
        if not self._fits:
            by = QRectF(self.rect()).center() - self._view.to_widget(point)
            self.set_view(self._view.panned(by, self.size()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a widget point, or around the middle."""
        self.set_view(self._view.zoomed(factor, at if at is not None else QRectF(self.rect()).center()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Frame, masks, labels, tool, notes, words: in this order."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), color("canvas"))
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._view.zoom < PIXEL_ZOOM)
            painter.drawImage(self._view.shown_rect, self._image)
            self._paint_masks(painter)
        area = QRectF(self.rect())
        if self._image is not None:
            self.pins.paint(painter, self._view, area)
        if self._legend is not None:
            paint_legend(painter, area, self._legend)
        if self._notice:
            paint_notice(painter, area, self._notice)
        painter.end()

    def _paint_masks(self, painter: QPainter) -> None:
        shown = [drawn for drawn in self.scene.visible() if drawn.track_id != self.tool.edited_track_id]
        if self._overlay is None:
            self._overlay = render_overlay(shown, self._view, self.size(), self.devicePixelRatioF(), self._style)
            if self.scene.trails.length:
                scene = self.scene
                paint_trails(self._overlay, scene.visible_trails(), self._view, scene.trails.length, scene.trail_color)
        painter.drawImage(QPointF(0, 0), self._overlay)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.tool.paint(painter, self._view)
        if self._shows_labels:
            painter.setFont(label_font(self.font()))
            chips = place_labels(shown, self._view, QRectF(self.rect()), QFontMetricsF(painter.font()))
            paint_labels(painter, shown, chips, self._style.selection)
            painter.setFont(self.font())

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Keep a fitted frame fitted, another one in its place."""
        if self._fits:
            self.fit()
        else:
            self.redraw_masks()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; with Alt the tool may want it."""
        self.zoom_by(zoom_factor(event), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pan, take a note, or let the tool have it."""
        if self.panning.press(event):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() != Qt.MouseButton.LeftButton or not self.accepts_edits:
            return
        elif not self.pins.press(event.position(), self._view, QRectF(self.rect())):
            self.tool.press(self._view.to_image(event.position()), event.modifiers())
            self.redraw_masks()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, drag a note, hover, or let the tool have it."""
        by = self.panning.move(event)
        if by is not None:
            self.set_view(self._view.panned(by, self.size()))
            return
        if self.pins.move(event.position(), self._view):
            return
        point = self._view.to_image(event.position())
        if not event.buttons():
            self._hover(event.position(), point)
        if self.accepts_edits and self.tool.move(point, event.modifiers()):
            self.update()

    def _hover(self, at: QPointF, point: QPointF) -> None:
        """Say what is under the mouse: a note, else a track; `at` in px of the widget, `point` of the image."""
        is_pin = self.pins.hover(at if self.accepts_edits else None, self._view, QRectF(self.rect()))
        if is_pin != self._is_over_pin:
            self._is_over_pin = is_pin
            self.setCursor(Qt.CursorShape.PointingHandCursor if is_pin else self.tool.cursor())
        drawn = self.scene.at(point.x(), point.y()) if self.accepts_edits and not is_pin else None
        self.track_hovered.emit(drawn.track_id if drawn is not None else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or let the tool have it."""
        if self.panning.release(event):
            self.setCursor(self.tool.cursor())
        elif event.button() == Qt.MouseButton.LeftButton and not self.pins.release():
            self.tool.release(self._view.to_image(event.position()), event.modifiers())
            self.redraw_masks()

    def leaveEvent(self, _event: QEvent) -> None:
        """Nothing is hovered any more."""
        self.pins.hover(None, self._view, QRectF(self.rect()))
        self.track_hovered.emit(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of what is under the cursor; of the selection when it is asked for by key."""
        if self.accepts_edits:
            self.menu_requested.emit(event.globalPos(), event.reason() is QContextMenuEvent.Reason.Keyboard)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys of the tool; everything else is an action's."""
        if event.key() == Qt.Key.Key_Escape and self.pins.cancel():
            return
        if self.tool.key(event.key()):
            self.redraw_masks()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Say what is under a resting cursor."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def tip_at(self, point: QPointF) -> str:
        """What hovering says at a widget point; empty for nothing."""
        note = self.note_at(point)
        if note is not None:
            return note_tip(note)
        drawn = self.instance_at(point)
        return self.scene.tooltip(drawn) if drawn is not None else ""

    def note_at(self, point: QPointF) -> Note | None:
        """The note whose mark is at a widget point."""
        return self.pins.at(point, self._view, QRectF(self.rect())) if self._image is not None else None

    def place_at(self, point: QPointF) -> NotePlace | None:
        """The place in the picture at a widget point, None beside it; to a tenth of a pixel of the image."""
        at, size = self._view.to_image(point), self._view.image_size
        is_inside = 0 <= at.x() <= size.width() and 0 <= at.y() <= size.height()
        return NotePlace(round(at.x(), 1), round(at.y(), 1)) if is_inside else None

    def instance_at(self, point: QPointF) -> DrawnInstance | None:
        """The topmost visible instance at a widget point."""
        at = self._view.to_image(point)
        return self.scene.at(at.x(), at.y()) if self._image is not None else None
