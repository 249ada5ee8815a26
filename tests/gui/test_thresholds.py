"""Other thresholds tried in the real window: seen at once, taken as one edit, or left without a trace."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider, QStyle, QStyleOptionSlider, QWidget

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import FRAMES, plant_switch

from app.document.edits import SwapTracks
from app.document.records import FrameRange


@pytest.fixture
def tried(window, press, qtbot):
    """The window with three tracks, and the sliders ready to be moved."""
    window.session.results_landed(plant_switch(window.session.history))
    press(window, "F6")
    qtbot.waitUntil(lambda: window.session.trial.limits is not None, timeout=10_000)
    return window


@pytest.fixture
def offered(tried, press, qtbot):
    """The same with a similarity that no two instances reach."""
    press(tried, "End")
    qtbot.waitUntil(lambda: tried.session.preview.offer is not None, timeout=10_000)
    return tried


def bar(window) -> QWidget:
    return window.findChild(QWidget, "thresholdBar")


def slider(window, name: str) -> QSlider:
    return window.findChild(QSlider, f"threshold_{name}")


def track_ids(window) -> list[int]:
    return [summary.track.track_id for summary in window.session.tracks()]


def test_the_sliders_begin_where_the_run_was(tried):
    assert bar(tried).isVisible()
    assert tried.focusWidget() is slider(tried, "link")
    assert [slider(tried, name).value() for name in ("score", "update", "link")] == [10, 5, 10]
    assert tried.session.preview.offer is None


def test_a_run_that_kept_no_candidates_says_why_the_score_stays(tried):
    assert not slider(tried, "score").isEnabled()
    assert "run the model again" in slider(tried, "score").toolTip()


def test_moving_a_slider_shows_what_would_change_and_changes_nothing(offered):
    scene = offered.docks["timeline"].widget().model.scene
    assert scene.previewed[1]
    assert offered.findChild(QLabel, "thresholdValue_link").text() == "1, was 0.1"
    assert offered.findChild(QLabel, "previewText").text() == f"{FRAMES - 1} frames of 120 tracks would change"
    assert track_ids(offered) == [1, 2, 3]


def test_a_drag_with_the_mouse_does_the_same(tried, qtbot):
    groove = slider(tried, "update")
    option = QStyleOptionSlider()
    groove.initStyleOption(option)
    parts = QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle
    handle = groove.style().subControlRect(*parts, groove).center()
    qtbot.mousePress(groove, Qt.MouseButton.LeftButton, pos=handle)
    qtbot.mouseMove(groove, groove.rect().topRight())
    qtbot.mouseRelease(groove, Qt.MouseButton.LeftButton, pos=groove.rect().topRight())
    assert tried.session.trial.tried.update == 1
    preview = tried.session.preview
    qtbot.waitUntil(
        lambda: preview.offer is not None and {step.to_track_id for step in preview.offer.steps} == {None},
        timeout=10_000,
    )


def test_enter_takes_them_as_one_edit_and_undo_takes_it_back(offered, press):
    session = offered.session
    before = session.history.undo_text
    press(offered, "Return")
    assert len(track_ids(offered)) == 3 * FRAMES
    assert not bar(offered).isVisible()
    press(offered, "Ctrl+Z")
    assert track_ids(offered) == [1, 2, 3]
    assert session.history.undo_text == before


def test_escape_leaves_nothing(offered, press):
    before = offered.session.history.undo_text
    press(offered, "Escape")
    assert not bar(offered).isVisible()
    assert offered.session.preview.offer is None
    assert offered.docks["timeline"].widget().model.scene.previewed == {}
    assert offered.session.history.undo_text == before
    assert offered.focusWidget() is offered.workspace.canvas.view


def test_back_at_the_beginning_nothing_is_offered(offered, qtbot):
    qtbot.mouseClick(offered.findChild(QPushButton, "thresholdReset"), Qt.MouseButton.LeftButton)
    assert offered.session.preview.offer is None
    assert bar(offered).isVisible()
    assert slider(offered, "link").value() == 10


def test_the_arrow_keys_are_the_sliders_and_the_next_one_is_below(tried, press):
    press(tried, "Up", "Right")
    assert slider(tried, "update").value() == 6
    assert tried.session.frame_index == 0
    press(tried, "Down", "Left")
    assert slider(tried, "link").value() == 9


def test_an_edit_ends_the_trial(offered):
    offered.session.do(SwapTracks(1, 1, 2, FrameRange(10, None)))
    assert not bar(offered).isVisible()
    assert offered.session.trial.limits is None


def test_without_a_run_it_says_so(window, press, qtbot):
    window.session.results_landed(plant_switch(window.session.history))
    while window.session.can_undo:
        press(window, "Ctrl+Z")
    press(window, "F6")
    assert "no tracks" in window.status.message()
    assert not bar(window).isVisible()
