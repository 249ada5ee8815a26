"""Which frames the timeline shows and at which pixel: zoom, scroll, ruler ticks. No Qt."""

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS_PER_FRAME = 48.0
_TICK_STEPS = (1, 2, 5)
_MIN_LABEL_GAP_PX = 64.0


class TimelineScale:
    """Maps frame indices to x in px from the left edge of the lanes, and back.

    Frame f covers the pixels from `x_of(f)` to `x_of(f + 1)`. The visible part never leaves the video, and zooming out
    stops where the whole video fits.

    Attributes:
        frame_count: frames of the video.
        width: px that the lanes have.
        first: frame at the left edge; fractions are part of a frame.
        pixels_per_frame: zoom.
    """

    def __init__(self) -> None:
        self.frame_count = 1
        self.width = 1.0
        self.first = 0.0
        self.pixels_per_frame = 1.0

    def set_video(self, frame_count: int) -> None:
        """Show the whole of a video."""
        self.frame_count = max(1, frame_count)
        self.fit()

    def set_width(self, width: float) -> None:
        """Take another width; a view of the whole video stays one."""
        fitted = self.is_fitted
        self.width = max(1.0, width)
        if fitted:
            self.fit()
        else:
            self._clamp()

    @property
    def is_fitted(self) -> bool:
        """Whether the whole video is visible."""
        return self.pixels_per_frame <= self._least_zoom() * 1.0001

    @property
    def visible_frames(self) -> float:
        """How many frames fit in the width."""
        return self.width / self.pixels_per_frame

    @property
    def last_first(self) -> float:
        """Largest value that `first` can take."""
        return max(0.0, self.frame_count - self.visible_frames)

    def fit(self) -> None:
        """Show the whole video."""
        self.first, self.pixels_per_frame = 0.0, self._least_zoom()

    def zoom(self, factor: float, x: float) -> None:
        """Zoom by a factor; the frame under x stays there as far as the ends of the video allow."""
        anchor = self.first + x / self.pixels_per_frame
        self.pixels_per_frame *= factor
        self._clamp()
        self.first = anchor - x / self.pixels_per_frame
        self._clamp()

    def show(self, first: int, last: int) -> None:
        """Zoom so that these frames fill the width."""
        self.pixels_per_frame = self.width / max(1, last - first + 1)
        self.first = float(first)
        self._clamp()

    def scroll_to(self, first: float) -> None:
        """Put this frame at the left edge."""
        self.first = first
        self._clamp()

    def x_of(self, frame: float) -> float:
        """Left edge of a frame, px; outside [0, width] when it is not visible."""
        return (frame - self.first) * self.pixels_per_frame

    def center_of(self, frame_index: int) -> float:
        """Middle of a frame, px."""
        return self.x_of(frame_index + 0.5)

    def frame_at(self, x: float) -> int:
        """Frame index under x, clipped to the video."""
        frame = int(np.floor(self.first + x / self.pixels_per_frame))
        return max(0, min(frame, self.frame_count - 1))

    def pixel_edges(self, pixel_ratio: float) -> NDArray[np.int64]:
        """Frame index at which every device pixel begins.

        Args:
            pixel_ratio: device pixels per px.

        Returns:
            (n + 1,) int64 increasing: pixel p shows frames edges[p] up to max(edges[p + 1], edges[p] + 1), exclusive.
        """
        count = max(1, round(self.width * pixel_ratio))
        step = 1.0 / (self.pixels_per_frame * pixel_ratio)
        edges: NDArray[np.int64] = np.floor(self.first + np.arange(count + 1) * step + 1e-9).astype(np.int64)
        return edges

    def ticks(self) -> tuple[list[int], int]:
        """Labelled frames of the ruler and how many parts each step has.

        Returns:
            frame indices of the labelled ticks in the visible part, and the number of minor parts between two.
        """
        step = self._tick_step()
        start = int(self.first // step) * step
        last = min(self.frame_count - 1, int(self.first + self.visible_frames) + 1)
        minor = 1 if step == 1 else (4 if str(step)[0] == "2" and step >= 20 else min(5, step))
        return list(range(start, last + 1, step)), minor

    def _tick_step(self) -> int:
        magnitude = 1
        while True:
            for step in _TICK_STEPS:
                if step * magnitude * self.pixels_per_frame >= _MIN_LABEL_GAP_PX:
                    return step * magnitude
            magnitude *= 10

    def _least_zoom(self) -> float:
        return min(MAX_PIXELS_PER_FRAME, self.width / self.frame_count)

    def _clamp(self) -> None:
        self.pixels_per_frame = max(self._least_zoom(), min(self.pixels_per_frame, MAX_PIXELS_PER_FRAME))
        self.first = max(0.0, min(self.first, self.last_first))
