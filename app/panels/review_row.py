"""Draws a row of the review list: pictures before and after, reason and proposal."""

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app import theme
from app.document.confirmation import percent_words
from app.document.suspicions import Suspicion
from app.panels.review_model import PICTURE_SIZE, PICTURES_ROLE, SUSPICION_ROLE
from app.review import Review

_HEIGHT = 66
_MARGIN, _GAP = 12, 3
_LINE = 17
_Index = QModelIndex | QPersistentModelIndex


class ReviewRowDelegate(QStyledItemDelegate):
    """Rows of suspicions; the current one of the review stands out."""

    def __init__(self, review: Review, parent: QWidget) -> None:
        super().__init__(parent)
        self._review = review

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: D102 - Qt's
        return QSize(200, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:  # noqa: D102
        painter.save()
        area: QRect = option.rect
        suspicion: Suspicion = index.data(SUSPICION_ROLE)
        is_current = self._is_current(index)
        if is_current or option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, theme.color("selection" if is_current else "raised"))
        if is_current:
            painter.fillRect(area.left(), area.top(), 3, area.height(), theme.color("warning"))
        corner = area.topLeft() + QPoint(_MARGIN, 10)
        for picture in index.data(PICTURES_ROLE):
            _paint_picture(painter, QRect(corner, PICTURE_SIZE), picture)
            corner += QPoint(PICTURE_SIZE.width() + _GAP, 0)
        _paint_words(painter, _text_area(area), suspicion)
        painter.restore()

    def _is_current(self, index: _Index) -> bool:
        current = self._review.current
        # The very object: comparing all fields in every row of a long list takes time.
        return current is not None and index.data(SUSPICION_ROLE) is current


def _text_area(row: QRect) -> QRect:
    left = row.left() + _MARGIN + 2 * (PICTURE_SIZE.width() + _GAP) + 7
    return QRect(left, row.top() + 6, row.right() - left - _MARGIN, 3 * _LINE)


def _paint_words(painter: QPainter, area: QRect, suspicion: Suspicion) -> None:
    # "2 and 5 may have swapped: they crossed" gives the reason of the reason on the second line.
    what, _, why = suspicion.reason.partition(": ")
    where = f"frame {suspicion.frame_index} · {percent_words(suspicion.confidence)}"
    usual = painter.font()
    small = QFont(usual)
    small.setPixelSize(11)
    lines = (
        (usual, "text", what),
        (small, "muted", f"{where} · {why or suspicion.detail}"),
        (
            small,
            "text" if suspicion.proposal else "muted",
            f"→ {suspicion.proposal_text or 'look and correct by hand'}",
        ),
    )
    for position, (font, color, words) in enumerate(lines):
        painter.setFont(font)
        painter.setPen(theme.color(color))
        line = QRect(area.left(), area.top() + position * _LINE, area.width(), _LINE)
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown)
    painter.setFont(usual)


def _paint_picture(painter: QPainter, area: QRect, picture: QPixmap | None) -> None:
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    frame = QPainterPath()
    frame.addRoundedRect(QRectF(area), 3, 3)
    painter.fillPath(frame, theme.color("canvas"))
    if picture is not None and not picture.isNull():
        painter.setClipPath(frame)
        size = picture.deviceIndependentSize().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        target = QRectF(0, 0, size.width(), size.height())
        target.moveCenter(QRectF(area).center())
        painter.drawPixmap(target, picture, QRectF(picture.rect()))
    painter.restore()
