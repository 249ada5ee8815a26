"""The review list: what is probably wrong in the current video, best first, to be accepted or dismissed."""

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QLabel, QListView, QVBoxLayout, QWidget

from app import theme
from app.panels.review_model import SUSPICION_ROLE, ReviewModel
from app.panels.review_row import ReviewRowDelegate
from app.session import Session

_MARGIN = 12


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
        heading = QLabel("TO CHECK")
        heading.setProperty("heading", True)
        self._count = QLabel()
        self._count.setObjectName("reviewCount")
        self._count.setProperty("warning", True)
        titles = QHBoxLayout()
        titles.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        titles.addWidget(heading)
        titles.addStretch(1)
        titles.addWidget(self._count)
        self.view = QListView()
        self.view.setObjectName("reviewView")
        self.view.setAccessibleName("Suspicious moments, the most likely mistake first")
        self.view.setAccessibleDescription("N and Shift+N go on and back, Enter accepts, Backspace dismisses")
        self.view.setModel(self.model)
        self.view.setItemDelegate(ReviewRowDelegate(self._review, self.view))
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.view.pressed.connect(self._choose_again)
        self._empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._empty.setObjectName("reviewEmpty")
        self._empty.setProperty("muted", True)
        self._empty.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(titles)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)

    def _show_rows(self) -> None:
        found = self._review.found
        offset = self.view.verticalScrollBar().value()
        self.model.show(found)
        self._count.setText(str(len(found)) if found else "")
        self.view.setVisible(bool(found))
        self._empty.setVisible(not found)
        self._empty.setText("" if found else self._review.empty_words())
        self.view.verticalScrollBar().setValue(offset)
        self._show_current()

    def _show_current(self) -> None:
        row = self.model.row_of(self._review.current)
        index = QModelIndex() if row is None else self.model.index(row)
        # Its buttons make the current row higher.
        self.view.scheduleDelayedItemsLayout()
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
        self.view.viewport().update()
