"""The timeline widget, driven by mouse, wheel and keys."""

from time import process_time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QMenu

from app.document.edits import SetMask, SplitTrack, SwapTracks
from app.document.exchange import ImportedTrack, ImportTracks
from app.document.records import FrameRange
from app.panels.timeline import Timeline
from app.panels.timeline_scene import GUTTER_WIDTH, LANE_HEIGHT, PLOT_HEIGHT, RULER_HEIGHT
from app.session import Scope
from app.theme import apply_theme, color, track_color
from visolo import rle
from visolo.categories import Category

LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
WIDTH = GUTTER_WIDTH + 6 + 400  # 10 px a frame for 40 frames


@pytest.fixture
def timeline(project, qtbot) -> Timeline:
    return shown(project, qtbot)


def shown(project, qtbot) -> Timeline:
    timeline = Timeline(project.session)
    qtbot.addWidget(timeline)
    timeline.resize(WIDTH, 240)
    timeline.show()
    qtbot.waitUntil(lambda: not timeline.is_loading)
    return timeline


def at(timeline, frame, track_id=None, y=RULER_HEIGHT - 12) -> QPoint:
    """The middle of a frame, on a lane or on the ruler."""
    x = GUTTER_WIDTH + timeline.model.scene.scale.center_of(frame)
    return QPoint(round(x), y if track_id is None else timeline.lane_area(track_id).center().y())


def pixel(timeline, position) -> str:
    return timeline.viewport().grab().toImage().pixelColor(position).name()


def small_mask():
    mask = np.zeros((36, 64), dtype=np.bool_)
    mask[4:9, 4:9] = True
    return rle.encode(mask)


