"""Two states of the tracks compared in the real window: asked for, walked, closed; nothing is changed by it."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QPushButton

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import SWITCH, plant_switch

from app.document.edits import RemoveInstances, SwapTracks
from app.document.records import FrameRange


@pytest.fixture
def corrected(window):
    """The window after a run whose switch a person has mended, and a mask that was taken out."""
    session = window.session
    session.results_landed(plant_switch(session.history))
    window.workspace.actions.run("preview.automatic")
    session.do(SwapTracks(1, 1, 2, FrameRange(SWITCH, None)))
    session.do(RemoveInstances(1, 3, FrameRange(5, 6), False))
    return window


@pytest.fixture
def compared(corrected, press, qtbot):
    """The same with the differences between the run and now shown."""
    press(corrected, "F7")
    dialog = corrected.findChild(QDialog, "compareRuns")
    assert dialog.findChild(QComboBox, "compareBefore").currentText().startswith("Run 1: test")
    assert dialog.findChild(QComboBox, "compareAfter").currentText() == "The tracks as they are now"
    press(corrected, "Return")
    qtbot.waitUntil(lambda: corrected.session.preview.offer is not None, timeout=10_000)
    return corrected


def test_differences_are_walked_with_keys(compared, press):
    session = compared.session
    steps = session.preview.offer.steps
    assert [(s.frames.first, s.frames.last) for s in steps] == [(5, 6), (SWITCH, 39), (SWITCH, 39)]
    press(compared, "Ctrl+N")
    assert session.frame_index == 5
    assert "3 is only before on frames 5-6" in compared.findChild(QLabel, "previewStep").text()
    press(compared, "Ctrl+N")
    assert session.frame_index == SWITCH
    assert session.selection == {1, 2}
    text = compared.findChild(QLabel, "previewStep").text()
    assert " elsewhere" in text
    assert "1 becomes 1" not in text


def test_differences_are_marked_on_the_lanes(compared):
    scene = compared.docks["timeline"].widget().model.scene
    assert {track_id: len(steps) for track_id, steps in scene.previewed.items()} == {1: 1, 2: 1, 3: 1}
    assert scene.previewed[3][0].to_track_id is None


def test_there_is_nothing_to_accept_and_escape_closes(compared, press):
    before = compared.session.history.undo_text
    assert not compared.findChild(QPushButton, "previewAccept").isVisible()
    press(compared, "Return")
    assert compared.session.history.undo_text == before
    press(compared, "Escape")
    assert compared.session.preview.offer is None


def test_what_is_alike_is_said(window, press, qtbot):
    window.session.results_landed(plant_switch(window.session.history))
    press(window, "F7", "Return")
    qtbot.waitUntil(lambda: "Nothing differs: 120 instances" in window.status.message(), timeout=10_000)


def test_two_that_are_the_same_are_not_compared(corrected, press, qtbot):
    press(corrected, "F7")
    dialog = QApplication.activeModalWidget()
    dialog.findChild(QComboBox, "compareBefore").setCurrentIndex(1)
    qtbot.mouseClick(
        next(b for b in dialog.findChildren(QPushButton) if b.text() == "Compare"), Qt.MouseButton.LeftButton
    )
    assert "not the same" in dialog.findChild(QLabel, "compareProblem").text()
    assert dialog.isVisible()
    dialog.reject()


def test_without_a_run_it_says_so(tracked, press, qtbot):
    document, session = tracked.session.document, tracked.session
    while session.can_undo:
        press(tracked, "Ctrl+Z")
    assert not document.tracks(1)
    press(tracked, "F7")
    assert "no tracks" in tracked.status.message()
