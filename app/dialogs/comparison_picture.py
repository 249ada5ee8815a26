"""One frame twice, side by side: what the old weights find in it, and what the new ones do."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.canvas.labels import label_font, paint_labels, place_labels
from app.canvas.mask_shape import mask_shape
from app.canvas.overlay import OverlayStyle, render_overlay
from app.canvas.scene import DrawnInstance
from app.canvas.view_transform import ViewTransform
from app.document.records import Instance, Origin, Video
from app.training.comparison import Comparison, Named
from app.video.qimage import qimage_of_rgb

_GAP, _TITLE = 8, 22


class ComparisonPicture(QWidget):
    """Paints the frame of a `Comparison` as the canvas would; nothing where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparisonPicture")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image = QImage()
        self._pixel_aspect = 1.0
        self._sides: dict[str, list[DrawnInstance]] = {}
        theme.theme_changes().changed.connect(self._repaint)

    def show_comparison(self, comparison: Comparison) -> None:
        """Draw the frame of greatest difference."""
        difference = comparison.difference
        if difference is None or comparison.picture is None:
            self._image, self._sides = QImage(), {}
        else:
            self._image, self._pixel_aspect = qimage_of_rgb(comparison.picture), difference.video.pixel_aspect
            sides = {"old": difference.old, "new": difference.new}
            self._sides = {
                name: _drawn(difference.video, difference.frame_index, found) for name, found in sides.items()
            }
        words = [f"{name}: {', '.join(d.label for d in drawn) or 'nothing'}" for name, drawn in self._sides.items()]
        self.setAccessibleName("; ".join(words))
        self.update()

    def sizeHint(self) -> QSize:
        """Two frames beside each other, large enough to be compared."""
        return QSize(760, 240)

    def minimumSizeHint(self) -> QSize:
        """Smaller, masks cannot be told apart."""
        return QSize(400, 150)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Left the old side, right the new one."""
        if self._image.isNull():
            return
        painter = QPainter(self)
        width = (self.width() - _GAP) // 2
        for column, (name, drawn) in enumerate(self._sides.items()):
            area = QRect(column * (width + _GAP), 0, width, self.height())
            painter.setPen(theme.color("muted"))
            painter.drawText(area.adjusted(0, 0, 0, _TITLE - area.height()), Qt.AlignmentFlag.AlignCenter, name)
            painter.save()
            painter.translate(QPoint(area.left(), _TITLE))
            self._paint_side(painter, drawn, area.size() - QSize(0, _TITLE))
            painter.restore()

    def _paint_side(self, painter: QPainter, drawn: Sequence[DrawnInstance], size: QSize) -> None:
        view = ViewTransform(self._image.size(), self._pixel_aspect).fitted(size, margin=0)
        view = ViewTransform(view.image_size, view.pixel_aspect, view.zoom, view.left, 0.0)
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        painter.drawImage(view.shown_rect, self._image)
        overlay = render_overlay(drawn, view, size, self.devicePixelRatioF(), OverlayStyle())
        painter.drawImage(QPointF(0, 0), overlay)
        painter.setFont(label_font(self.font()))
        chips = place_labels(drawn, view, QRectF(view.shown_rect), QFontMetricsF(painter.font()))
        paint_labels(painter, drawn, chips, frozenset())

    def _repaint(self) -> None:
        self.update()


def _drawn(video: Video, frame_index: int, found: Sequence[Named]) -> list[DrawnInstance]:
    """Ready to draw, large ones first so that small ones lie on top."""
    drawn = []
    for named in found:
        shape = mask_shape(named.rle)
        if shape is not None:
            place = (0, video.video_id, frame_index, named.track_id)
            instance = Instance(*place, named.rle, 1.0, Origin.MODEL, False, shape.area, shape.box, 0)
            label = f"{named.track_id} {named.class_name}"
            drawn.append(DrawnInstance(instance, shape, theme.track_color(named.track_id), label))
    return sorted(drawn, key=lambda one: -one.shape.area)
