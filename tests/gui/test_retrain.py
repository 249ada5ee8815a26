"""The retrain dialog with real, tiny trainings: empty, started, watched, stopped, resumed, used, failed."""

import csv
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QMessageBox, QPushButton, QSpinBox, QWidget

sys.path.insert(0, str(Path(__file__).parent))

from retrain_driver import LEFT, LONG_MS, RetrainDriver

from app.dialogs.compare import CompareDialog
from app.dialogs.comparison_table import ComparisonTable
from app.dialogs.retrain_data import DataTree
from app.document.confirm_edits import Confirm
from app.document.exchange import ExportOptions, export_dataset
from app.document.records import FrameRange
from app.run_choice import read_choice
from app.settings import DEVICE, Settings
from app.training.choice import FINE_TUNING_BLEND, training_command
from app.training.choice import read_choice as read_training_choice
from visolo.training.run_folder import RunFolder


def confirm(window) -> None:
    """All of the video is reviewed."""
    assert window.session.do(Confirm(1, None, FrameRange(0, None)))


@pytest.fixture
def trained(tracked):
    """The window with three tracks that are confirmed, set to train on the CPU."""
    tracked.workspace.settings.set(DEVICE, "cpu")
    confirm(tracked)
    return tracked


def steps_in(folder: Path) -> list[int]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_without_confirmed_frames_it_says_what_to_do(tracked, qtbot):
    driver = RetrainDriver(tracked, qtbot)
    assert "Nothing of this project is confirmed yet" in driver.status
    assert not driver.button("retrainStart").isEnabled()
    frames = driver.dialog.findChild(QComboBox, "retrainFrames")
    frames.setCurrentIndex(frames.findData("all"))
    assert driver.status.startswith("Trains on 1 video: 40 frames with 110 masks of 2 classes.")
    assert driver.button("retrainStart").isEnabled()


def test_confirmed_frames_alone_are_counted(tracked, qtbot):
    tracked.session.do(Confirm(1, None, FrameRange(0, 9)))
    driver = RetrainDriver(tracked, qtbot)
    assert driver.status.startswith("Trains on 1 video: 10 frames with 30 masks of 2 classes.")


def test_without_a_project_files_can_be_dropped(open_window, tracked, qtbot, tmp_path):
    list(export_dataset(tracked.session.document, ExportOptions(tmp_path / "a.json", with_frames=True)))
    driver = RetrainDriver(open_window(), qtbot)
    assert "There is nothing to train on" in driver.status
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.json"))])
    drop = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    driver.dialog.form.sources.dropEvent(drop)
    qtbot.waitUntil(lambda: driver.status.startswith("Trains on"), timeout=LONG_MS)
    assert "1 video: 40 frames with 110 masks of 2 classes" in driver.status
    tree = driver.dialog.findChild(DataTree)
    tree.setCurrentItem(tree.topLevelItem(0))
    driver.press("retrainRemove")
    assert "There is nothing to train on" in driver.status


