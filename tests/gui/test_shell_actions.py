"""Actions: the table is whole, every key works once, keys of other alphabets too, and a refusal says why."""

import random
from collections import Counter

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu

from app.actions import all_rows
from app.dialogs.shortcuts import ShortcutsDialog
from app.menus import MENUS, action_ids
from app.session import Scope
from app.settings import THEME, Settings
from app.theme import DARK, LIGHT

# Ctrl+0 is "new track" while one is selected, "100 %" otherwise; 1 to 3 select tracks until they are set to take
# proposals; Enter links a track where it begins, and accepts a suspicion otherwise.
_SHARED = {"Esc", "Ctrl+0", "1", "2", "3", "Return", "Enter"}


def test_every_action_is_in_a_menu():
    ids = {row.action_id for row in all_rows()}
    missing = ids - action_ids()
    assert not missing
    assert not action_ids() - ids
    assert MENUS


def test_no_key_stands_for_two_actions():
    keys = Counter(QKeySequence(key).toString() for row in all_rows() for key in row.keys)
    assert {key for key, count in keys.items() if count > 1} == _SHARED
    assert "" not in keys


def test_no_menu_takes_a_key_of_an_action():
    keys = {QKeySequence(key).toString() for row in all_rows() for key in row.keys}
    letters = [title[title.index("&") + 1].upper() for title, _ in MENUS]
    assert len(set(letters)) == len(letters)
    assert not keys & {f"Alt+{letter}" for letter in letters}


def test_arrows_step_and_stay_in_the_video(window, press):
    session = window.session
    press(window, "Right", "Right", "D", "Left", "A")
    assert session.frame_index == 1
    press(window, "Shift+Right")
    assert session.frame_index == 11
    press(window, "PgDown")
    assert session.frame_index == 39
    press(window, "Home", "Left")
    assert session.frame_index == 0
    press(window, "End")
    assert session.frame_index == 39


def test_digits_select_and_control_digits_assign(tracked, press):
    session = tracked.session
    session.show_frame(10)
    press(tracked, "2")
    assert session.selection == {2}
    press(tracked, "Ctrl+3")
    assert session.history.undo_text == "Assign 2 to 3 from frame 10 on"
    assert session.selection == {3}


def test_control_zero_is_a_new_track_only_while_one_is_selected(tracked, press):
    session, view = tracked.session, tracked.workspace.canvas.view
    press(tracked, "Ctrl+0")
    assert view.view.zoom == pytest.approx(1.0)
    assert len(session.tracks()) == 3
    press(tracked, "1", "Ctrl+0")
    assert [summary.track.track_id for summary in session.tracks()] == [2, 3, 4]


