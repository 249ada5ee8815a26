"""Who the selected instance may be: the question as frame and selection pose it, and the answer. No widgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.confirmation import percent_words
from app.document.proposals import Proposal
from visolo.errors import VisoloError

if TYPE_CHECKING:
    from app.session import Session


@dataclass(frozen=True)
class Question:
    """Which instance is asked about.

    Attributes:
        is_birth: the track begins in this frame, so that it may be the continuation of another.
    """

    video_id: int
    track_id: int
    frame_index: int
    is_birth: bool


class Identities(QObject):
    """The proposals for the one track that is selected, in the frame that is shown. Whoever computes them gives them.

    Signals:
        asked: the question is another, or its answer may have changed.
        answered: proposals came, or are out of date.
        digits_changed: whether 1 to 3 take a proposal.
    """

    asked = Signal()
    answered = Signal()
    digits_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._question: Question | None = None
        self._proposals: tuple[Proposal, ...] = ()
        self._are_links = self._is_fresh = self._uses_digits = False
        for signal in (
            session.project_opened,
            session.video_changed,
            session.frame_changed,
            session.selection_changed,
        ):
            signal.connect(self._look)
        session.document_changed.connect(self._ask_again)

    @property
    def question(self) -> Question | None:
        """What is asked now; None unless exactly one track is selected."""
        return self._question

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """The latest answer, best first; it may be that to an earlier question, see `is_fresh`."""
        return self._proposals

    @property
    def are_links(self) -> bool:
        """Whether the proposals are tracks that the selected one may continue, not who the instance may be."""
        return self._are_links

    @property
    def is_fresh(self) -> bool:
        """Whether `proposals` answers `question`."""
        return self._is_fresh

    @property
    def uses_digits(self) -> bool:
        """Whether the keys 1 to 3 take a proposal instead of selecting a track."""
        return self._uses_digits

    def set_uses_digits(self, wanted: bool) -> None:
        """Let the keys 1 to 3 take a proposal, or select tracks again."""
        if wanted != self._uses_digits:
            self._uses_digits = wanted
            self.digits_changed.emit(wanted)

    def take(self, question: Question, proposals: Iterable[Proposal], are_links: bool) -> None:
        """The answer to a question; dropped when another one has been asked since."""
        if question == self._question:
            self._proposals, self._are_links, self._is_fresh = tuple(proposals), are_links, True
            self.answered.emit()

    def best(self, position: int = 0) -> Proposal | None:
        """The proposal at a position, when it answers the present question."""
        return self._proposals[position] if self._is_fresh and position < len(self._proposals) else None

    def _look(self) -> None:
        question = self._posed()
        if question != self._question:
            self._question = question
            self._ask_again()

    def _ask_again(self) -> None:
        self._question, self._is_fresh = self._posed(), False
        if self._question is None:
            self._proposals = ()
        self.answered.emit()
        self.asked.emit()

    def _posed(self) -> Question | None:
        session = self._session
        if session.video is None or len(session.selection) != 1:
            return None
        (track_id,) = session.selection
        summary = next((s for s in session.tracks() if s.track.track_id == track_id), None)
        if summary is None:
            return None
        is_birth = session.frame_index == summary.first_frame
        return Question(session.video.video_id, track_id, session.frame_index, is_birth)


def proposal_text(session: Session, position: int) -> str:
    """What taking a proposal would do, for menus: "Assign 9 to 5 from frame 214 on"."""
    identities = session.identities
    proposal, question = identities.best(position), identities.question
    if proposal is None or question is None:
        return f"Take proposal {position + 1}"
    sure = percent_words(proposal.similarity)
    if identities.are_links:
        return f"Link {question.track_id} to {proposal.track_id}, similarity {sure}"
    return f"Assign {question.track_id} to {proposal.track_id}{_scope_words(session)}, similarity {sure}"


def _scope_words(session: Session) -> str:
    try:
        return f" {session.scope_frames()}"
    except VisoloError:
        return " in the marked range"
