"""Files of boxes without masks, as a user meets them: opened, imported, drawn over, followed."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton

sys.path.insert(0, str(Path(__file__).parent))

from conftest import results, square
from test_canvas_tools import drag, mask, place
from test_open_annotations import notes_of
from test_open_files import wait_for_frame, write_images

from app.dialogs.import_ import ImportDialog
from app.document.adopt import begin_run
from app.document.records import Origin
from visolo.categories import load_label_set
from visolo.results import FrameResult

BOX = {"label": "otter", "group_id": 1, "shape_type": "rectangle", "points": [[20, 10], [60, 50]]}


def write_boxes(folder: Path) -> Path:
    """Images, the first three with a rectangle."""
    write_images(folder)
    for index in range(3):
        table = {"version": "5.5.0", "shapes": [BOX], "imageHeight": 64, "imageWidth": 96}
        (folder / f"{index:05d}.json").write_text(json.dumps(table))
    return folder


@pytest.fixture
def boxed(open_window, qtbot, tmp_path):
    """A window with a folder of boxes."""
    window = open_window(write_boxes(tmp_path / "dive"))
    qtbot.waitUntil(lambda: window.session.video is not None, timeout=20_000)
    wait_for_frame(qtbot, window)
    return window


def test_boxes_are_opened_and_said_to_be_boxes(boxed):
    assert "3 boxes without masks: run the model" in notes_of(boxed)
    assert boxed.session.document.instance(1, 1, 0).origin is Origin.BOX
    scene = boxed.workspace.canvas.scene
    (drawn,) = scene.visible()
    assert "a box without mask, for the model to follow" in scene.tooltip(drawn)
    # Drawn as an outline: inside of it the frame is as it is.
    shown = boxed.workspace.canvas.view.grab().toImage()
    inside, edge = place(boxed, 40, 30), place(boxed, 20, 30)
    ratio = shown.devicePixelRatio()
    assert shown.pixelColor(inside * ratio).getRgb()[:3] == (0, 0, 0)
    assert shown.pixelColor(edge * ratio).getRgb()[:3] != (0, 0, 0)


def test_a_stroke_over_a_box_begins_the_mask_anew(boxed, press):
    notes_of(boxed)
    boxed.workspace.canvas.brush.radius = 2.0
    press(boxed, "1", "B")
    drag(boxed, (30, 30), (40, 30))
    drawn = mask(boxed, 1)
    assert drawn[30, 30:41].all()
    assert 0 < drawn.sum() < 100
    assert boxed.session.document.instance(1, 1, 0).origin is Origin.PERSON
    press(boxed, "Ctrl+Z")
    assert boxed.session.document.instance(1, 1, 0).origin is Origin.BOX


def test_confirming_a_box_is_refused_in_a_sentence(boxed, press):
    notes_of(boxed)
    said = []
    boxed.session.refused.connect(said.append)
    press(boxed, "C")
    assert not boxed.session.document.rows("SELECT * FROM confirmed")
    assert any("has only a box on frame 0; run the model, draw its mask or delete it" in text for text in said)


def test_boxes_can_be_left_out_of_an_import(open_window, qtbot, tmp_path):
    window = open_window(write_images(tmp_path / "first"))
    wait_for_frame(qtbot, window)
    window.workspace.opener.import_wanted.emit(write_boxes(tmp_path / "dive"))
    qtbot.waitUntil(lambda: bool(window.findChildren(ImportDialog)), timeout=20_000)
    (dialog,) = window.findChildren(ImportDialog)
    status, choice = dialog.findChild(QLabel, "importStatus"), dialog.findChild(QCheckBox, "importBoxes")
    qtbot.waitUntil(lambda: status.text().startswith("Adds"), timeout=20_000)
    assert choice.isVisible()
    assert status.text().startswith("Adds 1 video, 1 track with 0 masks.")
    assert "3 boxes without masks" in status.text()
    choice.click()
    assert status.text().startswith("Adds 1 video, 0 tracks with 0 masks. 1 track left out.")
    QTest.mouseClick(dialog.findChild(QPushButton, "importStart"), Qt.MouseButton.LeftButton)
    assert [v.name for v in window.session.document.videos()] == ["first", "dive"]
    assert window.session.document.tracks(2) == []


def test_a_run_follows_the_boxes(boxed):
    """What the model finds there becomes the masks of the file's track, under the file's class."""
    notes_of(boxed)
    session = boxed.session
    (one, *_) = results(0).instances
    run = begin_run(session.history, 1, {"model": "lite"}, load_label_set("ytvis2021"), 0)
    found = [FrameResult(i, (replace(one, rle=square(20, 10, 40)),)) for i in range(5)]
    run.add(found)
    run.finish("done")
    assert session.document.lane(1, 1).frame_indices.tolist() == [0, 1, 2, 3, 4]
    assert np.all(session.document.lane(1, 1).origins == Origin.MODEL)
    names = {c.category_id: c.name for c in session.document.categories()}
    assert names[session.document.track(1, 1).category_id] == "otter"
