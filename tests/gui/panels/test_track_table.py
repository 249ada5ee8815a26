"""The track table, driven by mouse and keyboard."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QMainWindow, QMenu

from app.document.edits import DeleteTrack, RenameCategory, SetLocked
from app.panels.track_model import Column, TrackTableModel
from app.panels.track_table import TrackTable
from app.session import Scope


@pytest.fixture
def table(project, qtbot) -> TrackTable:
    table = TrackTable(project.session)
    qtbot.addWidget(table)
    table.resize(360, 300)
    table.show()
    return table


def texts(table, column):
    model = table.view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def cell(table, row, column) -> QPoint:
    return table.view.visualRect(table.view.model().index(row, column)).center()


def click(qtbot, table, row, column, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, modifier, cell(table, row, column))


def menu_action(widget, start):
    """The entry of the open context menu, or of its submenus, that begins with a text."""
    (menu,) = [m for m in widget.findChildren(QMenu, "trackMenu") if m.isVisible()]
    menus = [menu, *menu.findChildren(QMenu)]
    return next(a for m in menus for a in m.actions() if a.text().startswith(start))


def test_rows_say_what_the_document_says(table):
    assert texts(table, Column.ID) == ["1", "2", "3"]
    assert texts(table, Column.CLASS) == ["person", "dog", "dog"]
    assert texts(table, Column.FRAMES) == ["40", "25", "10"]
    assert texts(table, Column.SCORE)[0] == "0.90"


def test_a_click_selects_in_the_session_and_back(table, project, qtbot):
    click(qtbot, table, 1, Column.CLASS)
    assert project.session.selection == {2}
    click(qtbot, table, 2, Column.CLASS, Qt.KeyboardModifier.ControlModifier)
    assert project.session.selection == {2, 3}
    project.session.select({1})
    assert [i.row() for i in table.view.selectionModel().selectedRows()] == [0]


def test_keys_move_the_selection(table, project, qtbot):
    click(qtbot, table, 0, Column.CLASS)
    qtbot.keyClick(table.view, Qt.Key.Key_Down)
    assert project.session.selection == {2}
    qtbot.keyClick(table.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert project.session.selection == {2, 3}


def test_sorting_by_frames_keeps_the_selection(table, project, qtbot):
    project.session.select({3})
    table.view.sortByColumn(Column.FRAMES, Qt.SortOrder.AscendingOrder)
    assert texts(table, Column.ID) == ["3", "2", "1"]
    assert project.session.selection == {3}
    assert [i.row() for i in table.view.selectionModel().selectedRows()] == [0]


def test_the_filter_hides_rows_but_not_the_selection(table, project, qtbot):
    project.session.select({1})
    qtbot.keyClicks(table.filter_line, "DOG")
    assert texts(table, Column.ID) == ["2", "3"]
    assert project.session.selection == {1}
    table.filter_line.clear()
    assert [i.row() for i in table.view.selectionModel().selectedRows()] == [0]


def test_a_click_on_the_lock_locks_without_selecting(table, project, qtbot):
    click(qtbot, table, 1, Column.LOCKED)
    assert project.document.track(1, 2).locked
    assert project.session.selection == frozenset()
    click(qtbot, table, 1, Column.LOCKED)
    assert not project.document.track(1, 2).locked


def test_a_click_on_the_eye_hides_and_alt_shows_alone(table, project, qtbot):
    click(qtbot, table, 0, Column.VISIBLE)
    assert project.session.hidden == {1}
    click(qtbot, table, 0, Column.VISIBLE)
    assert project.session.hidden == frozenset()
    click(qtbot, table, 2, Column.VISIBLE, Qt.KeyboardModifier.AltModifier)
    assert [project.session.is_visible(t) for t in (1, 2, 3)] == [False, False, True]
    click(qtbot, table, 0, Column.VISIBLE)
    assert project.session.is_visible(1)


def test_a_double_click_chooses_a_class_by_typing(table, project, qtbot):
    click(qtbot, table, 1, Column.CLASS)
    qtbot.mouseDClick(table.view.viewport(), Qt.MouseButton.LeftButton, pos=cell(table, 1, Column.CLASS))
    dialog = table.findChild(QDialog, "categoryDialog")
    line = dialog.findChild(QLineEdit)
    qtbot.keyClicks(line, "eleph")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert texts(table, Column.CLASS)[1] == "elephant"
    assert project.history.undo_text == "Set class of track 2 to elephant"
    project.session.undo()
    assert texts(table, Column.CLASS)[1] == "dog"


def test_a_new_class_name_is_offered_and_one_undo_takes_it_back(table, project, qtbot):
    before = project.document.categories()
    project.session.select({1, 3})
    click(qtbot, table, 2, Column.CLASS, Qt.KeyboardModifier.ControlModifier)
    project.session.select({1, 3})
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    dialog = table.findChild(QDialog, "categoryDialog")
    line = dialog.findChild(QLineEdit)
    qtbot.keyClicks(line, "otter")
    assert dialog.findChild(QListWidget).item(0).text() == "Add class “otter”"
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert texts(table, Column.CLASS) == ["otter", "dog", "otter"]
    project.session.undo()
    assert texts(table, Column.CLASS) == ["person", "dog", "dog"]
    assert project.document.categories() == before


def test_the_menu_swaps_in_the_scope_of_the_session(table, project, qtbot):
    project.session.show_frame(20)
    project.session.set_scope(Scope.FROM_HERE)
    project.session.select({1, 2})
    table.view.customContextMenuRequested.emit(cell(table, 0, Column.CLASS))
    action = menu_action(table, "Swap 1 and 2")
    assert action.text().startswith("Swap 1 and 2 from frame 20 on")
    action.trigger()
    assert project.history.undo_text == "Swap 1 and 2 from frame 20 on"
    assert project.document.lane(1, 1).frame_indices.tolist() == list(range(30))
    assert project.document.lane(1, 2).frame_indices.tolist() == list(range(5, 40))


def test_the_menu_assigns_to_a_new_track(table, project, qtbot):
    project.session.show_frame(7)
    project.session.set_scope(Scope.FRAME)
    project.session.select({2})
    table.view.customContextMenuRequested.emit(cell(table, 1, Column.CLASS))
    menu_action(table, "New track").trigger()
    assert project.document.lane(1, 4).frame_indices.tolist() == [7]
    assert project.session.selection == {4}
    assert texts(table, Column.ID) == ["1", "2", "3", "4"]


def test_the_menu_shows_the_keys_in_force(project, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    table = TrackTable(project.session)
    window.setCentralWidget(table)
    action = QAction("Swap", window, objectName="track.swap")
    action.setShortcut(QKeySequence("Ctrl+Shift+8"))
    window.addAction(action)
    window.show()
    project.session.select({1, 2})
    table.view.customContextMenuRequested.emit(cell(table, 0, Column.CLASS))
    entry = menu_action(table, "Swap 1 and 2")
    assert entry.text() == "Swap 1 and 2 everywhere\tCtrl+Shift+8"
    assert entry.shortcut().isEmpty(), "two owners of one key would both lose it"


def test_shift_and_arrows_extend_the_selection_whatever_they_mean_elsewhere(project, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    table = TrackTable(project.session)
    window.setCentralWidget(table)
    faster = QAction("Slower", window)
    faster.setShortcut(QKeySequence("Shift+Down"))
    window.addAction(faster)
    window.show()
    qtbot.waitActive(window)
    click(qtbot, table, 0, Column.CLASS)
    table.view.setFocus()
    qtbot.keyClick(table.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert project.session.selection == {1, 2}


def test_scoped_entries_are_off_while_no_range_is_marked(table, project, qtbot):
    project.session.set_scope(Scope.RANGE)
    project.session.select({2})
    table.view.customContextMenuRequested.emit(cell(table, 1, Column.CLASS))
    action = menu_action(table, "Mark absent")
    assert not action.isEnabled()
    assert "Shift" in action.toolTip()


def test_deleting_several_tracks_is_one_undo(table, project, qtbot):
    project.session.select({1, 2})
    table.view.customContextMenuRequested.emit(cell(table, 1, Column.CLASS))
    menu_action(table, "Delete 2 tracks everywhere").trigger()
    assert texts(table, Column.ID) == ["3"]
    project.session.undo()
    assert texts(table, Column.ID) == ["1", "2", "3"]


def test_masks_of_several_tracks_are_deleted_where_they_are(table, project, qtbot):
    project.session.show_frame(32)
    project.session.select({2, 3})  # 2 ends at frame 29
    table.view.customContextMenuRequested.emit(cell(table, 1, Column.CLASS))
    menu_action(table, "Delete masks").trigger()
    assert project.document.lane(1, 3).frame_indices.tolist() == [30, 31]
    assert len(project.document.lane(1, 2).frame_indices) == 25


def test_only_changed_rows_are_announced(project, qtbot, qtmodeltester):
    model = TrackTableModel(project.session)
    model.refresh()
    qtmodeltester.check(model)
    resets, changes = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda first, last: changes.append((first.row(), last.row())))
    project.session.do(SetLocked(1, (2,), True))
    model.refresh()
    assert (resets, changes) == ([], [(1, 1)])
    model.refresh()
    assert changes == [(1, 1)]


def test_rows_come_and_go_where_they_belong(project, qtbot):
    model = TrackTableModel(project.session)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.refresh()
    project.session.do(DeleteTrack(1, 2))
    model.refresh()
    assert [model.summary(row).track.track_id for row in range(model.rowCount())] == [1, 3]
    project.session.undo()
    model.refresh()
    assert [model.row_of(track_id) for track_id in (1, 2, 3, 4)] == [0, 1, 2, None]
    assert tester.model() is model


def test_a_renamed_class_shows_in_its_rows(table, project):
    dog = project.document.track(1, 2).category_id
    project.session.do(RenameCategory(dog, "hound"))
    assert texts(table, Column.CLASS) == ["person", "hound", "hound"]


def test_frames_that_land_fast_refresh_the_table_once(make_project, landing_run, qtbot):
    project = make_project(run_to=0)
    table = TrackTable(project.session)
    qtbot.addWidget(table)
    refreshes = []
    table.view.model().sourceModel().rowsInserted.connect(lambda *_: refreshes.append(1))
    run = landing_run(project)
    for index in range(20):
        run.land(index)
    assert not refreshes
    qtbot.waitUntil(lambda: texts(table, Column.FRAMES) == ["20", "15"], timeout=2000)
    assert len(refreshes) == 2
    run.finish()


def test_an_empty_video_says_what_to_do(make_project, qtbot):
    project = make_project(run_to=0)
    table = TrackTable(project.session)
    qtbot.addWidget(table)
    table.show()
    assert not table.view.isVisible()
    assert not table.filter_line.isVisible()
