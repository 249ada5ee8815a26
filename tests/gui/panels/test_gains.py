"""The dialog that says what corrections bought."""

import csv

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QPushButton, QTableWidget

from app.dialogs.gain_plot import GainPlot
from app.dialogs.gains import GainsDialog
from app.document.edits import Confirm, SwapTracks
from app.document.gain_table import VIDEO_HEADS, video_rows
from app.document.gains import measure_gains
from app.document.records import FrameRange


@pytest.fixture
def dialog(project, qtbot):
    project.session.do(SwapTracks(1, 1, 2, FrameRange(20, 29)))
    project.session.do(Confirm(1, None, FrameRange(10, 35)))
    dialog = GainsDialog(project.session)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(lambda: "Measuring" not in status(dialog))
    yield dialog
    dialog.done(0)


def status(dialog) -> str:
    return dialog.findChild(QLabel, "gainsStatus").text()


def rows(dialog, name) -> list[tuple[str, ...]]:
    table = dialog.findChild(QTableWidget, name)
    return [tuple(table.item(r, c).text() for c in range(table.columnCount())) for r in range(table.rowCount())]


def test_it_shows_what_is_measured(dialog, project):
    gains = measure_gains(project.document)
    assert gains.total.scores.hota < 1
    assert rows(dialog, "gainsVideos") == video_rows(gains)
    assert [row[0].split(" ", 1)[1] for row in rows(dialog, "gainsClasses")] == ["dog", "person"]
    assert "over 26 confirmed frames" in status(dialog)
    hota = f"HOTA {gains.total.scores.hota:.2f}"
    assert hota in dialog.findChild(GainPlot).accessibleName()
    assert hota in status(dialog)


def test_another_choice_measures_again(dialog, qtbot):
    box = dialog.findChild(QComboBox, "gainsFrames")
    box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "over 40 frames" in status(dialog))
    dialog.findChild(QLineEdit, "gainsResults").setText("/nowhere.json")
    qtbot.waitUntil(lambda: "/nowhere.json" in status(dialog))
    assert rows(dialog, "gainsVideos") == []
    assert not dialog.findChild(QPushButton, "gainsSaveTable").isEnabled()


def test_table_and_picture_are_saved(dialog, qtbot, tmp_path, monkeypatch):
    for name, button in (("gains.csv", "gainsSaveTable"), ("gains.png", "gainsSavePicture")):
        path = str(tmp_path / name)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (path, ""))
        qtbot.mouseClick(dialog.findChild(QPushButton, button), Qt.MouseButton.LeftButton)
        assert path in status(dialog)
    with (tmp_path / "gains.csv").open() as file:
        found = list(csv.reader(file))
    assert tuple(found[0]) == VIDEO_HEADS
    assert tuple(found[1]) == rows(dialog, "gainsVideos")[0]
    assert not QImage(str(tmp_path / "gains.png")).isNull()


def test_the_plot_is_painted_in_both_colours(dialog):
    image = dialog.findChild(GainPlot).grab().toImage()
    colors = {image.pixelColor(x, 32).name() for x in range(image.width())}
    assert {"#56b4e9", "#263c4c"} <= colors  # what was reached, and what is missing
