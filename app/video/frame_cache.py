"""Decoded frames by index: a thread decodes what is asked for and then ahead; memory is bounded in bytes."""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from app.errors import sentence_of
from app.video.qimage import qimage_of_rgb
from visolo.errors import VisoloError

logger = logging.getLogger(__name__)

# Ahead of the play head, at most this many frames and this share of the memory.
_PREFETCH_FRAMES = 64
_PREFETCH_SHARE = 0.6
_ROOM_UNKNOWN = 8
# Behind the play head while going backwards: a block decoded forwards, since decoders only run forwards.
_BACKWARD_BLOCK = 16


class Frames(AbstractContextManager["Frames"], Protocol):
    """What the cache needs of a frame source; `visolo.io.frames.open_frames` gives one."""

    def __len__(self) -> int:
        """Number of frames."""

    def __getitem__(self, frame_index: int) -> NDArray[np.uint8]:
        """Frame (H, W, 3) uint8 RGB."""


class FrameStore:
    """Images by frame index, bounded in bytes; the ones farthest from the play head go first. Thread-safe."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._images: dict[int, QImage] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, frame_index: int) -> QImage | None:
        """The image of a frame, if it is kept."""
        with self._lock:
            return self._images.get(frame_index)

    def put(self, frame_index: int, image: QImage, head: int, direction: int) -> None:
        """Keep an image and drop others until all fit.

        Args:
            frame_index: of the image.
            image: not modified afterwards.
            head: frame index that is shown.
            direction: 1 or -1, where the head goes; frames on the other side count as twice as far.
        """
        with self._lock:
            old = self._images.pop(frame_index, None)
            self._bytes += image.sizeInBytes() - (old.sizeInBytes() if old is not None else 0)
            self._images[frame_index] = image
            while self._bytes > self.capacity_bytes and len(self._images) > 1:
                farthest = max(self._images, key=lambda index: _distance(index, head, direction))
                self._bytes -= self._images.pop(farthest).sizeInBytes()

    def room(self) -> int:
        """How many frames of the size of those kept fit; a few while nothing is kept."""
        with self._lock:
            first = next(iter(self._images.values()), None)
        return max(1, self.capacity_bytes // max(1, first.sizeInBytes())) if first is not None else _ROOM_UNKNOWN

    def bytes_used(self) -> int:
        """Memory of the kept images."""
        with self._lock:
            return self._bytes

    def indices(self) -> set[int]:
        """Frames that are kept."""
        with self._lock:
            return set(self._images)


class FrameCache(QObject):
    """Frames of the current video for the GUI thread, which never waits for a decoder.

    Signals:
        frame_ready: index of a frame that can now be had from `image`.
        frame_failed: index of a frame that cannot be decoded, and a sentence why.
    """

    frame_ready = Signal(int)
    frame_failed = Signal(int, str)

    def __init__(self, capacity_bytes: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._capacity_bytes = capacity_bytes
        self._store = FrameStore(capacity_bytes)
        self._decoder: _Decoder | None = None

    def set_source(self, frames: Frames | None) -> None:
        """Show another video, or none; the cache closes the source when it is done with it."""
        self.close()
        self._store = FrameStore(self._capacity_bytes)
        if frames is not None:
            self._decoder = _Decoder(frames, self._store, self)
            self._decoder.decoded.connect(self.frame_ready)
            self._decoder.failed.connect(self.frame_failed)
            self._decoder.start()

    @property
    def has_source(self) -> bool:
        """Whether there is a video to decode."""
        return self._decoder is not None

    def image(self, frame_index: int) -> QImage | None:
        """The decoded frame, or None when it is not there yet."""
        return self._store.get(frame_index)

    def request(self, frame_index: int, direction: int = 1) -> None:
        """Decode this frame next, then those after it in the direction; an older request is forgotten."""
        if self._decoder is not None:
            self._decoder.request(frame_index, direction)

    def bytes_used(self) -> int:
        """Memory of the kept frames."""
        return self._store.bytes_used()

    def close(self) -> None:
        """Stop decoding and wait for the thread."""
        if self._decoder is not None:
            self._decoder.stop()
            self._decoder.wait()
            self._decoder.deleteLater()
            self._decoder = None


class _Decoder(QThread):
    decoded = Signal(int)
    failed = Signal(int, str)

    def __init__(self, frames: Frames, store: FrameStore, parent: QObject) -> None:
        super().__init__(parent)
        self._frames, self._store = frames, store
        self._condition = threading.Condition()
        self._head, self._direction, self._request_number = -1, 1, 0
        self._stopped = False
        self._broken: set[int] = set()

    def request(self, frame_index: int, direction: int) -> None:
        with self._condition:
            self._head, self._direction = frame_index, direction
            self._request_number += 1
            self._condition.notify()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify()

    def run(self) -> None:
        served = 0
        with self._frames:
            while True:
                with self._condition:
                    while not self._stopped and self._request_number == served:
                        self._condition.wait()
                    if self._stopped:
                        return
                    served, head, direction = self._request_number, self._head, self._direction
                self._serve(served, head, direction)

    def _serve(self, number: int, head: int, direction: int) -> None:
        for frame_index in self._wanted(head, direction):
            if number != self._request_number or self._stopped:
                return
            if frame_index not in self._broken and self._store.get(frame_index) is None:
                self._decode(frame_index, head, direction)

    def _wanted(self, head: int, direction: int) -> Iterator[int]:
        yield head
        ahead = min(_PREFETCH_FRAMES, int(self._store.room() * _PREFETCH_SHARE))
        if direction > 0:
            yield from range(head + 1, min(len(self._frames), head + 1 + ahead))
        else:
            last = head
            while last > max(0, head - ahead):
                first = max(0, last - min(_BACKWARD_BLOCK, ahead))
                yield from range(first, last)
                last = first

    def _decode(self, frame_index: int, head: int, direction: int) -> None:
        try:
            image = qimage_of_rgb(self._frames[frame_index])
        except (VisoloError, OSError, MemoryError) as error:
            self._broken.add(frame_index)
            logger.warning("frame %d cannot be decoded: %s", frame_index, error)
            self.failed.emit(frame_index, sentence_of(error))
            return
        self._store.put(frame_index, image, head, direction)
        self.decoded.emit(frame_index)


def _distance(frame_index: int, head: int, direction: int) -> int:
    ahead = (frame_index - head) * direction
    return ahead if ahead >= 0 else -2 * ahead
