"""Which tracks are selected and which are shown."""

from PySide6.QtCore import QObject

from app.digits import tracks_by_digit
from app.session import Session


class SelectionCommands(QObject):
    """Handlers of the actions that select, hide and show tracks."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session

    def select_digit(self, digit: int) -> None:
        """Select the track of a digit key."""
        track_id = tracks_by_digit(self._session).get(digit)
        if track_id is None:
            self._session.message.emit(f"There is no track {digit}")
        else:
            self._session.select({track_id})

    def cycle(self, step: int) -> None:
        """Select the next or previous track that is on this frame."""
        session = self._session
        assert session.document is not None
        here = sorted({i.track_id for i in session.document.instances(self._video_id, session.frame_index)})
        here = [track_id for track_id in here if session.is_visible(track_id)]
        if not here:
            session.message.emit("No track is visible on this frame")
            return
        current = min(session.selection) if len(session.selection) == 1 else None
        index = here.index(current) + step if current in here else (0 if step > 0 else -1)
        session.select({here[index % len(here)]})

    def select_all(self) -> None:
        """Select every visible track of this frame."""
        session = self._session
        assert session.document is not None
        here = session.document.instances(self._video_id, session.frame_index)
        session.select(i.track_id for i in here if session.is_visible(i.track_id))

    def toggle_hidden(self) -> None:
        """Hide the selected tracks, or show them when all are hidden."""
        chosen, hidden = self._session.selection, self._session.hidden
        self._session.set_hidden(hidden - chosen if chosen <= hidden else hidden | chosen)

    def toggle_solo(self) -> None:
        """Show only the selected track, or all again."""
        selected = min(self._session.selection)
        self._session.set_solo(None if self._session.solo == selected else selected)

    def show_all(self) -> None:
        """Show every track."""
        self._session.set_solo(None)
        self._session.set_hidden(())

    @property
    def _video_id(self) -> int:
        assert self._session.video is not None
        return self._session.video.video_id
