"""Running the model over the video."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.run_settings import RunSettingsDialog
from app.run_queue import first_frame_to_run
from app.session import RunControl, Session
from app.settings import Settings


class RunCommands(QObject):
    """Handlers of the run actions."""

    def __init__(self, session: Session, control: RunControl, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._control, self._settings, self._window = session, control, settings, parent

    def toggle(self) -> None:
        """Run from the first frame that no run has reached, or pause, or go on."""
        state = self._session.run.state
        if state == "running":
            self._control.pause()
        elif state == "paused":
            self._control.resume()
        else:
            self._control.start(resume_frame(self._session))

    def from_start(self) -> None:
        """Run over the whole video."""
        self._control.start(0)

    def from_here(self) -> None:
        """Run from this frame on."""
        self._control.start(self._session.frame_index)

    def all(self) -> None:
        """Run over every video that no run has finished, one after the other."""
        self._session.run_queue.add_unfinished()

    def stop(self) -> None:
        """End the run; what was computed stays, and videos that wait go on waiting."""
        self._control.cancel()

    def settings(self) -> None:
        """Choose weights, device and thresholds."""
        dialog = RunSettingsDialog(self._settings, self._window)
        dialog.accepted.connect(self._control.settings_changed)
        dialog.open()


def resume_frame(session: Session) -> int:
    """Where "Run" begins: the frame that the latest run had come to, or 0 when it was done."""
    if session.document is None or session.video is None:
        return 0
    return first_frame_to_run(session.document, session.video) or 0
