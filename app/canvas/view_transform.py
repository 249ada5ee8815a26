"""Where an image pixel is on the canvas, and back. Pure arithmetic; points are (x, y)."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QTransform

MIN_ZOOM, MAX_ZOOM = 0.05, 64.0
# So much of the view always keeps showing the picture, however far it is dragged, in logical pixels.
_KEPT_VISIBLE = 48.0


@dataclass(frozen=True)
class ViewTransform:
    """Image pixels to widget pixels.

    Attributes:
        image_size: coded size of the frame in px.
        pixel_aspect: width over height of one image pixel.
        zoom: widget px per image px, vertically; horizontally `zoom * pixel_aspect`.
        left: widget x of the image's left edge.
        top: widget y of the image's top edge.
    """

    image_size: QSize
    pixel_aspect: float = 1.0
    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def shown_size(self) -> QSizeF:
        """Size of the whole picture in widget px."""
        width = self.image_size.width() * self.zoom * self.pixel_aspect
        return QSizeF(width, self.image_size.height() * self.zoom)

    @property
    def shown_rect(self) -> QRectF:
        """The whole picture in widget px."""
        return QRectF(QPointF(self.left, self.top), self.shown_size)

    def to_image(self, point: QPointF) -> QPointF:
        """Widget px to image px; pixel (0, 0) covers [0, 1) x [0, 1)."""
        return QPointF((point.x() - self.left) / (self.zoom * self.pixel_aspect), (point.y() - self.top) / self.zoom)

    def to_widget(self, point: QPointF) -> QPointF:
        """Image px to widget px."""
        return QPointF(point.x() * self.zoom * self.pixel_aspect + self.left, point.y() * self.zoom + self.top)

    def qtransform(self) -> QTransform:
        """The same as a matrix."""
        return QTransform(self.zoom * self.pixel_aspect, 0.0, 0.0, self.zoom, self.left, self.top)

    def fitted(self, view: QSize, margin: float = 12.0) -> "ViewTransform":
        """The whole picture in the middle of the view, as large as it goes."""
        width, height = self.image_size.width() * self.pixel_aspect, self.image_size.height()
        zoom = min((view.width() - 2 * margin) / max(1.0, width), (view.height() - 2 * margin) / max(1, height))
        return replace(self, zoom=_clipped(zoom)).centred(view)

    def centred(self, view: QSize) -> "ViewTransform":
        """The picture's middle in the middle of the view."""
        size = self.shown_size
        return replace(self, left=(view.width() - size.width()) / 2, top=(view.height() - size.height()) / 2)

    def zoomed(self, factor: float, at: QPointF) -> "ViewTransform":
        """Larger or smaller; the image point under widget point `at` stays there."""
        zoom = _clipped(self.zoom * factor)
        ratio = zoom / self.zoom
        return replace(
            self, zoom=zoom, left=at.x() - (at.x() - self.left) * ratio, top=at.y() - (at.y() - self.top) * ratio
        )

    def panned(self, by: QPointF, view: QSize) -> "ViewTransform":
        """Moved by widget px, but never out of sight."""
        size = self.shown_size
        left = min(max(self.left + by.x(), _KEPT_VISIBLE - size.width()), view.width() - _KEPT_VISIBLE)
        top = min(max(self.top + by.y(), _KEPT_VISIBLE - size.height()), view.height() - _KEPT_VISIBLE)
        return replace(self, left=left, top=top)


def _clipped(zoom: float) -> float:
    return min(max(zoom, MIN_ZOOM), MAX_ZOOM)
