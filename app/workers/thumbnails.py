"""Small pictures of frames, decoded off the GUI thread: for the queue and for dialogs that show what they are about."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygon

from app.video.qimage import qimage_of_mask, qimage_of_rgb
from app.workers.task import Task, TaskQueue
from visolo import rle
from visolo.errors import VisoloError
from visolo.io.frames import open_frames
from visolo.io.preview import preview_frame
from visolo.rle import Rle

logger = logging.getLogger(__name__)

_FILL_ALPHA = 90
_MARGIN = 0.35


@dataclass(frozen=True)
class PaintedMask:
    """A mask to draw on the picture, with its track's colour; only as an outline where it is not `filled`."""

    rle: Rle
    color: QColor
    filled: bool = True


@dataclass(frozen=True)
class PictureRequest:
    """One picture.

    Attributes:
        key: comes back with the picture.
        source: video file or image folder.
        frame_index: clipped to the frames that exist; None for one that shows what the video is about, which takes
            no indexing.
        size: the picture fits into it, device px.
        masks: drawn on it; the picture then shows their surroundings instead of the whole frame.
        pixel_aspect: width of a pixel divided by its height.
    """

    key: object
    source: Path
    frame_index: int | None
    size: QSize
    masks: tuple[PaintedMask, ...] = ()
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Picture:
    """A finished picture; the image is null where the frame cannot be read."""

    key: object
    image: QImage


def pictures(requests: Sequence[PictureRequest]) -> Iterator[Picture]:
    """Decode and draw, one after another; a frame that cannot be read gives a null image.

    Requests of one source that follow each other open it once.
    """
    for source, group in groupby(requests, key=lambda request: request.source):
        waiting = list(group)
        try:
            for frame in _frames(source, [request.frame_index for request in waiting]):
                request = waiting.pop(0)
                yield Picture(request.key, _drawn(qimage_of_rgb(frame), request))
        except (VisoloError, OSError, IndexError) as error:
            logger.info("%s: no picture: %s", source, error)
            yield from (Picture(request.key, QImage()) for request in waiting)


def _frames(source: Path, frame_indices: Sequence[int | None]) -> Iterator[NDArray[np.uint8]]:
    if set(frame_indices) == {None}:
        yield from repeat(preview_frame(source), len(frame_indices))
        return
    with open_frames(source) as frames:
        for frame_index in frame_indices:
            yield frames[max(0, min(frame_index or 0, len(frames) - 1))]


class PictureLoader(QObject):
    """Takes requests at any time and works them off in one thread.

    Signals:
        ready: a `Picture`.
    """

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = TaskQueue(self)
        self._task: Task | None = None
        self._waiting: list[PictureRequest] = []

    def request(self, *requests: PictureRequest) -> None:
        """Ask for pictures; those of one source that are asked for together open it once."""
        self._waiting.extend(requests)
        self._start_next()

    def forget(self) -> None:
        """Drop what has not been started."""
        self._waiting.clear()

    def stop(self) -> bool:
        """Cancel and wait; False when the thread did not end in time."""
        self.forget()
        return self._queue.close()

    def is_idle(self) -> bool:
        """Whether no picture is in work."""
        return self._queue.is_idle()

    def _start_next(self) -> None:
        if self._task is not None or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        self._task = Task(_Batch(batch))
        self._task.item_ready.connect(self.ready)
        self._task.finished.connect(self._forget_task)
        self._queue.start(self._task)

    def _forget_task(self) -> None:
        self._task = None
        self._start_next()


class _Batch:
    """A callable with its requests bound: what `Task` runs."""

    def __init__(self, requests: list[PictureRequest]) -> None:
        self._requests = requests

    def __call__(self) -> Iterator[object]:
        return pictures(self._requests)


def _drawn(image: QImage, request: PictureRequest) -> QImage:
    if request.masks:
        _draw_masks(image, request.masks)
        image = _cropped(image, request.masks)
    width = max(1, round(image.width() * request.pixel_aspect))
    shown = QSize(width, image.height()).scaled(request.size, Qt.AspectRatioMode.KeepAspectRatio)
    return image.scaled(
        shown.expandedTo(QSize(1, 1)),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _draw_masks(image: QImage, masks: Sequence[PaintedMask]) -> None:
    decoded = [(rle.decode(painted.rle).astype(np.uint8), painted) for painted in masks]
    painter = QPainter(image)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mask, painted in decoded:
            _draw_mask(painter, mask, painted, max(2, image.width() // 200))
    finally:
        # An image that goes while its painter is still active takes the whole process down.
        painter.end()


def _draw_mask(painter: QPainter, mask: NDArray[np.uint8], painted: PaintedMask, line_width: int) -> None:
    import cv2

    if painted.filled:
        fill = QColor(painted.color)
        fill.setAlpha(_FILL_ALPHA)
        painter.drawImage(0, 0, qimage_of_mask(mask, fill))
    painter.setPen(QPen(painted.color, line_width if painted.filled else 1))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        painter.drawPolygon(QPolygon([QPoint(int(x), int(y)) for x, y in outline[:, 0]]))


def _cropped(image: QImage, masks: Sequence[PaintedMask]) -> QImage:
    boxes = [rle.bounding_box(painted.rle) for painted in masks]
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    margin = round(max(right - left, bottom - top) * _MARGIN) + 8
    left, top = max(0, left - margin), max(0, top - margin)
    right, bottom = min(image.width(), right + margin), min(image.height(), bottom + margin)
    return image.copy(left, top, right - left, bottom - top)
