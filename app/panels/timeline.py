"""The timeline: a lane per track under a ruler, the playhead, the marked range and the model's head."""

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QWidget

from app import theme
from app.panels.note_menu import offer_note
from app.panels.timeline_bars import BarCache
from app.panels.timeline_model import TimelineModel
from app.panels.timeline_mouse import TimelineMouse
from app.panels.timeline_paint import paint_moving, paint_still
from app.panels.timeline_scene import GUTTER_WIDTH, LANE_HEIGHT, PLOT_HEIGHT, RULER_HEIGHT
from app.panels.track_menu import track_menu
from app.session import Session

_ZOOM_STEP = 1.5


class Timeline(QAbstractScrollArea):
    """Custom-painted view of all tracks of the current video over time.

    The still parts are kept as one picture; a playing video only draws the playhead above it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = TimelineModel(session, self)
        self.mouse = TimelineMouse(session, self.model, self)
        self._still: QPixmap | None = None
        self._bars = BarCache()
        self.setObjectName("timeline")
        self.setAccessibleName("Timeline")
        self.setAccessibleDescription("A lane per track over all frames; Up and Down choose a track, + and - zoom")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(RULER_HEIGHT + 2 * LANE_HEIGHT)
        self.viewport().setObjectName("timelineLanes")
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().installEventFilter(self.mouse)
        self.horizontalScrollBar().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.model.still_changed.connect(self._redraw)
        self.model.moving_changed.connect(self._follow)
        self.model.extent_changed.connect(self._sync_bars)
        self.mouse.view_changed.connect(self._sync_bars)
        self.mouse.lanes_scrolled.connect(self._scroll_lanes)
        session.selection_changed.connect(self._reveal_selection)

    def sizeHint(self) -> QSize:  # noqa: D102 - Qt's
        return QSize(900, RULER_HEIGHT + 6 * LANE_HEIGHT + PLOT_HEIGHT)

    @property
    def is_loading(self) -> bool:
        """Whether lanes in view are still being read."""
        return self.model.is_loading

    def fit(self) -> None:
        """Show the whole video."""
        self.model.scene.scale.fit()
        self._sync_bars()

    def zoom(self, factor: float) -> None:
        """Zoom around the playhead, or around the middle where it is out of view."""
        scene = self.model.scene
        x = scene.scale.center_of(scene.frame_index)
        scene.scale.zoom(factor, x if 0 <= x <= scene.scale.width else scene.scale.width / 2)
        self._sync_bars()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102
        super().resizeEvent(event)
        self.model.scene.resize(self.viewport().width(), self.viewport().height())
        self._sync_bars()

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802, D102
        scene = self.model.scene
        if dx:
            scene.scale.scroll_to(self.horizontalScrollBar().value() / scene.scale.pixels_per_frame)
        scene.scroll_y = self.verticalScrollBar().value()
        self._redraw()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102
        painter = QPainter(self.viewport())
        scene = self.model.scene
        if self._session.video is None:
            painter.fillRect(self.viewport().rect(), theme.color("window"))
            self._paint_empty(painter, "Open a video to see its tracks here")
            return
        ratio = self.devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatio() != ratio:
            self._still = QPixmap(self.viewport().size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            still_painter = QPainter(self._still)
            still_painter.setFont(self.font())
            paint_still(still_painter, scene, self.model.lanes, self.model.areas.get(scene.plotted), self._bars)
            still_painter.end()
        painter.drawPixmap(0, 0, self._still)
        if not scene.heads:
            self._paint_empty(painter, "No tracks yet: run the model, or draw a mask")
        paint_moving(painter, scene)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102
        match event.key():
            case Qt.Key.Key_Up:
                self._step_lane(-1)
            case Qt.Key.Key_Down:
                self._step_lane(1)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom(_ZOOM_STEP)
            case Qt.Key.Key_Minus:
                self.zoom(1 / _ZOOM_STEP)
            case Qt.Key.Key_Escape if self._session.range is not None:
                self._session.set_range(None)
            case _:
                super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: D102
        if self._session.video is None:
            return
        position = event.pos()
        head = self.model.scene.head_at(position.y())
        if event.reason() is QContextMenuEvent.Reason.Keyboard and self._session.selection:
            area = self.lane_area(min(self._session.selection))
            menu = track_menu(self._session, self._session.selection, self)
            menu.popup(self.viewport().mapToGlobal(area.topLeft()))
            return
        frame = self.model.scene.frame_at(position.x()) if position.x() >= GUTTER_WIDTH else None
        if head is None:
            menu = self._view_menu()
        else:
            if head.track_id not in self._session.selection:
                self._session.select({head.track_id})
            menu = track_menu(self._session, self._session.selection, self, frame)
        if frame is not None:
            offer_note(menu, self._session, frame, None, self.window())
        menu.popup(event.globalPos())

    def _view_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setObjectName("timelineMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Show the whole video").triggered.connect(self.fit)
        to_range = menu.addAction("Zoom to the marked range")
        to_range.triggered.connect(self._zoom_to_range)
        clear = menu.addAction("Clear the marked range\tEsc")
        clear.triggered.connect(self._clear_range)
        for action in (to_range, clear):
            action.setEnabled(self._session.range is not None)
        return menu

    def _clear_range(self) -> None:
        self._session.set_range(None)

    def _zoom_to_range(self) -> None:
        frames = self._session.range
        if frames is not None:
            self.model.scene.scale.show(frames.first, min(frames.end, self.model.scene.scale.frame_count - 1))
            self._sync_bars()

    def _paint_empty(self, painter: QPainter, text: str) -> None:
        """Say below the ruler why there are no lanes."""
        area = self.viewport().rect().adjusted(0, RULER_HEIGHT, 0, 0)
        painter.fillRect(area, theme.color("window"))
        painter.setPen(theme.color("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _redraw(self) -> None:
        self._still = None
        self.model.request_lanes()
        self.viewport().update()

    def _follow(self) -> None:
        """Keep the playhead in view, a page at a time, unless the mouse holds something."""
        scene = self.model.scene
        x = scene.scale.center_of(scene.frame_index)
        if not self.mouse.is_dragging and not 0 <= x <= scene.scale.width and not scene.scale.is_fitted:
            share = 0.05 if x > scene.scale.width else 0.95
            scene.scale.scroll_to(scene.frame_index - share * scene.scale.visible_frames)
            self._sync_bars()
        self.viewport().update()

    def _sync_bars(self) -> None:
        """Make the scroll bars say what the scene shows."""
        scene, scale = self.model.scene, self.model.scene.scale
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        for bar in (across, down):
            bar.blockSignals(True)
        across.setRange(0, round(scale.last_first * scale.pixels_per_frame))
        across.setPageStep(round(scale.width))
        across.setSingleStep(60)
        across.setValue(round(scale.first * scale.pixels_per_frame))
        down.setRange(0, max(0, scene.content_height - scene.lanes_height))
        down.setPageStep(max(1, scene.lanes_height))
        down.setSingleStep(LANE_HEIGHT)
        scene.scroll_y = down.value()
        for bar in (across, down):
            bar.blockSignals(False)
        self._redraw()

    def _scroll_lanes(self, pixels: int) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + pixels)

    def _step_lane(self, step: int) -> None:
        heads, selection = self.model.scene.heads, self._session.selection
        if not heads:
            return
        chosen = [i for i, head in enumerate(heads) if head.track_id in selection]
        start = (chosen[-1] if step > 0 else chosen[0]) if chosen else (-1 if step > 0 else len(heads))
        lane_index = max(0, min(start + step, len(heads) - 1))
        self._session.select({heads[lane_index].track_id})
        self._show_lane(lane_index)

    def _reveal_selection(self, selection: frozenset[int]) -> None:
        """What was selected elsewhere is in view here, too; nothing moves where one of the lanes is."""
        scene = self.model.scene
        chosen = [i for i in map(scene.lane_index, sorted(selection)) if i is not None]
        is_in_view = any(0 <= scene.lane_top(i) - RULER_HEIGHT <= scene.lanes_height - LANE_HEIGHT for i in chosen)
        if chosen and not is_in_view and not self.mouse.is_dragging:
            self._sync_bars()
            self._show_lane(chosen[0])

    def _show_lane(self, lane_index: int) -> None:
        scene, bar = self.model.scene, self.verticalScrollBar()
        top = lane_index * LANE_HEIGHT
        bar.setValue(max(top + LANE_HEIGHT - scene.lanes_height, min(bar.value(), top)))

    def lane_area(self, track_id: int) -> QRect:
        """Where a track's lane is in the viewport, without the gutter; for placing menus and for tests."""
        lane_index = self.model.scene.lane_index(track_id)
        if lane_index is None:
            return QRect()
        top_left = QPoint(GUTTER_WIDTH, self.model.scene.lane_top(lane_index))
        return QRect(top_left, QSize(round(self.model.scene.scale.width), LANE_HEIGHT))