def test_a_key_that_comes_at_once_after_a_selection_means_that_selection(tracked, qtbot):
    QApplication.processEvents()
    tracked.session.select({1})
    qtbot.keyClick(QApplication.focusWidget() or tracked, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert [summary.track.track_id for summary in tracked.session.tracks()] == [2, 3, 4]


def test_swap_asks_for_the_other_track_and_undo_puts_all_back(tracked, press, qtbot):
    session = tracked.session
    before = session.document.instances(1, 20)
    session.show_frame(5)
    press(tracked, "1", "Ctrl+T")
    picker = QApplication.activeModalWidget()
    qtbot.keyClicks(picker.focusWidget(), "2")
    qtbot.keyClick(picker.focusWidget(), Qt.Key.Key_Return)
    assert session.history.undo_text == "Swap 1 and 2 from frame 5 on"
    after = {i.track_id: i.rle for i in session.document.instances(1, 20)}
    assert after[1] == next(i.rle for i in before if i.track_id == 2)
    press(tracked, "Ctrl+Z")
    assert session.document.instances(1, 20) == before
    press(tracked, "Ctrl+Shift+Z")
    assert session.history.undo_text == "Swap 1 and 2 from frame 5 on"


def test_the_scope_cycles_and_edits_obey_it(tracked, press):
    session = tracked.session
    session.show_frame(12)
    press(tracked, "P")
    assert session.scope is Scope.TRACK
    press(tracked, "P", "3", "O")
    assert session.scope is Scope.FRAME
    assert session.document.instance(1, 3, 12) is None
    assert session.document.instance(1, 3, 13) is not None
    assert "on frame 12" in session.history.undo_text


def test_range_marks_limit_edits(tracked, press):
    session = tracked.session
    session.show_frame(8)
    press(tracked, "Ctrl+[")
    session.show_frame(11)
    press(tracked, "Ctrl+]", "2", "Shift+Tab", "Tab")
    assert session.scope is Scope.RANGE
    press(tracked, "O")
    gone = [i for i in range(40) if session.document.instance(1, 2, i) is None]
    assert gone == [8, 9, 10, 11]


def test_split_merge_lock_and_class_by_keys(tracked, press):
    session = tracked.session
    session.show_frame(20)
    press(tracked, "1", "Alt+M")
    assert session.selection == {4}
    assert session.document.instance(1, 4, 20) is not None
    session.select({1, 4})
    press(tracked, "M")
    assert session.selection == {1}
    assert {s.track.track_id: s.frame_count for s in session.tracks()}[1] == 40
    press(tracked, "Alt+3")
    chosen = session.document.categories()[2]
    assert session.document.track(1, 1).category_id == chosen.category_id
    assert tracked.status.message() == f"Set class of track 1 to {chosen.name}"
    press(tracked, "L")
    assert session.document.track(1, 1).locked
    press(tracked, "Delete")
    assert "locked" in tracked.status.message().lower()
    assert session.document.instance(1, 1, 20) is not None


def test_deleting_a_mask_the_rest_and_the_track(tracked, press):
    session = tracked.session
    session.show_frame(10)
    press(tracked, "2", "Delete")
    assert session.document.instance(1, 2, 10) is None
    assert session.document.instance(1, 2, 11) is not None
    press(tracked, "Shift+Delete")
    assert session.document.lane(1, 2).frame_indices.tolist() == list(range(10))
    press(tracked, "Ctrl+Shift+Backspace")
    assert [s.track.track_id for s in session.tracks()] == [1, 3]
    assert "Delete" in tracked.status.message()
    press(tracked, "Ctrl+Z", "Ctrl+Z", "Ctrl+Z")
    assert session.document.lane(1, 2).frame_indices.tolist() == list(range(40))


def test_several_tracks_are_one_undo_step(tracked, press):
    session = tracked.session
    session.select({1, 2})
    press(tracked, "Ctrl+Shift+Backspace")
    assert [s.track.track_id for s in session.tracks()] == [3]
    press(tracked, "Ctrl+Z")
    assert [s.track.track_id for s in session.tracks()] == [1, 2, 3]


def test_an_action_that_cannot_be_done_says_why(tracked, press):
    press(tracked, "M")
    assert "Merge: Select a track first" in tracked.status.message()
    tracked.session.select({1, 2, 3})
    press(tracked, "Ctrl+T")
    assert "Select one track or two" in tracked.status.message()
    assert not tracked.workspace.actions.action("track.swap").isEnabled()


def test_range_scope_without_a_range_is_refused_in_words(tracked, press):
    tracked.session.set_scope(Scope.RANGE)
    press(tracked, "1", "Ctrl+2")
    assert "No range is marked" in tracked.status.message()
    assert tracked.session.history.undo_text.startswith("Run")


def test_next_birth_and_corrected_frames(tracked, press):
    session = tracked.session
    session.show_frame(15)
    press(tracked, "3", "Alt+M", "Home")
    assert session.frame_index == 0
    press(tracked, "Ctrl+E")
    assert session.frame_index == 15
    assert session.selection == {4}
    press(tracked, "Home", "Alt+Right")
    assert session.frame_index == 15
    press(tracked, "End", "Alt+Left")
    assert session.frame_index == 29


def test_letters_work_on_a_russian_keyboard(window):
    # The D key types the Cyrillic "ve"; its scan code on X is that of D.
    event = QKeyEvent(QEvent.Type.KeyPress, 0x0412, Qt.KeyboardModifier.NoModifier, 40, 0x0412, 0, "в")
    QApplication.sendEvent(window, event)
    assert window.session.frame_index == 1
    undo = QKeyEvent(QEvent.Type.KeyPress, 0x042F, Qt.KeyboardModifier.ControlModifier, 52, 0x042F, 0, "")
    QApplication.sendEvent(window, undo)
    assert "nothing to undo" in window.status.message().lower()


def test_holding_control_shows_which_digit_is_which_track(tracked, press, qtbot):
    view = tracked.workspace.canvas.view
    tracked.session.show_frame(5)
    press(tracked, "1")
    qtbot.keyPress(tracked, Qt.Key.Key_Control)
    qtbot.waitUntil(lambda: view.legend is not None)
    assert view.legend.title == "Assign 1 from frame 5 on to"
    assert [(entry.digit, entry.text) for entry in view.legend.entries] == [
        (1, "1 person"),
        (2, "2 dog"),
        (3, "3 dog"),
        (0, "new track"),
    ]
    qtbot.keyRelease(tracked, Qt.Key.Key_Control)
    assert view.legend is None


def test_without_a_selection_the_legend_says_how_to_select(tracked, qtbot):
    view = tracked.workspace.canvas.view
    qtbot.keyPress(tracked, Qt.Key.Key_Control)
    qtbot.waitUntil(lambda: view.legend is not None)
    assert "A digit alone selects" in view.legend.title
    assert [entry.digit for entry in view.legend.entries] == [1, 2, 3]


def test_changed_keys_are_kept_and_the_old_owner_loses_them(window, press, qtbot):
    press(window, "F1")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ShortcutsDialog)
    item = dialog._items["view.fit"]
    dialog._tree.setCurrentItem(item)
    dialog._edit.setKeySequence(QKeySequence("M"))
    assert "“Merge”" in dialog._warning.text()
    qtbot.mouseClick(dialog._set, Qt.MouseButton.LeftButton)
    dialog.accept()
    assert window.workspace.actions.keys("view.fit") == ("M",)
    assert window.workspace.actions.keys("track.merge") == ()
    assert Settings().shortcuts() == {"view.fit": ["M"], "track.merge": []}
    window.workspace.canvas.view.zoom_by(3.0)
    press(window, "M")
    assert window.workspace.canvas.view.view.zoom == pytest.approx(
        window.workspace.canvas.view.view.fitted(window.workspace.canvas.view.size()).zoom
    )


