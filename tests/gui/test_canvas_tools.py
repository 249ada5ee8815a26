"""Brush, eraser and polygon: each stroke is one edit of the selected track's mask on this frame."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.document.records import Origin
from visolo.rle_box import decode_in_box

LEFT = Qt.MouseButton.LeftButton
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def place(window, x: float, y: float) -> QPoint:
    """Where an image point is on the canvas."""
    return window.workspace.canvas.view.view.to_widget(QPointF(x, y)).toPoint()


def drag(window, start: tuple[float, float], end: tuple[float, float], keys=NONE) -> None:
    """Drag over the canvas."""
    view = window.workspace.canvas.view
    QTest.mousePress(view, LEFT, keys, place(window, *start))
    QTest.mouseMove(view, place(window, *end))
    QTest.mouseRelease(view, LEFT, keys, place(window, *end))


def mask(window, track_id: int) -> np.ndarray:
    """The track's mask on the current frame, all False when there is none."""
    session = window.session
    instance = session.document.instance(1, track_id, session.frame_index)
    whole = np.zeros((64, 96), dtype=bool)
    if instance is not None:
        box, part = decode_in_box(instance.rle)
        whole[box.y : box.y + box.height, box.x : box.x + box.width] = part
    return whole


@pytest.fixture
def painting(tracked, press):
    """Track 1 selected, the brush in hand, 4 px wide."""
    tracked.workspace.canvas.brush.radius = tracked.workspace.canvas.eraser.radius = 2.0
    press(tracked, "1", "B")
    assert tracked.session.tool_id == "brush"
    return tracked


def test_a_stroke_adds_to_the_mask_and_is_one_undo_step(painting, press):
    before = mask(painting, 1)
    drag(painting, (14, 50), (30, 50))
    after = mask(painting, 1)
    assert after[50, 14:31].all()
    assert (after & before).sum() == before.sum()
    assert after.sum() - before.sum() == pytest.approx(16 * 4 + 3.14 * 4, abs=8)
    session = painting.session
    assert session.history.undo_text == "Edit mask of 1 on frame 0"
    assert session.document.instance(1, 1, 0).origin == Origin.PERSON
    assert session.document.instance(1, 1, 1).origin == Origin.MODEL
    press(painting, "Ctrl+Z")
    np.testing.assert_array_equal(mask(painting, 1), before)


def test_control_erases_and_the_eraser_with_control_paints(painting, press):
    drag(painting, (6, 28), (21, 28), CTRL)
    assert not mask(painting, 1)[28, 7:21].any()
    press(painting, "E")
    assert painting.session.tool_id == "eraser"
    drag(painting, (6, 22), (21, 22))
    assert not mask(painting, 1)[22, 7:21].any()
    drag(painting, (6, 28), (21, 28), CTRL)
    assert mask(painting, 1)[28, 7:21].all()


def test_the_stroke_is_shown_while_it_is_drawn(painting):
    view = painting.workspace.canvas.view
    spot = place(painting, 40, 58)
    before = view.grab().toImage().pixelColor(spot)
    QTest.mousePress(view, LEFT, NONE, place(painting, 30, 58))
    QTest.mouseMove(view, place(painting, 60, 58))
    during = view.grab().toImage().pixelColor(spot)
    assert painting.session.history.undo_text.startswith("Run")
    QTest.mouseRelease(view, LEFT, NONE, place(painting, 60, 58))
    assert abs(during.green() - before.green()) > 20


def test_escape_drops_the_stroke_and_then_the_tool(painting, press):
    view = painting.workspace.canvas.view
    before = mask(painting, 1)
    QTest.mousePress(view, LEFT, NONE, place(painting, 30, 58))
    QTest.mouseMove(view, place(painting, 60, 58))
    press(painting, "Escape")
    QTest.mouseRelease(view, LEFT, NONE, place(painting, 60, 58))
    np.testing.assert_array_equal(mask(painting, 1), before)
    press(painting, "Escape")
    assert painting.session.tool_id == "select"
    assert painting.session.selection == {1}


