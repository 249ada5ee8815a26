"""The classes of a project as a person revises them: renamed, joined, mapped to another set, added, cleaned up."""

import json

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFileDialog,
    QFrame,
    QInputDialog,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
)

from app.dialogs.class_table import BECOMES, COLOR, NAME, SYNONYMS
from app.dialogs.classes import ClassesDialog

LEFT = Qt.MouseButton.LeftButton


def opened(window, press) -> ClassesDialog:
    press(window, "Ctrl+Alt+C")
    return next(dialog for dialog in window.findChildren(ClassesDialog) if dialog.isVisible())


def row_of(dialog, name: str) -> int:
    table = dialog.findChild(QTableWidget, "classesTable")
    return next(row for row in range(table.rowCount()) if table.item(row, NAME).text() == name)


def cell(dialog, name: str, column: int) -> QTableWidgetItem:
    return dialog.findChild(QTableWidget, "classesTable").item(row_of(dialog, name), column)


def becomes(dialog, name: str) -> QTableWidgetItem:
    return cell(dialog, name, BECOMES)


def synonyms(dialog, name: str) -> QTableWidgetItem:
    return cell(dialog, name, SYNONYMS)


def press_cell(qtbot, dialog, item: QTableWidgetItem) -> None:
    table = dialog.findChild(QTableWidget, "classesTable")
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(item).center())


def type_into(qtbot, dialog, item: QTableWidgetItem, text: str) -> None:
    """Press a cell, put a text in the place of what is there, and leave with Enter."""
    press_cell(qtbot, dialog, item)
    editor = dialog.focusWidget()
    qtbot.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()  # the view closes the editor a little later


def pick_color(qtbot, dialog, name: str, button: str) -> None:
    """Press a class's swatch and then a button of what it offers."""
    press_cell(qtbot, dialog, cell(dialog, name, COLOR))
    qtbot.mouseClick(dialog.findChild(QFrame, "colorPopup").findChild(QAbstractButton, button), LEFT)
    qtbot.waitUntil(lambda: dialog.findChild(QFrame, "colorPopup") is None)


def words(dialog) -> str:
    return dialog.findChild(QLabel, "classesStatus").text()


def choose_set(dialog, value: str) -> None:
    box = dialog.findChild(QComboBox, "classesSet")
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def classes(window) -> set[str]:
    return {category.name for category in window.session.document.categories()}


def track_classes(window) -> list[str]:
    names = {c.category_id: c.name for c in window.session.document.categories()}
    return [names[s.track.category_id] for s in window.session.document.tracks(1)]


def test_classes_are_renamed_and_joined_in_one_undoable_edit(tracked, qtbot, press):
    before = track_classes(tracked)
    dialog = opened(tracked, press)
    apply = dialog.findChild(QPushButton, "classesApply")
    assert words(dialog) == "Nothing would change."
    assert not apply.isEnabled()
    first, other = sorted(set(before))
    type_into(qtbot, dialog, becomes(dialog, first), "animal")
    assert words(dialog) == "1 class renamed."
    becomes(dialog, other).setText("Animal ")
    assert words(dialog).startswith("1 class renamed; 1 joined with another (")
    becomes(dialog, other).setText(" ")
    assert words(dialog) == f"Say what {other} becomes"
    assert not apply.isEnabled()
    becomes(dialog, other).setText("animal")
    qtbot.mouseClick(apply, LEFT)
    assert not dialog.isVisible()
    assert set(track_classes(tracked)) == {"animal"}
    press(tracked, "Ctrl+Z")
    assert track_classes(tracked) == before


