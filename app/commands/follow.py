"""Following the selected track with the model."""

from PySide6.QtCore import QObject

from app.session import Session
from app.settings import FOLLOW_REPLACES, Settings
from app.workers.following import FollowControl


class FollowCommands(QObject):
    """Handlers of the follow actions."""

    def __init__(self, session: Session, control: FollowControl, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._control, self._settings = session, control, settings

    def from_here(self, *, is_backward: bool = False) -> None:
        """Find the selected track's object in the frames after this one, or before it."""
        self._control.follow_selected(is_backward)

    def stop(self) -> None:
        """End it; what was found stays."""
        self._control.cancel()

    @property
    def replaces_model(self) -> bool:
        """Masks of the track that only the model made are replaced."""
        return self._settings.get(FOLLOW_REPLACES)

    def toggle_replaces_model(self) -> None:
        """Replace the model's masks of the track, or keep them."""
        self._settings.set(FOLLOW_REPLACES, not self.replaces_model)
