"""Keyboard shortcuts: search them, change them, see conflicts before they happen."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.dialogs.form_parts import dialog_column

_AREAS = {
    "file": "File",
    "export": "File",
    "edit": "Edit",
    "scope": "Edits apply to",
    "range": "Edits apply to",
    "play": "Playback",
    "select": "Select",
    "track": "Track",
    "assign": "Assign to track",
    "class": "Class",
    "identity": "Proposals",
    "review": "Review",
    "preview": "Review",
    "note": "Notes",
    "view": "View",
    "color": "View",
    "trail": "View",
    "theme": "View",
    "tool": "Mask tools",
    "run": "Run",
    "help": "Help",
}
_ID_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class KeyTable:
    """One action with its keys now and as shipped, as portable key sequences."""

    action_id: str
    title: str
    keys: tuple[str, ...]
    default_keys: tuple[str, ...]


class ShortcutsDialog(QDialog):
    """A searchable table of all actions; the selected one's keys are edited below it.

    Signals:
        keys_changed: dict of action id to keys, only where they differ from the shipped ones.
    """

    keys_changed = Signal(object)

    def __init__(self, rows: Sequence[KeyTable], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._rows = {row.action_id: row for row in rows}
        self._keys = {row.action_id: list(row.keys) for row in rows}
        self._items: dict[str, QTreeWidgetItem] = {}
        self._search = QLineEdit(placeholderText="Search an action or a key", clearButtonEnabled=True)
        self._search.textChanged.connect(self._filter)
        self._tree = QTreeWidget()
        self._tree.setRootIsDecorated(False)
        self._tree.setUniformRowHeights(True)
        self._tree.setHeaderLabels(["Action", "Keys"])
        self._tree.currentItemChanged.connect(self._edit_current)
        self._edit = QKeySequenceEdit(maximumSequenceLength=1)
        self._edit.keySequenceChanged.connect(self._check_conflict)
        self._warning = QLabel(wordWrap=True)
        self._warning.setProperty("warning", True)
        self._build()
        self._fill()

    def sizeHint(self) -> QSize:
        """Room for all columns and about twenty rows."""
        return QSize(620, 640)

    def accept(self) -> None:
        """Hand over what differs from the shipped keys."""
        changed = {i: keys for i, keys in self._keys.items() if tuple(keys) != self._rows[i].default_keys}
        self.keys_changed.emit(changed)
        super().accept()

    def _build(self) -> None:
        self._set = QPushButton("Use these keys")
        self._set.setEnabled(False)
        self._set.clicked.connect(self._use)
        clear = QPushButton("No keys")
        clear.clicked.connect(self._remove)
        reset = QPushButton("As shipped")
        reset.clicked.connect(self._reset)
        line = QHBoxLayout()
        line.addWidget(QLabel("New keys"))
        line.addWidget(self._edit, 1)
        for button in (self._set, clear, reset):
            line.addWidget(button)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel | kinds.RestoreDefaults)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(kinds.RestoreDefaults).setText("All as shipped")
        buttons.button(kinds.RestoreDefaults).clicked.connect(self._reset_all)
        layout = dialog_column(self)
        for part in (self._search, self._tree):
            layout.addWidget(part)
        layout.addLayout(line)
        layout.addWidget(self._warning)
        layout.addWidget(buttons)

    def _fill(self) -> None:
        areas: dict[str, QTreeWidgetItem] = {}
        for action_id, row in self._rows.items():
            area = _AREAS.get(action_id.partition(".")[0], "Other")
            if area not in areas:
                areas[area] = QTreeWidgetItem(self._tree, [area])
                areas[area].setFlags(Qt.ItemFlag.ItemIsEnabled)
                areas[area].setFirstColumnSpanned(True)
            item = QTreeWidgetItem(areas[area], [row.title, ""])
            item.setData(0, _ID_ROLE, action_id)
            self._items[action_id] = item
            self._show_keys(action_id)
        self._tree.expandAll()
        self._tree.setColumnWidth(0, 360)

    def _show_keys(self, action_id: str) -> None:
        native = QKeySequence.SequenceFormat.NativeText
        item, keys = self._items[action_id], self._keys[action_id]
        item.setText(1, ",  ".join(QKeySequence(key).toString(native) for key in keys))
        font = item.font(1)
        font.setBold(tuple(keys) != self._rows[action_id].default_keys)
        item.setFont(1, font)

    def _filter(self, text: str) -> None:
        wanted = text.strip().casefold()
        for item in self._items.values():
            item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())
        for index in range(self._tree.topLevelItemCount()):
            area = self._tree.topLevelItem(index)
            assert area is not None
            shown = [item for item in self._items.values() if item.parent() is area and not item.isHidden()]
            area.setHidden(not shown)

    def _current(self) -> str | None:
        item = self._tree.currentItem()
        return item.data(0, _ID_ROLE) if item is not None else None

    def _edit_current(self) -> None:
        self._edit.clear()
        self._check_conflict()

    def _check_conflict(self) -> None:
        wanted, current = self._edit.keySequence().toString(), self._current()
        self._set.setEnabled(bool(wanted) and current is not None)
        others = [self._rows[i].title for i, keys in self._keys.items() if wanted in keys and i != current]
        self._warning.setText(f"{wanted} is used by “{others[0]}”, which will lose it" if wanted and others else "")

    def _use(self) -> None:
        current, wanted = self._current(), self._edit.keySequence().toString()
        if current is None or not wanted:
            return
        for action_id, keys in self._keys.items():
            if wanted in keys and action_id != current:
                keys.remove(wanted)
                self._show_keys(action_id)
        self._keys[current] = [wanted]
        self._show_keys(current)
        self._edit_current()

    def _remove(self) -> None:
        self._change_current([])

    def _reset(self) -> None:
        current = self._current()
        if current is not None:
            self._change_current(list(self._rows[current].default_keys))

    def _change_current(self, keys: list[str]) -> None:
        current = self._current()
        if current is not None:
            self._keys[current] = keys
            self._show_keys(current)

    def _reset_all(self) -> None:
        for action_id, row in self._rows.items():
            self._keys[action_id] = list(row.default_keys)
            self._show_keys(action_id)
