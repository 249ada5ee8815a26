"""Videos that join the open project: several at once, all of a folder, dropped onto the queue."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog


def names(window) -> list[str]:
    return [video.name for video in window.session.document.videos()]


def drop_at(window, point: QPointF, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, action = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(point.toPoint(), action, data, buttons, keys))
    QApplication.sendEvent(window, QDropEvent(point, action, data, buttons, keys))


@pytest.fixture
def others(make_clip, tmp_path) -> list[Path]:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    return [make_clip(tmp_path / "more" / name, frames=6) for name in ("walk.mp4", "deep/run.mp4")]


def test_several_videos_are_added_at_once(window, qtbot, others, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path) for path in others], ""))
    window.findChild(QAction, "file.add_videos").trigger()
    qtbot.waitUntil(lambda: names(window) == ["clip.mp4", "walk.mp4", "run.mp4"], timeout=20_000)
    assert window.session.video.name == "clip.mp4"


def test_a_folder_is_added_with_all_below_it(window, qtbot, others, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(others[0].parent))
    window.findChild(QAction, "file.add_folder").trigger()
    qtbot.waitUntil(lambda: sorted(names(window)) == ["clip.mp4", "run.mp4", "walk.mp4"], timeout=20_000)


def test_what_is_dropped_onto_the_queue_is_added_and_elsewhere_is_opened(window, qtbot, others):
    project = window.session.document.path
    drop_at(window, QPointF(window.docks["queue"].geometry().center()), others[0])
    qtbot.waitUntil(lambda: names(window) == ["clip.mp4", "walk.mp4"], timeout=20_000)
    assert window.session.document.path == project
    drop_at(window, QPointF(window.centralWidget().geometry().center()), others[1])
    qtbot.waitUntil(lambda: names(window) == ["run.mp4"], timeout=20_000)