def wheel(timeline, position, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QWheelEvent(
        QPointF(position),
        timeline.viewport().mapToGlobal(QPointF(position)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(timeline.viewport(), event)


def right_click(timeline, position):
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, position, timeline.viewport().mapToGlobal(position))
    QApplication.sendEvent(timeline.viewport(), event)


def test_bars_are_where_the_tracks_are(timeline):
    assert pixel(timeline, at(timeline, 20, 2)) == track_color(2).name()
    assert pixel(timeline, at(timeline, 2, 2)) == color("window").name()
    assert pixel(timeline, at(timeline, 35, 2)) == color("window").name()
    assert pixel(timeline, at(timeline, 35, 3)) == track_color(3).name()


def test_a_click_on_the_ruler_jumps_and_keeps_the_selection(timeline, project, qtbot):
    project.session.select({3})
    qtbot.mouseClick(timeline.viewport(), LEFT, pos=at(timeline, 27))
    assert project.session.frame_index == 27
    assert project.session.selection == {3}


def test_a_click_on_a_bar_jumps_and_selects_its_track(timeline, project, qtbot):
    qtbot.mouseClick(timeline.viewport(), LEFT, pos=at(timeline, 12, 2))
    assert project.session.frame_index == 12
    assert project.session.selection == {2}


def test_a_click_beside_bars_keeps_the_selection(timeline, project, qtbot):
    project.session.select({1})
    qtbot.mouseClick(timeline.viewport(), LEFT, pos=at(timeline, 35, 2))
    assert project.session.frame_index == 35
    assert project.session.selection == {1}


def test_a_click_in_the_gutter_selects_and_ctrl_adds(timeline, project, qtbot):
    first = QPoint(40, timeline.lane_area(1).center().y())
    qtbot.mouseClick(timeline.viewport(), LEFT, pos=first)
    assert project.session.selection == {1}
    second = QPoint(40, timeline.lane_area(2).center().y())
    qtbot.mouseClick(timeline.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier, second)
    assert project.session.selection == {1, 2}
    assert project.session.frame_index == 0


def test_dragging_scrubs(timeline, project, qtbot):
    frames = []
    project.session.frame_changed.connect(frames.append)
    qtbot.mousePress(timeline.viewport(), LEFT, pos=at(timeline, 5))
    qtbot.mouseMove(timeline.viewport(), at(timeline, 9))
    qtbot.mouseMove(timeline.viewport(), at(timeline, 14))
    qtbot.mouseRelease(timeline.viewport(), LEFT, pos=at(timeline, 14))
    assert frames == [5, 9, 14]


def test_shift_drag_marks_a_range_and_escape_clears_it(timeline, project, qtbot):
    qtbot.mousePress(timeline.viewport(), LEFT, SHIFT, at(timeline, 20))
    qtbot.mouseMove(timeline.viewport(), at(timeline, 12))
    qtbot.mouseRelease(timeline.viewport(), LEFT, SHIFT, at(timeline, 12))
    assert project.session.range == FrameRange(12, 20)
    assert project.session.frame_index == 0
    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    assert project.session.range is None


def test_the_wheel_zooms_at_the_cursor_and_stops_at_the_whole_video(timeline, project):
    position = at(timeline, 30, 1)
    wheel(timeline, position, 3)
    scale = timeline.model.scene.scale
    assert scale.pixels_per_frame == pytest.approx(10 * 1.25**3)
    assert scale.frame_at(position.x() - GUTTER_WIDTH) == 30
    assert timeline.horizontalScrollBar().maximum() > 0
    wheel(timeline, position, -10)
    assert scale.is_fitted
    assert timeline.horizontalScrollBar().maximum() == 0


def test_keys_zoom_and_choose_lanes(timeline, project, qtbot):
    qtbot.keyClick(timeline, Qt.Key.Key_Down)
    assert project.session.selection == {1}
    qtbot.keyClick(timeline, Qt.Key.Key_Down)
    qtbot.keyClick(timeline, Qt.Key.Key_Down)
    qtbot.keyClick(timeline, Qt.Key.Key_Down)
    assert project.session.selection == {3}
    qtbot.keyClick(timeline, Qt.Key.Key_Up)
    assert project.session.selection == {2}
    qtbot.keyClick(timeline, Qt.Key.Key_Plus)
    assert not timeline.model.scene.scale.is_fitted


def test_the_view_follows_the_playhead(timeline, project):
    timeline.zoom(4)
    assert timeline.model.scene.scale.first < 30
    project.session.show_frame(35)
    x = timeline.model.scene.playhead_x()
    assert GUTTER_WIDTH <= x <= timeline.viewport().width()
    project.session.show_frame(0)
    assert timeline.model.scene.scale.first == 0


def test_a_double_click_zooms_to_the_stretch(timeline, project, qtbot):
    qtbot.mouseDClick(timeline.viewport(), LEFT, pos=at(timeline, 34, 3))
    scale = timeline.model.scene.scale
    assert 24 < scale.first < 30
    qtbot.mouseDClick(timeline.viewport(), LEFT, pos=at(timeline, 35))
    assert scale.is_fitted


def test_the_lane_menu_splits_where_it_was_opened(timeline, project, qtbot):
    right_click(timeline, at(timeline, 20, 1))
    menu = timeline.findChild(QMenu, "trackMenu")
    assert project.session.selection == {1}
    next(a for a in menu.actions() if a.text().startswith("Split at frame 20")).trigger()
    assert project.document.lane(1, 1).frame_indices.tolist() == list(range(20))
    assert project.document.lane(1, 4).frame_indices.tolist() == list(range(20, 40))


def test_the_menu_beside_lanes_clears_the_range(timeline, project, qtbot):
    project.session.set_range(FrameRange(3, 9))
    right_click(timeline, at(timeline, 20))
    menu = timeline.findChild(QMenu, "timelineMenu")
    next(a for a in menu.actions() if a.text().startswith("Zoom to")).trigger()
    assert timeline.model.scene.scale.frame_at(0) == 3
    next(a for a in menu.actions() if a.text().startswith("Clear")).trigger()
    assert project.session.range is None


def test_an_edit_moves_the_bars(timeline, project, qtbot):
    project.session.do(SwapTracks(1, 2, 3, FrameRange(30, 39)))
    qtbot.waitUntil(lambda: not timeline.is_loading)
    assert pixel(timeline, at(timeline, 35, 2) - QPoint(0, 3)) == track_color(2).name()
    project.session.undo()
    qtbot.waitUntil(lambda: not timeline.is_loading)
    assert pixel(timeline, at(timeline, 35, 2) - QPoint(0, 3)) == color("window").name()


def test_a_new_track_gets_a_lane(timeline, project, qtbot):
    assert timeline.lane_area(4).isNull()
    project.session.do(SplitTrack(1, 1, 20, 4))
    assert not timeline.lane_area(4).isNull()


def test_frames_that_no_run_reached_are_hatched(make_project, qtbot):
    project = make_project(run_to=25)
    timeline = shown(project, qtbot)
    image = timeline.viewport().grab().toImage()
    y = timeline.lane_area(1).bottom() + 60

    def shades(first, last):
        return {image.pixelColor(x, y).name() for x in range(at(timeline, first).x(), at(timeline, last).x())}

    assert len(shades(5, 20)) == 1
    assert len(shades(28, 38)) > 1


def test_the_models_head_moves_while_it_runs(make_project, landing_run, qtbot):
    project = make_project(run_to=0)
    timeline = shown(project, qtbot)
    run = landing_run(project)
    for index in range(12):
        run.land(index)
    qtbot.waitUntil(lambda: not timeline.lane_area(1).isNull(), timeout=2000)
    qtbot.waitUntil(lambda: not timeline.is_loading)
    head = QPoint(round(timeline.model.scene.x_of(12)), timeline.viewport().height() - 20)
    assert pixel(timeline, head) == color("good").name()
    assert pixel(timeline, at(timeline, 10, 1)) == track_color(1).name()
    run.finish()
    assert timeline.model.scene.run_head is None


def test_the_scope_of_the_next_edit_is_framed(timeline, project):
    project.session.select({1})
    project.session.show_frame(20)
    project.session.set_scope(Scope.FROM_HERE)
    before, after = at(timeline, 10, 1), at(timeline, 33, 1)
    assert pixel(timeline, before) == track_color(1).name()
    assert pixel(timeline, after) != track_color(1).name()
    project.session.set_scope(Scope.RANGE)
    assert pixel(timeline, after) == track_color(1).name()


def test_tooltips_name_track_frame_time_and_score(timeline):
    tip = timeline.mouse.tip_at(QPointF(at(timeline, 12, 2)))
    assert tip == "2 dog\nframe 12 · 00:01.20 · score 0.80 · from the model"
    assert "absent" in timeline.mouse.tip_at(QPointF(at(timeline, 35, 2)))
    assert timeline.mouse.tip_at(QPointF(40, timeline.lane_area(2).center().y())) == "2 dog\nframes 5 to 29"
    assert timeline.mouse.tip_at(QPointF(at(timeline, 12))).startswith("frame 12 · 00:01.20\n")


@pytest.fixture(params=["dark", "light"])
def each_theme(request, qapp):
    apply_theme(qapp, request.param)
    yield
    apply_theme(qapp, "dark")


@pytest.mark.usefixtures("each_theme")
def test_without_tracks_it_says_what_to_do(make_project, qtbot):
    project = make_project(run_to=0)
    timeline = shown(project, qtbot)
    image = timeline.viewport().grab().toImage()
    assert image.pixelColor(2, 2).name() == color("window").name()
    center = image.rect().center()
    row = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(center.y() - 8, center.y() + 8)}
    assert len(row) > 1


def test_the_theme_can_change_while_it_is_shown(timeline, qapp):
    apply_theme(qapp, "light")
    assert pixel(timeline, at(timeline, 35, 2)) == color("window").name()
    apply_theme(qapp, "dark")
    assert pixel(timeline, at(timeline, 35, 2)) == color("window").name()


def test_a_paint_of_a_long_video_fits_into_a_sixtieth_of_a_second(make_project, qtbot):
    project = make_project(run_to=0)
    generator = np.random.default_rng(0)
    mask = np.zeros((36, 64), dtype=np.bool_)
    mask[4:12, 4:12] = True
    shape = rle.encode(mask)
    tracks = tuple(
        ImportedTrack(1, 1, 0.8, tuple(shape if p else None for p in generator.random(40) < 0.5)) for _ in range(60)
    )
    project.session.do(ImportTracks("many", (), (Category(1, "dog"),), tracks))
    timeline = shown(project, qtbot)
    timeline.resize(1680, 420)
    bar, times = timeline.verticalScrollBar(), []
    for step in range(40):
        timeline.zoom(1.02)
        bar.setValue(bar.maximum() * step // 40)
        started = process_time()
        timeline.viewport().repaint()
        times.append(process_time() - started)
    assert np.median(times) < 1 / 60


def test_the_plot_shows_score_and_area_of_the_selected_track(timeline, project, qtbot):
    scene = timeline.model.scene
    timeline.resize(WIDTH, 300)
    project.session.select({2})
    qtbot.waitUntil(lambda: timeline.model.areas.get(2) is not None)
    QApplication.processEvents()
    assert timeline.model.areas.get(2).at(10) == 64
    assert timeline.model.areas.get(2).at(35) is None
    inside = at(timeline, 20, y=scene.plot_top + PLOT_HEIGHT - 10)
    outside = at(timeline, 35, y=scene.plot_top + PLOT_HEIGHT - 10)
    assert pixel(timeline, inside) != pixel(timeline, outside) == color("window").name()
    assert "score 0.80, area 64 px" in timeline.mouse.tip_at(QPointF(inside))


def test_the_area_plot_follows_an_edit(timeline, project, qtbot):
    project.session.select({2})
    qtbot.waitUntil(lambda: timeline.model.areas.get(2) is not None)
    project.session.do(SetMask(1, 2, 10, small_mask()))
    qtbot.waitUntil(lambda: timeline.model.areas.get(2).at(10) == 25)


def test_a_lane_comes_into_view_when_its_track_is_selected_elsewhere(project, timeline):
    bar = timeline.verticalScrollBar()
    timeline.resize(900, RULER_HEIGHT + PLOT_HEIGHT + 2 * LANE_HEIGHT)
    project.session.select({1})
    assert bar.value() == 0
    project.session.select({3})
    assert timeline.lane_area(3).top() == RULER_HEIGHT + LANE_HEIGHT
    moved = bar.value()
    project.session.select({2, 3})
    assert bar.value() == moved
