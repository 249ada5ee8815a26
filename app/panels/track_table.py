"""The track table: every track of the video with colour, id, class, score, frames, eye and lock; filter and sorting."""

from collections.abc import Iterable

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.dialogs.category import choose_category
from app.document.edits import SetLocked
from app.document.records import Change
from app.panels.list_parts import set_up_rows
from app.panels.pacing import PacedRefresh
from app.panels.track_menu import track_menu
from app.panels.track_model import COLOR_ROLE, SORT_ROLE, TRACK_ID_ROLE, Column, TrackTableModel
from app.session import Session

_ROW_HEIGHT = 30
_SWATCH = 14
_ICON = 15
_REFRESH_MS = 100
_WIDTHS = {
    Column.COLOUR: 30,
    Column.ID: 40,
    Column.SCORE: 56,
    Column.FRAMES: 60,
    Column.VISIBLE: 32,
    Column.LOCKED: 32,
}
_Index = QModelIndex | QPersistentModelIndex


class TrackDelegate(QStyledItemDelegate):
    """Draws the swatch, the eye and the lock; text cells stay Qt's."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:  # noqa: D102
        column = Column(index.column())
        super().paint(painter, option, index)
        if column is Column.COLOUR:
            self._paint_swatch(painter, option.rect, index)
        elif column in {Column.VISIBLE, Column.LOCKED}:
            is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
            icon = self._icon(column, index, is_hovered)
            if icon is not None:
                area = QRect(0, 0, _ICON, _ICON)
                area.moveCenter(option.rect.center())
                icon.paint(painter, area)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: D102
        return QSize(super().sizeHint(option, index).width(), _ROW_HEIGHT)

    def _paint_swatch(self, painter: QPainter, area: QRect, index: _Index) -> None:
        swatch = QRect(0, 0, _SWATCH, _SWATCH)
        swatch.moveCenter(area.center())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(index.data(COLOR_ROLE))
        painter.drawRoundedRect(swatch, 3, 3)
        painter.restore()

    def _icon(self, column: Column, index: _Index, is_hovered: bool) -> QIcon | None:
        """Eye always; a lock where it is closed, or faintly under the mouse to say that it can be."""
        colors = theme.current_theme()
        is_off = bool(index.data(SORT_ROLE))
        if column is Column.VISIBLE:
            return theme.icon("mdi6.eye-off-outline", colors.faint) if is_off else theme.icon("mdi6.eye", colors.text)
        if not is_off:
            return theme.icon("mdi6.lock", colors.warning)
        return theme.icon("mdi6.lock-open-variant-outline", colors.faint) if is_hovered else None


class TrackView(QTableView):
    """Table view whose eye and lock cells are switches: a click there does not change the selection.

    Signals:
        switch_clicked: index of the cell and the modifiers that were held.
        edit_requested: index of the cell whose class shall be chosen.
    """

    switch_clicked = Signal(QModelIndex, object)
    edit_requested = Signal(QModelIndex)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(TrackDelegate(self))
        set_up_rows(self, _ROW_HEIGHT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setMouseTracking(True)
        self.horizontalHeader().setMinimumSectionSize(24)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        index = self.indexAt(event.position().toPoint())
        is_switch = index.isValid() and index.column() in {Column.VISIBLE, Column.LOCKED}
        if is_switch and event.button() is Qt.MouseButton.LeftButton:
            self.switch_clicked.emit(index, event.modifiers())
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() in {Column.VISIBLE, Column.LOCKED}:
            self.mousePressEvent(event)
        elif index.isValid() and event.button() is Qt.MouseButton.LeftButton:
            self.edit_requested.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.edit_requested.emit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keep Shift+Up and Shift+Down, which extend the selection here and change the speed elsewhere."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
            if is_shifted and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
                event.accept()
                return True
        return super().event(event)


class TrackTable(QWidget):
    """The tracks of the current video; its selection is the session's."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_syncing = False
        self.setObjectName("trackTable")
        self._model = TrackTableModel(session, self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(SORT_ROLE)
        self._sorted.setFilterKeyColumn(-1)
        self._sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._build()
        self._paced = PacedRefresh(self._refresh, _REFRESH_MS, self)
        session.project_opened.connect(self._paced.now)
        session.video_changed.connect(self._paced.now)
        session.document_changed.connect(self._note_change)
        session.selection_changed.connect(self._show_selection)
        session.visibility_changed.connect(self._model.refresh_visibility)
        session.colors.changed.connect(self._model.refresh_visibility)
        theme.theme_changes().changed.connect(self._model.refresh_visibility)
        self._refresh()

    def _build(self) -> None:
        heading = QLabel("TRACKS")
        heading.setProperty("heading", True)
        self._count = QLabel("0")
        self._count.setProperty("heading", True)
        self._count.setObjectName("trackCount")
        titles = QHBoxLayout()
        titles.setContentsMargins(12, 0, 12, 0)
        titles.addWidget(heading)
        titles.addStretch(1)
        titles.addWidget(self._count)
        self.filter_line = QLineEdit(clearButtonEnabled=True)
        self.filter_line.setObjectName("trackFilter")
        self.filter_line.setAccessibleName("Filter tracks")
        self.filter_line.setPlaceholderText("Filter by id or class")
        self.filter_line.setToolTip("Show only tracks whose id or class holds this text")
        self.filter_line.textChanged.connect(self._filter)
        line = QHBoxLayout()
        line.setContentsMargins(10, 0, 10, 0)
        line.addWidget(self.filter_line)
        self._build_view()
        self._empty = QLabel("No tracks yet.\nRun the model, or draw a mask.", alignment=Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(titles)
        layout.addLayout(line)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)

    def _build_view(self) -> None:
        self.view = TrackView()
        self.view.setObjectName("trackView")
        self.view.setAccessibleName("Tracks")
        self.view.setModel(self._sorted)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(Column.ID, Qt.SortOrder.AscendingOrder)
        for column, width in _WIDTHS.items():
            self.view.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.view.setColumnWidth(column, width)
        self.view.horizontalHeader().setSectionResizeMode(Column.CLASS, QHeaderView.ResizeMode.Stretch)
        self.view.selectionModel().selectionChanged.connect(self._take_selection)
        self.view.switch_clicked.connect(self._switch)
        self.view.edit_requested.connect(self._choose_category)
        self.view.customContextMenuRequested.connect(self._open_menu)

    def _note_change(self, change: Change) -> None:
        video = self._session.video
        is_here = video is not None and video.video_id in change.video_ids
        if not is_here and not change.categories and not change.videos:
            return
        if self._session.run.state == "running":
            self._paced.soon()
        else:
            self._paced.now()

    def _refresh(self) -> None:
        self._is_syncing = True
        self._model.refresh()
        if self._session.colors.by_class:
            self._model.refresh_visibility()
        self._is_syncing = False
        count = self._model.rowCount()
        self._count.setText(str(count))
        self._empty.setVisible(count == 0)
        self.view.setVisible(count > 0)
        self.filter_line.setVisible(count > 0)
        self._show_selection(self._session.selection)

    def _filter(self, text: str) -> None:
        # Rows that the filter hides leave the view's selection; the session's must stay as it was.
        self._is_syncing = True
        self._sorted.setFilterFixedString(text.strip())
        self._is_syncing = False
        self._show_selection(self._session.selection)

    def _take_selection(self) -> None:
        if not self._is_syncing:
            rows = self.view.selectionModel().selectedRows()
            self._session.select(index.data(TRACK_ID_ROLE) for index in rows)

    def _show_selection(self, track_ids: Iterable[int]) -> None:
        wanted = frozenset(track_ids)
        selection, first = QItemSelection(), QModelIndex()
        for track_id in sorted(wanted):
            row = self._model.row_of(track_id)
            index = QModelIndex() if row is None else self._sorted.mapFromSource(self._model.index(row, 0))
            if index.isValid():
                selection.select(index, index)
                first = index if not first.isValid() else first
        self._is_syncing = True
        model, flags = self.view.selectionModel(), QItemSelectionModel.SelectionFlag
        model.select(selection, flags.ClearAndSelect | flags.Rows)
        if first.isValid() and model.currentIndex().row() not in {i.row() for i in selection.indexes()}:
            model.setCurrentIndex(first, flags.NoUpdate)
            self.view.scrollTo(first)
        self._is_syncing = False

    def _switch(self, index: QModelIndex, modifiers: Qt.KeyboardModifier) -> None:
        summary = self._model.summary(self._sorted.mapToSource(index).row())
        track_id, session = summary.track.track_id, self._session
        if index.column() == Column.LOCKED:
            session.do(SetLocked(summary.track.video_id, (track_id,), not summary.track.locked))
        elif modifiers & Qt.KeyboardModifier.AltModifier:
            session.set_solo(None if session.solo == track_id else track_id)
        elif session.solo is not None:
            session.set_solo(None)
        else:
            session.set_hidden(session.hidden ^ {track_id})

    def _choose_category(self, index: QModelIndex) -> None:
        if index.column() in {Column.CLASS, Column.ID, Column.COLOUR, Column.SCORE, Column.FRAMES}:
            track_id = index.data(TRACK_ID_ROLE)
            chosen = self._session.selection if track_id in self._session.selection else frozenset({track_id})
            choose_category(self._session, chosen, self)

    def _open_menu(self, position: QPoint) -> None:
        if self._session.selection:
            menu = track_menu(self._session, self._session.selection, self)
            menu.popup(self.view.viewport().mapToGlobal(position))