def test_a_file_that_cannot_be_trained_on_is_said(open_window, qtbot, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    driver = RetrainDriver(open_window(), qtbot)
    driver.dialog.form.sources.add_files([tmp_path / "bad.json"])
    qtbot.waitUntil(lambda: "bad.json" in driver.status, timeout=LONG_MS)
    assert "give a YouTube-VIS or COCO instances JSON" in driver.status
    assert not driver.button("retrainStart").isEnabled()


def test_a_run_is_watched_stopped_and_resumed_after_a_restart(trained, qtbot, tmp_path, open_window, clip):
    driver = RetrainDriver(trained, qtbot)
    folder = tmp_path / "run"
    driver.fill(400, folder)
    driver.press("retrainStart")
    assert driver.state in ("Writing data", "Starting")
    driver.wait_for_step(2)
    assert driver.state == "Training"
    assert driver.plot.losses[0].raw[0] > 0
    assert "images/s" in driver.text("retrainFacts")
    assert "left" in driver.text("retrainFacts")
    hover(driver.plot)
    assert driver.plot.hovered_words()[0].startswith("step ")
    # Closed, the dialog leaves the run going; the status bar shows it and brings the dialog back.
    driver.press("retrainClose")
    label = trained.status.findChild(QPushButton, "trainingStatus")
    assert label.isVisible()
    assert label.text().startswith("training:")
    qtbot.mouseClick(label, LEFT)
    driver = RetrainDriver(trained, qtbot)
    driver.press("retrainStop")
    driver.wait_for("Stopped")
    stopped_at = steps_in(folder)[-1]
    assert 2 <= stopped_at < 400
    assert not label.isVisible()
    trained.close()
    again = RetrainDriver(open_window(clip), qtbot)
    unfinished = again.dialog.findChild(QComboBox, "retrainUnfinished")
    assert unfinished.currentText() == f"run: stopped at step {stopped_at} of 400"
    again.press("retrainResumeOld")
    again.wait_for_step(stopped_at + 1)
    assert len(again.plot.losses[0].steps) > stopped_at
    again.press("retrainStop")
    again.wait_for("Stopped")
    steps = steps_in(folder)
    assert steps == list(range(1, len(steps) + 1))


def hover(plot: QWidget) -> None:
    """The mouse in the middle of the plot."""
    centre = QPointF(plot.rect().center())
    no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(plot, QMouseEvent(QMouseEvent.Type.MouseMove, centre, centre, no_button, no_button, no_key))
    plot.grab()


def test_a_finished_run_gives_weights_that_runs_use(trained, qtbot, tmp_path):
    driver = RetrainDriver(trained, qtbot)
    folder = tmp_path / "run"
    driver.fill(2, folder)
    driver.press("retrainStart")
    driver.wait_for("Finished")
    assert read_training_choice(folder).steps == 2
    assert RunFolder(folder).read().settings.training.blend == FINE_TUNING_BLEND
    driver.press("retrainCompare")
    (compare,) = driver.dialog.findChildren(CompareDialog)
    assert [video.video_id for video in compare.findChild(ComparisonTable).ticked()] == [1]
    assert str(folder / "weights.safetensors") in compare.findChild(QLabel, "compareNames").text()
    compare.close()
    before = read_choice(Settings()).weights_path
    driver.press("retrainUse")
    chosen = read_choice(Settings())
    assert chosen.weights == folder / "weights.safetensors"
    assert trained.toolbar._model.text().startswith("weights")
    assert Settings().recent_weights()[:2] == [folder / "weights.safetensors", before]
    driver.press("retrainAgain")
    assert not driver.dialog.findChild(QComboBox, "retrainUnfinished").isVisible()


def test_new_weights_of_another_network_are_not_blended(trained, qtbot, tmp_path):
    form = RetrainDriver(trained, qtbot).dialog.form
    share, network = form.findChild(QSpinBox, "retrainBlend"), form.findChild(QComboBox, "retrainPreset")
    assert share.isEnabled()
    assert training_command(form.choice()).count("--blend") == 1
    network.setCurrentIndex(network.findData("ytvis2019-r50"))
    assert not share.isEnabled()
    assert "--blend" not in training_command(form.choice())
    network.setCurrentIndex(network.findData("lite"))
    share.setValue(100)
    assert "--blend" not in training_command(form.choice())


def test_a_failed_run_says_its_own_sentence(trained, qtbot, tmp_path):
    driver = RetrainDriver(trained, qtbot)
    driver.fill(2, tmp_path / "run")
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a checkpoint")
    driver.dialog.findChild(QLineEdit, "retrainWeights").setText(str(wrong))
    driver.press("retrainStart")
    driver.wait_for("Training failed")
    assert "wrong.safetensors" in driver.text("retrainSentence")
    assert "Traceback" not in driver.text("retrainSentence")
    assert not driver.button("retrainResume").isVisible()  # it would only fail again
    driver.press("retrainAgain")
    assert driver.button("retrainStart").isVisible()
    assert driver.dialog.findChild(QLineEdit, "retrainWeights").text() == str(wrong)


def test_closing_the_window_asks_and_saves(trained, qtbot, tmp_path):
    driver = RetrainDriver(trained, qtbot)
    folder = tmp_path / "run"
    driver.fill(400, folder)
    driver.press("retrainStart")
    driver.wait_for_step(1)
    assert not trained.close()
    box = trained.findChild(QMessageBox, "closeWhileTraining")
    qtbot.mouseClick(box.button(QMessageBox.StandardButton.Cancel), LEFT)
    assert trained.isVisible()
    assert not trained.close()
    box = trained.findChildren(QMessageBox, "closeWhileTraining")[-1]
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Stop and close"), LEFT)
    assert not trained.isVisible()
    assert (folder / "checkpoint.pt").is_file()
    assert '"state": "stopped"' in (folder / "run.json").read_text()


def test_stopping_before_the_first_step_leaves_nothing_half_done(trained, qtbot, tmp_path):
    driver = RetrainDriver(trained, qtbot)
    driver.fill(400, tmp_path / "run")
    driver.press("retrainStart")
    driver.wait_for("Starting", "Training")
    driver.press("retrainStop")
    driver.wait_for("Stopped")
    assert driver.dialog.rect().contains(driver.button("retrainAgain").pos() + QPoint(1, 1))
