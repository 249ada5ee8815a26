"""Draws the plot below the lanes: score as a line and area as a silhouette of the selected track."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app import theme
from app.panels.timeline_areas import AreaColumns
from app.panels.timeline_lanes import LaneColumns
from app.panels.timeline_scene import GUTTER_WIDTH, PLOT_HEIGHT, TimelineScene

_INSET = 6
_AREA_ALPHA = 0.24
_LEGEND_X, _GLYPH = 12, 12


def paint_plot(painter: QPainter, scene: TimelineScene, lane: LaneColumns | None, areas: AreaColumns | None) -> None:
    """The plot of `scene.plotted`; what has not been read yet is left out."""
    assert scene.plotted is not None
    color, top = scene.color_of(scene.plotted), scene.plot_top
    _paint_legend(painter, scene, top, areas)
    painter.setPen(theme.color("border"))
    painter.drawLine(0, top + PLOT_HEIGHT - 1, scene.width, top + PLOT_HEIGHT - 1)
    if lane is None:
        return
    ratio = painter.device().devicePixelRatioF()
    edges = scene.scale.pixel_edges(ratio)
    row = lane.row(edges)
    bottom, room = top + PLOT_HEIGHT - _INSET, PLOT_HEIGHT - 2 * _INSET
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shares = None if areas is None else areas.row(edges)
    for begin, end in _stretches(row.present):
        if shares is not None:
            _paint_area(painter, color, _points(begin, bottom - shares[begin:end] * room, ratio), bottom)
        painter.setPen(QPen(color, 1.4))
        points = _points(begin, bottom - row.scores[begin:end].astype(float) * room, ratio)
        # Line by line: joining the ends of a thousand of them takes ten times as long and is not seen.
        painter.drawLines([QLineF(*ends) for ends in pairwise(points)])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_legend(painter: QPainter, scene: TimelineScene, top: int, areas: AreaColumns | None) -> None:
    assert scene.plotted is not None
    color, half = scene.color_of(scene.plotted), PLOT_HEIGHT // 2
    painter.setPen(QPen(color, 2))
    painter.drawLine(_LEGEND_X, top + half // 2 + 2, _LEGEND_X + _GLYPH, top + half // 2 + 2)
    size = "" if areas is None else ", up to " + f"{areas.largest:,} px".replace(",", " ")
    painter.fillRect(_LEGEND_X, top + half + half // 2 - 6, _GLYPH, 8, _faded(color))
    painter.setPen(theme.color("muted"))
    for line, text in enumerate((f"score of track {scene.plotted}", f"area{size}")):
        room = QRect(32, top + 2 + line * (half - 2), GUTTER_WIDTH - 40, half - 2)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)


def _paint_area(painter: QPainter, color: QColor, points: list[QPointF], bottom: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_faded(color))
    painter.drawPolygon(QPolygonF([QPointF(points[0].x(), bottom), *points, QPointF(points[-1].x(), bottom)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _faded(color: QColor) -> QColor:
    faded = QColor(color)
    faded.setAlphaF(_AREA_ALPHA)
    return faded


def _points(begin: int, ys: NDArray[np.float64], ratio: float) -> list[QPointF]:
    """A stretch of pixel columns as points of a line, only where its slope changes; at least 2 px wide."""
    xs = GUTTER_WIDTH + (np.arange(begin, begin + len(ys)) + 0.5) / ratio
    if len(ys) == 1:
        xs, ys = np.array([xs[0] - 1, xs[0] + 1]), np.repeat(ys, 2)
    corners = _corners(ys)
    return [QPointF(x, y) for x, y in zip(xs[corners].tolist(), ys[corners].tolist(), strict=True)]


def _corners(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Positions needed to draw a polyline: its ends and every point where the slope changes."""
    if len(values) < 3:
        return np.arange(len(values))
    bends = np.flatnonzero(np.abs(np.diff(values, n=2)) > 1e-6) + 1
    return np.concatenate(([0], bends, [len(values) - 1]))


def _stretches(present: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of every unbroken run of True."""
    flips = np.flatnonzero(np.diff(np.concatenate(([False], present, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(flips[::2], flips[1::2], strict=True)]
