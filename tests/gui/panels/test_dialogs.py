"""Choosing a class, merging and splitting."""

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.dialogs.category import CategoryChoice, CategoryDialog
from app.dialogs.merge import merge_tracks, overlap
from app.dialogs.split import SplitDialog
from app.document.edits import RemoveInstances, SetLocked, SetMask
from app.document.records import FrameRange
from app.theme import track_color
from app.workers.thumbnails import PaintedMask, PictureRequest, pictures
from visolo.categories import Category
from visolo.rle import encode

CATEGORIES = [Category(1, "person"), Category(2, "bear"), Category(3, "polar bear"), Category(4, "dog")]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def chooser(qtbot) -> CategoryDialog:
    dialog = CategoryDialog("Class", CATEGORIES, current=1, votes={4: 0.7, 1: 0.2})
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def rows(dialog) -> list[str]:
    found = dialog.findChild(QListWidget)
    return [found.item(row).text() for row in range(found.count())]


def test_the_models_favourites_come_first(chooser):
    assert rows(chooser) == ["dog    0.70", "person    0.20", "bear", "polar bear"]


def test_typing_narrows_and_names_that_begin_so_come_first(chooser, qtbot):
    line = chooser.findChild(QLineEdit)
    qtbot.keyClicks(line, "BEA")
    assert rows(chooser) == ["bear", "polar bear", "Add class “BEA”"]
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert chooser.choice == CategoryChoice(3, None)


def test_a_name_that_is_there_is_not_offered_again(chooser, qtbot):
    qtbot.keyClicks(chooser.findChild(QLineEdit), " Dog ")
    assert rows(chooser) == ["dog    0.70"]


def test_a_synonym_finds_its_class_and_is_not_offered_as_another(qtbot):
    dialog = CategoryDialog("Class", [Category(1, "polar bear"), Category(2, "dog", None, ("puppy", "Bear dog"))])
    qtbot.addWidget(dialog)
    line = dialog.findChild(QLineEdit)
    qtbot.keyClicks(line, "pup")
    assert rows(dialog) == ["dog", "Add class “pup”"]
    qtbot.keyClicks(line, "PY")
    assert rows(dialog) == ["dog"]
    line.setText("bear")
    assert rows(dialog) == ["dog", "polar bear", "Add class “bear”"]


def test_a_click_takes_a_class(chooser, qtbot):
    found = chooser.findChild(QListWidget)
    qtbot.mouseClick(found.viewport(), LEFT, pos=found.visualItemRect(found.item(2)).center())
    assert chooser.choice == CategoryChoice(2, None)


def test_escape_takes_nothing(chooser, qtbot):
    qtbot.keyClick(chooser, Qt.Key.Key_Escape)
    assert chooser.choice is None
    assert not chooser.isVisible()


