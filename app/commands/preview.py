"""Changes that are shown before they are accepted: asking for them, walking them, taking or leaving them."""

from PySide6.QtCore import QObject

from app.session import Session
from app.settings import REASSOCIATE, Settings
from app.workers.reassociation import ReassociationSearch


class PreviewCommands(QObject):
    """Handlers of the preview actions."""

    def __init__(
        self, session: Session, reassociation: ReassociationSearch, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._reassociation, self._settings = session, reassociation, settings

    @property
    def reassociates(self) -> bool:
        """Whether identity edits are followed by a look at what else they would change."""
        return self._settings.get(REASSOCIATE)

    def toggle_reassociates(self) -> None:
        """Look at what else identity edits would change, or not."""
        self._settings.set(REASSOCIATE, not self.reassociates)

    def reassociate(self) -> None:
        """Find out what associating again from this frame on would change."""
        self._reassociation.look(self._session.frame_index)

    def try_thresholds(self) -> None:
        """Try other thresholds, or leave that."""
        trial = self._session.trial
        trial.close() if trial.is_open else trial.open()

    @property
    def tries_thresholds(self) -> bool:
        """Whether other thresholds are tried."""
        return self._session.trial.is_open

    def step(self, direction: int) -> None:
        """Go to the next or previous change."""
        self._session.preview.step(direction)

    def accept(self) -> None:
        """Make the changes."""
        self._session.preview.accept()

    def decline(self) -> None:
        """Leave everything as it is."""
        self._session.preview.decline()
