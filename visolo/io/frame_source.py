"""What every source of frames offers, be it a video file or images; opening one is left to `visolo.io.frames`."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, SupportsIndex

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[float], None]
"""Hears how much of the work is done, 0..1, from the thread that called; whatever it raises stops the work."""


class FrameSource(ABC):
    """The frames of one video, addressed by index in presentation order.

    The same index gives the same pixels whether frames are iterated, picked at random, stepped backwards, or read
    from a source opened again. An instance belongs to the thread that uses it: open one per thread.

    Attributes:
        path: the file or folder the frames come from.
        name: what to call the video on screen.
        size: (height, width) in pixels of every frame, upright.
        frame_rate: mean frames per second, or None where the source has no clock.
        pixel_aspect: width of a pixel divided by its height, upright; 1.0 for square pixels.
    """

    path: Path
    name: str
    size: tuple[int, int]
    frame_rate: float | None
    pixel_aspect: float = 1.0

    def __init__(self) -> None:
        self._is_closed = False
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is wrong with the source although it can be read; may grow while frames are read."""
        return tuple(self._warnings)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    @abstractmethod
    def __len__(self) -> int: ...

    def __getitem__(self, frame_index: SupportsIndex) -> NDArray[np.uint8]:
        """Read one frame.

        Args:
            frame_index: 0-based; negative counts from the end.

        Returns:
            (H, W, 3) uint8 RGB, upright, C-contiguous; a fresh array that the caller may change.

        Raises:
            IndexError: there is no such frame.
            MediaError: the frame cannot be read any more.
            ValueError: the source is closed.
        """
        return self._read(self._checked(frame_index))

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for frame_index in range(len(self)):
            yield self[frame_index]

    def time_of(self, frame_index: SupportsIndex) -> float | None:
        """When the frame is shown, in seconds on the file's own clock (which need not start at 0).

        Returns:
            The file's time stamp; where it is missing, the frame rate's; None where there is no frame rate either.

        Raises:
            IndexError: there is no such frame.
            ValueError: the source is closed.
        """
        return self._time_of(self._checked(frame_index))

    def close(self) -> None:
        """Release the file; reading afterwards raises ValueError. Closing twice is fine."""
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _read(self, frame_index: int) -> NDArray[np.uint8]:
        """Give frame `frame_index`, which exists."""

    @abstractmethod
    def _time_of(self, frame_index: int) -> float | None:
        """Give the time of frame `frame_index`, which exists."""

    def _checked(self, frame_index: SupportsIndex) -> int:
        if self._is_closed:
            raise ValueError(f"{self.name} is closed; open it again to read frames")
        index, count = operator.index(frame_index), len(self)
        if not -count <= index < count:
            raise IndexError(f"{self.name} has frames 0 to {count - 1}, not {index}")
        return index % count
