"""Taking a proposal of who the selected instance is: `1` to `3` while they are asked for, `Enter` links."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.identities import proposal_text
from app.session import Session
from app.track_edits import TrackEdits


class IdentityCommands(QObject):
    """Handlers of the identity actions; `parent` is the window that pop-ups belong to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._edits = TrackEdits(session, parent)

    @property
    def uses_digits(self) -> bool:
        """Whether the keys 1 to 3 take a proposal."""
        return self._session.identities.uses_digits

    def toggle_digits(self) -> None:
        """Let the keys 1 to 3 take a proposal, or select tracks again."""
        self._session.identities.set_uses_digits(not self.uses_digits)

    def accept(self, position: int) -> None:
        """Say that the selected track is the proposed one, in the frames of the scope, or link the two."""
        identities = self._session.identities
        proposal, question = identities.best(position), identities.question
        if proposal is None or question is None:
            return
        if identities.are_links:
            self._edits.link(question.track_id, proposal.track_id)
        else:
            self._edits.reassign(question.track_id, proposal.track_id, self._edits.frames())


def link_text(session: Session) -> str:
    """What linking would do: "Link 9 to 5, similarity 81%"."""
    return proposal_text(session, 0) if session.identities.are_links else "Link to the track that it continues"
