"""What an identity edit would change later, in the real window: found out, walked, accepted or left."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import SWITCH, plant_switch

from app.document.edits import SwapTracks
from app.document.records import FrameRange

EARLY = 10


@pytest.fixture
def switched(window):
    """The window with the clip open, in which the model took two objects for each other."""
    window.session.results_landed(plant_switch(window.session.history))
    return window


@pytest.fixture
def offered(switched, qtbot):
    """The same after an edit of the frames before that mistake: the tracks part from it again where it was made."""
    switched.session.do(SwapTracks(1, 1, 2, FrameRange(EARLY, None)))
    qtbot.waitUntil(lambda: switched.session.preview.offer is not None, timeout=10_000)
    return switched


def lefts(window, frame_index: int) -> dict[int, int]:
    """Where each track's square is."""
    return {i.track_id: i.box.x for i in window.session.document.instances(1, frame_index)}


def bar(window) -> QWidget:
    return window.findChild(QWidget, "previewBar")


def test_an_identity_edit_shows_what_would_change_later(offered, press):
    assert bar(offered).isVisible()
    text = offered.findChild(QLabel, "previewText").text()
    assert text == f"20 frames of 2 tracks would change from frame {EARLY} on"
    press(offered, "Ctrl+N")
    assert offered.session.frame_index == SWITCH
    assert offered.session.selection == {1, 2}
    assert "1 of 2: 1 becomes 2" in offered.findChild(QLabel, "previewStep").text()
    press(offered, "Ctrl+Shift+N")
    assert "2 of 2" in offered.findChild(QLabel, "previewStep").text()


def test_enter_accepts_as_one_edit_and_undo_takes_it_back(offered, press, qtbot):
    session = offered.session
    before = lefts(offered, 30)
    press(offered, "Return")
    assert session.history.undo_text.startswith(f"Associate again from frame {EARLY} on")
    assert lefts(offered, 30) == lefts(offered, EARLY) != before
    assert not bar(offered).isVisible()
    qtbot.waitUntil(offered.workspace.reassociation.is_idle)
    assert session.preview.offer is None
    press(offered, "Ctrl+Z")
    assert lefts(offered, 30) == before


def test_escape_leaves_everything_as_it_is(offered, press):
    before = lefts(offered, 30)
    press(offered, "Escape")
    assert not bar(offered).isVisible()
    assert lefts(offered, 30) == before
    assert offered.session.history.undo_text == f"Swap 1 and 2 from frame {EARLY} on"


def test_the_mouse_accepts(offered, qtbot):
    qtbot.mouseClick(offered.findChild(QPushButton, "previewAccept"), Qt.MouseButton.LeftButton)
    assert lefts(offered, 30) == lefts(offered, EARLY)


def test_enter_is_free_once_something_else_was_selected(offered, press):
    assert "Enter" in offered.findChild(QPushButton, "previewAccept").text()
    offered.session.select({3})
    assert "Enter" not in offered.findChild(QPushButton, "previewAccept").text()
    press(offered, "Return")
    assert offered.session.history.undo_text == f"Swap 1 and 2 from frame {EARLY} on"
    assert bar(offered).isVisible()


def test_lanes_and_labels_show_what_would_become_of_a_track(offered):
    scene = offered.docks["timeline"].widget().model.scene
    assert [(s.frames.first, s.to_track_id) for s in scene.previewed[1]] == [(SWITCH, 2)]
    offered.session.preview.step(1)
    labels = [drawn.label for drawn in _drawn(offered, SWITCH)]
    assert any(label.startswith("1 ") and label.endswith("→ 2") for label in labels)


def _drawn(window, frame_index: int) -> list:
    window.workspace.canvas.scene.load(frame_index)
    return window.workspace.canvas.scene.instances


def test_the_next_edit_drops_what_was_shown(offered, press):
    press(offered, "Ctrl+Z")
    assert offered.session.preview.offer is None
    assert offered.docks["timeline"].widget().model.scene.previewed == {}


def test_it_can_be_switched_off_and_asked_for(switched, qtbot):
    switched.workspace.actions.run("preview.automatic")
    switched.session.do(SwapTracks(1, 1, 2, FrameRange(EARLY, None)))
    assert switched.workspace.reassociation.is_idle()
    switched.session.show_frame(EARLY)
    switched.workspace.actions.run("preview.reassociate")
    qtbot.waitUntil(lambda: switched.session.preview.offer is not None, timeout=10_000)


def test_asking_says_when_nothing_would_change(switched, press, qtbot):
    switched.session.do(SwapTracks(1, 1, 2, FrameRange(SWITCH, None)))
    qtbot.waitUntil(switched.workspace.reassociation.is_idle)
    assert switched.session.preview.offer is None
    switched.session.show_frame(SWITCH)
    switched.workspace.actions.run("preview.reassociate")
    qtbot.waitUntil(lambda: "changes nothing" in switched.status.message(), timeout=10_000)
