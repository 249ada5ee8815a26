"""Following in the window, on the sample with the model that comes along: boxes, tracks, stopping, edits, refusals."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from app.document.edits import SetMask
from app.document.records import FrameRange, Origin
from app.session import Scope
from app.settings import DEVICE
from visolo.resources import resource_path
from visolo.rle import Box, bounding_box
from visolo.rle_box import encode_in_box

_LONG_MS = 120_000
FIRST = 120
CYCLIST = Box(383, 4, 105, 241)


@pytest.fixture
def ready(open_window, tmp_path, qtbot):
    """The sample at a frame where a cyclist passes; what was said since is in `ready.said`."""
    import shutil

    clip = tmp_path / "bikes.mp4"
    shutil.copy(resource_path("samples", "bikes.mp4"), clip)
    window = open_window(clip)
    window.workspace.settings.set(DEVICE, "cpu")
    window.said = []
    window.session.message.connect(window.said.append)
    window.session.refused.connect(window.said.append)
    go_to(qtbot, window, FIRST)
    return window


def go_to(qtbot, window, frame_index: int) -> None:
    """Show a frame and wait until it is painted."""
    window.session.show_frame(frame_index)
    qtbot.waitUntil(lambda: window.workspace.canvas.shown_frame == frame_index, timeout=20_000)


def mark(window, first: int, last: int) -> None:
    """Follow within these frames only."""
    window.session.set_scope(Scope.RANGE)
    window.session.set_range(FrameRange(first, last))


def drag(window, box: Box) -> None:
    """Drag a box over the canvas, from corner to corner."""
    view = window.workspace.canvas.view
    corners = [QPointF(box.x, box.y), QPointF(box.x + box.width, box.y + box.height)]
    start, end = (view.view.to_widget(corner).toPoint() for corner in corners)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def wait_until_idle(qtbot, window) -> None:
    """Until the model does nothing."""
    qtbot.waitUntil(lambda: window.session.run.state == "idle", timeout=_LONG_MS)


def frames_of(window, track_id: int) -> list[int]:
    """Where a track is."""
    return window.session.document.lane(1, track_id).frame_indices.tolist()


def test_a_box_is_followed_to_the_end_of_the_range_and_is_one_undo_step(ready, qtbot, press):
    mark(ready, 100, FIRST + 5)
    press(ready, "F")
    drag(ready, CYCLIST)
    assert ready.session.run.is_following
    wait_until_idle(qtbot, ready)
    session = ready.session
    assert frames_of(ready, 1) == list(range(FIRST, FIRST + 6))
    assert session.history.undo_text == f"Follow track 1 from frame {FIRST} on: 6 frames"
    assert ready.said[-1] == f"Followed track 1 to frame {FIRST + 5}: 6 new masks"
    assert session.selection == {1}
    names = session.category_names()
    assert names[session.document.track(1, 1).category_id] == "person"
    instance = session.document.instance(1, 1, FIRST + 5)
    assert instance.origin is Origin.INTERPOLATED
    assert abs(instance.box.width - CYCLIST.width) < 40
    press(ready, "Ctrl+Z")
    assert session.tracks() == []


def test_the_selected_track_is_followed_on_and_back(ready, qtbot, press):
    mark(ready, FIRST - 3, FIRST + 3)
    press(ready, "F")
    drag(ready, CYCLIST)
    wait_until_idle(qtbot, ready)
    press(ready, "Ctrl+Shift+F")
    wait_until_idle(qtbot, ready)
    assert frames_of(ready, 1) == list(range(FIRST - 3, FIRST + 4))
    assert ready.session.history.undo_text == f"Follow track 1 from frame {FIRST} back: 3 frames"
    go_to(qtbot, ready, FIRST + 3)
    mark(ready, FIRST + 3, FIRST + 6)
    press(ready, "Shift+F")
    wait_until_idle(qtbot, ready)
    assert frames_of(ready, 1) == list(range(FIRST - 3, FIRST + 7))


def test_a_mask_of_a_person_stays_and_is_counted(ready, qtbot, press):
    session = ready.session
    mark(ready, FIRST, FIRST + 4)
    press(ready, "F")
    drag(ready, CYCLIST)
    wait_until_idle(qtbot, ready)
    import numpy as np

    drawn = encode_in_box(np.ones((20, 20), bool), 300, 100, (session.video.height, session.video.width))
    session.do(SetMask(1, 1, FIRST + 2, drawn))
    press(ready, "Shift+F")
    wait_until_idle(qtbot, ready)
    assert session.document.instance(1, 1, FIRST + 2).rle == drawn
    assert ready.said[-1].endswith("0 new masks; 5 frames kept what was there")
    assert session.history.undo_text == f"Edit mask of 1 on frame {FIRST + 2}"


def test_escape_stops_and_what_was_found_stays(ready, qtbot, press):
    press(ready, "F")
    drag(ready, CYCLIST)
    qtbot.waitUntil(lambda: ready.session.run.head >= 2, timeout=_LONG_MS)
    press(ready, "Esc")
    assert ready.session.run.state == "idle"
    kept = frames_of(ready, 1)
    assert kept
    assert kept[-1] < ready.session.video.frame_count - 1
    assert ready.said[-1].startswith("Stopped following: ")
    press(ready, "Ctrl+Z")
    assert ready.session.tracks() == []


def test_undo_in_the_middle_takes_it_away_and_ends_it(ready, qtbot, press):
    press(ready, "F")
    drag(ready, CYCLIST)
    qtbot.waitUntil(lambda: ready.session.run.head >= 2, timeout=_LONG_MS)
    press(ready, "Ctrl+Z")
    assert ready.session.run.state == "idle"
    assert ready.session.tracks() == []
    assert any("something else was edited or undone" in words for words in ready.said)


def test_nothing_in_the_box_is_said(ready, qtbot, press):
    before = ready.session.history.undo_text
    press(ready, "F")
    drag(ready, Box(2, 2, 22, 9))
    wait_until_idle(qtbot, ready)
    assert ready.said[-1].startswith("The model sees no object of its own there")
    assert ready.session.history.undo_text == before
    drag(ready, Box(60, 60, 1, 1))
    assert ready.said[-1].startswith("Drag a box around the whole object")


def test_running_and_following_refuse_each_other(ready, qtbot, press):
    press(ready, "F")
    drag(ready, CYCLIST)
    assert ready.workspace.actions.why_not("run.from_here") == "The model is running; pause or stop it first"
    assert ready.workspace.actions.why_not("run.toggle") == "One object is being followed; stop that first (Esc)"
    assert not ready.toolbar.findChild(QAbstractButton, "runButton").isEnabled()
    ready.workspace.inference.start(0)
    assert ready.session.run.is_following
    press(ready, "Shift+F5")
    assert ready.toolbar.findChild(QAbstractButton, "runButton").isEnabled()
    assert ready.session.run.state == "idle"
    press(ready, "F5")
    drag(ready, CYCLIST)
    assert ready.said[-1] == "The model is running; stop it first (Shift+F5)"
    assert not ready.session.run.is_following
    press(ready, "Shift+F5")


def test_a_box_around_a_tracks_object_goes_on_with_that_track(ready, qtbot, press):
    mark(ready, FIRST, FIRST + 2)
    press(ready, "F")
    drag(ready, CYCLIST)
    wait_until_idle(qtbot, ready)
    go_to(qtbot, ready, FIRST + 2)
    mark(ready, FIRST, FIRST + 5)
    ready.session.select(())
    drag(ready, bounding_box(ready.session.document.instance(1, 1, FIRST + 2).rle))
    wait_until_idle(qtbot, ready)
    assert frames_of(ready, 1) == list(range(FIRST, FIRST + 6))
    assert [s.track.track_id for s in ready.session.tracks()] == [1]
