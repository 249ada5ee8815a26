"""Merging another person's project in the window: what comes over, conflicts one by one, and one undo."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QSlider, QTableWidget, QToolButton

from app.dialogs.merge_project import MergeProjectDialog
from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo, SetMask, SwapTracks
from app.document.history import History
from app.document.records import FrameRange, Video
from visolo.categories import load_label_set
from visolo.rle import Rle, encode


def square(left: int, top: int) -> Rle:
    """A mask of 16 x 16 px in the clip."""
    mask = np.zeros((64, 96), dtype=np.bool_)
    mask[top : top + 16, left : left + 16] = True
    return encode(mask)


@pytest.fixture
def annas(tracked, tmp_path) -> Path:
    """Anna's copy of the open project, in which she has worked; on frame 3 and from 12 on otherwise than we."""
    session = tracked.session
    session.document.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "annas.visolo"
    shutil.copyfile(session.document.path, path)
    with Document.open(path) as document:
        theirs = History(document, "Anna")
        theirs.do(SetMask(1, 2, 3, square(40, 18)))
        theirs.do(SetMask(1, 2, 4, square(40, 18)))
        theirs.do(SwapTracks(1, 1, 3, FrameRange(12, None)))
        theirs.do(AddVideo(Video(2, "other.mp4", "other.mp4", 20, 64, 96, 25.0)))
    session.do(SetMask(1, 2, 3, square(34, 22)))
    session.do(SwapTracks(1, 1, 2, FrameRange(12, None)))
    return path


def open_dialog(window, qtbot, monkeypatch, path: Path) -> MergeProjectDialog:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.workspace.actions.action("file.merge").trigger()
    qtbot.waitUntil(lambda: window.findChild(MergeProjectDialog) is not None)
    dialog = window.findChild(MergeProjectDialog)
    qtbot.waitUntil(lambda: not status(dialog).startswith("Comparing"), timeout=20_000)
    return dialog


def status(dialog) -> str:
    return dialog.findChild(QLabel, "mergeStatus").text()


def undecided(dialog) -> str:
    return dialog.findChild(QLabel, "mergeUndecided").text()


def cells(table: QTableWidget) -> list[list[str]]:
    return [[table.item(row, c).text() for c in range(table.columnCount())] for row in range(table.rowCount())]


def click(dialog, qtbot, name: str) -> None:
    qtbot.mouseClick(dialog.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def test_videos_and_conflicts_are_listed(tracked, annas, qtbot, monkeypatch):
    dialog = open_dialog(tracked, qtbot, monkeypatch, annas)
    assert status(dialog) == "New there: Anna (4 edits)."
    assert cells(dialog.findChild(QTableWidget, "mergeVideos")) == [
        ["clip.mp4", "in both", "1 frame of 1 track", "2"],
        ["other.mp4", "only there", "nothing", ""],
    ]
    assert [row[1:] for row in cells(dialog.findChild(QTableWidget, "conflictList"))] == [
        ["mask", "track 2 on frame 3", "undecided"],
        ["identity", "tracks 1, 2, 3 on frames 12-39", "undecided"],
    ]
    assert undecided(dialog) == "2 conflicts undecided: ours stays there"


def test_with_the_keyboard_each_conflict_is_decided_and_all_is_one_entry(tracked, annas, qtbot, monkeypatch):
    session = tracked.session
    before = len(session.history.entries())
    dialog = open_dialog(tracked, qtbot, monkeypatch, annas)
    conflicts = dialog.findChild(QTableWidget, "conflictList")
    assert conflicts.hasFocus()
    qtbot.keyClick(conflicts, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: conflicts.currentRow() == 1)
    qtbot.keyClick(conflicts, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: undecided(dialog) == "All conflicts are decided")
    assert [row[3] for row in cells(conflicts)] == ["theirs", "ours"]
    dialog.findChild(QPushButton, "mergeApply").setFocus()
    qtbot.keyClick(dialog.findChild(QPushButton, "mergeApply"), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)
    assert session.history.undo_text == "Merge Anna's work: 2 frames of 1 track, 1 video added"
    assert len(session.history.entries()) == before + 1
    masks = [session.document.instance(1, 2, frame).rle for frame in (3, 4)]
    assert masks == [square(40, 18), square(40, 18)]
    assert session.document.instance(1, 1, 20).rle == square(36, 20)
    session.undo()
    assert session.document.instance(1, 2, 3).rle == square(34, 22)
    assert len(session.document.videos()) == 1


def test_both_sides_are_shown_in_any_frame_of_a_conflict(tracked, annas, qtbot, monkeypatch):
    dialog = open_dialog(tracked, qtbot, monkeypatch, annas)
    dialog.findChild(QTableWidget, "conflictList").setCurrentCell(1, 0)
    slider = dialog.findChild(QSlider, "conflictFrames")
    assert slider.maximum() == 27
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert dialog.findChild(QLabel, "conflictFrame").text() == "frame 39, 28 of 28"

    def pictures():
        cards = [dialog.findChild(QToolButton, name) for name in ("conflictOurs", "conflictTheirs")]
        return [card.icon().pixmap(card.iconSize()).toImage() for card in cards]

    qtbot.waitUntil(
        lambda: all(image.pixelColor(image.rect().center()).alpha() for image in pictures()), timeout=10_000
    )
    ours, theirs = pictures()
    assert ours != theirs


def test_all_theirs_and_a_video_that_is_not_wanted(tracked, annas, qtbot, monkeypatch):
    session = tracked.session
    dialog = open_dialog(tracked, qtbot, monkeypatch, annas)
    click(dialog, qtbot, "mergeAllTheirs")
    dialog.findChild(QTableWidget, "mergeVideos").item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    click(dialog, qtbot, "mergeApply")
    qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)
    assert len(session.document.videos()) == 1
    assert session.document.instance(1, 3, 20).rle == square(6, 20)


