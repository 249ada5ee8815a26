"""The compare dialog with real, tiny networks: chosen videos, progress, scores, picture, cancel, failure."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.dialogs.compare import CompareDialog
from app.dialogs.comparison_picture import ComparisonPicture
from app.dialogs.comparison_table import ComparisonTable
from app.document.confirm_edits import Confirm
from app.document.records import FrameRange
from app.run_choice import run_choice_of
from app.video.qimage import rgb_of_qimage

LEFT = Qt.MouseButton.LeftButton
_LONG_MS = 120_000


class Driver:
    """The dialog as a person sees it."""

    def __init__(self, window, qtbot, old, new, ticked=(1,)):
        self._qtbot = qtbot
        choices = [run_choice_of(weights, "", "cpu") for weights in (old, new)]
        self.dialog = CompareDialog(window.session, *choices, ticked, window)
        self.dialog.open()

    def button(self, name: str) -> QPushButton:
        return self.dialog.findChild(QPushButton, name)

    def press(self, name: str) -> None:
        assert self.button(name).isVisible(), f"{name} is not offered"
        self._qtbot.mouseClick(self.button(name), LEFT)

    def text(self, name: str) -> str:
        return self.dialog.findChild(QLabel, name).text()

    @property
    def table(self) -> ComparisonTable:
        return self.dialog.findChild(ComparisonTable)

    @property
    def picture(self) -> ComparisonPicture:
        return self.dialog.findChild(ComparisonPicture)

    def row(self, index: int = 0) -> list[str]:
        return [self.table.item(index, column).text() for column in range(self.table.columnCount())]

    def wait_for_progress(self) -> None:
        self._qtbot.waitUntil(lambda: "of 80 frames…" in self.text("compareStatus"), timeout=_LONG_MS)

    def wait_for_end(self) -> None:
        self._qtbot.waitUntil(lambda: self.button("compareStart").isVisible(), timeout=_LONG_MS)


@pytest.fixture(scope="module")
def other_weights(tiny_weights, tmp_path_factory):
    """The tiny network with other features, so that it finds other things."""
    import torch

    from visolo.model.checkpoint import load_weights, save_weights

    model = load_weights(tiny_weights)
    torch.manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05 * parameter.std(correction=0))
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    save_weights(model, path)
    return path


def test_both_weights_are_scored_against_what_is_confirmed(tracked, qtbot, tiny_weights, other_weights):
    tracked.session.do(Confirm(1, None, FrameRange(0, 9)))
    driver = Driver(tracked, qtbot, tiny_weights, other_weights)
    assert driver.text("compareStatus") == "Both weights track 40 frames; nothing of the project changes."
    before = tracked.session.document.tracks(1)
    driver.press("compareStart")
    driver.wait_for_progress()
    assert not driver.table.isEnabled()
    driver.wait_for_end()
    name, frames, tracks, *scores = driver.row()
    assert (name, frames) == ("clip.mp4", "10")
    assert all(int(count) > 0 for count in tracks.split(" → "))
    # Random networks find nothing right; every number is one all the same.
    assert [len(score.split(" → ")) for score in scores] == [2, 2, 2, 2]
    assert driver.text("compareCaption").startswith("Where they differ most: frame ")
    pixels = rgb_of_qimage(driver.picture.grab().toImage())
    half = pixels.shape[1] // 2
    assert (pixels[30:, : half - 10] != pixels[30:, -(half - 10) :]).any()
    assert tracked.session.document.tracks(1) == before
    assert driver.table.rowCount() == 1


def test_the_same_weights_differ_nowhere(tracked, qtbot, tiny_weights):
    driver = Driver(tracked, qtbot, tiny_weights, tiny_weights)
    driver.press("compareStart")
    driver.wait_for_end()
    assert driver.text("compareCaption") == "Both find the same in every frame."
    assert not driver.picture.isVisible()
    assert driver.row()[1] == "none"
    old, new = driver.row()[2].split(" → ")
    assert old == new
    assert "No frame of these videos is confirmed" in driver.text("compareStatus")


def test_it_can_be_given_up_and_started_again(tracked, qtbot, tiny_weights, other_weights):
    driver = Driver(tracked, qtbot, tiny_weights, other_weights)
    driver.press("compareStart")
    driver.wait_for_progress()
    driver.press("compareCancel")
    driver.wait_for_end()
    assert driver.row()[1:] == [""] * 6
    driver.press("compareStart")
    driver.wait_for_end()
    assert "→" in driver.row()[2]


def test_closing_gives_it_up(tracked, qtbot, tiny_weights, other_weights):
    driver = Driver(tracked, qtbot, tiny_weights, other_weights)
    driver.press("compareStart")
    driver.wait_for_progress()
    driver.press("compareClose")
    qtbot.waitUntil(lambda: not tracked.findChildren(CompareDialog))


def test_weights_that_cannot_be_read_are_said(tracked, qtbot, tiny_weights, tmp_path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a checkpoint")
    driver = Driver(tracked, qtbot, tiny_weights, wrong)
    driver.press("compareStart")
    driver.wait_for_end()
    qtbot.waitUntil(lambda: "wrong.safetensors" in driver.text("compareStatus"), timeout=_LONG_MS)
    assert driver.row()[1:] == [""] * 6


def test_without_a_ticked_video_it_says_so(tracked, qtbot, tiny_weights):
    driver = Driver(tracked, qtbot, tiny_weights, tiny_weights, ticked=())
    assert driver.text("compareStatus") == "Tick the videos to compare on."
    assert not driver.button("compareStart").isEnabled()
    driver.table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    assert driver.button("compareStart").isEnabled()
