"""The inspector: what the model thought of the selected track's class, and what it is in the current frame."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import theme
from app.dialogs.category import CategoryChoice, choose_category, set_category
from app.document.records import Change, Instance, Origin, Track
from app.panels.identity_cards import IdentityCards
from app.panels.pacing import PacedRefresh
from app.panels.votes import VoteBar, VoteStrip, VoteSummary, summarise, vote_sentence
from app.session import Session

_REFRESH_MS = 100
_BUTTONS = 3
_MARGIN = 12
_ORIGINS = {
    Origin.MODEL: "by the model",
    Origin.PERSON: "drawn by a person",
    Origin.IMPORTED: "imported",
    Origin.INTERPOLATED: "followed by the model",
    Origin.BOX: "only a box, no mask",
}
_EMPTY = "Select a track on the video, in the table or on the timeline to see how sure the model was of it."


class Inspector(QScrollArea):
    """Class votes and present state of the selection."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tracks: list[Track] = []
        self._summary: VoteSummary | None = None
        self._names: dict[int, str] = {}
        self.setObjectName("inspector")
        self.setAccessibleName("Inspector")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._build()
        self._paced = PacedRefresh(self._refresh, _REFRESH_MS, self)
        session.project_opened.connect(self._paced.now)
        session.video_changed.connect(self._paced.now)
        session.selection_changed.connect(self._paced.now)
        session.document_changed.connect(self._note_change)
        session.frame_changed.connect(self._show_frame)
        theme.theme_changes().changed.connect(self._restyle)
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._show_buttons(self._tracks)

    def _build(self) -> None:
        self._heading = QLabel("INSPECTOR")
        self._heading.setProperty("heading", True)
        self._heading.setObjectName("inspectorHeading")
        self._empty = _muted_label(_EMPTY, "inspectorEmpty")
        self._body = QWidget()
        self.bar, self.strip = VoteBar(), VoteStrip()
        self.bar.setObjectName("voteBar")
        self.strip.setObjectName("voteStrip")
        self.strip.frame_chosen.connect(self._session.show_frame)
        self._sentence = _muted_label("", "voteSentence")
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(6)
        self._facts = QGridLayout()
        self._facts.setColumnStretch(1, 1)
        self._facts.setVerticalSpacing(3)
        self._values = {name: QLabel() for name in ("class", "score", "area", "mask", "lock")}
        for row, (name, value) in enumerate(self._values.items()):
            title = QLabel(name)
            title.setProperty("muted", True)
            value.setObjectName(f"fact_{name}")
            self._facts.addWidget(title, row, 0)
            self._facts.addWidget(value, row, 1)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        for part in (self.bar, self.strip, self._sentence):
            body.addWidget(part)
        body.addLayout(self._buttons)
        body.addLayout(self._facts)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(_MARGIN, 8, _MARGIN, 10)
        layout.setSpacing(8)
        self.identities = IdentityCards(self._session)
        for widget in (self.identities, self._heading, self._empty, self._body):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.setWidget(content)
        # The panel's colour is the dock's; a scroll area would paint the window's over it.
        content.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)

    def _note_change(self, change: Change) -> None:
        video, selection = self._session.video, self._session.selection
        is_here = video is not None and video.video_id in change.video_ids
        if not change.categories and not (is_here and (selection & change.track_ids or not change.track_ids)):
            return
        if self._session.run.state == "running":
            self._paced.soon()
        else:
            self._paced.now()

    def _refresh(self) -> None:
        session = self._session
        tracks = self._tracks = self._selected()
        is_one = len(tracks) == 1
        self._empty.setVisible(not tracks)
        self._body.setVisible(bool(tracks))
        self._summary = None
        if tracks:
            self._names = session.category_names()
        if is_one:
            assert session.document is not None
            self._summary = summarise(session.document.class_votes(tracks[0].video_id, tracks[0].track_id))
        self._show_heading(tracks)
        self._show_votes(tracks)
        self._show_buttons(tracks)
        self._show_frame()

    def _restyle(self) -> None:
        self._show_buttons(self._tracks)
        self.bar.update()
        self.strip.update()

    def _selected(self) -> list[Track]:
        document, video = self._session.document, self._session.video
        if document is None or video is None or not self._session.selection:
            return []
        return [document.track(video.video_id, track_id) for track_id in sorted(self._session.selection)]

    def _show_heading(self, tracks: list[Track]) -> None:
        if not tracks:
            self._heading.setText("INSPECTOR")
        elif len(tracks) == 1:
            self._heading.setText(f"TRACK {tracks[0].track_id} · CLASS VOTES")
        else:
            self._heading.setText(f"{len(tracks)} TRACKS")

    def _show_votes(self, tracks: list[Track]) -> None:
        summary, video = self._summary, self._session.video
        self.bar.setVisible(summary is not None)
        self.strip.setVisible(summary is not None)
        self.bar.show_votes(summary, self._names)
        self.strip.show_votes(summary, self._names, video.frame_count if video else 1)
        if summary is not None:
            self._sentence.setText(vote_sentence(summary, self._names, summary.shown))
        elif len(tracks) == 1:
            self._sentence.setText("No model has voted on this track: it was drawn, followed or imported.")
        else:
            self._sentence.setText("Select one track to see its votes.")

    def _show_buttons(self, tracks: list[Track]) -> None:
        while (item := self._buttons.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if not tracks:
            return
        shown = self._summary.shown[:_BUTTONS] if self._summary is not None else []
        buttons = [self._category_button(category_id, tracks[0]) for category_id, _ in shown]
        other = QPushButton("Other…" if shown else "Set class…", self._body)
        other.setObjectName("setCategory_other")
        other.setToolTip("Choose another class by typing")
        other.clicked.connect(self._choose_category)
        room = self.viewport().width() - 2 * _MARGIN - other.sizeHint().width()
        for button in buttons:
            room -= button.sizeHint().width() + self._buttons.spacing()
            if button is buttons[0] or room >= 0:
                self._buttons.addWidget(button)
                # Left to the layout it is shown a moment later, and until then the rows below are squeezed.
                button.show()
            else:
                button.deleteLater()
        self._buttons.addWidget(other)
        other.show()
        self._buttons.addStretch(1)

    def _category_button(self, category_id: int, track: Track) -> QPushButton:
        name = self._names.get(category_id, "?")
        button = QPushButton(name, self._body)
        if track.category_id == category_id:
            button.setIcon(theme.icon("mdi6.check", theme.current_theme().good))
            button.setAccessibleName(f"{name}, the class now")
        button.setObjectName(f"setCategory_{category_id}")
        button.setToolTip(f"Set the class of track {track.track_id} to {name}")
        button.clicked.connect(partial(self._set_category, category_id))
        return button

    def _show_frame(self) -> None:
        session, values = self._session, self._values
        self.strip.show_frame(session.frame_index)
        tracks = self._selected()
        if not tracks:
            return
        assert session.document is not None
        track = tracks[0]
        instance = session.document.instance(track.video_id, track.track_id, session.frame_index)
        if len(tracks) > 1:
            instance = None
        names = {self._names.get(t.category_id, "no class") for t in tracks}
        values["class"].setText(" · ".join(sorted(names)) + (" (set by a person)" if track.category_set else ""))
        locked = sum(t.locked for t in tracks)
        values["lock"].setText("no" if not locked else "yes" if locked == len(tracks) else f"{locked} of {len(tracks)}")
        values["score"].setText("—" if instance is None else f"{instance.score:.2f}")
        values["area"].setText("—" if instance is None else f"{instance.area:,} px".replace(",", " "))
        values["mask"].setText(_mask_words(instance, session.frame_index, len(tracks)))

    def _set_category(self, category_id: int, _checked: bool = False) -> None:
        set_category(self._session, self._session.selection, CategoryChoice(category_id, None))

    def _choose_category(self) -> None:
        choose_category(self._session, self._session.selection, self)


def _mask_words(instance: Instance | None, frame_index: int, count: int) -> str:
    if count > 1:
        return "—"
    if instance is None:
        return f"absent in frame {frame_index}"
    is_asked_for = instance.origin in {Origin.PERSON, Origin.INTERPOLATED}
    corrected = ", corrected" if instance.edited and not is_asked_for else ""
    return f"{_ORIGINS[instance.origin]}{corrected}"


def _muted_label(text: str, name: str) -> QLabel:
    label = QLabel(text, wordWrap=True)
    label.setObjectName(name)
    label.setProperty("muted", True)
    return label
