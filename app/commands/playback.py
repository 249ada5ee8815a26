"""Moving through time: stepping, jumping to frames that mean something, playing."""

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.go_to_frame import GoToFrame
from app.session import Session
from app.settings import LOOP, Settings
from app.video.player import SPEEDS, Player


class PlaybackCommands(QObject):
    """Handlers of the playback actions."""

    def __init__(self, session: Session, player: Player, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._player, self._settings = session, player, settings
        self._player.loop = settings.get(LOOP)

    @property
    def is_playing(self) -> bool:
        """Whether the play action is checked."""
        return self._player.is_playing

    @property
    def loops(self) -> bool:
        """Whether playing starts over at the end."""
        return self._player.loop

    @property
    def speed(self) -> float:
        """Factor of the real rate."""
        return self._player.speed

    def toggle_play(self) -> None:
        """Play or pause."""
        self._player.toggle()

    def step(self, frames: int) -> None:
        """Go some frames on or back; stops playing."""
        self._player.pause()
        self._session.show_frame(self._session.frame_index + frames)

    def first(self) -> None:
        """Go to the first frame."""
        self._jump(0)

    def last(self) -> None:
        """Go to the last frame."""
        video = self._session.video
        if video is not None:
            self._jump(video.frame_count - 1)

    def go_to_frame(self) -> None:
        """Ask for a frame number."""
        video = self._session.video
        if video is not None:
            dialog = GoToFrame(self._session.frame_index, video.frame_count, self._parent_widget())
            dialog.frame_chosen.connect(self._jump)
            dialog.open()

    def toggle_loop(self) -> None:
        """Start over at the end, or stop there."""
        self._player.loop = not self._player.loop
        self._settings.set(LOOP, self._player.loop)

    def change_speed(self, step: int) -> None:
        """The next faster or slower speed."""
        index = SPEEDS.index(self._player.speed) + step
        self._player.set_speed(SPEEDS[min(max(index, 0), len(SPEEDS) - 1)])
        self._session.message.emit(f"Speed {self._player.speed:g}×")

    def set_speed(self, speed: float) -> None:
        """One of `SPEEDS`."""
        self._player.set_speed(speed)

    def next_birth(self) -> None:
        """Go to the next frame where a track appears for the first time."""
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return
        births = [(s.first_frame, s.track.track_id) for s in document.tracks(video.video_id) if s.frame_count]
        later = sorted(birth for birth in births if birth[0] > self._session.frame_index)
        if not later:
            self._session.message.emit("No track appears after this frame")
            return
        self._jump(later[0][0])
        self._session.select(track_id for frame_index, track_id in later if frame_index == later[0][0])

    def edited_frame(self, direction: int, of_selection: bool) -> None:
        """Go to the nearest frame that a person has corrected.

        Args:
            direction: 1 for later, -1 for earlier.
            of_selection: only corrections of the selected tracks count.
        """
        frames = self._edited_frames(of_selection)
        here = self._session.frame_index
        found = frames[frames > here] if direction > 0 else frames[frames < here][::-1]
        if len(found):
            self._jump(int(found[0]))
        else:
            self._session.message.emit(f"No corrected frame {'after' if direction > 0 else 'before'} this one")

    def change_video(self, step: int) -> None:
        """Go to the next or previous video of the project."""
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return
        ids = [other.video_id for other in document.videos()]
        index = ids.index(video.video_id) + step
        if 0 <= index < len(ids):
            self._session.show_video(ids[index])
        else:
            self._session.message.emit("This is the last video" if step > 0 else "This is the first video")

    def _edited_frames(self, of_selection: bool) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return np.empty(0, np.int32)
        wanted = [
            summary.track.track_id
            for summary in document.tracks(video.video_id)
            if summary.edited_count and (not of_selection or summary.track.track_id in self._session.selection)
        ]
        lanes = [document.lane(video.video_id, track_id) for track_id in wanted]
        return np.unique(np.concatenate([np.empty(0, np.int32), *(lane.frame_indices[lane.edited] for lane in lanes)]))

    def _jump(self, frame_index: int) -> None:
        self._player.pause()
        self._session.show_frame(frame_index)

    def _parent_widget(self) -> QWidget | None:
        parent = self.parent()
        return parent if isinstance(parent, QWidget) else None
