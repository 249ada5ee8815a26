"""The canvas: what is painted, what a click hits, zoom and pan."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.mask_shape import MaskShapeCache, mask_shape, pixel_edges
from app.canvas.view_transform import ViewTransform
from app.theme import track_color
from app.video.qimage import rgb_of_qimage
from visolo.rle import encode


def widget_point(window, x: float, y: float) -> QPoint:
    """Where an image point is on the canvas widget."""
    return window.workspace.canvas.view.view.to_widget(QPointF(x, y)).toPoint()


def painted(window) -> np.ndarray:
    """What the canvas shows, (H, W, 3) uint8 RGB."""
    return rgb_of_qimage(window.workspace.canvas.view.grab().toImage())


def color_at(window, x: float, y: float) -> np.ndarray:
    """Painted colour at an image point."""
    point = widget_point(window, x, y)
    return painted(window)[point.y(), point.x()].astype(int)


@pytest.mark.parametrize("aspect", [1.0, 4 / 3, 0.5])
def test_points_come_back_from_the_widget(aspect):
    view = ViewTransform(QSize(640, 360), aspect).fitted(QSize(1000, 500)).zoomed(3.7, QPointF(210, 95))
    back = view.to_image(view.to_widget(QPointF(123.25, 77.5)))
    assert (back.x(), back.y()) == pytest.approx((123.25, 77.5))
    mapped = view.qtransform().map(QPointF(10, 20))
    assert (mapped.x(), mapped.y()) == pytest.approx(
        (view.to_widget(QPointF(10, 20)).x(), view.to_widget(QPointF(10, 20)).y())
    )


def test_zoom_keeps_the_point_under_the_cursor():
    view = ViewTransform(QSize(640, 360)).fitted(QSize(1000, 500))
    cursor = QPointF(333, 222)
    before, after = view.to_image(cursor), view.zoomed(2.5, cursor).to_image(cursor)
    assert (before.x(), before.y()) == pytest.approx((after.x(), after.y()))


def test_the_picture_cannot_be_dragged_out_of_sight():
    view = ViewTransform(QSize(640, 360)).fitted(QSize(1000, 500)).panned(QPointF(1e6, -1e6), QSize(1000, 500))
    assert view.shown_rect.left() < 1000
    assert view.shown_rect.bottom() > 0


def test_shapes_have_box_area_outline_and_hits():
    mask = np.zeros((50, 80), dtype=bool)
    mask[10:30, 20:60] = True
    mask[15:20, 30:40] = False
    shape = mask_shape(encode(mask))
    assert tuple(shape.box) == (20, 10, 40, 20)
    assert shape.area == mask.sum()
    assert shape.contains(20.0, 10.0)
    assert shape.contains(59.9, 29.9)
    assert not shape.contains(60.0, 29.0)
    assert not shape.contains(35.0, 17.0)
    assert len(shape.outlines) == 2
    lengths = pixel_edges(shape)
    assert np.abs(lengths[:, 2:] - lengths[:, :2]).sum() == 2 * (40 + 20) + 2 * (10 + 5)
    assert mask_shape(encode(np.zeros((5, 5), dtype=bool))) is None


def test_kept_shapes_are_bounded_in_bytes():
    cache = MaskShapeCache(capacity_bytes=3000)
    masks = [np.pad(np.ones((30, 30), dtype=bool), ((k, 10 - k), (0, 0))) for k in range(8)]
    first = cache.get(encode(masks[0]))
    assert cache.get(encode(masks[0])) is first
    for mask in masks:
        cache.get(encode(mask))
    assert cache.get(encode(masks[0])) is not first
    assert cache._bytes <= 3000


def test_the_painted_frame_is_the_frame_of_the_session(window, qtbot):
    canvas = window.workspace.canvas
    for frame_index in (0, 7, 39, 12, 38, 3):
        window.session.show_frame(frame_index)
        qtbot.waitUntil(lambda index=frame_index: canvas.shown_frame == index)
        assert color_at(window, 3, 60)[0] == pytest.approx(10 + 6 * frame_index, abs=2)


def test_masks_are_painted_in_the_colour_of_their_track(tracked):
    plain = color_at(tracked, 3, 60)
    inside = color_at(tracked, 10, 30)
    wanted = np.array(track_color(1).getRgb()[:3])
    assert inside == pytest.approx(0.45 * wanted + 0.55 * plain, abs=6)
    tracked.workspace.commands.view.set_opacity(0)
    assert color_at(tracked, 10, 30) == pytest.approx(plain, abs=3)
    tracked.workspace.commands.view.set_opacity(100)
    assert color_at(tracked, 10, 30) == pytest.approx(wanted, abs=3)


def test_hidden_and_solo_tracks_are_not_painted(tracked, press):
    plain = color_at(tracked, 3, 60)
    press(tracked, "1", "H")
    assert color_at(tracked, 10, 30) == pytest.approx(plain, abs=3)
    assert abs(color_at(tracked, 44, 28) - plain).max() > 20
    press(tracked, "H", "2", "S")
    assert color_at(tracked, 10, 30) == pytest.approx(plain, abs=3)
    press(tracked, "Shift+S")
    assert abs(color_at(tracked, 10, 30) - plain).max() > 20
    press(tracked, "Shift+H")
    assert color_at(tracked, 10, 30) == pytest.approx(plain, abs=3)


def test_clicks_select_add_and_clear(tracked, qtbot):
    view, session = tracked.workspace.canvas.view, tracked.session
    left, shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(view, left, pos=widget_point(tracked, 10, 30))
    assert session.selection == {1}
    qtbot.mouseClick(view, left, shift, widget_point(tracked, 44, 30))
    assert session.selection == {1, 2}
    qtbot.mouseClick(view, left, shift, widget_point(tracked, 10, 30))
    assert session.selection == {2}
    qtbot.mouseClick(view, left, pos=widget_point(tracked, 3, 60))
    assert session.selection == frozenset()


def test_a_hidden_mask_is_not_hit(tracked, qtbot):
    tracked.session.set_hidden({1})
    qtbot.mouseClick(tracked.workspace.canvas.view, Qt.MouseButton.LeftButton, pos=widget_point(tracked, 10, 30))
    assert tracked.session.selection == frozenset()


def test_an_edit_repaints_the_mask_in_its_new_colour(tracked, press):
    tracked.session.show_frame(0)
    before = color_at(tracked, 10, 30)
    press(tracked, "1", "Ctrl+0")
    tracked.session.select(())
    wanted = np.array(track_color(4).getRgb()[:3])
    assert abs(color_at(tracked, 10, 30) - before).max() > 20
    assert color_at(tracked, 10, 30) == pytest.approx(0.45 * wanted + 0.55 * color_at(tracked, 3, 60), abs=6)


def test_hovering_lifts_the_mask_and_names_it(tracked, qtbot):
    canvas = tracked.workspace.canvas
    QTest.mouseMove(canvas.view, widget_point(tracked, 3, 60))
    QTest.mouseMove(canvas.view, widget_point(tracked, 44, 30))
    qtbot.waitUntil(lambda: canvas.style.hovered == 2)
    drawn = canvas.view.instance_at(QPointF(widget_point(tracked, 44, 30)))
    assert canvas.scene.tooltip(drawn) == "2 dog  ·  score 0.80  ·  256 px  ·  found by the model"


def _wheel(view, position: QPoint, angle: int = 0, pixels: int = 0) -> None:
    event = QWheelEvent(
        QPointF(position),
        QPointF(view.mapToGlobal(position)),
        QPoint(0, pixels),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


@pytest.mark.parametrize("delta", [{"angle": 120}, {"pixels": 60}])
def test_the_wheel_zooms_at_the_cursor(window, delta):
    view = window.workspace.canvas.view
    place = widget_point(window, 70, 12)
    before, zoom = view.view.to_image(QPointF(place)), view.view.zoom
    _wheel(view, place, **delta)
    assert view.view.zoom == pytest.approx(1.2 * zoom)
    after = view.view.to_image(QPointF(place))
    assert (before.x(), before.y()) == pytest.approx((after.x(), after.y()))


def test_zoom_keys_and_fit(window, press):
    view = window.workspace.canvas.view
    fitted = view.view.zoom
    press(window, "Ctrl++", "Ctrl+=")
    assert view.view.zoom == pytest.approx(fitted * 1.25**2)
    press(window, "Ctrl+-")
    assert view.view.zoom == pytest.approx(fitted * 1.25)
    press(window, "Ctrl+0")
    assert view.view.zoom == pytest.approx(1.0)
    press(window, "Ctrl+F")
    assert view.view.zoom == pytest.approx(fitted)


def test_pixels_are_sharp_when_zoomed_in(window):
    view = window.workspace.canvas.view
    view.zoom_by(24.0 / view.view.zoom, QPointF(widget_point(window, 4, 10)))
    row = painted(window)[widget_point(window, 4, 10).y()].astype(int)
    values = np.unique(row[: view.width()], axis=0)
    # Smoothing would give a ramp of dozens of colours between the grey and the yellow square.
    assert len(values) < 30


def _drag(view, button, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view, button, Qt.KeyboardModifier.NoModifier, start)
    for share in (0.5, 1.0):
        QTest.mouseMove(view, start + (end - start) * share)
    QTest.mouseRelease(view, button, Qt.KeyboardModifier.NoModifier, end)


def test_the_middle_button_pans(window):
    view = window.workspace.canvas.view
    left = view.view.left
    _drag(view, Qt.MouseButton.MiddleButton, QPoint(200, 200), QPoint(260, 230))
    assert view.view.left == pytest.approx(left + 60)


def test_space_pans_when_dragged_and_plays_when_tapped(tracked, qtbot):
    view, player = tracked.workspace.canvas.view, tracked.workspace.player
    left = view.view.left
    start = widget_point(tracked, 10, 30)
    qtbot.keyPress(view, Qt.Key.Key_Space)
    _drag(view, Qt.MouseButton.LeftButton, start, start + QPoint(40, 0))
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert view.view.left == pytest.approx(left + 40)
    assert not player.is_playing
    assert tracked.session.selection == frozenset()
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert player.is_playing
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert not player.is_playing


def test_wide_pixels_are_shown_wide(open_window, make_clip, tmp_path):
    window = open_window(make_clip(tmp_path / "wide.mp4", frames=6, aspect="2"))
    assert window.session.video.pixel_aspect == 2.0
    shown = window.workspace.canvas.view.view.shown_size
    assert shown.width() / shown.height() == pytest.approx(2 * 96 / 64)
    assert color_at(window, 12, 10)[2] < 120
    assert color_at(window, 40, 10)[2] < 20