def test_themes_change_and_are_kept(window, qtbot):
    for mode in ("light", "dark"):
        action = window.workspace.actions.action(f"theme.{mode}")
        action.trigger()
        assert window.palette().window().color().name() == {"light": LIGHT, "dark": DARK}[mode].window
        qtbot.waitUntil(action.isChecked)
    assert Settings().get(THEME) == "dark"


def test_go_to_frame(window, press, qtbot):
    press(window, "Ctrl+J")
    dialog = QApplication.activeModalWidget()
    qtbot.keyClicks(dialog.focusWidget(), "27")
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert window.session.frame_index == 27


# These ask the desktop for a file, end the program or start the model.
_OUTSIDE = ("file.", "export.", "help.log", "run.toggle", "run.from", "view.full_screen")


@pytest.mark.parametrize("selection", [None, (), (1,), (1, 2), (1, 2, 3)])
def test_every_action_is_safe_in_every_state(open_window, request, selection, qtbot):
    """With no project, no selection, one, two and three tracks: nothing raises, and every dialog can be left."""
    window = open_window() if selection is None else request.getfixturevalue("tracked")
    ids = [row.action_id for row in all_rows() if not row.action_id.startswith(_OUTSIDE)]
    random.Random(7).shuffle(ids)
    for action_id in ids:
        if selection is not None:
            present = {summary.track.track_id for summary in window.session.tracks()}
            window.session.select(present & set(selection))
        window.workspace.actions.run(action_id)
        QApplication.processEvents()
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            dialog.close()
    for _ in range(200):
        window.session.undo()
    if selection is not None:
        assert window.session.history.undo_text.startswith("Add video") or not window.session.can_undo


def test_the_menu_key_opens_the_menu_of_the_selection_on_the_canvas(tracked, press):
    view = tracked.workspace.canvas.view
    press(tracked, "2")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, view.rect().center(), view.mapToGlobal(QPoint(9, 9)))
    QApplication.sendEvent(view, event)
    menu = tracked.findChild(QMenu, "trackMenu")
    assert any("Class of track 2" in entry.text() for entry in menu.actions())
    menu.close()
