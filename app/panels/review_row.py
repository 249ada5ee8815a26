"""Draws a row of the review list: pictures before and after, reason, proposal; the two buttons of the current one."""

from typing import NamedTuple

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app import theme
from app.document.confirmation import percent_words
from app.document.suspicions import Suspicion
from app.panels.review_model import PICTURE_SIZE, PICTURES_ROLE, SUSPICION_ROLE
from app.review import Review

_HEIGHT, _BUTTONS_HEIGHT = 66, 28
_MARGIN, _GAP = 12, 3
_LINE = 17
_BUTTON = QSize(92, 22)
_Index = QModelIndex | QPersistentModelIndex


class Buttons(NamedTuple):
    """Where the buttons of the current row are."""

    accept: QRect
    dismiss: QRect


class ReviewRowDelegate(QStyledItemDelegate):
    """Rows of suspicions; the current one of the review can be accepted and dismissed with the mouse."""

    def __init__(self, review: Review, parent: QWidget) -> None:
        super().__init__(parent)
        self._review = review

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: D102 - Qt's
        return QSize(200, _HEIGHT + (_BUTTONS_HEIGHT if self._is_current(index) else 0))

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
        if is_current:
            buttons = button_areas(area)
            _paint_button(painter, buttons.accept, "Accept", "Enter", suspicion.proposal is not None)
            _paint_button(painter, buttons.dismiss, "Dismiss", "⌫", True)
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index
    ) -> bool:
        """Qt's entry for the mouse: True when a button was clicked."""
        if event.type() is not QEvent.Type.MouseButtonRelease or not self._is_current(index):
            return False
        assert isinstance(event, QMouseEvent)
        buttons, point = button_areas(option.rect), event.position().toPoint()
        if buttons.accept.contains(point):
            self._review.accept()
        elif buttons.dismiss.contains(point):
            self._review.dismiss()
        else:
            return False
        return True

    def _is_current(self, index: _Index) -> bool:
        current = self._review.current
        # The very object: comparing all fields in every row of a long list takes time.
        return current is not None and index.data(SUSPICION_ROLE) is current


def button_areas(row: QRect) -> Buttons:
    """The buttons in the row of the current suspicion."""
    corner = QPoint(_text_area(row).left(), row.bottom() - _BUTTONS_HEIGHT + 1)
    return Buttons(QRect(corner, _BUTTON), QRect(corner + QPoint(_BUTTON.width() + 6, 0), _BUTTON))


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


def _paint_button(painter: QPainter, area: QRect, text: str, key: str, is_possible: bool) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.color("faint" if is_possible else "border"))
    painter.setBrush(theme.color("raised") if is_possible else QColor(Qt.GlobalColor.transparent))
    painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    small = painter.font()
    small.setPixelSize(11)
    painter.setFont(small)
    inner = area.adjusted(8, 0, -8, 0)
    painter.setPen(theme.color("text" if is_possible else "faint"))
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.setPen(theme.color("muted" if is_possible else "faint"))
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, key)
    painter.restore()
