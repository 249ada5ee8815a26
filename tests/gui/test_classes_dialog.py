"""The classes of a project as a person revises them: renamed, joined, mapped to another set, added, cleaned up."""

import json

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QInputDialog, QLabel, QPushButton, QTableWidget

from app.dialogs.classes import ClassesDialog

LEFT = Qt.MouseButton.LeftButton


def opened(window, press) -> ClassesDialog:
    press(window, "Ctrl+Alt+C")
    return next(dialog for dialog in window.findChildren(ClassesDialog) if dialog.isVisible())


def row_of(dialog, name: str) -> int:
    table = dialog.findChild(QTableWidget, "classesTable")
    return next(row for row in range(table.rowCount()) if table.item(row, 0).text() == name)


def becomes(dialog, name: str) -> QComboBox:
    return dialog.findChild(QTableWidget, "classesTable").cellWidget(row_of(dialog, name), 3)


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
    becomes(dialog, first).setCurrentText("animal")
    assert words(dialog) == "1 class renamed."
    becomes(dialog, other).setCurrentText("Animal ")
    assert words(dialog).startswith("1 class renamed; 1 joined with another (")
    becomes(dialog, other).setCurrentText(" ")
    assert words(dialog) == f"Say what {other} becomes"
    assert not apply.isEnabled()
    becomes(dialog, other).setCurrentText("animal")
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
    assert becomes(dialog, own[0]).currentText() == own[0].upper()
    assert f"Not in the chosen set: {', '.join(own[1:])}" in words(dialog)
    qtbot.mouseClick(dialog.findChild(QPushButton, "classesApply"), LEFT)
    assert {own[0].upper(), "otter", "gizmo"} <= classes(tracked)
    file.write_text("{}")
    dialog = opened(tracked, press)
    choose_set(dialog, "file")
    assert "holds no classes" in words(dialog)
    assert dialog.findChild(QComboBox, "classesSet").currentData() == ""