def test_it_can_be_given_up_while_it_compares(tracked, annas, qtbot, monkeypatch):
    before = len(tracked.session.history.entries())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(annas), ""))
    tracked.workspace.actions.action("file.merge").trigger()
    dialog = tracked.findChild(MergeProjectDialog)
    assert status(dialog) == "Comparing with annas.visolo…"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)
    assert len(tracked.session.history.entries()) == before


def test_nothing_differs(tracked, tmp_path, qtbot, monkeypatch):
    session = tracked.session
    session.document.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(session.document.path, tmp_path / "same.visolo")
    dialog = open_dialog(tracked, qtbot, monkeypatch, tmp_path / "same.visolo")
    assert status(dialog) == "Nothing differs that would come over."
    click(dialog, qtbot, "mergeCancel")
    qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)


def test_what_is_no_project_or_is_ours_is_one_sentence(tracked, tmp_path, qtbot, monkeypatch):
    (tmp_path / "text.visolo").write_text("hello")
    for path, words in (
        (tmp_path / "text.visolo", "this is not a VISOLO project; open a .visolo file"),
        (tracked.session.document.path, "this is the open project itself; choose the other one"),
    ):
        dialog = open_dialog(tracked, qtbot, monkeypatch, path)
        assert status(dialog) == f"{path}: {words}"
        click(dialog, qtbot, "mergeCancel")
        qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)


def test_an_edit_made_meanwhile_is_said_and_the_dialog_stays(tracked, annas, qtbot, monkeypatch):
    dialog = open_dialog(tracked, qtbot, monkeypatch, annas)
    tracked.session.do(SetMask(1, 1, 0, square(1, 1)))
    click(dialog, qtbot, "mergeApply")
    assert status(dialog) == "This project was edited since the comparison; compare again"
    click(dialog, qtbot, "mergeCancel")
    qtbot.waitUntil(lambda: tracked.findChild(MergeProjectDialog) is None)


def test_a_model_that_runs_has_to_be_stopped_first(tracked):
    session, actions = tracked.session, tracked.workspace.actions
    run = begin_run(session.history, 1, {"model": "test"}, load_label_set("ytvis2021"), 0)
    session.history_changed.emit()
    actions.settle()
    assert not actions.action("file.merge").isEnabled()
    run.finish("stopped")
    session.history_changed.emit()
    actions.settle()
    assert actions.action("file.merge").isEnabled()
