"""Asks who is working here; the name stands beside each edit in the project."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.dialogs.form_parts import set_dialog_margins

_LONGEST = 80


class NameDialog(QDialog):
    """A small window with one line.

    Signals:
        name_chosen: without spaces around it; empty for the name of the account.
    """

    name_chosen = Signal(str)

    def __init__(self, name: str, account: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Your name")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._line = QLineEdit(name, placeholderText=account, maxLength=_LONGEST)
        self._line.setObjectName("nameLine")
        self._line.setAccessibleName("Your name")
        self._line.selectAll()
        words = QLabel("Each edit is kept in the project with the name of who made it. Edits made so far keep theirs.")
        words.setWordWrap(True)
        words.setProperty("muted", True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        set_dialog_margins(layout)
        layout.addWidget(self._line)
        layout.addWidget(words)
        layout.addWidget(buttons)
        self.setMinimumWidth(360)
        self._line.setFocus()

    def accept(self) -> None:
        """Hand the name over and close."""
        self.name_chosen.emit(" ".join(self._line.text().split()))
        super().accept()
