"""The review of the current video: suspicions found, the one looked at, what is done about it. No widgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.edits import DismissSuspicion
from app.document.suspicions import Suspicion, SuspicionKind
from app.settings import REVIEW_LEAST

if TYPE_CHECKING:
    from app.session import Session


@dataclass(frozen=True)
class ReviewFilter:
    """Which suspicions are worth a look.

    Attributes:
        least_percent: confidence from which one is listed, 0 to 100.
        hidden_kinds: not listed at all.
    """

    least_percent: int = REVIEW_LEAST.default
    hidden_kinds: frozenset[SuspicionKind] = frozenset()

    def lets_through(self, suspicion: Suspicion) -> bool:
        """Whether it is listed."""
        return self.lists(suspicion.kind, suspicion.confidence)

    def lists(self, kind: SuspicionKind, confidence: float) -> bool:
        """Whether one of this kind and confidence is listed."""
        return kind not in self.hidden_kinds and 100 * confidence >= self.least_percent


class Review(QObject):
    """The review list, walked in its order. Whoever searches gives it what was found; edits go to the session.

    Signals:
        listed: the list, or what is known of the search, is another.
        filter_changed: the `ReviewFilter` in force.
        current_changed: another suspicion is looked at, or none.
        shown: a suspicion was gone to: its frame and tracks are shown now.
    """

    listed = Signal()
    filter_changed = Signal(object)
    current_changed = Signal()
    shown = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._all: tuple[Suspicion, ...] = ()
        self._found: tuple[Suspicion, ...] = ()
        self._filter = ReviewFilter()
        self._current: Suspicion | None = None
        # Where in the list the current one is or was: the walk goes on from there when it is dealt with.
        self._position = 0
        # Accepted before the list had caught up with the edit before: done as soon as it has.
        self._awaited = ""
        self.is_searched = False
        self.is_behind = False
        self.failure = ""

    @property
    def found(self) -> tuple[Suspicion, ...]:
        """The suspicions that are listed, the most likely mistake first."""
        return self._found

    @property
    def all_found(self) -> tuple[Suspicion, ...]:
        """Also those that the filter leaves out."""
        return self._all

    def hidden_words(self) -> str:
        """How many the filter leaves out, in words; empty when it leaves none."""
        left_out = [s for s in self._all if not self._filter.lets_through(s)]
        unlikely = sum(s.kind not in self._filter.hidden_kinds for s in left_out)
        words = [f"{unlikely} below {self._filter.least_percent} %"] if unlikely else []
        words += [f"{len(left_out) - unlikely} of hidden kinds"] if len(left_out) > unlikely else []
        return ", ".join(words)

    @property
    def filter(self) -> ReviewFilter:
        """What is listed."""
        return self._filter

    def set_filter(self, wanted: ReviewFilter) -> None:
        """List other suspicions; the current one stays only when it is among them."""
        if wanted == self._filter:
            return
        self._filter = wanted
        if self._current is not None and not wanted.lets_through(self._current):
            self._set_current(None)
        self._list(self._all)
        self.listed.emit()
        self.filter_changed.emit(wanted)

    @property
    def current(self) -> Suspicion | None:
        """The one that is looked at; always one of those found."""
        return self._current

    def forget(self) -> None:
        """Another video: nothing is known yet."""
        self._all, self._found, self._position, self._awaited = (), (), 0, ""
        self.is_searched, self.failure = False, ""
        self._set_current(None)
        self.listed.emit()

    def fall_behind(self) -> None:
        """The document was edited: proposals may name what is no more until the search has caught up."""
        self.is_behind = True

    def take(self, found: Iterable[Suspicion]) -> None:
        """The search has caught up; the current one stays when it is still there."""
        self._all, self.is_searched, self.is_behind, self.failure = tuple(found), True, False, ""
        if self._current is not None:
            key = self._current.key
            self._set_current(next((s for s in self._all if s.key == key), None))
        self._list(self._all)
        self.listed.emit()
        self._accept_awaited()

    def fail(self, sentence: str) -> None:
        """The search ended with an error."""
        self.is_searched, self.failure = True, sentence
        self.listed.emit()

    def step(self, direction: int) -> None:
        """Look at the next or previous one; from either end on to the other."""
        if not self._found:
            self._session.message.emit(self.empty_words())
            return
        if self._current is not None:
            self._position = self._found.index(self._current) + direction
        elif direction < 0:
            self._position -= 1
        self.choose(self._found[self._position % len(self._found)])

    def choose(self, suspicion: Suspicion) -> None:
        """Look at one: go to its frame and select its tracks."""
        session = self._session
        self._position, self._awaited = self._found.index(suspicion), ""
        self._set_current(suspicion)
        session.show_frame(suspicion.frame_index)
        present = {summary.track.track_id for summary in session.tracks()}
        session.select(present & set(suspicion.track_ids))
        self.shown.emit(suspicion)

    def accept(self) -> None:
        """Make the edit that the current one proposes."""
        current = self._current
        if current is None:
            return
        if current.proposal is None:
            self._session.refused.emit("There is no one edit that mends this; correct it by hand, or dismiss it")
        elif self.is_behind:
            self._awaited = current.key
            self._session.message.emit("Looking again after the last edit…")
        elif self._session.do(current.proposal):
            self._drop(current)

    def dismiss(self) -> None:
        """Say that the current one is no mistake; it does not come back."""
        current = self._current
        if current is not None and self._session.do(DismissSuspicion(current.video_id, current.key)):
            self._drop(current)

    def empty_words(self) -> str:
        """Why the list is empty, in a sentence."""
        if self._session.video is None:
            return "Open a video to see what is worth a look"
        if self.failure:
            return self.failure
        if not self.is_searched:
            return "Looking for suspicious moments…"
        if not self._session.tracks():
            return "No tracks yet: run the model, and what looks wrong is listed here"
        if self._all:
            return "Nothing is left that the filter lets through"
        return "Nothing suspicious is left in this video"

    def _accept_awaited(self) -> None:
        awaited, self._awaited = self._awaited, ""
        if not awaited:
            return
        if self._current is not None and self._current.key == awaited:
            self.accept()
        else:
            self._session.message.emit("The edit before has settled this one, too")

    def _drop(self, suspicion: Suspicion) -> None:
        """Take it off the list at once; the search says the same a moment later."""
        self._all = tuple(s for s in self._all if s.key != suspicion.key)
        self._set_current(None)
        self._list(self._all)
        self.listed.emit()

    def _list(self, everything: tuple[Suspicion, ...]) -> None:
        """What the filter lets through; the one that is looked at does not vanish when it becomes less likely."""
        current = self._current
        self._found = tuple(s for s in everything if s is current or self._filter.lets_through(s))

    def _set_current(self, suspicion: Suspicion | None) -> None:
        is_another = suspicion != self._current
        # Even an equal one is taken: the list compares rows by identity.
        self._current = suspicion
        if is_another:
            self.current_changed.emit()
