"""The exports of the File menu that are there to be looked at."""

import csv

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from app.commands.exports import ExportCommands
from app.dialogs.writing import WritingDialog
from app.document.records import FrameRange


@pytest.fixture
def commands(project, qtbot, tmp_path, monkeypatch):
    """The handlers, with a window; whoever asks for a file gets one in the folder of the test."""
    project.session.show_video(1)
    window = QWidget()
    qtbot.addWidget(window)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / a[2].rsplit("/", 1)[1]), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    return ExportCommands(project.session, window), window


def finish(window, qtbot) -> tuple[WritingDialog, str]:
    dialog = window.findChildren(WritingDialog)[-1]
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    button = dialog.findChild(QPushButton, "writingClose")
    qtbot.waitUntil(lambda: button.text() == "Close", timeout=20_000)
    return dialog, dialog.findChild(QLabel, "writingStatus").text()


def test_pictures_of_the_marked_range_go_to_a_folder_of_their_own(commands, project, qtbot, tmp_path):
    handlers, window = commands
    project.session.set_range(FrameRange(3, 5))
    for handler, name in ((handlers.overlay_images, "overlay"), (handlers.mask_images, "masks")):
        for number in ("", "-2"):  # what is there stays
            handler()
            dialog, words = finish(window, qtbot)
            folder = tmp_path / f"clip1_1-{name}{number}"
            assert f"Wrote {folder}: 3 pictures" in words
            assert "on frames 3-5" in dialog.windowTitle()
            assert np.asarray(Image.open(folder / "00004.png")).shape[:2] == (36, 64)
            dialog.done(0)


def test_the_video_the_table_and_the_report_are_written(commands, project, qtbot, tmp_path):
    handlers, window = commands
    handlers.overlay_video()
    dialog, words = finish(window, qtbot)
    assert "clip1_1-overlay.mp4: 40 frames" in words
    dialog.done(0)
    handlers.tracks_table()
    dialog, words = finish(window, qtbot)
    with (tmp_path / f"{project.document.path.stem}-tracks.csv").open() as file:
        assert len(list(csv.reader(file))) == 1 + 75
    assert "75 rows of 3 tracks" in words
    dialog.done(0)
    handlers.report()
    dialog, words = finish(window, qtbot)
    assert "-statistics.html: 5 plots of 1 video" in words
    dialog.done(0)


def test_a_failure_is_said_and_cancelling_writes_nothing(commands, project, qtbot, tmp_path):
    handlers, window = commands
    handlers.overlay_video()
    dialog = window.findChild(WritingDialog)
    dialog.reject()
    _, words = finish(window, qtbot)
    assert words == "Cancelled; nothing was written."
    dialog.done(0)
    dialog.setParent(None)
    for image in project.frames.iterdir():
        image.unlink()
    handlers.overlay_video()
    dialog, words = finish(window, qtbot)
    assert "clip1_1" in words
    assert dialog.findChild(QLabel, "writingStatus").property("warning")
    assert not (tmp_path / "clip1_1-overlay.mp4").exists()
    dialog.done(0)


def test_no_name_writes_nothing(commands, monkeypatch):
    handlers, window = commands
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    for handler in (
        handlers.overlay_video,
        handlers.overlay_images,
        handlers.mask_images,
        handlers.tracks_table,
        handlers.report,
    ):
        handler()
    assert window.findChildren(WritingDialog) == []
