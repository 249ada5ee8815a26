"""Losses and scores of a training run as two plots over the same steps, in the colours of the theme."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app import theme
from app.training.curves import Curve, loss_curves, score_curves, ticks
from app.training.run_log import StepRecord, ValidationRecord

# Told apart without colour, too: each curve has a dash of its own. Okabe and Ito's colours, darker on light.
_COLORS = {
    "loss": ("#56b4e9", "#0072b2"),
    "category": ("#e69f00", "#a86200"),
    "mask": ("#2bbf95", "#007a5a"),
    "similarity": ("#d98bb7", "#a3507f"),
    "AP": ("#56b4e9", "#0072b2"),
    "AP50": ("#e69f00", "#a86200"),
}
_DASHES = {
    "category": Qt.PenStyle.DashLine,
    "mask": Qt.PenStyle.DotLine,
    "similarity": Qt.PenStyle.DashDotLine,
    "AP50": Qt.PenStyle.DashLine,
}
_MARGIN_LEFT, _MARGIN_RIGHT, _MARGIN_TOP, _MARGIN_BOTTOM = 52, 14, 26, 22
_AXIS_TITLE = 18
_RAW_ALPHA = 70
_SCORE_SHARE = 0.38
_POINT = 2.5  # radius of a measured value


@dataclass(frozen=True)
class _Panel:
    """One plot: where it is, what it shows, and its range of values."""

    title: str
    area: QRectF
    curves: Sequence[Curve]
    high: float

    def y(self, value: float) -> float:
        return self.area.bottom() - self.area.height() * min(1.0, value / self.high)


class TrainingPlot(QWidget):
    """Shows what was logged; the values under the mouse are written beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trainingPlot")
        self.setAccessibleName("Losses and scores over the steps")
        self.setMouseTracking(True)
        self.losses: list[Curve] = []
        self.scores: list[Curve] = []
        self._last_step = 1.0
        self._hovered: float | None = None
        theme.theme_changes().changed.connect(self._recolor)

    def show_records(self, steps: Sequence[StepRecord], validations: Sequence[ValidationRecord]) -> None:
        """Draw these from now on."""
        self.losses = loss_curves(steps) if steps else []
        self.scores = score_curves(validations)
        self._last_step = max([2.0, *(float(c.steps[-1]) for c in (*self.losses, *self.scores) if len(c.steps))])
        self.setAccessibleDescription("\n".join(self._words(self._last_step)))
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for the curves to be read."""
        return QSize(520, 340)

    def minimumSizeHint(self) -> QSize:
        """Smaller, the axes would cover each other."""
        return QSize(340, 230)

    def hovered_words(self) -> list[str]:
        """The lines beside the mouse; empty where it is not over a plot."""
        return [] if self._hovered is None else self._words(self._hovered)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the mouse."""
        area = self._panels()[0].area
        x = event.position().x()
        inside = area.left() <= x <= area.right() and bool(self.losses)
        self._hovered = self._step_at(x, area) if inside else None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Both plots, then the values under the mouse."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        if not self.losses:
            painter.setPen(theme.color("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Losses show after the first step")
            return
        panels = self._panels()
        for panel in panels:
            self._paint_axes(painter, panel)
            self._paint_curves(painter, panel)
            self._paint_legend(painter, panel)
        painter.setPen(theme.color("muted"))
        bottom = QRectF(panels[0].area.left(), self.height() - _AXIS_TITLE, panels[0].area.width(), _AXIS_TITLE)
        painter.drawText(bottom, Qt.AlignmentFlag.AlignCenter, "step")
        if self._hovered is not None:
            self._paint_hover(painter, panels)

    def _panels(self) -> list[_Panel]:
        width = max(1.0, self.width() - _MARGIN_LEFT - _MARGIN_RIGHT)
        around = _MARGIN_TOP + _MARGIN_BOTTOM
        room = max(2.0, self.height() - _AXIS_TITLE - around * (2 if self.scores else 1))
        score_height = room * _SCORE_SHARE if self.scores else 0.0
        area = QRectF(_MARGIN_LEFT, _MARGIN_TOP, width, room - score_height)
        panels = [_Panel("loss", area, self.losses, _highest(self.losses))]
        if self.scores:
            below = QRectF(_MARGIN_LEFT, area.bottom() + around, width, score_height)
            panels.append(_Panel("score", below, self.scores, 1.0))
        return panels

    def _x(self, step: float, area: QRectF) -> float:
        return area.left() + area.width() * step / self._last_step

    def _step_at(self, x: float, area: QRectF) -> float:
        return (x - area.left()) / area.width() * self._last_step

    def _paint_axes(self, painter: QPainter, panel: _Panel) -> None:
        area = panel.area
        grid, text = theme.color("border"), theme.color("muted")
        for value in ticks(0.0, panel.high, max(2, int(area.height() / 34))):
            y = panel.y(value)
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            box = QRectF(0, y - 8, area.left() - 8, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        most = min(int(area.width() / 80), int(self._last_step) + 1)
        for step in ticks(0.0, self._last_step, max(2, most)):
            x = self._x(step, area)
            painter.setPen(grid)
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(text)
            box = QRectF(x - 40, area.bottom() + 5, 80, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{step:,.0f}".replace(",", " "))

    def _paint_curves(self, painter: QPainter, panel: _Panel) -> None:
        painter.save()
        painter.setClipRect(panel.area.adjusted(0, -_POINT - 1, _POINT + 1, _POINT + 1))
        for curve in panel.curves:
            color = _color(curve.name)
            if curve.raw is not curve.smooth:
                faint = QColor(color)
                faint.setAlpha(_RAW_ALPHA)
                painter.setPen(QPen(faint, 1.0))
                painter.drawPolyline(self._polygon(curve, curve.raw, panel))
            painter.setPen(_pen(curve.name))
            painter.drawPolyline(self._polygon(curve, curve.smooth, panel))
            if len(curve.steps) <= 30:
                painter.setBrush(color)
                for point in self._polygon(curve, curve.smooth, panel).toList():
                    painter.drawEllipse(point, _POINT, _POINT)
                painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.restore()

    def _polygon(self, curve: Curve, values: NDArray[np.float64], panel: _Panel) -> QPolygonF:
        pairs = zip(curve.steps.tolist(), values.tolist(), strict=True)
        return QPolygonF([QPointF(self._x(step, panel.area), panel.y(value)) for step, value in pairs])

    def _paint_legend(self, painter: QPainter, panel: _Panel) -> None:
        top = panel.area.top() - 18
        painter.setPen(theme.color("muted"))
        painter.drawText(QRectF(0, top - 2, panel.area.left() - 8, 16), Qt.AlignmentFlag.AlignRight, panel.title)
        x = panel.area.left()
        for curve in panel.curves:
            painter.setPen(_pen(curve.name))
            painter.drawLine(QPointF(x, top + 6), QPointF(x + 24, top + 6))
            painter.setPen(theme.color("text"))
            width = painter.fontMetrics().horizontalAdvance(curve.name)
            painter.drawText(QPointF(x + 29, top + 10), curve.name)
            x += 29 + width + 18

    def _paint_hover(self, painter: QPainter, panels: Sequence[_Panel]) -> None:
        assert self._hovered is not None
        found = self.losses[0].at(self._hovered)
        if found is None:
            return
        x = self._x(found[0], panels[0].area)
        painter.setPen(QPen(theme.color("muted"), 1.0, Qt.PenStyle.DashLine))
        for panel in panels:
            painter.drawLine(QPointF(x, panel.area.top()), QPointF(x, panel.area.bottom()))
        words = self._words(found[0])
        metrics = painter.fontMetrics()
        width = max(map(metrics.horizontalAdvance, words)) + 16
        height = metrics.height() * len(words) + 10
        left = x + 10 if x + 10 + width <= self.width() else x - 10 - width
        box = QRectF(left, panels[0].area.top() + 4, width, height)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(theme.color("text"))
        painter.drawText(box.adjusted(8, 5, -8, -5), Qt.AlignmentFlag.AlignLeft, "\n".join(words))

    def _words(self, step: float) -> list[str]:
        words: list[str] = []
        for curve in (*self.losses, *self.scores):
            found = curve.at(step)
            if found is not None:
                words += [f"step {found[0]:.0f}"] if not words else []
                # Scores are measured at few steps only.
                where = f" (step {found[0]:.0f})" if curve in self.scores else ""
                words.append(f"{curve.name} {found[1]:.3f}{where}")
        return words

    def _recolor(self) -> None:
        self.update()


def _highest(curves: Sequence[Curve]) -> float:
    """Upper end of the axis: lone peaks of the raw values may leave the picture, the smoothed curve may not."""
    if not curves or not len(curves[0].steps):
        return 1.0
    return max(1e-6, 1.1 * max(float(curves[0].smooth.max()), float(np.percentile(curves[0].raw, 95))))


def _color(name: str) -> QColor:
    dark, light = _COLORS[name]
    return QColor(dark if theme.current_theme().name == "dark" else light)


def _pen(name: str) -> QPen:
    return QPen(_color(name), 2.2 if name in ("loss", "AP") else 1.6, _DASHES.get(name, Qt.PenStyle.SolidLine))
