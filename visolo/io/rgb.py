"""The one place where decoded pictures become upright (H, W, 3) uint8 RGB arrays."""

from typing import cast

import av
import numpy as np
from av.buffer import Buffer
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

_COLORSPACE_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED


class Orientation:
    """How a picture must be turned and mirrored to be upright: one of the eight ways of a display matrix."""

    def __init__(self, is_transposed: bool = False, flips_rows: bool = False, flips_columns: bool = False) -> None:
        """Flips apply after the transposition."""
        self.is_transposed = is_transposed
        self.flips_rows = flips_rows
        self.flips_columns = flips_columns

    @classmethod
    def of_frame(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix that comes with a frame; angles between are rounded to quarter turns."""
        try:
            side_data = frame.side_data.get("DISPLAYMATRIX")
        except ValueError:  # PyAV fails on kinds of side data newer than itself
            turns = round(frame.rotation / 90) % 4
            return cls(turns % 2 == 1, flips_rows=turns in {1, 2}, flips_columns=turns in {2, 3})
        if side_data is None:
            return cls()
        # x' = a x + c y, y' = b x + d y, with y pointing down; nine 16.16 numbers of which a, b, c, d are [0 1 3 4].
        a, b, _, c, d = np.frombuffer(memoryview(cast(Buffer, side_data)), np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, flips_rows=b < 0, flips_columns=c < 0)
        return cls(False, flips_rows=d < 0, flips_columns=a < 0)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a (H, W, 3) picture upright; C-contiguous."""
        if self.is_transposed:
            picture = picture.transpose(1, 0, 2)
        rows = slice(None, None, -1 if self.flips_rows else 1)
        columns = slice(None, None, -1 if self.flips_columns else 1)
        return np.ascontiguousarray(picture[rows, columns])


class RgbConverter:
    """Turns decoded frames of one video into RGB, with the colour matrix and range that the file states.

    Follows FFmpeg where nothing is stated (BT.601, limited range). Frames whose size departs from the first frame's
    are scaled to it.
    """

    def __init__(self, first: av.VideoFrame) -> None:
        """Take size and orientation from the first frame."""
        self._coded_width, self._coded_height = first.width, first.height
        self.orientation = Orientation.of_frame(first)
        self._reformatter = VideoReformatter()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright picture."""
        if self.orientation.is_transposed:
            return self._coded_width, self._coded_height
        return self._coded_height, self._coded_width

    def to_rgb(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Convert one frame to (H, W, 3) uint8 RGB, upright, owned by the caller."""
        try:
            rgb = self._reformat(frame)
        except (av.FFmpegError, ValueError):  # a colour space that swscale does not know
            frame.colorspace = _COLORSPACE_UNSPECIFIED
            rgb = self._reformat(frame)
        picture = self.orientation.apply(np.asarray(rgb.to_ndarray(), np.uint8))
        return picture.copy() if rgb is frame else picture  # already RGB: the array would share the decoder's memory

    def _reformat(self, frame: av.VideoFrame) -> av.VideoFrame:
        return self._reformatter.reformat(frame, self._coded_width, self._coded_height, "rgb24")
