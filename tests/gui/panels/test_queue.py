"""The queue of videos."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QLabel, QLineEdit, QMainWindow, QMenu, QToolButton

from app.dialogs.reject import reject_video
from app.document.edits import AddNote, Confirm, RejectVideo, ResolveNote, SplitTrack, SwapTracks
from app.document.notes import notes_of
from app.document.records import FrameRange
from app.panels.queue import QueuePanel
from app.panels.queue_model import PROGRESS_ROLE, QueueShare, QueueView, VideoState, length_words


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


def test_every_video_says_how_long_it_is(queue):
    panel, project = queue
    assert "40 frames" in row(panel, 0).data(Qt.ItemDataRole.ToolTipRole)
    video = project.document.video(1)
    lengths = [(40, 10.0), (1250, 10.0), (36_000, 10.0), (40, None)]
    words = [length_words(replace(video, frame_count=count, frame_rate=rate)) for count, rate in lengths]
    assert words == ["0:04", "2:05", "1:00:00", "40 f"]


def test_an_edit_begins_the_review_of_a_video_and_undo_unmakes_that(queue, qtbot):
    panel, project = queue
    project.session.do(SplitTrack(1, 1, 20, 4))
    qtbot.waitUntil(lambda: words(panel, 0) == "in review · 4 tracks", timeout=2000)
    project.session.undo()
    qtbot.waitUntil(lambda: words(panel, 0) == "tracked · 3 tracks", timeout=2000)


def test_a_video_is_done_once_all_its_frames_are_confirmed(queue, qtbot):
    panel, project = queue
    project.session.do(Confirm(1, None, FrameRange(0, 38)))
    qtbot.waitUntil(lambda: row(panel, 0).data(PROGRESS_ROLE).state is VideoState.IN_REVIEW, timeout=2000)
    project.session.do(Confirm(1, None, FrameRange(39, 39)))
    qtbot.waitUntil(lambda: words(panel, 0) == "done · 3 tracks", timeout=2000)
    project.session.undo()
    qtbot.waitUntil(lambda: row(panel, 0).data(PROGRESS_ROLE).state is VideoState.IN_REVIEW, timeout=2000)


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


def test_a_video_that_is_back_gets_its_picture_with_the_next_change(make_project, qtbot):
    project = make_project()
    away = project.frames.with_name("away")
    project.frames.rename(away)
    panel = QueuePanel(project.session)
    qtbot.addWidget(panel)

    def picture():
        return row(panel, 0).data(Qt.ItemDataRole.DecorationRole)

    qtbot.waitUntil(lambda: picture() is not None, timeout=5000)
    assert picture().isNull()
    away.rename(project.frames)
    project.session.do(SwapTracks(1, 1, 2, FrameRange(5, 9)))
    qtbot.waitUntil(lambda: picture() is not None and not picture().isNull(), timeout=5000)
    panel.stop()


def test_the_menu_removes_a_video_and_undo_brings_it_back(queue, qtbot):
    panel, project = queue
    area = panel.view.visualRect(row(panel, 2))
    panel.view.customContextMenuRequested.emit(area.center())
    *_, action = panel.findChild(QMenu, "videoMenu").actions()
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


def listed(panel) -> list[str]:
    return [row(panel, number).data() for number in range(panel.model.rowCount())]


def choose(panel, text):
    """Take an entry of the menu beside the search line."""
    (action,) = [a for a in panel.findChild(QToolButton, "queueMenu").menu().actions() if a.text() == text]
    action.trigger()


def test_typing_finds_videos_and_escape_finds_all_again(queue, qtbot):
    panel, project = queue
    line = panel.findChild(QLineEdit, "queueSearch")
    qtbot.keyClicks(line, "3 CLIP")
    assert listed(panel) == ["clip1_3"]
    assert panel.findChild(QLabel, "queueCount").text() == "1 of 3 videos"
    qtbot.keyClicks(line, "x")
    assert listed(panel) == []
    assert panel.findChild(QLabel, "queueEmpty").text() == "No video is like that."
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert len(listed(panel)) == 3
    assert project.session.video.video_id == 1
    assert panel.view.currentIndex().row() == 0


def test_the_menu_lists_some_videos_in_another_order(queue, qtbot):
    panel, project = queue
    names = listed(panel)
    choose(panel, "Not yet run to the end")
    assert listed(panel) == names[1:]
    choose(panel, "Run, not wholly confirmed")
    assert listed(panel) == names[:1]
    assert project.session.do(Confirm(1, None, FrameRange(0, None)))
    assert listed(panel) == names[:1]
    choose(panel, "Wholly confirmed")
    qtbot.waitUntil(lambda: listed(panel) == names[:1], timeout=2000)
    choose(panel, "All videos")
    choose(panel, "Least confirmed first")
    assert listed(panel) == [*names[1:], names[0]]
    choose(panel, "As added")
    assert listed(panel) == names


def test_another_project_is_listed_whole(queue):
    panel, project = queue
    choose(panel, "Wholly confirmed")
    assert listed(panel) == []
    project.session.project_opened.emit()
    assert len(listed(panel)) == 3


def test_one_video_needs_no_search(make_project, qtbot):
    panel = QueuePanel(make_project().session)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.tools.isVisible()
    panel.stop()


def test_a_video_is_rejected_with_a_reason_and_taken_back(queue, qtbot):
    panel, project = queue
    reject_video(project.session, project.session.document.video(1), panel)
    dialog = panel.findChild(QInputDialog, "rejectDialog")
    dialog.setTextValue("out of focus")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: words(panel, 0) == "rejected · out of focus", timeout=2000)
    panel.model.view = QueueView(share=QueueShare.REJECTED)
    panel.model.reset()
    assert panel.model.rowCount() == 1
    panel.model.view = QueueView()
    panel.model.reset()
    project.session.run_queue.add_unfinished()
    assert 1 not in project.session.run_queue.waiting
    project.session.do(RejectVideo(1, None))
    qtbot.waitUntil(lambda: not words(panel, 0).startswith("rejected"), timeout=2000)


def test_videos_with_open_notes_say_how_many_and_can_be_listed_alone(queue, qtbot):
    panel, project = queue
    session, names = project.session, listed(panel)
    for video_id in (2, 2, 3):
        session.do(AddNote(video_id, 4, "blurred"))
    assert words(panel, 1) == "new · 40 frames, 2 open notes"
    assert "2 open notes" in row(panel, 1).data(Qt.ItemDataRole.ToolTipRole)
    actions = panel.tools.findChild(QToolButton, "queueMenu").menu().actions()
    next(action for action in actions if action.text() == "With open notes").trigger()
    assert listed(panel) == names[1:]
    shown = panel.view.grab().toImage()
    session.do(ResolveNote(3, max(notes_of(session.document, 3), key=lambda note: note.note_id).note_id))
    assert words(panel, 1) == "new · 40 frames"
    qtbot.waitUntil(lambda: panel.view.grab().toImage() != shown, timeout=2000)


def test_videos_are_listed_by_their_state(queue):
    """Right after an edit, too."""
    panel, project = queue
    names = listed(panel)
    project.session.run_queue.failures = {3: "cannot be read"}
    project.session.run_queue.changed.emit()

    def are_listed(share: str) -> list[str]:
        choose(panel, share)
        return listed(panel)

    assert are_listed("Tracked, not yet in review") == names[:1]
    assert are_listed("New") == names[1:2]
    assert are_listed("Failed") == names[2:]
    project.session.do(SwapTracks(1, 1, 2, FrameRange(5, 9)))
    assert are_listed("In review") == names[:1]
    assert are_listed("Tracked, not yet in review") == []
    project.session.do(Confirm(1, None, FrameRange(0, None)))
    assert are_listed("Done") == names[:1]
    project.session.do(RejectVideo(2, "dark"))
    assert are_listed("Rejected") == names[1:2]
    assert are_listed("All videos") == names
