"""Label chips over the masks: "2 elephant" on the track's colour, kept in view and off each other."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from app.canvas.scene import DrawnInstance
from app.canvas.view_transform import ViewTransform
from app.theme import current_theme, text_on

_PAD_X, _PAD_Y, _GAP = 6.0, 2.0, 4.0
_RADIUS = 3.0


def label_font(base: QFont) -> QFont:
    """Font of the chips."""
    font = QFont(base)
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def place_labels(
    instances: Sequence[DrawnInstance], view: ViewTransform, area: QRectF, metrics: QFontMetricsF
) -> dict[int, QRectF]:
    """A chip rectangle in widget px for every track that is in view.

    Each hangs over the top of its mask; one that would cover an earlier one moves up, at the upper edge down.
    """
    placed: dict[int, QRectF] = {}
    for drawn in instances:
        box = drawn.shape.box
        shown = view.qtransform().mapRect(QRectF(box.x, box.y, box.width, box.height))
        if not shown.intersects(area):
            continue
        width = metrics.horizontalAdvance(drawn.label) + 2 * _PAD_X
        height = metrics.height() + 2 * _PAD_Y
        top = view.to_widget(QPointF(*drawn.shape.peak))
        chip = QRectF(top.x() - width / 2, top.y() - height - _GAP, width, height)
        placed[drawn.track_id] = _free_place(_kept_inside(chip, area), list(placed.values()), area)
    return placed


def paint_labels(
    painter: QPainter, instances: Sequence[DrawnInstance], chips: dict[int, QRectF], selection: frozenset[int]
) -> None:
    """Draw the chips; those of selected tracks get a ring."""
    for drawn in instances:
        chip = chips.get(drawn.track_id)
        if chip is None:
            continue
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(drawn.color)
        painter.drawRoundedRect(chip, _RADIUS, _RADIUS)
        if drawn.track_id in selection:
            painter.setPen(QPen(text_on(current_theme().canvas), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(chip.adjusted(-1.5, -1.5, 1.5, 1.5), _RADIUS + 1, _RADIUS + 1)
        painter.setPen(text_on(drawn.color.name()))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, drawn.label)


def _kept_inside(chip: QRectF, area: QRectF) -> QRectF:
    chip = QRectF(chip)
    chip.moveLeft(min(max(chip.left(), area.left() + 2), area.right() - chip.width() - 2))
    chip.moveTop(min(max(chip.top(), area.top() + 2), area.bottom() - chip.height() - 2))
    return chip


def _free_place(chip: QRectF, taken: Sequence[QRectF], area: QRectF) -> QRectF:
    for direction in (-1, 1):
        moved = QRectF(chip)
        for _ in range(len(taken) + 1):
            hit = next((other for other in taken if other.intersects(moved)), None)
            if hit is None:
                return moved
            moved.moveTop(hit.top() - moved.height() - 2 if direction < 0 else hit.bottom() + 2)
            if moved.top() < area.top() or moved.bottom() > area.bottom():
                break
    return chip