def test_painting_with_nothing_selected_begins_a_track(painting, press):
    painting.session.select(())
    drag(painting, (70, 56), (80, 56))
    assert painting.session.selection == {4}
    assert mask(painting, 4)[56, 71:80].all()
    press(painting, "Ctrl+Z")
    assert [s.track.track_id for s in painting.session.tracks()] == [1, 2, 3]


def test_painting_in_a_project_without_classes_makes_one(window, press, qtbot):
    press(window, "B")
    drag(window, (20, 30), (40, 30))
    assert [category.name for category in window.session.document.categories()] == ["object"]
    assert [s.track.track_id for s in window.session.tracks()] == [1]


def test_erasing_everything_removes_the_mask(painting, press):
    painting.workspace.canvas.eraser.radius = 60.0
    press(painting, "E")
    drag(painting, (14, 28), (20, 28))
    assert painting.session.document.instance(1, 1, 0) is None
    assert painting.session.document.instance(1, 1, 1) is not None


def test_erasing_needs_one_track(painting, press):
    painting.session.select(())
    press(painting, "E")
    drag(painting, (14, 28), (20, 28))
    assert "Select one track to erase from" in painting.status.message()


def test_a_locked_track_is_not_painted(painting, press):
    before = mask(painting, 1)
    press(painting, "L")
    drag(painting, (30, 50), (50, 50))
    np.testing.assert_array_equal(mask(painting, 1), before)
    assert "locked" in painting.status.message().lower()


def test_brackets_change_the_brush(painting, press):
    brush = painting.workspace.canvas.brush
    press(painting, "]", "]", "[")
    assert brush.radius == pytest.approx(2.5)
    press(painting, "B", "]")
    assert brush.radius == pytest.approx(2.5)
    assert "Choose brush, eraser or polygon first" in painting.status.message()


def test_letters_are_the_tools_only_while_a_mask_is_edited(painting, press):
    scope = painting.session.scope
    press(painting, "G")
    assert painting.session.tool_id == "polygon"
    press(painting, "P")
    assert painting.session.tool_id == "brush"
    assert painting.session.scope is scope
    press(painting, "B", "P")
    assert painting.session.scope is not scope


def test_a_polygon_is_added_and_another_cut_out(painting, press):
    press(painting, "G")
    view = painting.workspace.canvas.view
    for corner in ((60, 40), (80, 40), (80, 60), (60, 60)):
        QTest.mouseClick(view, LEFT, NONE, place(painting, *corner))
    press(painting, "Return")
    added = mask(painting, 1)
    assert added[42:58, 62:78].all()
    assert not added[:, 84:].any()
    for corner in ((65, 45), (75, 45), (75, 55), (65, 55)):
        QTest.mouseClick(view, LEFT, NONE, place(painting, *corner))
    press(painting, "Ctrl+Return")
    cut = mask(painting, 1)
    assert not cut[47:53, 67:73].any()
    assert cut[42:44, 62:78].all()
    assert painting.session.history.undo_text == "Edit mask of 1 on frame 0"


def test_a_polygon_closes_at_its_first_corner_and_forgets_on_backspace(painting, press):
    press(painting, "G")
    view = painting.workspace.canvas.view
    for corner in ((60, 40), (80, 40), (80, 60), (90, 20)):
        QTest.mouseClick(view, LEFT, NONE, place(painting, *corner))
    press(painting, "Backspace")
    QTest.mouseClick(view, LEFT, NONE, place(painting, 60, 40))
    assert mask(painting, 1)[42:44, 66:78].all()
    assert not mask(painting, 1)[20:30, 85:].any()
    QTest.mouseClick(view, LEFT, NONE, place(painting, 10, 10))
    press(painting, "Return")
    assert "three corners" in painting.status.message()


def test_another_frame_drops_what_was_begun(painting, press, qtbot):
    press(painting, "G")
    view = painting.workspace.canvas.view
    QTest.mouseClick(view, LEFT, NONE, place(painting, 60, 40))
    press(painting, "Right")
    qtbot.waitUntil(lambda: painting.workspace.canvas.shown_frame == 1)
    assert painting.workspace.canvas.polygon._corners == []
    QApplication.processEvents()
