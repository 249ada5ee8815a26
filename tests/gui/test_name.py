"""Who works here: the name is asked for, stands beside edits, and lasts."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from app.dialogs.name import NameDialog
from app.document.edits import SetLocked
from app.document.history import account_name
from app.settings import NAME, Settings


def give_name(window, qtbot, name: str) -> None:
    window.workspace.actions.action("edit.name").trigger()
    qtbot.waitUntil(lambda: window.findChild(NameDialog) is not None)
    line = window.findChild(NameDialog).findChild(QLineEdit, "nameLine")
    line.selectAll()
    if name:
        qtbot.keyClicks(line, name)
    else:
        qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(NameDialog) is None)


def undo_words(window) -> str:
    window.workspace.actions.settle()
    return window.workspace.actions.action("edit.undo").text()


def test_edits_are_noted_with_the_name_and_those_of_others_say_whose_they_are(tracked, qtbot):
    session = tracked.session
    give_name(tracked, qtbot, "  Ann   Lee ")
    session.do(SetLocked(1, (1,), True))
    assert session.history.entries()[-1].author == "Ann Lee"
    assert "(by" not in undo_words(tracked)
    give_name(tracked, qtbot, "B & Co")
    assert undo_words(tracked).endswith("(by Ann Lee)")
    session.do(SetLocked(1, (1,), False))
    assert [entry.author for entry in session.history.entries()[-2:]] == ["Ann Lee", "B & Co"]
    assert Settings().get(NAME) == "B & Co"


def test_a_project_opened_later_gets_the_name(open_window, clip, qtbot):
    Settings().set(NAME, "Ann")
    window = open_window()
    window.open_paths([clip])
    qtbot.waitUntil(lambda: window.session.video is not None, timeout=20_000)
    assert {entry.author for entry in window.session.history.entries()} == {"Ann"}


def test_no_name_is_that_of_the_account(tracked, qtbot):
    give_name(tracked, qtbot, "Ann")
    give_name(tracked, qtbot, "")
    assert tracked.session.history.author == account_name()
