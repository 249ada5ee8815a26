"""What can be done about the suspicion that is looked at, always in the same place below the list."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from app import theme
from app.review import Review

_HEIGHT = 28


class ReviewBar(QWidget):
    """Back, on, accept and dismiss for the mouse; keys do the same without it."""

    def __init__(self, review: Review, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review = review
        self.previous, self.next = self._step_button("Shift+N", -1), self._step_button("N", 1)
        self.accept = QPushButton()
        self.accept.setObjectName("acceptSuspicion")
        self.accept.clicked.connect(review.accept)
        self.dismiss = QPushButton("Dismiss")
        self.dismiss.setObjectName("dismissSuspicion")
        self.dismiss.setToolTip("It is no mistake, and is not listed again (Backspace)")
        self.dismiss.clicked.connect(review.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 8)
        layout.setSpacing(4)
        for button in (self.previous, self.next, self.accept, self.dismiss):
            # Letters stay commands after a click.
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setFixedHeight(_HEIGHT)
            layout.addWidget(button)
        layout.setStretchFactor(self.accept, 3)
        layout.setStretchFactor(self.dismiss, 2)
        review.current_changed.connect(self._show)
        review.listed.connect(self._show)
        theme.theme_changes().changed.connect(self._restyle)
        self._restyle()
        self._show()

    def _step_button(self, key: str, direction: int) -> QToolButton:
        def step() -> None:
            self._review.step(direction)

        button = QToolButton()
        button.setObjectName("nextSuspicion" if direction > 0 else "previousSuspicion")
        button.setToolTip(f"{'Next' if direction > 0 else 'Previous'} suspicion ({key})")
        button.setAccessibleName(f"{'Next' if direction > 0 else 'Previous'} suspicion")
        button.setIconSize(QSize(16, 16))
        button.clicked.connect(step)
        return button

    def _show(self) -> None:
        current = self._review.current
        proposal = "" if current is None else current.proposal_text
        by_hand = current is not None and not proposal
        self.accept.setText("Correct by hand" if by_hand else "Accept")
        self.accept.setToolTip(f"{proposal} (Enter)" if proposal else "")
        self.accept.setEnabled(bool(proposal))
        self.accept.setProperty("primary", bool(proposal))
        self.accept.style().polish(self.accept)
        self.dismiss.setEnabled(current is not None)
        for button in (self.previous, self.next):
            button.setEnabled(bool(self._review.found))

    def _restyle(self) -> None:
        self.previous.setIcon(theme.icon("mdi6.chevron-up"))
        self.next.setIcon(theme.icon("mdi6.chevron-down"))
        self.accept.setIcon(theme.icon("mdi6.check", theme.current_theme().on_accent))
