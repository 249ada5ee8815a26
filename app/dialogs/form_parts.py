"""What dialogs are put together from: their column, forms, boxes of choices, lines for paths, and words below them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.theme import icon

_INDENT = 6


def dialog_column(dialog: QDialog, spacing: int = 12) -> QVBoxLayout:
    """The dialog's own layout: one below the other, with the usual room around."""
    layout = QVBoxLayout(dialog)
    set_dialog_margins(layout, spacing)
    return layout


def set_dialog_margins(layout: QLayout, spacing: int = 12) -> None:
    """The usual room around and between what a dialog holds."""
    layout.setContentsMargins(20, 18, 20, 16)
    layout.setSpacing(spacing)


def form_layout(parent: QWidget | None = None, spacing: int = 10) -> QFormLayout:
    """Labels and fields, the fields as wide as there is room."""
    form = QFormLayout(parent) if parent is not None else QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setVerticalSpacing(spacing)
    return form


def choice_box(name: str, title: str, choices: Mapping, current: object = None) -> QComboBox:
    """A box of choices.

    Args:
        name: of the object, for tests and style sheets.
        title: what screen readers say.
        choices: text by value.
        current: value chosen at first; the first one where it is not among them.
    """
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(title)
    for value, text in choices.items():
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(current)))
    return box


class NumberBox(QSpinBox):
    """A box for a number, which begins where the text of other fields does: a style sheet can't move it."""

    def __init__(self, **properties: Any) -> None:  # noqa: ANN401 - Qt's
        super().__init__(**properties)
        self.lineEdit().setTextMargins(_INDENT, 0, 0, 0)


class DecimalBox(QDoubleSpinBox):
    """The same for a number with decimals."""

    def __init__(self, **properties: Any) -> None:  # noqa: ANN401 - Qt's
        super().__init__(**properties)
        self.lineEdit().setTextMargins(_INDENT, 0, 0, 0)


class PathLine(QWidget):
    """A line for a path, and a button to look for it.

    Signals:
        browse_wanted: the button was pressed; whoever asks for files knows which.
    """

    browse_wanted = Signal()

    def __init__(self, name: str, title: str, text: str = "", hint: str = "") -> None:
        super().__init__()
        self.line = QLineEdit(text, placeholderText=hint)
        self.line.setObjectName(name)
        self.line.setAccessibleName(title)
        self.line.setMinimumWidth(320)
        self.button = QPushButton("Browse…", autoDefault=False)
        self.button.setObjectName(f"{name}Browse")
        self.button.clicked.connect(self.browse_wanted)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)

    def offer(self, paths: Sequence[Path]) -> None:
        """Let one of these be chosen from a menu in the line."""
        menu = QMenu(self)
        for path in paths:
            menu.addAction(str(path)).setData(str(path))
        menu.triggered.connect(self._take_offer)
        action = self.line.addAction(icon("mdi6.chevron-down"), QLineEdit.ActionPosition.TrailingPosition)
        action.setToolTip("Used lately")
        action.setVisible(bool(paths))
        action.triggered.connect(lambda: menu.popup(self.line.mapToGlobal(self.line.rect().bottomLeft())))

    def _take_offer(self, action: QAction) -> None:
        self.line.setText(action.data())

    def text(self) -> str:
        """The path, without blanks around it; empty where none was given."""
        return self.line.text().strip()


def push_button(text: str, name: str, press: Callable[[], object], *, is_primary: bool = False) -> QPushButton:
    """A button of a dialog, which Enter in a field does not press.

    Args:
        text: what it says.
        name: of the object, for tests and style sheets.
        press: what it does.
        is_primary: it is what the dialog is for.
    """
    button = QPushButton(text, autoDefault=False)
    button.setObjectName(name)
    button.setProperty("primary", is_primary)
    button.clicked.connect(press)
    return button


class Sentence(QLabel):
    """A line below a form: what would happen, or in the colour of warnings what stands against it."""

    def __init__(self, name: str) -> None:
        super().__init__(wordWrap=True)
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def say(self, text: str, is_problem: bool = False) -> None:
        """Show a sentence."""
        self.setProperty("warning", is_problem)
        self.style().polish(self)
        self.setText(text)


def heading(text: str) -> QLabel:
    """A small title of a part of a form."""
    label = QLabel(text)
    label.setProperty("heading", True)
    label.setContentsMargins(0, 8, 0, 0)
    return label


def muted(text: str = "") -> QLabel:
    """Words that matter less."""
    label = QLabel(text)
    label.setProperty("muted", True)
    return label


def counted(count: int, noun: str, plural: str = "") -> str:
    """E.g. "1 track", "12 tracks", "2 500 masks"; `plural` where that is not the noun with an s."""
    return f"{count:,} ".replace(",", " ") + (noun if count == 1 else plural or f"{noun}s")
