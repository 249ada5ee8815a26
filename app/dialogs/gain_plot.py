"""What corrections bought as bars: the part of each score that the predictions reached, and in pale what is missing."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.document.gain_picture import SCORES, worst_rows
from app.document.gain_table import minutes
from app.document.gains import Gains, VideoGain

# Okabe and Ito's colours, darker on light.
_COLORS = {"AP": ("#56b4e9", "#0072b2"), "HOTA": ("#e69f00", "#a86200"), "IDF1": ("#2bbf95", "#007a5a")}
_NAMES, _EFFORT, _LEGEND, _ROW, _GAP = 150, 150, 24, 40, 10
_PALE = 60


class GainPlot(QWidget):
    """Bars for the videos in which most was bought, as many as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gainPlot")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._gains: Gains | None = None
        theme.theme_changes().changed.connect(self._repaint)

    def show_gains(self, gains: Gains | None) -> None:
        """Draw these; None for nothing."""
        self._gains = gains
        rows = worst_rows(gains) if gains is not None else []
        self.setAccessibleName("; ".join(f"{row.name}: {_score_words(row)}" for row in rows))
        self.update()

    def sizeHint(self) -> QSize:
        """Room for a few videos."""
        return QSize(760, _LEGEND + 5 * _ROW)

    def minimumSizeHint(self) -> QSize:
        """One video and the legend."""
        return QSize(480, _LEGEND + 2 * _ROW)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The legend, then a row for each video."""
        if self._gains is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_legend(painter)
        most = max(1, (self.height() - _LEGEND) // _ROW)
        for number, row in enumerate(worst_rows(self._gains, most - (len(self._gains.videos) > 1))):
            self._paint_row(painter, row, _LEGEND + number * _ROW)

    def _paint_legend(self, painter: QPainter) -> None:
        left = float(_NAMES + _GAP)
        for name in SCORES:
            painter.fillRect(QRectF(left, 7, 10, 10), _color(name))
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(left + 15, 0, 60, _LEGEND), _left_middle(), name)
            left += 75
        painter.drawText(QRectF(left, 0, self.width() - left, _LEGEND), _left_middle(), "pale: bought by corrections")

    def _paint_row(self, painter: QPainter, row: VideoGain, top: float) -> None:
        painter.setPen(theme.color("text"))
        metrics = painter.fontMetrics()
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, _NAMES)
        painter.drawText(QRectF(0, top, _NAMES, _ROW), _left_middle(), name)
        width = max(40, self.width() - _NAMES - _EFFORT - 2 * _GAP)
        height = (_ROW - 8) / len(SCORES)
        for number, (score, field) in enumerate(SCORES.items()):
            area = QRectF(_NAMES + _GAP, top + 4 + number * height, width, height - 2)
            value = max(0.0, float(getattr(row.scores, field)))
            painter.fillRect(area, _color(score, _PALE))
            painter.fillRect(QRectF(area.left(), area.top(), width * value, area.height()), _color(score))
        painter.setPen(theme.color("muted"))
        edits = f"{row.effort.edit_count} edit{'s' * (row.effort.edit_count != 1)}"
        words = f"{edits}, {minutes(row.effort.seconds)} min"
        painter.drawText(QRectF(self.width() - _EFFORT, top, _EFFORT, _ROW), _left_middle(), words)

    def _repaint(self) -> None:
        self.update()


def _color(score: str, alpha: int = 255) -> QColor:
    color = QColor(_COLORS[score][theme.current_theme().name == "light"])
    color.setAlpha(alpha)
    return color


def _left_middle() -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _score_words(row: VideoGain) -> str:
    found: Sequence[str] = [f"{name} {getattr(row.scores, field):.2f}" for name, field in SCORES.items()]
    return ", ".join(found)
