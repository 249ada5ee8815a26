"""The review list: what is probably wrong in the current video, best first, to be accepted or dismissed."""

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QMenu,
    QToolButton,
    QWidget,
)

from app import theme
from app.document.suspicions import SuspicionKind
from app.panels.list_parts import empty_words, list_column, title_row
from app.panels.review_bar import ReviewBar
from app.panels.review_model import SUSPICION_ROLE, ReviewModel
from app.panels.review_row import ReviewRowDelegate
from app.session import Session
from app.settings import REVIEW_LEAST


class ReviewList(QWidget):
    """Rows of the session's review; a click goes to one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._review = session, session.review
        self.setObjectName("reviewList")
        self.model = ReviewModel(session, self)
        self._build()
        self._review.listed.connect(self._show_rows)
        self._review.current_changed.connect(self._show_current)
        session.project_opened.connect(self.model.forget_pictures)
        session.video_changed.connect(self.model.forget_pictures)
        theme.theme_changes().changed.connect(self._restyle)
        self._show_rows()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102
        # A running thread must not outlive its owner; the window's closing is the last moment to wait for it.
        self.window().installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stop the pictures when the window closes."""
        if event.type() is QEvent.Type.Close and watched is self.window():
            self.model.loader.stop()
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        self._count = QLabel()
        self._count.setObjectName("reviewCount")
        self._count.setProperty("warning", True)
        self.view = QListView()
        self.view.setObjectName("reviewView")
        self.view.setAccessibleName("Suspicious moments, the most likely mistake first")
        self.view.setAccessibleDescription("N and Shift+N go on and back, Enter accepts, Backspace dismisses")
        self.view.setModel(self.model)
        self.view.setItemDelegate(ReviewRowDelegate(self._review, self.view))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.view.pressed.connect(self._choose_again)
        self._empty = empty_words("reviewEmpty")
        layout = list_column(self, title_row(self._count, self._make_filter()), self.view, self._empty)
        layout.addWidget(self._make_hidden(), 0, Qt.AlignmentFlag.AlignHCenter)
        self.bar = ReviewBar(self._review)
        layout.addWidget(self.bar)

    def _make_filter(self) -> QToolButton:
        menu = QMenu(self)
        menu.setObjectName("reviewFilterMenu")
        menu.aboutToShow.connect(self._fill_filter)
        self._filter = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self._filter.setObjectName("reviewFilter")
        self._filter.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._filter.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._filter.setToolTip("Which suspicions are listed: how likely, of which kinds")
        self._filter.setMenu(menu)
        return self._filter

    def _make_hidden(self) -> QToolButton:
        self._hidden = QToolButton()
        self._hidden.setObjectName("reviewHidden")
        self._hidden.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._hidden.setToolTip("List all, however unlikely; the filter above takes it back")
        self._hidden.clicked.connect(self._list_all)
        return self._hidden

    def _list_all(self) -> None:
        for action_id in ("review.least.0", "review.all_kinds"):
            action = self.window().findChild(QAction, action_id)
            if action is not None:
                action.trigger()

    def _fill_filter(self) -> None:
        menu = self._filter.menu()
        menu.clear()
        here = {suspicion.kind for suspicion in self._review.all_found} | self._review.filter.hidden_kinds
        kinds = [f"review.kind.{kind.name.lower()}" for kind in SuspicionKind if kind in here]
        for action_id in (*[f"review.least.{n}" for n in REVIEW_LEAST.choices], "-", *kinds, "-", "review.all_kinds"):
            action = self.window().findChild(QAction, action_id)
            if action is not None:
                menu.addAction(action)
            elif action_id == "-":
                menu.addSeparator()

    def _show_rows(self) -> None:
        found = self._review.found
        offset = self.view.verticalScrollBar().value()
        self.model.show(found)
        self._show_counts()
        self.view.setVisible(bool(found))
        self._empty.setVisible(not found)
        self._empty.setText("" if found else self._review.empty_words())
        self.view.verticalScrollBar().setValue(offset)
        self._show_current()

    def _show_counts(self) -> None:
        shown, known = len(self._review.found), len(self._review.all_found)
        self._count.setText(str(shown) if shown == known else f"{shown} of {known}")
        self._count.setVisible(bool(known))
        hidden = self._review.hidden_words()
        self._hidden.setText(f"{hidden} · Show all" if hidden else "")
        self._hidden.setVisible(bool(hidden))
        wanted = self._review.filter
        words = [f"{wanted.least_percent} % and up"] if wanted.least_percent else []
        words += [f"{len(wanted.hidden_kinds)} kinds hidden"] if wanted.hidden_kinds else []
        self._filter.setText(", ".join(words) or "All")
        self._filter.setIcon(theme.icon("mdi6.filter-variant"))

    def _show_current(self) -> None:
        row = self.model.row_of(self._review.current)
        index = QModelIndex() if row is None else self.model.index(row)
        if index != self.view.currentIndex():
            self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def _choose(self, index: QModelIndex) -> None:
        suspicion = index.data(SUSPICION_ROLE) if index.isValid() else None
        if suspicion is not None and suspicion != self._review.current:
            self._review.choose(suspicion)

    def _choose_again(self, index: QModelIndex) -> None:
        """A click on the row that is current already goes back to its frame."""
        suspicion = index.data(SUSPICION_ROLE)
        if suspicion is not None and suspicion == self._review.current:
            self._review.choose(suspicion)

    def _restyle(self) -> None:
        self._show_counts()
        self.view.viewport().update()
