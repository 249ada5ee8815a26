"""The list of the history: who did what and where, filtered, and the way back to an entry."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton, QTableView

from app.dialogs.history import HistoryDialog
from app.document.adopt import begin_run
from app.document.edits import AddVideo, RemoveInstances, SetLocked
from app.document.records import FrameRange, Video
from visolo.categories import load_label_set


@pytest.fixture
def history(tracked, qtbot, press):
    """The dialog over a project where Ann and Ben have worked."""
    session = tracked.session
    for author, edit in (
        ("Ann", SetLocked(1, (1,), True)),
        ("Ann", SetLocked(1, (1,), False)),
        ("Ben", RemoveInstances(1, 2, FrameRange(0, 9))),
        ("Ben", RemoveInstances(1, 3, FrameRange(5, 5))),
    ):
        session.history.author = author
        assert session.do(edit)
    press(tracked, "Ctrl+H")
    qtbot.waitUntil(lambda: tracked.findChild(HistoryDialog) is not None)
    return tracked.findChild(HistoryDialog)


def table(dialog) -> QTableView:
    return dialog.findChild(QTableView, "historyTable")


def rows(dialog) -> list[tuple[str, str]]:
    """What and who, as shown."""
    model = table(dialog).model()
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())]


def choose(dialog, qtbot, row: int) -> None:
    view = table(dialog)
    place = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def button(dialog, name: str) -> QPushButton:
    return dialog.findChild(QPushButton, name)


def words(dialog) -> str:
    return dialog.findChild(QLabel, "historyStatus").text()


def test_entries_are_listed_newest_first_with_who_made_them(history):
    assert rows(history)[:4] == [
        ("Delete masks of 3 on frame 5", "Ben"),
        ("Delete masks of 2 on frames 0-9", "Ben"),
        ("Unlock track 1", "Ann"),
        ("Lock track 1", "Ann"),
    ]
    assert words(history) == f"{len(rows(history))} entries, the newest first"


def test_search_person_and_video_filter(history, tracked, qtbot):
    qtbot.keyClicks(history.findChild(QLineEdit, "historySearch"), "masks delete")
    assert [text for text, _ in rows(history)] == ["Delete masks of 3 on frame 5", "Delete masks of 2 on frames 0-9"]
    person = history.findChild(QComboBox, "historyPerson")
    person.setFocus()
    qtbot.keyClicks(person, "Ann")
    assert rows(history) == []
    assert words(history) == "Nothing in the history is like that; search for less"
    history.findChild(QLineEdit, "historySearch").clear()
    assert [who for _, who in rows(history)] == ["Ann", "Ann"]
    video = history.findChild(QComboBox, "historyVideo")
    person.setCurrentIndex(0)
    video.setCurrentIndex(1)
    assert all("Add" not in text for text, _ in rows(history))


def test_undo_to_here_takes_back_all_that_came_after_and_redo_does_it_again(history, tracked, qtbot):
    session = tracked.session
    choose(history, qtbot, 2)
    assert button(history, "historyUndo").text() == "Undo to here"
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: words(history) == "Undid 2 edits")
    assert session.history.undo_text == "Unlock track 1"
    assert rows(history)[0] == ("Delete masks of 3 on frame 5  (undone)", "Ben")
    choose(history, qtbot, 0)
    assert button(history, "historyUndo").text() == "Redo to here"
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: words(history) == "Redid 2 edits")
    assert not session.history.can_redo
    assert not button(history, "historyUndo").isEnabled()


def test_the_adding_of_the_only_video_is_not_undone(history, tracked, qtbot):
    last = table(history).model().rowCount() - 1
    table(history).scrollToBottom()
    choose(history, qtbot, last)
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: words(history).startswith("Undid"))
    assert len(tracked.session.document.videos()) == 1


def test_enter_on_an_entry_shows_its_video(history, tracked, clip, qtbot):
    session = tracked.session
    session.do(AddVideo(Video(2, "second", str(clip), 40, 64, 96, 25.0)))
    session.do(SetLocked(1, (1,), True))
    session.show_video(2)
    QApplication.processEvents()
    choose(history, qtbot, 0)
    qtbot.keyClick(table(history), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.video.video_id == 1)


def test_many_edits_can_be_stopped_on_the_way(history, tracked, qtbot):
    session = tracked.session
    for _ in range(60):
        session.do(SetLocked(1, (1,), True))
        session.do(SetLocked(1, (1,), False))
    QApplication.processEvents()
    table(history).scrollToBottom()
    choose(history, qtbot, 121)
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    assert button(history, "historyUndo").text() == "Stop"
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    assert words(history) == "Undid 0 edits; stopped"
    assert not session.history.can_redo


def test_a_model_that_runs_ends_the_way_back_with_its_reason(history, tracked, qtbot):
    session = tracked.session
    run = begin_run(session.history, 1, {"model": "test"}, load_label_set("ytvis2021"), 0)
    session.history_changed.emit()
    QApplication.processEvents()
    choose(history, qtbot, 3)
    qtbot.mouseClick(button(history, "historyUndo"), Qt.MouseButton.LeftButton)
    reason = "The model is still running; stop it before undoing its run"
    qtbot.waitUntil(lambda: words(history) == f"Undid 0 edits; {reason}")
    run.finish("stopped")


def test_a_second_ctrl_h_brings_the_same_list(history, tracked, press):
    press(tracked, "Ctrl+H")
    assert len(tracked.findChildren(HistoryDialog)) == 1
