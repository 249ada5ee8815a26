"""Who the selected instance may be: up to three tracks that look most like it, each with a picture."""

from functools import partial

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QPixmap, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.document.confirmation import percent_words
from app.document.proposals import Proposal
from app.identities import proposal_text
from app.session import Session
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

CARDS = 3
_PICTURE = QSize(64, 48)
_CARD_HEIGHT = 92
_KEPT_PICTURES = 200


class IdentityCards(QWidget):
    """Cards of the session's identities; a click takes one, as do 1 to 3 while these keys are set to."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._identities = session, session.identities
        self._pictures: dict[tuple[int, int, int], QPixmap] = {}
        self._loader = PictureLoader(self)
        self._loader.ready.connect(self._take_picture)
        self.setObjectName("identityCards")
        self._heading = QLabel()
        self._heading.setObjectName("identityHeading")
        self._heading.setProperty("heading", True)
        self._digits = QToolButton()
        self._digits.setCheckable(True)
        self._digits.setObjectName("identityDigits")
        self._digits.setText("Keys 1–3")
        self._digits.setToolTip("Let the keys 1 to 3 take a proposal instead of selecting a track (I)")
        self._digits.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._digits.clicked.connect(self._identities.set_uses_digits)
        self.cards = [self._make_card(position) for position in range(CARDS)]
        self._build()
        self._identities.answered.connect(self._show)
        self._identities.digits_changed.connect(self._show_digits)
        session.scope_changed.connect(self._show)
        session.preview.changed.connect(self._show)
        session.project_opened.connect(self._forget_pictures)
        session.video_changed.connect(self._forget_pictures)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102
        # A running thread must not outlive its owner; the window's closing is the last moment to wait for it.
        self.window().installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stop the pictures when the window closes."""
        if event.type() is QEvent.Type.Close and watched is self.window():
            self._loader.stop()
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        title = QHBoxLayout()
        title.setContentsMargins(0, 0, 0, 0)
        title.addWidget(self._heading)
        title.addStretch(1)
        title.addWidget(self._digits)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for card in self.cards:
            row.addWidget(card)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(title)
        layout.addLayout(row)

    def _make_card(self, position: int) -> QToolButton:
        card = QToolButton()
        card.setObjectName(f"identity_{position + 1}")
        card.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        card.setIconSize(_PICTURE)
        card.setFixedHeight(_CARD_HEIGHT)
        card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        card.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        card.clicked.connect(partial(self._accept, position))
        return card

    def _accept(self, position: int, _checked: bool = False) -> None:
        action = self.window().findChild(QAction, f"identity.take.{position + 1}")
        if action is not None:
            action.trigger()

    def _show(self) -> None:
        found = self._identities.proposals
        self.setVisible(bool(found))
        if not found or not self._identities.is_fresh:
            return
        question = self._identities.question
        assert question is not None
        if self._identities.are_links:
            # While changes are shown, Enter accepts these.
            enter = "" if self._session.preview.has_keys else " · ENTER LINKS"
            self._heading.setText(f"TRACK {question.track_id} BEGINS HERE{enter}")
        else:
            self._heading.setText(f"{question.track_id} IN THIS FRAME MAY BE")
        for position, card in enumerate(self.cards):
            card.setVisible(position < len(found))
            if position < len(found):
                self._show_card(card, position, found[position])

    def _show_digits(self, uses_digits: bool) -> None:
        self._digits.setChecked(uses_digits)
        self._show()

    def _show_card(self, card: QToolButton, position: int, proposal: Proposal) -> None:
        summary = next((s for s in self._session.tracks() if s.track.track_id == proposal.track_id), None)
        name = "" if summary is None else self._session.category_names().get(summary.track.category_id, "")
        key = f"[{position + 1}] " if self._identities.uses_digits else ""
        own, rival = proposal.own_similarity, ""
        tip = f"{proposal_text(self._session, position)}; its picture is of frame {proposal.seen_at}"
        if own is not None:
            rival = f" vs {percent_words(own)}"
            tip += f"; what track {proposal.track_id} has in this frame fits it {percent_words(own)}"
        card.setText(f"{key}{proposal.track_id} {name}\n{percent_words(proposal.similarity)}{rival}")
        card.setToolTip(tip)
        card.setAccessibleName(f"Proposal {position + 1}: track {proposal.track_id} {name}")
        card.setIcon(self._picture(proposal))

    def _picture(self, proposal: Proposal) -> QIcon:
        document, video = self._session.document, self._session.video
        assert document is not None
        assert video is not None
        key = (video.video_id, proposal.track_id, proposal.seen_at)
        if key not in self._pictures:
            instance = document.instance(*key)
            blank = QPixmap(_PICTURE * self.devicePixelRatioF())
            blank.fill(theme.color("canvas"))
            self._pictures[key] = blank
            masks = () if instance is None else (PaintedMask(instance.rle, theme.track_color(proposal.track_id)),)
            source, size = document.source_path(video.video_id), _PICTURE * self.devicePixelRatioF()
            self._loader.request(PictureRequest(key, source, proposal.seen_at, size, masks, video.pixel_aspect))
            while len(self._pictures) > _KEPT_PICTURES:
                del self._pictures[next(iter(self._pictures))]
        return QIcon(self._pictures[key])

    def _take_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, tuple)
        if picture.key in self._pictures and not picture.image.isNull():
            self._pictures[picture.key] = QPixmap.fromImage(picture.image)
            self._show()

    def _forget_pictures(self) -> None:
        self._loader.forget()
        self._pictures.clear()
