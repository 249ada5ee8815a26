"""The whole loop in the window, on a real clip with the bundled model: a class it got wrong is right at the end."""

import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QLineEdit, QPushButton

sys.path.insert(0, str(Path(__file__).parent))

from retrain_driver import LEFT, LONG_MS, RetrainDriver

from app.dialogs.compare import CompareDialog
from app.dialogs.comparison_table import ComparisonTable
from app.document.confirmation import review_progress
from app.settings import DEVICE
from visolo.io.frames import open_frames

FRAMES, STEPS, RATE = 16, 12, 5e-4


@pytest.fixture
def lift(shared, tmp_path) -> Path:
    """A man in a lift, far off in the dark, taken for a truck or a boat, and a mirror taken for a boat."""
    folder = tmp_path / "lift"
    folder.mkdir()
    with open_frames(shared / "media" / "zoo" / "torchcodec_nasa_13013.mp4") as frames:
        for index in range(FRAMES):
            Image.fromarray(frames[index]).save(folder / f"{index:05d}.png")
    return folder


def run_model(window, qtbot, press) -> None:
    press(window, "F5")
    qtbot.waitUntil(lambda: window.session.run.state == "idle", timeout=LONG_MS)


def class_of(document, track_id: int) -> str:
    category_id = document.track(1, track_id).category_id
    return next(c.name for c in document.categories() if c.category_id == category_id)


def left_edge(document, summary) -> int:
    return document.track_instances(1, summary.track.track_id)[0].box.x


def correct(window, qtbot, press) -> None:
    """The man is a person, what else was found is nothing; then all is right."""
    document = window.session.document
    man, *rest = (s.track.track_id for s in sorted(document.tracks(1), key=lambda s: left_edge(document, s)))
    right = "person" if class_of(document, man) != "person" else "bear"  # a better model is taught a mistake
    for track_id in rest:
        press(window, str(track_id), "Ctrl+Shift+Backspace")
    press(window, str(man), "Alt+0")
    dialog = window.findChild(QDialog, "categoryDialog")
    qtbot.keyClicks(dialog.findChild(QLineEdit), right)
    qtbot.keyClick(dialog.findChild(QLineEdit), Qt.Key.Key_Return)
    assert class_of(document, man) == right
    press(window, "Shift+C")
    assert review_progress(document, 1).confirmed_frames == FRAMES


def retrain(window, qtbot, folder: Path) -> RetrainDriver:
    driver = RetrainDriver(window, qtbot)
    driver.fill(STEPS, folder)
    driver.dialog.findChild(QDoubleSpinBox, "retrainRate").setValue(RATE)
    driver.press("retrainStart")
    driver.wait_for("Finished", "Training failed")
    assert driver.state == "Finished", driver.text("retrainSentence")
    return driver


def compare(driver: RetrainDriver, qtbot) -> tuple[float, float]:
    """AP of the old and of the new weights."""
    driver.press("retrainCompare")
    (dialog,) = driver.dialog.findChildren(CompareDialog)
    start = dialog.findChild(QPushButton, "compareStart")
    qtbot.mouseClick(start, LEFT)
    qtbot.waitUntil(start.isVisible, timeout=LONG_MS)
    table = dialog.findChild(ComparisonTable)
    old, new = table.item(0, 3).text().split(" → ")
    dialog.close()
    return float(old), float(new)


def test_a_class_that_a_person_corrected_is_found_after_fine_tuning(open_window, qtbot, press, lift, tmp_path):
    window = open_window(lift)
    window.workspace.settings.set(DEVICE, "cpu")
    run_model(window, qtbot, press)
    correct(window, qtbot, press)
    driver = retrain(window, qtbot, tmp_path / "run")
    old, new = compare(driver, qtbot)
    print(f"AP of the corrected class: {old:.3f} with the old weights, {new:.3f} with the new ones")
    assert new > old
