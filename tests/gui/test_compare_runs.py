"""Two states of the tracks compared in the real window: asked for, walked, closed; nothing is changed by it."""

import json
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit, QPushButton

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import FRAMES, SWITCH, plant_switch

from app.document.edits import RemoveInstances, SwapTracks
from app.document.records import FrameRange
from app.workers import run_comparison


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


def write_results(session, path: Path) -> None:
    """The tracks as they are now, as a results file without its last track."""
    document = session.document
    found = [
        {
            "video_id": 1,
            "score": 0.9,
            "category_id": summary.track.category_id,
            "segmentations": [
                None if i is None else {"size": list(i.rle.size), "counts": i.rle.counts}
                for i in (document.instance(1, summary.track.track_id, f) for f in range(FRAMES))
            ],
        }
        for summary in document.tracks(1)[:-1]
    ]
    path.write_text(json.dumps(found))


def choose_file(dialog: QDialog, qtbot, path: Path) -> None:
    box = dialog.findChild(QComboBox, "compareAfter")
    box.setCurrentIndex(box.findText("A results file"))
    dialog.findChild(QLineEdit, "compareAfterFile").setText(str(path))
    compare = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Compare")
    qtbot.mouseClick(compare, Qt.MouseButton.LeftButton)


def test_a_results_file_is_compared_with_the_run(window, press, qtbot, tmp_path):
    session = window.session
    session.results_landed(plant_switch(session.history))
    write_results(session, tmp_path / "results.json")
    press(window, "F7")
    dialog = window.findChild(QDialog, "compareRuns")
    choose_file(dialog, qtbot, tmp_path / "gone.json")
    assert "no such file" in dialog.findChild(QLabel, "compareProblem").text()
    choose_file(dialog, qtbot, tmp_path / "results.json")
    qtbot.waitUntil(lambda: session.preview.offer is not None, timeout=10_000)
    assert [step.text for step in session.preview.offer.steps] == ["3 is only before on frames 0-39"]


def test_a_wrong_results_file_is_refused_in_a_sentence(corrected, press, qtbot, tmp_path):
    (tmp_path / "wrong.json").write_text('[{"video_id": 1}]')
    press(corrected, "F7")
    choose_file(corrected.findChild(QDialog, "compareRuns"), qtbot, tmp_path / "wrong.json")
    qtbot.waitUntil(lambda: "The comparison failed" in corrected.status.message(), timeout=10_000)
    assert "wrong.json" in corrected.status.message()
    assert corrected.session.preview.waits_for == ""


@pytest.mark.parametrize("by_key", [True, False])
def test_a_long_comparison_says_how_far_it_is_and_is_cancelled(corrected, press, qtbot, monkeypatch, by_key):
    def endless(queries, before, after, progress):
        while True:
            progress(0.5)
            time.sleep(0.005)

    monkeypatch.setattr(run_comparison, "compare", endless)
    press(corrected, "F7", "Return")
    preview = corrected.session.preview
    qtbot.waitUntil(lambda: preview.waits_for == "Comparing: 83%", timeout=10_000)
    button = corrected.findChild(QPushButton, "previewDecline")
    assert button.isVisible()
    if by_key:
        press(corrected, "Escape")
    else:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert preview.waits_for == ""
    qtbot.waitUntil(corrected.workspace.run_comparison.is_idle, timeout=10_000)
    assert not button.isVisible()


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
