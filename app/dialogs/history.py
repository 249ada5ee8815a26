"""The project's history as a list: who did what, when and where; and the way back to any point of it."""

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QProgressBar,
    QTableView,
    QWidget,
)

from app.dialogs.form_parts import Sentence, choice_box, dialog_column, push_button
from app.dialogs.history_model import EVERY_VIDEO, VIDEO, WHAT, WHEN, WHO, HistoryFilter, HistoryModel
from app.document.history import HistoryEntry
from app.history_walk import HistoryWalk
from app.session import Session
from visolo.words import counted

_ROW_HEIGHT = 28
_WIDTHS = {WHO: 120, WHEN: 170, VIDEO: 160}


class HistoryDialog(QDialog):
    """Stays beside the window and follows it; Enter or a double click on an entry shows its video."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("History")
        self.setObjectName("historyDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._entries: list[HistoryEntry] = []
        self._names: dict[int, str] = {}
        self._model = HistoryModel(self)
        self._walk = HistoryWalk(session, self)
        self._search = QLineEdit(placeholderText="Search", clearButtonEnabled=True)
        self._search.setObjectName("historySearch")
        self._search.setAccessibleName("Search in the history")
        self._person = choice_box("historyPerson", "Whose edits", {"": "Everyone"})
        self._video = choice_box("historyVideo", "Of which video", {EVERY_VIDEO: "All videos"})
        self._table = _table(self._model)
        self._bar = QProgressBar()
        self._bar.hide()
        self._words = Sentence("historyStatus")
        self._go = push_button("Show video", "historyShowVideo", self._show_video)
        self._undo = push_button("Undo to here", "historyUndo", self._walk_or_stop)
        self._lay_out()
        self._reload_later = QTimer(self, singleShot=True, interval=0)
        self._connect()
        self._reload()
        self._search.setFocus()

    def done(self, result: int) -> None:
        """Close; a walk through the history ends where it is."""
        self._walk.stop()
        super().done(result)

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self._search, 1)
        filters.addWidget(self._person)
        filters.addWidget(self._video)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._go)
        buttons.addWidget(self._undo)
        buttons.addStretch(1)
        buttons.addWidget(push_button("Close", "historyClose", self.close))
        layout = dialog_column(self)
        layout.addLayout(filters)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._bar)
        layout.addWidget(self._words)
        layout.addLayout(buttons)
        self.resize(820, 560)

    def _connect(self) -> None:
        self._reload_later.timeout.connect(self._reload)
        self._session.history_changed.connect(self._changed)
        self._session.project_opened.connect(self._project_opened)
        self._search.textChanged.connect(self._filter)
        self._person.currentIndexChanged.connect(self._filter)
        self._video.currentIndexChanged.connect(self._filter)
        self._table.activated.connect(self._show_video)
        self._table.selectionModel().currentRowChanged.connect(self._describe)
        self._model.modelReset.connect(self._describe)
        self._walk.stepped.connect(self._bar.setValue)
        self._walk.ended.connect(self._ended)

    def _project_opened(self) -> None:
        if self._session.history is None:
            self.close()

    def _changed(self) -> None:
        if not self._walk.is_on:
            self._reload_later.start()

    def _reload(self) -> None:
        """Read the history again; whoever and whatever was chosen stays so."""
        history, document = self._session.history, self._session.document
        if history is None or document is None:
            return
        self._entries = history.entries()[::-1]
        self._names = {video.video_id: video.name for video in document.videos()}
        authors = sorted({entry.author for entry in self._entries}, key=str.casefold)
        _offer(self._person, {"": "Everyone"} | {author: author for author in authors})
        _offer(self._video, {EVERY_VIDEO: "All videos"} | self._names)
        self._filter()

    def _filter(self) -> None:
        here = self._current()
        wanted = HistoryFilter(self._search.text(), self._person.currentData(), self._video.currentData())
        shown = wanted.select(self._entries)
        self._model.show_entries(shown, self._names)
        row = self._model.row_of(here.entry_id) if here is not None else -1
        if row < 0:
            row = next((row for row, entry in enumerate(shown) if not entry.undone), 0)
        if shown:
            self._table.setCurrentIndex(self._model.index(row, WHAT))
        if not self._entries:
            self._words.say("Nothing was done in this project yet")
        elif not shown:
            self._words.say("Nothing in the history is like that; search for less")
        else:
            of = "" if len(shown) == len(self._entries) else f" of {len(self._entries)}"
            self._words.say(f"{counted(len(shown), 'entry', 'entries')}{of}, the newest first")

    def _current(self) -> HistoryEntry | None:
        index = self._table.currentIndex()
        return self._model.entry(index.row()) if index.isValid() else None

    def _describe(self) -> None:
        """What the buttons do with the entry that is chosen."""
        entry = self._current()
        self._go.setEnabled(entry is not None and entry.video_id in self._names)
        if self._walk.is_on:
            self._undo.setText("Stop")
            self._undo.setEnabled(True)
            return
        count = self._steps_to(entry) if entry is not None else 0
        is_redo = entry is not None and entry.undone
        self._undo.setText("Redo to here" if is_redo else "Undo to here")
        self._undo.setEnabled(count > 0)
        edits = counted(count, "edit")
        does = f"Do {edits} again" if is_redo else f"Take back {edits}, all after this one"
        self._undo.setToolTip(does if count else "This is the latest edit")

    def _steps_to(self, entry: HistoryEntry) -> int:
        if entry.undone:
            return sum(e.undone and e.entry_id <= entry.entry_id for e in self._entries)
        return sum(not e.undone and e.entry_id > entry.entry_id for e in self._entries)

    def _show_video(self, _index: QModelIndex | bool = False) -> None:
        entry = self._current()
        shown = self._session.video
        if entry is not None and entry.video_id in self._names and entry.video_id is not None:
            if shown is None or shown.video_id != entry.video_id:
                self._session.show_video(entry.video_id)
            self._session.message.emit(f"{self._names[entry.video_id]}: {entry.text}")

    def _walk_or_stop(self) -> None:
        if self._walk.is_on:
            self._walk.stop()
            return
        entry = self._current()
        if entry is None:
            return
        self._bar.setRange(0, self._steps_to(entry))
        self._bar.setValue(0)
        self._bar.show()
        self._words.say("Going through the history…")
        self._walk.start(entry)
        self._describe()

    def _ended(self, words: str) -> None:
        self._bar.hide()
        self._reload()
        self._words.say(words)


def _table(model: HistoryModel) -> QTableView:
    table = QTableView()
    table.setObjectName("historyTable")
    table.setAccessibleName("History")
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
    head = table.horizontalHeader()
    head.setHighlightSections(False)
    head.setSectionResizeMode(WHAT, QHeaderView.ResizeMode.Stretch)
    for column, width in _WIDTHS.items():
        table.setColumnWidth(column, width)
    return table


def _offer(box: QComboBox, choices: dict) -> None:
    """Offer other choices; what was chosen stays chosen where it still is among them."""
    if [(box.itemData(i), box.itemText(i)) for i in range(box.count())] == list(choices.items()):
        return
    chosen = box.currentData()
    box.blockSignals(True)
    box.clear()
    for value, text in choices.items():
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(False)
