"""Draws the timeline: a still picture of ruler, lanes and score plot, and the moving things above it."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap, QPolygonF

from app import theme
from app.document.records import FrameRange
from app.document.suspicions import Suspicion
from app.panels.timeline_areas import AreaColumns
from app.panels.timeline_bars import Bar, BarCache, bar_image, mark_starts
from app.panels.timeline_lanes import LaneRow, LaneStore
from app.panels.timeline_plot import paint_plot
from app.panels.timeline_scene import (
    ALL_TRACKS,
    BAR_HEIGHT,
    GUTTER_WIDTH,
    LANE_HEIGHT,
    MARK_RADIUS,
    RULER_HEIGHT,
    LaneHead,
    TimelineScene,
)
from app.preview import PreviewStep

_BAR_INSET = (LANE_HEIGHT - BAR_HEIGHT) // 2
_SWATCH = 12
_MARK_GAP = 14
_HATCH_STEP = 8
_CONFIRMED_HEIGHT = 3


def paint_still(
    painter: QPainter, scene: TimelineScene, lanes: LaneStore, areas: AreaColumns | None, bars: BarCache
) -> None:
    """Everything that stays while the playhead moves, on an opaque background; `areas` are of the plotted track."""
    painter.fillRect(0, 0, scene.width, scene.height, theme.color("window"))
    _paint_not_run(painter, scene)
    ratio = painter.device().devicePixelRatioF()
    edges = scene.scale.pixel_edges(ratio)
    bars.set_view((scene.scale.first, scene.scale.pixels_per_frame, len(edges), ratio, theme.current_theme()))
    painter.save()
    painter.setClipRect(0, RULER_HEIGHT, scene.width, scene.lanes_height)
    for lane_index in scene.visible_lanes():
        head = scene.heads[lane_index]
        top = scene.lane_top(lane_index)
        _paint_head(painter, scene, head, top)
        columns = lanes.get(head.track_id)
        if columns is None:
            _paint_outline(painter, scene, head, top)
        else:
            look = (head.is_visible, head.color.rgb())
            bar = bars.get(head.track_id, columns, look)
            if bar is None:
                bar = _make_bar(head, columns.row(edges), ratio)
                bars.put(head.track_id, columns, look, bar)
            _paint_bar(painter, bar, top)
        _paint_confirmed(painter, scene, scene.confirmed.get(head.track_id, ()), top + LANE_HEIGHT - 4)
        _paint_preview(painter, scene, scene.previewed.get(head.track_id, ()), top)
        _paint_suspicions(painter, scene, scene.suspicions.get(head.track_id, ()), top)
    painter.restore()
    if scene.plotted is not None:
        paint_plot(painter, scene, lanes.get(scene.plotted), areas)
    _paint_range(painter, scene)
    _paint_ruler(painter, scene)


def paint_moving(painter: QPainter, scene: TimelineScene) -> None:
    """The scope of the next edit, the model's head and the playhead, above the still picture."""
    painter.save()
    painter.setClipRect(GUTTER_WIDTH, RULER_HEIGHT, scene.width - GUTTER_WIDTH, scene.lanes_height)
    if scene.scope is not None:
        for lane_index in scene.visible_lanes():
            if scene.heads[lane_index].track_id in scene.selection:
                _paint_scope(painter, scene, scene.heads[lane_index], scene.lane_top(lane_index))
    painter.restore()
    painter.setClipRect(GUTTER_WIDTH - 6, 0, scene.width - GUTTER_WIDTH + 6, scene.height)
    if scene.run_head is not None:
        _paint_run_head(painter, scene)
    _paint_playhead(painter, scene)


def small_font(font: QFont) -> QFont:
    """The font of the ruler and of secondary text."""
    small = QFont(font)
    small.setPixelSize(11)
    return small


def _paint_ruler(painter: QPainter, scene: TimelineScene) -> None:
    painter.fillRect(0, 0, scene.width, RULER_HEIGHT, theme.color("window"))
    painter.save()
    painter.setClipRect(GUTTER_WIDTH, 0, scene.width - GUTTER_WIDTH, RULER_HEIGHT)
    if scene.frames is not None:
        left, right = scene.span_of(scene.frames)
        band = theme.color("accent")
        painter.fillRect(QRectF(left, RULER_HEIGHT - 5, max(1.0, right - left), 5), band)
    _paint_confirmed(painter, scene, scene.confirmed.get(ALL_TRACKS, ()), 0)
    painter.setFont(small_font(painter.font()))
    ticks, parts = scene.scale.ticks()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0
    for frame in ticks:
        x = round(scene.x_of(frame))
        painter.setPen(theme.color("faint"))
        for part in range(1, parts if step else 1):
            minor = round(scene.x_of(frame + step * part / parts))
            painter.drawLine(minor, RULER_HEIGHT - 4, minor, RULER_HEIGHT - 2)
        painter.drawLine(x, RULER_HEIGHT - 8, x, RULER_HEIGHT - 2)
        painter.setPen(theme.color("muted"))
        painter.drawText(QRect(x + 4, 2, 80, RULER_HEIGHT - 8), Qt.AlignmentFlag.AlignVCenter, str(frame))
    scene.notes.paint(painter, scene)
    painter.restore()
    painter.setPen(theme.color("border"))
    painter.drawLine(0, RULER_HEIGHT - 1, scene.width, RULER_HEIGHT - 1)


