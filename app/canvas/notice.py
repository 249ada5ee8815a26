"""Words over the picture: what is being waited for, and which digit means which track while Ctrl is held."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.theme import color, text_on

_PAD = 10.0
_BACKDROP_ALPHA = 225


class LegendEntry(NamedTuple):
    """One digit key: what it stands for and in which colour."""

    digit: int
    text: str
    color: QColor


class Legend(NamedTuple):
    """What the digits do now, and with which track each does it."""

    title: str
    entries: Sequence[LegendEntry]


def paint_notice(painter: QPainter, area: QRectF, text: str) -> None:
    """A pill with one line in the middle of the lower edge of `area`."""
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, area.width() - 4 * _PAD)
    size_x, size_y = metrics.horizontalAdvance(text) + 2 * _PAD, metrics.height() + _PAD
    pill = QRectF(area.center().x() - size_x / 2, area.bottom() - size_y - 16, size_x, size_y)
    _backdrop(painter, pill, size_y / 2)
    painter.setPen(color("text"))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)


def paint_legend(painter: QPainter, area: QRectF, legend: Legend) -> None:
    """A card in the upper left corner: a digit, a swatch and a track per row."""
    title, entries = legend
    metrics = QFontMetricsF(painter.font())
    row = metrics.height() + 6
    width = max([metrics.horizontalAdvance(title)] + [metrics.horizontalAdvance(e.text) + 48 for e in entries])
    card = QRectF(area.left() + 14, area.top() + 14, width + 2 * _PAD, row * (len(entries) + 1) + 2 * _PAD)
    _backdrop(painter, card, 8)
    painter.setPen(color("muted"))
    line = QRectF(card.left() + _PAD, card.top() + _PAD, card.width() - 2 * _PAD, row)
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
    for entry in entries:
        line.translate(0, row)
        _legend_row(painter, line, entry)


def _legend_row(painter: QPainter, line: QRectF, entry: LegendEntry) -> None:
    key = QRectF(line.left(), line.center().y() - 9, 18, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(entry.color)
    painter.drawRoundedRect(key, 4, 4)
    painter.setPen(text_on(entry.color.name()))
    painter.drawText(key, Qt.AlignmentFlag.AlignCenter, str(entry.digit))
    painter.setPen(color("text"))
    text_at = QRectF(QPointF(key.right() + 10, line.top()), line.bottomRight())
    painter.drawText(text_at, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, entry.text)


def _backdrop(painter: QPainter, rect: QRectF, radius: float) -> None:
    backdrop = color("panel")
    backdrop.setAlpha(_BACKDROP_ALPHA)
    painter.setPen(color("border"))
    painter.setBrush(backdrop)
    painter.drawRoundedRect(rect, radius, radius)
