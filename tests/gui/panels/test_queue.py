"""The queue of videos."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu

from app.document.edits import SplitTrack
from app.panels.queue import QueuePanel
from app.panels.queue_model import PROGRESS_ROLE, VideoState


@pytest.fixture
def queue(make_project, qtbot):
    project = make_project(video_count=3)
    panel = QueuePanel(project.session)
    qtbot.addWidget(panel)
    panel.resize(220, 300)
    panel.show()
    yield panel, project
    panel.stop()


def row(panel, number):
    return panel.model.index(number)


def words(panel, number) -> str:
    return row(panel, number).data(Qt.ItemDataRole.AccessibleTextRole).split(", ", 1)[1]


def test_every_video_says_how_far_it_is(queue):
    panel, _ = queue
    assert words(panel, 0) == "tracked · 3 tracks"
    assert words(panel, 1) == "new · 40 frames"
    assert panel.findChild(QLabel, "queueCount").text() == "3 videos"


def test_a_click_shows_the_video(queue, qtbot):
    panel, project = queue
    area = panel.view.visualRect(row(panel, 1))
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=area.center())
    assert project.session.video.video_id == 2
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert project.session.video.video_id == 3


def test_the_session_moves_the_mark(queue):
    panel, project = queue
    project.session.show_video(3)
    assert panel.view.currentIndex().row() == 2


def test_an_edit_makes_a_video_edited_and_undo_unmakes_it(queue, qtbot):
    panel, project = queue
    project.session.do(SplitTrack(1, 1, 20, 4))
    qtbot.waitUntil(lambda: words(panel, 0) == "edited · 4 tracks", timeout=2000)
    project.session.undo()
    qtbot.waitUntil(lambda: words(panel, 0) == "tracked · 3 tracks", timeout=2000)


def test_a_running_model_shows_its_progress(make_project, landing_run, qtbot):
    project = make_project(run_to=0)
    panel = QueuePanel(project.session)
    qtbot.addWidget(panel)
    run = landing_run(project)
    for index in range(10):
        run.land(index)
    qtbot.waitUntil(lambda: words(panel, 0) == "running · 25%", timeout=2000)
    project.session.set_run(replace(project.session.run, state="paused"))
    qtbot.waitUntil(lambda: words(panel, 0) == "paused · 25%", timeout=2000)
    run.finish()
    qtbot.waitUntil(lambda: row(panel, 0).data(PROGRESS_ROLE).state is VideoState.TRACKED, timeout=2000)
    assert row(panel, 0).data(PROGRESS_ROLE).share == 0.25
    panel.stop()


def test_pictures_come_from_the_frames(queue, qtbot):
    panel, _ = queue
    row(panel, 0).data(Qt.ItemDataRole.DecorationRole)
    qtbot.waitUntil(lambda: row(panel, 0).data(Qt.ItemDataRole.DecorationRole) is not None, timeout=5000)
    picture = row(panel, 0).data(Qt.ItemDataRole.DecorationRole)
    # Frame 10 of 40 is asked for; its red is 10 * 5.
    assert picture.toImage().pixelColor(20, 20).getRgb()[:3] == (50, 120, 200)


def test_a_video_that_is_gone_gets_no_picture_and_no_error(make_project, qtbot):
    project = make_project()
    for image in project.frames.iterdir():
        image.unlink()
    project.frames.rmdir()
    panel = QueuePanel(project.session)
    qtbot.addWidget(panel)
    row(panel, 0).data(Qt.ItemDataRole.DecorationRole)
    qtbot.waitUntil(lambda: row(panel, 0).data(Qt.ItemDataRole.DecorationRole) is not None, timeout=5000)
    assert row(panel, 0).data(Qt.ItemDataRole.DecorationRole).isNull()
    panel.show()
    panel.grab()
    panel.stop()


def test_the_menu_removes_a_video_and_undo_brings_it_back(queue, qtbot):
    panel, project = queue
    area = panel.view.visualRect(row(panel, 2))
    panel.view.customContextMenuRequested.emit(area.center())
    (action,) = panel.findChild(QMenu, "videoMenu").actions()
    assert action.text() == "Remove clip1_3 from the project"
    action.trigger()
    assert [v.video_id for v in project.document.videos()] == [1, 2]
    assert panel.model.rowCount() == 2
    project.session.undo()
    assert panel.model.rowCount() == 3


def test_an_empty_project_says_what_to_do(make_project, qtbot):
    project = make_project(video_count=0, run_to=0)
    panel = QueuePanel(project.session)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.view.isVisible()


def test_closing_the_window_waits_for_the_pictures(make_project, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    panel = QueuePanel(make_project(video_count=3).session)
    window.setCentralWidget(panel)
    window.show()
    for number in range(3):
        row(panel, number).data(Qt.ItemDataRole.DecorationRole)
    window.close()
    assert panel.model.loader.is_idle()
