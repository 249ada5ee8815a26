"""Changes that are shown before anyone accepts them: what they would do to which tracks where, walked one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.edit import Edit
from app.document.records import FrameRange

if TYPE_CHECKING:
    from app.session import Session


@dataclass(frozen=True)
class PreviewStep:
    """One of the changes.

    Attributes:
        track_id: whose instances change; None for instances that are not shown now.
        to_track_id: whose they would be; None when they would be gone. In an offer without an edit, whose they were.
        text: it in words.
    """

    frames: FrameRange
    track_id: int | None
    to_track_id: int | None
    text: str


@dataclass(frozen=True, eq=False)
class Offer:
    """All that would change together.

    Attributes:
        text: what changes, in a sentence.
        steps: in the order of their frames.
        edit: makes it so; None where there is only something to look at.
    """

    text: str
    steps: tuple[PreviewStep, ...]
    edit: Edit | None


class Preview(QObject):
    """The one offer that is shown, if any. It does not outlive an edit: it was made for what was there before.

    Signals:
        changed: another offer is shown, or none.
        waited: more is known of what is waited for.
        declined: a person does not want what is shown or waited for.
        walked: a step was gone to.
    """

    changed = Signal()
    waited = Signal()
    declined = Signal()
    walked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._offer: Offer | None = None
        self._position = -1
        self._waits_for = ""
        # What the last offer was accepted with: no edit of a person's own.
        self.accepted: Edit | None = None
        self._has_keys = self._is_walking = False
        session.selection_changed.connect(self._note_selection)
        for signal in (session.project_opened, session.video_changed, session.edited):
            signal.connect(self.clear)

    @property
    def offer(self) -> Offer | None:
        """What is shown."""
        return self._offer

    @property
    def position(self) -> int:
        """The step gone to last, -1 before the first."""
        return self._position

    @property
    def waits_for(self) -> str:
        """What is found out before there is an offer, in words; empty where nothing is."""
        return self._waits_for

    @property
    def has_keys(self) -> bool:
        """Whether Enter and Escape are for the offer: nothing else was selected since it came."""
        return self._has_keys

    def wait(self, words: str) -> None:
        """An offer will come, or nothing: `clear` ends the wait, too."""
        self.clear_offer()
        if words != self._waits_for:
            self._waits_for = words
            self.waited.emit()

    def show(self, offer: Offer) -> None:
        """Show these changes instead of what was shown."""
        self._waits_for = ""
        self._offer, self._position, self._has_keys = offer, -1, True
        self.changed.emit()

    def decline(self) -> None:
        """Leave everything as it is."""
        self.clear()
        self.declined.emit()

    def clear(self) -> None:
        """Show nothing and wait for nothing: declined, accepted or out of date."""
        if self._waits_for:
            self._waits_for = ""
            self.waited.emit()
        self.clear_offer()

    def clear_offer(self) -> None:
        """Show nothing."""
        if self._offer is not None:
            self._offer, self._position, self._has_keys = None, -1, False
            self.changed.emit()

    def step(self, direction: int) -> None:
        """Go to the next or previous change; from either end on to the other."""
        if self._offer is None or not self._offer.steps:
            return
        if self._position < 0 and direction < 0:
            self._position = 0
        self._position = (self._position + direction) % len(self._offer.steps)
        step = self._offer.steps[self._position]
        self._session.show_frame(step.frames.first)
        present = {summary.track.track_id for summary in self._session.tracks()}
        self._is_walking = True
        self._session.select(present & {step.track_id, step.to_track_id})
        self._is_walking = False
        self.walked.emit()

    def accept(self) -> None:
        """Make the edit; what is shown goes with it."""
        if self._offer is not None and self._offer.edit is not None:
            self.accepted = self._offer.edit
            self._session.do(self.accepted)

    def steps_at(self, frame_index: int) -> dict[int, int | None]:
        """What the changes make of the tracks of a frame: track id to the id it would have, None for gone."""
        steps = () if self._offer is None or self._offer.edit is None else self._offer.steps
        return {
            step.track_id: step.to_track_id
            for step in steps
            if step.track_id is not None and step.frames.first <= frame_index <= step.frames.end
        }

    def _note_selection(self) -> None:
        if self._has_keys and not self._is_walking:
            self._has_keys = False
            self.changed.emit()