@pytest.fixture
def window(qtbot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def test_tracks_that_do_not_overlap_merge_at_once(project, window):
    merge_tracks(project.session, 2, 3, window)
    assert project.document.lane(1, 2).frame_indices.tolist() == list(range(5, 40))
    assert project.session.selection == {2}
    assert window.findChild(QDialog) is None


@pytest.mark.parametrize(("wins", "expected_box_x"), [(1, 2), (2, 20)])
def test_overlapping_tracks_ask_whose_masks_stay(project, window, qtbot, wins, expected_box_x):
    assert overlap(project.session, 1, 2).tolist() == list(range(5, 30))
    merge_tracks(project.session, 1, 2, window)
    dialog = window.findChild(QDialog, "mergeDialog")
    assert "25 frames" in dialog.findChild(QLabel, "overlapText").text()
    dialog.findChild(QRadioButton, f"prefer_{wins}").click()
    merge = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Merge")
    qtbot.mouseClick(merge, LEFT)
    assert project.document.instance(1, 1, 12).box.x == expected_box_x
    assert len(project.document.lane(1, 2).frame_indices) == 0
    project.session.undo()
    assert len(project.document.lane(1, 2).frame_indices) == 25


def test_the_merge_dialog_shows_frames_that_hold_both(project, window, qtbot):
    merge_tracks(project.session, 1, 2, window)
    dialog = window.findChild(QDialog, "mergeDialog")
    cards = [dialog.findChild(QToolButton, f"card_{track_id}") for track_id in (1, 2)]
    qtbot.waitUntil(lambda: all(not card.icon().isNull() for card in cards), timeout=10_000)
    assert dialog.findChild(QLabel, "mergeFrame").text() == "frame 5, 1 of 25 that hold both"
    dialog.reject()


def masks_that_stayed(project) -> str:
    """One letter for each frame that held both: k for the kept track's mask, a for the absorbed one's."""
    return "".join("k" if project.document.instance(1, 1, f).box.x == 2 else "a" for f in range(5, 30))


def test_whose_mask_stays_can_be_chosen_frame_by_frame_with_keys(project, window, qtbot):
    merge_tracks(project.session, 1, 2, window)
    dialog = window.findChild(QDialog, "mergeDialog")
    strip = dialog.findChild(QWidget, "winnerStrip")
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    dialog.findChild(QToolButton, "card_2").click()
    qtbot.keyClick(strip, Qt.Key.Key_End)
    dialog.findChild(QToolButton, "card_2").click()
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    dialog.findChild(QCheckBox, "mergeOnward").click()
    dialog.findChild(QToolButton, "card_2").click()
    assert dialog.findChild(QRadioButton, "prefer_chosen").isChecked()
    dialog.accept()
    assert masks_that_stayed(project) == "ka" + "k" * 20 + "aaa"
    assert len(project.document.lane(1, 2).frame_indices) == 0
    project.session.undo()
    assert len(project.document.lane(1, 2).frame_indices) == 25


def test_the_surer_mask_stays_in_each_frame(project, window):
    drawn = np.zeros((36, 64), dtype=np.bool_)
    drawn[5:13, 30:38] = True
    project.session.do(RemoveInstances(1, 2, FrameRange(8, 8)))
    project.session.do(SetMask(1, 2, 8, encode(drawn)))
    merge_tracks(project.session, 1, 2, window)
    dialog = window.findChild(QDialog, "mergeDialog")
    assert project.document.lane(1, 2).scores[3] > project.document.lane(1, 1).scores[8]
    dialog.findChild(QRadioButton, "prefer_surer").click()
    dialog.accept()
    assert masks_that_stayed(project) == "kkk" + "a" + "k" * 21


def test_cancelling_a_merge_changes_nothing(project, window):
    merge_tracks(project.session, 1, 2, window)
    window.findChild(QDialog, "mergeDialog").reject()
    assert len(project.document.lane(1, 2).frame_indices) == 25


def test_a_refused_merge_says_why(project, window):
    project.session.do(SetLocked(1, (3,), True))
    sentences = []
    project.session.refused.connect(sentences.append)
    merge_tracks(project.session, 2, 3, window)
    assert len(sentences) == 1
    assert "3" in sentences[0]


def test_splitting_at_another_frame(project, window, qtbot):
    summary = project.session.tracks()[0]
    dialog = SplitDialog(project.session, summary, 20, window)
    dialog.open()
    frame = dialog.findChild(QSpinBox, "splitFrame")
    assert (frame.minimum(), frame.value(), frame.maximum()) == (1, 20, 39)
    frame.selectAll()
    qtbot.keyClicks(frame, "33")
    split = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Split")
    qtbot.mouseClick(split, LEFT)
    assert project.document.lane(1, 1).frame_indices.tolist() == list(range(33))
    assert project.document.lane(1, 4).frame_indices.tolist() == list(range(33, 40))
    assert project.session.selection == {4}


def test_a_picture_shows_the_surroundings_of_its_masks(project):
    instance = project.document.instance(1, 2, 12)
    mask = PaintedMask(instance.rle, track_color(2))
    request = PictureRequest("key", project.frames, 12, QSize(100, 100), (mask,))
    whole = PictureRequest("whole", project.frames, 12, QSize(100, 100))
    (close, plain) = pictures([request, whole])
    assert (close.key, plain.key) == ("key", "whole")
    assert plain.image.size() == QSize(100, 56)
    inside = close.image.pixelColor(close.image.rect().center())
    assert inside.getRgb()[:3] != plain.image.pixelColor(50, 5).getRgb()[:3]
    assert plain.image.pixelColor(50, 5).getRgb()[:3] == (60, 120, 200)
