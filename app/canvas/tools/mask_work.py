"""The mask that a tool is changing: a copy of the selected track's mask on this frame; one Edit when it is done."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from app.canvas.view_transform import ViewTransform
from app.document.edits import AddCategory, Edit, EditGroup, SetMask
from app.session import Session
from app.video.qimage import qimage_of_mask
from visolo.rle import Rle, encode
from visolo.rle_box import decode_in_box

_FILL_ALPHA = 130
# cv2 takes coordinates with so many bits behind the point.
_SHIFT = 4
_NEW_CLASS = "object"
# The finest brush still sets the pixel that it is in.
_HALF_PIXEL = 0.71


class MaskWork:
    """Working copy of one mask.

    Attributes:
        track_id: whose mask it is; of a new track when none was selected.
        is_new: the track does not exist yet.
        mask: (H, W) uint8 of 0 and 1; changed in place by the tool.
    """

    def __init__(self, session: Session) -> None:
        document, video = session.document, session.video
        assert document is not None
        assert video is not None
        self._session = session
        self._frame_index = session.frame_index
        self.is_new = len(session.selection) != 1
        self.track_id = document.next_track_id(video.video_id) if self.is_new else next(iter(session.selection))
        present = None if self.is_new else document.instance(video.video_id, self.track_id, self._frame_index)
        self.mask: NDArray[np.uint8] = np.zeros((video.height, video.width), dtype=np.uint8)
        if present is not None and not present.is_box:  # of a box nothing is drawn yet
            box, part = decode_in_box(present.rle)
            self.mask[box.y : box.y + box.height, box.x : box.x + box.width] = part
        self._before = self.mask.copy()

    def stroke(self, start: QPointF, end: QPointF, radius: float, value: int) -> None:
        """Set every pixel whose middle is within `radius` px of the line from `start` to `end`, in image px."""
        first = np.array([start.y(), start.x()])
        along = np.array([end.y(), end.x()]) - first
        reach = max(radius, _HALF_PIXEL)
        low = np.floor(first + np.minimum(along, 0) - reach).astype(int).clip(0)
        high = np.ceil(first + np.maximum(along, 0) + reach).astype(int).clip(0, self.mask.shape)
        if (low >= high).any():
            return
        rows, columns = np.mgrid[low[0] : high[0], low[1] : high[1]] + 0.5
        down, right = rows - first[0], columns - first[1]
        length = float(along @ along)
        share = np.clip((down * along[0] + right * along[1]) / length, 0.0, 1.0) if length else np.zeros_like(down)
        near = (down - share * along[0]) ** 2 + (right - share * along[1]) ** 2 <= reach**2
        self.mask[low[0] : high[0], low[1] : high[1]][near] = value

    def fill(self, points: list[QPointF], value: int) -> None:
        """Fill a polygon with at least three corners, in image px."""
        import cv2

        # cv2's pixel (0, 0) has its middle at 0, ours at 0.5.
        corners = [[round((p.x() - 0.5) * (1 << _SHIFT)), round((p.y() - 0.5) * (1 << _SHIFT))] for p in points]
        cv2.fillPoly(self.mask, [np.array(corners, dtype=np.int32)], value, cv2.LINE_8, _SHIFT)

    def commit(self) -> bool:
        """Make the change an Edit; False when nothing changed or it was refused."""
        session = self._session
        assert session.video is not None
        if np.array_equal(self.mask, self._before):
            return False
        rle = encode(self.mask.astype(np.bool_)) if self.mask.any() else None
        if rle is None and self.is_new:
            return False
        done = session.do(self._edit(session.video.video_id, rle))
        if done and self.is_new:
            session.select({self.track_id})
        return done

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """Draw the working copy."""
        color = QColor(self._session.colors.of(self.track_id))
        color.setAlpha(_FILL_ALPHA)
        height, width = self.mask.shape
        target = view.qtransform().mapRect(QRectF(0, 0, width, height))
        painter.drawImage(target, qimage_of_mask(self.mask, color))

    def _edit(self, video_id: int, rle: Rle | None) -> Edit:
        document = self._session.document
        assert document is not None
        if not self.is_new:
            return SetMask(video_id, self.track_id, self._frame_index, rle)
        categories = document.categories()
        used = [summary.track.category_id for summary in self._session.tracks()]
        chosen = max(set(used), key=used.count) if used else (categories[0].category_id if categories else None)
        if chosen is not None:
            return SetMask(video_id, self.track_id, self._frame_index, rle, chosen)
        category_id = document.next_category_id()
        edits = (
            AddCategory(category_id, _NEW_CLASS),
            SetMask(video_id, self.track_id, self._frame_index, rle, category_id),
        )
        return EditGroup(video_id, f"Draw new track {self.track_id} on frame {self._frame_index}", edits)