def _paint_head(painter: QPainter, scene: TimelineScene, head: LaneHead, top: int) -> None:
    if head.track_id in scene.selection:
        painter.fillRect(0, top, GUTTER_WIDTH - 1, LANE_HEIGHT, theme.color("selection"))
        painter.fillRect(0, top, 3, LANE_HEIGHT, theme.color("accent"))
    color = QColor(head.color)
    if not head.is_visible:
        color.setAlphaF(0.35)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(12, top + (LANE_HEIGHT - _SWATCH) / 2, _SWATCH, _SWATCH), 3, 3)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    colors = theme.current_theme()
    signs = [("mdi6.lock", colors.muted)] if head.is_locked else []
    signs += [("mdi6.check-decagram", colors.good)] if head.is_confirmed else []
    room = QRect(32, top, GUTTER_WIDTH - 40 - 18 * len(signs), LANE_HEIGHT)
    painter.setPen(theme.color("text" if head.is_visible else "faint"))
    label = QFontMetrics(painter.font()).elidedText(head.label, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, label)
    for position, (name, tint) in enumerate(signs):
        theme.icon(name, tint).paint(painter, GUTTER_WIDTH - 24 - 18 * position, top + 5, 14, 14)
    painter.setPen(theme.color("border"))
    painter.drawLine(0, top + LANE_HEIGHT - 1, scene.width, top + LANE_HEIGHT - 1)


def _paint_outline(painter: QPainter, scene: TimelineScene, head: LaneHead, top: int) -> None:
    """A lane that is still being read: where it begins and ends."""
    left = max(GUTTER_WIDTH, scene.x_of(head.first_frame))
    right = min(scene.width, scene.x_of(head.last_frame + 1))
    if right > left:
        color = QColor(head.color)
        color.setAlphaF(0.25)
        painter.fillRect(QRectF(left, top + LANE_HEIGHT / 2 - 2, right - left, 4), color)


def _make_bar(head: LaneHead, row: LaneRow, ratio: float) -> Bar:
    color, mark = head.color, theme.color("text")
    image = bar_image(row, color, mark, round(BAR_HEIGHT * ratio), dimmed=not head.is_visible)
    image.setDevicePixelRatio(ratio)
    return Bar(image, mark_starts(row, round(_MARK_GAP * ratio)))


def _paint_bar(painter: QPainter, bar: Bar, top: int) -> None:
    painter.drawImage(QPointF(GUTTER_WIDTH, top + _BAR_INSET), bar.image)
    if not bar.mark_starts:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color("window"), 1.5))
    painter.setBrush(theme.color("text"))
    for position in bar.mark_starts:
        x = GUTTER_WIDTH + position / bar.image.devicePixelRatio() + 0.5
        painter.drawPolygon(_diamond(x, top + LANE_HEIGHT / 2))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_confirmed(painter: QPainter, scene: TimelineScene, ranges: Sequence[FrameRange], top: int) -> None:
    """A line under what a person has confirmed."""
    for frames in ranges:
        left, right = scene.span_of(frames)
        if right > left:
            painter.fillRect(QRectF(left, top, right - left, _CONFIRMED_HEIGHT), theme.color("good"))


def _paint_preview(painter: QPainter, scene: TimelineScene, steps: Sequence[PreviewStep], top: int) -> None:
    """Over what would change, a band in the colour of the track that it would go to; crossed out where it would go."""
    reached = -1.0
    for step in steps:
        left, right = scene.span_of(step.frames)
        if right <= reached or right <= GUTTER_WIDTH or left > scene.width:
            continue
        area = QRectF(left, top + _BAR_INSET, max(2.0, right - left), BAR_HEIGHT)
        reached = area.right()
        if step.to_track_id is None:
            painter.fillRect(area, theme.color("window"))
            painter.fillRect(area, QBrush(theme.color("bad"), Qt.BrushStyle.BDiagPattern))
        else:
            painter.fillRect(area, scene.color_of(step.to_track_id))
            painter.fillRect(area, QBrush(theme.color("window"), Qt.BrushStyle.Dense6Pattern))
        painter.fillRect(QRectF(left, top + _BAR_INSET - 2, area.width(), 2), theme.color("accent"))


