"""Paints all masks of a frame into one image of the size of the view; repainting is then one blit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.canvas.mask_shape import MaskShape, pixel_edges
from app.canvas.scene import DrawnInstance
from app.canvas.view_transform import ViewTransform
from app.video.qimage import blank_overlay, premultiplied_bgra, qimage_of_mask

# From this zoom on single pixels can be told apart, and masks are drawn pixel by pixel.
PIXEL_ZOOM = 5.0
# cv2 takes polygon coordinates as integers with so many bits behind the point.
_SHIFT = 4
_FIXED = 1 << _SHIFT
# Outlines may be off by this much, in fixed-point units; half a pixel can't be seen and halves the time.
_TOLERANCE = 0.4 * _FIXED
# cv2 clips lines itself but wraps beyond 2^31 fixed-point units.
_FAR = 2**26


@dataclass(frozen=True)
class OverlayStyle:
    """How masks look.

    Attributes:
        opacity: of the fill in [0, 1].
        contours: whether outlines are drawn.
        selection: track ids drawn stronger.
        hovered: track id under the cursor, or None.
    """

    opacity: float = 0.45
    contours: bool = True
    selection: frozenset[int] = frozenset()
    hovered: int | None = None

    def fill_alpha(self, drawn: DrawnInstance) -> int:
        """Alpha of an instance's fill from 0 to 255; a box without mask has none."""
        if drawn.instance.is_box:
            return 0
        track_id = drawn.track_id
        lift = 0.15 if track_id == self.hovered else 0.0
        lift += 0.08 if track_id in self.selection else 0.0
        return round(255 * min(1.0, self.opacity + (lift if self.opacity > 0 else 0.0)))

    def line_width(self, drawn: DrawnInstance) -> int:
        """Width of an instance's outline in logical px."""
        if not self.contours and not drawn.instance.is_box:
            return 0
        return 3 if drawn.track_id in self.selection else 2


def render_overlay(
    instances: Sequence[DrawnInstance], view: ViewTransform, size: QSize, ratio: float, style: OverlayStyle
) -> QImage:
    """All masks as one translucent image.

    Args:
        instances: in drawing order.
        view: image px to logical px.
        size: of the view in logical px.
        ratio: device px per logical px.
        style: how they look.
    """
    if view.zoom * ratio >= PIXEL_ZOOM:
        image = _render_pixels(instances, view, size, ratio, style)
    else:
        image = _render_smooth(instances, view, size, ratio, style)
    image.setDevicePixelRatio(ratio)
    return image


def _render_smooth(
    instances: Sequence[DrawnInstance], view: ViewTransform, size: QSize, ratio: float, style: OverlayStyle
) -> QImage:
    import cv2

    image, pixels = blank_overlay(round(size.width() * ratio), round(size.height() * ratio))
    # Under an outline nobody sees whether the edge of the fill is smooth.
    fill_edge = cv2.LINE_8 if style.contours else cv2.LINE_AA
    for drawn in instances:
        polygons = [cv2.approxPolyDP(_to_fixed(o, view, ratio), _TOLERANCE, True) for o in drawn.shape.outlines]
        alpha = style.fill_alpha(drawn)
        if alpha:
            cv2.fillPoly(pixels, polygons, premultiplied_bgra(drawn.color, alpha), fill_edge, _SHIFT)
        width = round(style.line_width(drawn) * ratio)
        if width:
            line = premultiplied_bgra(drawn.color, 255)
            cv2.polylines(pixels, polygons, True, line, width, cv2.LINE_AA, _SHIFT)
    return image


def _to_fixed(outline: NDArray[np.float32], view: ViewTransform, ratio: float) -> NDArray[np.int32]:
    scale = np.array([view.zoom * view.pixel_aspect, view.zoom], dtype=np.float64) * ratio
    # cv2's pixel (0, 0) has its middle at 0, ours at 0.5.
    offset = np.array([view.left, view.top], dtype=np.float64) * ratio - 0.5
    return np.clip((outline * scale + offset) * _FIXED, -_FAR, _FAR).astype(np.int32)


def _render_pixels(
    instances: Sequence[DrawnInstance], view: ViewTransform, size: QSize, ratio: float, style: OverlayStyle
) -> QImage:
    image = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.scale(ratio, ratio)
    visible = QRectF(view.to_image(QPointF(0, 0)), view.to_image(QPointF(size.width(), size.height())))
    for drawn in instances:
        color = QColor(drawn.color)
        color.setAlpha(style.fill_alpha(drawn))
        box = drawn.shape.box
        target = view.qtransform().mapRect(QRectF(box.x, box.y, box.width, box.height))
        painter.drawImage(target, qimage_of_mask(drawn.shape.mask, color))
        width = style.line_width(drawn)
        if width:
            painter.setPen(QPen(drawn.color, width))
            painter.drawLines(_edge_lines(drawn.shape, view, visible))
    painter.end()
    return image


def _edge_lines(shape: MaskShape, view: ViewTransform, visible: QRectF) -> list[QLineF]:
    edges = pixel_edges(shape)
    inside = (edges[:, 2] >= visible.left()) & (edges[:, 0] <= visible.right())
    inside &= (edges[:, 3] >= visible.top()) & (edges[:, 1] <= visible.bottom())
    scale = np.array([view.zoom * view.pixel_aspect, view.zoom] * 2)
    shown = edges[inside] * scale + np.array([view.left, view.top] * 2)
    return [QLineF(*segment) for segment in shown.tolist()]
