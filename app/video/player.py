"""Playing: the frame index follows the clock, and only to frames that can be shown."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.session import Session
from app.video.frame_cache import FrameCache

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Image folders have no rate of their own.
DEFAULT_FRAME_RATE = 25.0
_TICK_MS = 8
# Farther behind than this, the clock waits for the decoder instead of leaping.
_PATIENCE_S = 0.4


class Player(QObject):
    """Moves the session's frame at the video's rate.

    Signals:
        playing_changed: whether it is playing.
        speed_changed: factor of the real rate.
    """

    playing_changed = Signal(bool)
    speed_changed = Signal(float)

    def __init__(self, session: Session, cache: FrameCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._cache = session, cache
        self.speed = 1.0
        self.loop = False
        self._times: NDArray[np.float64] | None = None
        self._clock = QElapsedTimer()
        self._start_s = 0.0
        self._own_step = False
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        session.frame_changed.connect(self._follow_jump)
        session.video_changed.connect(self.pause)
        session.project_opened.connect(self.pause)

    @property
    def is_playing(self) -> bool:
        """Whether frames advance by themselves."""
        return self._timer.isActive()

    def play(self) -> None:
        """Start at the current frame, or at the first when at the end."""
        video = self._session.video
        if video is None or self.is_playing:
            return
        if self._session.frame_index >= video.frame_count - 1:
            self._session.show_frame(0)
        self._restart_clock()
        self._timer.start()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop at the frame shown."""
        if self.is_playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def set_speed(self, speed: float) -> None:
        """Change the speed, also while playing."""
        self.speed = speed
        self._restart_clock()
        self.speed_changed.emit(speed)

    def set_times(self, times: NDArray[np.float64] | None) -> None:
        """When each frame is shown: (n,) float64 seconds from the first; None goes by the mean rate."""
        self._times = times

    def time_of(self, frame_index: int) -> float:
        """When a frame is shown, in seconds from the first."""
        if self._times is not None and frame_index < len(self._times):
            return float(self._times[frame_index])
        return frame_index / self._rate()

    def _frame_at(self, seconds: float) -> int:
        if self._times is None:
            return int(seconds * self._rate() + 1e-6)
        return int(np.searchsorted(self._times, seconds + 1e-6, side="right")) - 1

    def _rate(self) -> float:
        video = self._session.video
        return (video.frame_rate if video is not None else None) or DEFAULT_FRAME_RATE

    def _restart_clock(self) -> None:
        self._start_s = self.time_of(self._session.frame_index)
        self._clock.start()

    def _follow_jump(self, _frame_index: int) -> None:
        # A person scrubbed while it plays: go on from there.
        if self.is_playing and not self._own_step:
            self._restart_clock()

    def _tick(self) -> None:
        video = self._session.video
        assert video is not None
        current, last = self._session.frame_index, video.frame_count - 1
        now_s = self._start_s + self._clock.elapsed() / 1000.0 * self.speed
        due = self._frame_at(now_s)
        shown = current
        while shown < min(due, last) and self._cache.image(shown + 1) is not None:
            shown += 1
        if shown > current:
            self._own_step = True
            self._session.show_frame(shown)
            self._own_step = False
        if shown >= last and now_s >= self.time_of(last) + 1.0 / self._rate():
            self._end()
        elif shown < last and now_s - self.time_of(shown + 1) > _PATIENCE_S * self.speed:
            self._restart_clock()

    def _end(self) -> None:
        if self.loop:
            self._session.show_frame(0)
            self._restart_clock()
        else:
            self.pause()
