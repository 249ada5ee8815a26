"""Other thresholds that are tried on what a run has kept: which, and what is known of them. No widgets, no reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.thresholds import Thresholds
from app.preview import Offer

if TYPE_CHECKING:
    from app.session import RunStatus, Session

_AS_THEY_ARE = "The tracks were made with these"


@dataclass(frozen=True)
class TrialLimits:
    """What can be tried.

    Attributes:
        current: what the tracks are made with now.
        lowest: below these nothing was kept.
        reason: why not lower, in a sentence; empty where nothing is missing.
    """

    current: Thresholds
    lowest: Thresholds
    score_is_fixed: bool = False
    reason: str = ""


class ThresholdTrial(QObject):
    """The one trial, open or not. What would change is shown in `session.preview`; closing leaves nothing of it.

    Signals:
        changed: opened or closed, other thresholds, or more is known of them.
        wanted: Thresholds to be tried, or None: find out what can be.
    """

    changed = Signal()
    wanted = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.is_open = False
        self.limits: TrialLimits | None = None
        self.tried: Thresholds | None = None
        self.words = ""
        for signal in (session.project_opened, session.video_changed, session.edited, session.preview.declined):
            signal.connect(self.close)
        session.run_changed.connect(self._note_run)

    @property
    def has_offer(self) -> bool:
        """Whether something would change, and is shown."""
        return self.is_open and self._session.preview.offer is not None

    def open(self) -> None:
        """Begin: find out what can be tried."""
        if not self.is_open:
            self.is_open = True
            self._say("Reading what the model saw…")
            self.wanted.emit(None)

    def close(self) -> None:
        """Leave everything as it is."""
        if self.is_open:
            self.is_open, self.limits, self.tried = False, None, None
            self._session.preview.clear()
            self._say("")

    def take_limits(self, limits: TrialLimits) -> None:
        """What can be tried is known."""
        self.limits, self.tried = limits, limits.current
        self._say(limits.reason if limits.score_is_fixed else _AS_THEY_ARE)

    def try_out(self, thresholds: Thresholds) -> None:
        """Find out what these would change."""
        if self.limits is None or thresholds == self.tried:
            return
        self.tried = thresholds
        if thresholds == self.limits.current:
            self._session.preview.clear()
            self.wanted.emit(None)
            self._say(_AS_THEY_ARE)
        else:
            self.wanted.emit(thresholds)
            self._say("Linking again…")

    def note_progress(self, share: float) -> None:
        """How much of that is done, 0 to 1."""
        if self.is_open:
            doing = "Reading what the model saw" if self.limits is None else "Linking again"
            self._say(f"{doing}: {share:.0%}")

    def take(self, offer: Offer | None) -> None:
        """What the thresholds would change; None for nothing."""
        if offer is None:
            self._session.preview.clear()
            self._say("Nothing changes with these thresholds")
        else:
            self._session.preview.show(offer)
            self._say("")

    def fail(self, sentence: str) -> None:
        """They can't be tried."""
        if self.limits is None:
            self.close()
            self._session.refused.emit(sentence)
        else:
            self._session.preview.clear()
            self._say(sentence)

    def _note_run(self, run: RunStatus) -> None:
        if run.state != "idle":
            self.close()

    def _say(self, words: str) -> None:
        self.words = words
        self.changed.emit()
