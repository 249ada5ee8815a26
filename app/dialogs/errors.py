"""The dialog that says in one sentence what went wrong, with details and a copy button where they help."""

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.errors import details_of, sentence_of
from app.theme import current_theme, icon

_ICON_SIZE = QSize(28, 28)


class ErrorDialog(QDialog):
    """One sentence; behind "Details" what a bug report needs."""

    def __init__(self, title: str, sentence: str, details: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._report = f"{title}: {sentence}\n\n{details}".strip()
        self._details = QPlainTextEdit(details, readOnly=True)
        self._details.hide()
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setMinimumSize(640, 260)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(14)
        layout.addLayout(self._message(title, sentence))
        layout.addWidget(self._details)
        layout.addLayout(self._buttons(bool(details)))

    def _message(self, title: str, sentence: str) -> QHBoxLayout:
        sign = QLabel()
        sign.setPixmap(icon("mdi6.alert-circle-outline", current_theme().bad).pixmap(_ICON_SIZE))
        heading = QLabel(title)
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        text = QLabel(sentence, wordWrap=True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setMinimumWidth(420)
        text.setObjectName("sentence")
        words = QVBoxLayout()
        words.addWidget(heading)
        words.addWidget(text)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        return row

    def _buttons(self, has_details: bool) -> QHBoxLayout:
        row = QHBoxLayout()
        if has_details:
            self._toggle = QPushButton("Show details")
            self._toggle.setCheckable(True)
            self._toggle.setAutoDefault(False)
            self._toggle.toggled.connect(self._show_details)
            row.addWidget(self._toggle)
        copy = QPushButton("Copy", autoDefault=False)
        copy.clicked.connect(self._copy)
        close = QPushButton("Close", default=True)
        close.clicked.connect(self.accept)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        self._close_button = close
        return row

    def showEvent(self, event: QShowEvent) -> None:
        """Enter and Space close it."""
        super().showEvent(event)
        self._close_button.setFocus()

    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._toggle.setText("Hide details" if shown else "Show details")
        self.adjustSize()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)


class ErrorReporter(QObject):
    """Shows errors of any thread as dialogs on the GUI thread, one at a time per message.

    Signals:
        _raised: carries an unexpected exception over to the GUI thread.
    """

    _raised = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._open: set[str] = set()
        self._raised.connect(self._show_unexpected)

    def show_error(self, title: str, error: BaseException) -> None:
        """Say what failed; GUI thread only."""
        self._show(title, sentence_of(error), details_of(error))

    def report_unexpected(self, error: BaseException) -> None:
        """Show an exception nobody caught; any thread."""
        self._raised.emit(error)

    def _show_unexpected(self, error: BaseException) -> None:
        self._show("Unexpected error", sentence_of(error), details_of(error))

    def _show(self, title: str, sentence: str, details: str) -> None:
        # An error that comes again with every repaint must not bury the screen in dialogs.
        if sentence in self._open:
            return
        self._open.add(sentence)
        dialog = ErrorDialog(title, sentence, details, self._window)
        dialog.setProperty("sentence", sentence)
        dialog.finished.connect(self._forget)
        dialog.open()

    def _forget(self) -> None:
        self._open.discard(str(self.sender().property("sentence")))
