"""Running over all videos: one after the other, holding and going on, failures listed, also after a restart."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QPushButton

from app.dialogs.errors import ErrorDialog
from app.settings import DEVICE, WEIGHTS

_LONG_MS = 120_000


@pytest.fixture
def clips(make_clip, tmp_path) -> list[Path]:
    """Three short videos."""
    return [make_clip(tmp_path / f"clip{number}.mp4", frames=8) for number in range(3)]


@pytest.fixture
def queued(open_window, qtbot, clips, tiny_weights):
    """A window with a project of the three videos, set to run the tiny network."""
    window = open_window()
    settings = window.workspace.settings
    settings.set(WEIGHTS, str(tiny_weights))
    settings.set(DEVICE, "cpu")
    window.open_paths(clips)
    qtbot.waitUntil(lambda: window.session.document is not None and len(videos(window)) == 3, timeout=20_000)
    window.workspace.inference._batch.setInterval(5)
    return window


def videos(window):
    return window.session.document.videos()


def states(window) -> list[list[str]]:
    """Of every video's runs."""
    return [[run.state for run in window.session.document.runs(video.video_id)] for video in videos(window)]


def child(window, kind, name):
    return window.docks["queue"].widget().findChild(kind, name)


def wait_until_empty(qtbot, window) -> None:
    qtbot.waitUntil(lambda: not window.session.run_queue.waiting, timeout=_LONG_MS)
    assert window.session.run.state == "idle"


def test_the_button_runs_over_every_video_once(queued, qtbot, press):
    shown = queued.session.video.video_id
    button = child(queued, QPushButton, "runAll")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: child(queued, QLabel, "runQueueWords").text().startswith("video 1 of 3"), timeout=5000)
    assert not button.isVisible()
    wait_until_empty(qtbot, queued)
    assert states(queued) == [["done"], ["done"], ["done"]]
    assert queued.session.video.video_id == shown
    qtbot.waitUntil(button.isVisible, timeout=5000)
    press(queued, "Ctrl+Shift+F5")
    assert queued.status.message() == "The model has been run over every video to its end"
    assert states(queued) == [["done"], ["done"], ["done"]]


def test_stop_holds_and_go_on_goes_on_where_it_was(queued, qtbot, press):
    queued.workspace.inference.most_ahead = 2
    press(queued, "Ctrl+Shift+F5")
    qtbot.waitUntil(lambda: states(queued)[1] == ["running"], timeout=_LONG_MS)
    press(queued, "Shift+F5")
    assert queued.session.run_queue.waiting == (2, 3)
    assert child(queued, QLabel, "runQueueWords").text() == "2 videos wait"
    head = queued.session.document.runs(2)[-1].head
    qtbot.mouseClick(child(queued, QPushButton, "runQueueGoOn"), Qt.MouseButton.LeftButton)
    wait_until_empty(qtbot, queued)
    assert [s[-1] for s in states(queued)] == ["done", "done", "done"]
    assert queued.session.document.runs(2)[-1].first_frame == head


def test_what_waits_survives_a_restart_and_waits_to_be_asked(queued, qtbot, press, open_window):
    queued.workspace.inference.most_ahead = 2
    press(queued, "Ctrl+Shift+F5")
    qtbot.waitUntil(lambda: states(queued)[0] == ["running"], timeout=_LONG_MS)
    path = queued.session.document.path
    queued.close()
    again = open_window(path)
    assert again.session.run_queue.waiting == (1, 2, 3)
    assert child(again, QLabel, "runQueueWords").text() == "3 videos wait"
    again.workspace.inference._batch.setInterval(5)
    qtbot.mouseClick(child(again, QPushButton, "runQueueGoOn"), Qt.MouseButton.LeftButton)
    wait_until_empty(qtbot, again)
    assert [s[-1] for s in states(again)] == ["done", "done", "done"]


def test_a_video_that_fails_is_listed_and_tried_again(queued, qtbot, press, clips):
    away = clips[1].with_suffix(".away")
    os.rename(clips[1], away)
    press(queued, "Ctrl+Shift+F5")
    wait_until_empty(qtbot, queued)
    assert states(queued) == [["done"], [], ["done"]]
    assert not queued.findChildren(ErrorDialog)
    button = child(queued, QPushButton, "runQueueFailed")
    qtbot.waitUntil(lambda: button.text() == "1 failed", timeout=5000)
    os.rename(away, clips[1])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    menu = queued.findChild(QMenu, "runQueueFailures")
    assert menu.actions()[0].text().startswith("clip1.mp4: ")
    assert "is not there any more" in menu.actions()[0].toolTip()
    menu.actions()[-1].trigger()
    wait_until_empty(qtbot, queued)
    assert states(queued) == [["done"], ["done"], ["done"]]
    assert not queued.session.run_queue.failures


def test_a_model_that_cannot_be_loaded_stops_the_queue_at_once(queued, qtbot, press, tmp_path):
    queued.workspace.settings.set(WEIGHTS, str(tmp_path / "none.safetensors"))
    press(queued, "Ctrl+Shift+F5")
    qtbot.waitUntil(lambda: bool(queued.findChildren(ErrorDialog)), timeout=_LONG_MS)
    qtbot.waitUntil(lambda: queued.session.run.state == "idle", timeout=_LONG_MS)
    assert queued.session.run_queue.waiting == (1, 2, 3)
    assert not queued.session.run_queue.is_active
    assert len(queued.findChildren(ErrorDialog)) == 1


def test_a_removed_video_waits_no_longer(queued, qtbot, press):
    from app.document.edits import RemoveVideo

    queued.session.run_queue.waiting = (1, 2, 3)
    queued.session.do(RemoveVideo(2))
    assert queued.session.run_queue.waiting == (1, 3)