def _paint_suspicions(painter: QPainter, scene: TimelineScene, suspicions: Sequence[Suspicion], top: int) -> None:
    """A mark for each, in order of frames; of marks that would hide each other only the first, and the current one."""
    if not suspicions:
        return
    painter.save()
    painter.setClipRect(GUTTER_WIDTH - 5, RULER_HEIGHT, scene.width - GUTTER_WIDTH + 5, scene.lanes_height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(theme.color("warning"))
    painter.setPen(QPen(theme.color("window"), 1.5))
    last_x, current_x = -float("inf"), None
    for suspicion in suspicions:
        x = scene.mark_x(suspicion)
        if not GUTTER_WIDTH - 5 <= x <= scene.width + 5:
            continue
        if suspicion is scene.suspicion:
            current_x = x
        if x - last_x >= 2 * MARK_RADIUS:
            painter.drawPolygon(_diamond(x, top + LANE_HEIGHT / 2))
            last_x = x
    if current_x is not None:
        painter.setPen(QPen(theme.color("text"), 1.5))
        painter.drawPolygon(_diamond(current_x, top + LANE_HEIGHT / 2))
    painter.restore()


def _diamond(x: float, y: float) -> QPolygonF:
    r = MARK_RADIUS
    return QPolygonF([QPointF(x - r, y), QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r)])


def _paint_not_run(painter: QPainter, scene: TimelineScene) -> None:
    for first, last in scene.not_run:
        left = max(float(GUTTER_WIDTH), scene.x_of(first))
        right = min(float(scene.width), scene.x_of(last + 1))
        if right > left:
            painter.fillRect(QRectF(left, RULER_HEIGHT, right - left, scene.height - RULER_HEIGHT), _hatch(painter))


def _hatch(painter: QPainter) -> QBrush:
    ratio = painter.device().devicePixelRatioF()
    tile = QPixmap(round(_HATCH_STEP * ratio), round(_HATCH_STEP * ratio))
    tile.setDevicePixelRatio(ratio)
    tile.fill(theme.color("window"))
    strokes = QPainter(tile)
    strokes.setRenderHint(QPainter.RenderHint.Antialiasing)
    strokes.setPen(QPen(theme.color("border"), 1.6))
    for shift in (-_HATCH_STEP, 0, _HATCH_STEP):
        strokes.drawLine(QPointF(shift, _HATCH_STEP), QPointF(shift + _HATCH_STEP, 0))
    strokes.end()
    return QBrush(tile)


def _paint_range(painter: QPainter, scene: TimelineScene) -> None:
    if scene.frames is None:
        return
    left, right = scene.span_of(scene.frames)
    band = theme.color("accent")
    band.setAlphaF(0.16)
    painter.fillRect(QRectF(left, RULER_HEIGHT, right - left, scene.height - RULER_HEIGHT), band)
    painter.setPen(theme.color("accent"))
    for x in (round(left), round(right) - 1):
        painter.drawLine(x, RULER_HEIGHT, x, scene.height)


def _paint_scope(painter: QPainter, scene: TimelineScene, head: LaneHead, top: int) -> None:
    """Dashed frame over what an edit of this selected track would touch."""
    assert scene.scope is not None
    last = head.last_frame if scene.scope.last is None else min(scene.scope.last, head.last_frame)
    first = max(scene.scope.first, head.first_frame)
    if first > last:
        return
    left, right = max(scene.x_of(first), GUTTER_WIDTH - 10.0), min(scene.x_of(last + 1), scene.width + 10.0)
    if right <= left:
        return
    area = QRectF(left, top + _BAR_INSET, max(2.0, right - left), BAR_HEIGHT)
    veil = theme.color("window")
    veil.setAlphaF(0.38)
    painter.fillRect(area, veil)
    painter.setPen(QPen(head.color, 1, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))


def _paint_run_head(painter: QPainter, scene: TimelineScene) -> None:
    assert scene.run_head is not None
    x = round(scene.x_of(scene.run_head))
    if GUTTER_WIDTH <= x <= scene.width:
        painter.setPen(QPen(theme.color("good"), 2))
        painter.drawLine(x, RULER_HEIGHT - 8, x, scene.height)


def _paint_playhead(painter: QPainter, scene: TimelineScene) -> None:
    x = scene.playhead_x()
    if not GUTTER_WIDTH - 1 <= x <= scene.width + 1:
        return
    color = theme.color("bad")
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, 1.5))
    painter.drawLine(QPointF(x, RULER_HEIGHT - 8), QPointF(x, scene.height))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    knob = [(x - 5, RULER_HEIGHT - 16), (x + 5, RULER_HEIGHT - 16), (x + 5, RULER_HEIGHT - 10), (x, RULER_HEIGHT - 4)]
    painter.drawPolygon(QPolygonF([QPointF(*p) for p in (*knob, (x - 5, RULER_HEIGHT - 10))]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
