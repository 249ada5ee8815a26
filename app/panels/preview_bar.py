"""A slim line below the video while changes are previewed: what would change, walk them, accept or not now."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from app import theme
from app.panels.elided_label import ElidedLabel
from app.preview import Preview

_HEIGHT = 38


class PreviewBar(QFrame):
    """Shown with the offer of the session's preview; never modal, and gone with the next edit."""

    def __init__(self, preview: Preview, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview = preview
        self.setObjectName("previewBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT)
        self._text, self._step = ElidedLabel("previewText"), ElidedLabel("previewStep")
        self._step.setProperty("muted", True)
        self._previous, self._next = self._arrow("previewPrevious", -1), self._arrow("previewNext", 1)
        self._accept = QPushButton("Accept")
        self._accept.setObjectName("previewAccept")
        self._accept.setProperty("primary", True)
        self._accept.setToolTip("Make these changes as one edit")
        self._accept.clicked.connect(preview.accept)
        self._decline = QPushButton()
        self._decline.setObjectName("previewDecline")
        self._decline.setToolTip("Leave everything as it is")
        self._decline.clicked.connect(preview.decline)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.setSpacing(6)
        for widget, stretch in (
            (self._text, 1),
            (self._step, 1),
            (self._previous, 0),
            (self._next, 0),
            (self._accept, 0),
            (self._decline, 0),
        ):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            layout.addWidget(widget, stretch)
        preview.changed.connect(self._show)
        preview.waited.connect(self._show)
        preview.walked.connect(self._show_step)
        theme.theme_changes().changed.connect(self._restyle)
        self._restyle()
        self._show()

    def _arrow(self, name: str, direction: int) -> QToolButton:
        def step() -> None:
            self._preview.step(direction)

        button = QToolButton()
        button.setObjectName(name)
        button.setIconSize(QSize(16, 16))
        button.setToolTip("Next change (Ctrl+N)" if direction > 0 else "Previous change (Ctrl+Shift+N)")
        button.clicked.connect(step)
        return button

    def _show(self) -> None:
        offer, waits_for = self._preview.offer, self._preview.waits_for
        self.setVisible(offer is not None or bool(waits_for))
        for button in (self._previous, self._next):
            button.setVisible(offer is not None)
        if offer is None:
            self._text.setText(waits_for)
            self._step.hide()
            self._accept.hide()
            self._decline.setText("Cancel (Esc)")
            return
        self._text.setText(offer.text)
        self._accept.setVisible(offer.edit is not None)
        keys = self._preview.has_keys
        self._accept.setText("Accept (Enter)" if keys else "Accept")
        self._decline.setText(("Not now" if offer.edit is not None else "Close") + (" (Esc)" if keys else ""))
        for button in (self._previous, self._next):
            button.setEnabled(bool(offer.steps))
        self._show_step()

    def _show_step(self) -> None:
        offer, position = self._preview.offer, self._preview.position
        self._step.setVisible(offer is not None and position >= 0)
        if offer is None or position < 0:
            return
        self._step.setText(f"{position + 1} of {len(offer.steps)}: {offer.steps[position].text}")

    def _restyle(self) -> None:
        self._previous.setIcon(theme.icon("mdi6.chevron-left"))
        self._next.setIcon(theme.icon("mdi6.chevron-right"))