def test_a_label_set_fills_in_what_is_known_and_names_what_is_not(tracked, qtbot, press, monkeypatch, tmp_path):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("gizmo", True))
    dialog = opened(tracked, press)
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesAdd"), LEFT)
    assert words(dialog) == "1 added."
    choose_set(dialog, "coco")
    dialog.findChild(QCheckBox, "classesAddAll").setChecked(True)
    added = int(words(dialog).split(" added")[0].split()[-1])
    assert added > 40
    own = sorted(set(track_classes(tracked)))
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"categories": [{"id": 4, "name": own[0].upper()}, {"id": 5, "name": "otter"}]}))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    choose_set(dialog, "file")
    assert becomes(dialog, own[0]).text() == own[0].upper()
    assert f"Not in the chosen set: {', '.join(own[1:])}" in words(dialog)
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    assert {own[0].upper(), "otter", "gizmo"} <= classes(tracked)
    file.write_text("{}")
    dialog = opened(tracked, press)
    choose_set(dialog, "file")
    assert "holds no classes" in words(dialog)
    assert dialog.findChild(QComboBox, "classesSet").currentData() == ""


def test_colours_and_synonyms_are_edited_exported_and_taken_from_a_file(tracked, qtbot, press, monkeypatch, tmp_path):
    first, other, *_ = sorted(set(track_classes(tracked)))
    dialog = opened(tracked, press)
    pick_color(qtbot, dialog, first, "pick#e69f00")
    type_into(qtbot, dialog, synonyms(dialog, first), f"thing, {other}")
    assert words(dialog).startswith(f"{first} cannot have the synonym {other}: it is a class")
    assert not dialog.findChild(QPushButton, "classesApply").isEnabled()
    synonyms(dialog, first).setText("thing, gadget")
    assert words(dialog) == "1 with another colour or other synonyms."
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    saved = {c.name: c for c in tracked.session.document.categories()}[first]
    assert (saved.color, saved.synonyms) == ("#e69f00", ("thing", "gadget"))

    dialog = opened(tracked, press)
    file = tmp_path / "classes.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesExport"), LEFT)
    assert str(file) in words(dialog)
    pick_color(qtbot, dialog, first, "colorAutomatic")
    synonyms(dialog, first).setText("")
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    assert all(c.color is None for c in tracked.session.document.categories())

    dialog = opened(tracked, press)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    choose_set(dialog, "file")
    assert synonyms(dialog, first).text() == "thing, gadget"
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#102030"))
    pick_color(qtbot, dialog, first, "colorOther")
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    saved = {c.name: c for c in tracked.session.document.categories()}[first]
    assert (saved.color, saved.synonyms) == ("#102030", ("thing", "gadget"))
    press(tracked, "Ctrl+Z")
    assert all(c.color is None and not c.synonyms for c in tracked.session.document.categories())


def test_a_new_class_is_a_row_and_a_joined_name_a_synonym(tracked, qtbot, press, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("gizmo", True))
    first = min(set(track_classes(tracked)))
    dialog = opened(tracked, press)
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesAdd"), LEFT)
    synonyms(dialog, "new").setText("widget")
    becomes(dialog, first).setText("gizmo")
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    gizmo = {c.name: c for c in tracked.session.document.categories()}["gizmo"]
    assert set(gizmo.synonyms) == {"widget", first}


def test_the_table_is_walked_with_the_keyboard_without_changing_anything(tracked, qtbot, press):
    dialog = opened(tracked, press)
    table = dialog.findChild(QTableWidget, "classesTable")
    table.setFocus()
    table.setCurrentCell(0, BECOMES)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        qtbot.keyClick(dialog.focusWidget(), key)
    assert words(dialog) == "Nothing would change."
    assert (table.currentRow(), table.currentColumn()) == (1, BECOMES)
    qtbot.keyClick(table, Qt.Key.Key_Right)
    qtbot.keyClicks(table, "x")
    qtbot.keyClicks(dialog.focusWidget(), "yz")
    assert table.item(1, SYNONYMS).text() == "xyz"
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    QApplication.processEvents()
    table.setCurrentCell(1, COLOR)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    popup = dialog.findChild(QFrame, "colorPopup")
    assert popup.isVisible()
    qtbot.keyClick(popup, Qt.Key.Key_Escape)
    assert words(dialog) == "1 with another colour or other synonyms."
