"""Random views of a frame: where it is cropped, turned and stretched, and how its colours change.

All geometry is a 2 x 3 matrix from (x, y) px of the source to (x, y) px of the network's input.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visolo.training.config import Flip

Matrix = NDArray[np.float64]
Image = NDArray[np.uint8]
Size = tuple[int, int]

_OFFICIAL_HEIGHT, _LONGEST_SIDE = 352, 1333  # px
_BORDER = (124, 116, 104)  # about the mean colour, so that what lies outside a frame says nothing


@dataclass(frozen=True)
class Focus:
    """Box in px of the source that a view should show: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


def official_views(
    rng: np.random.Generator,
    source: Size,
    output: Size,
    length: int,
    shorter_sides: Sequence[int] = (360, 480),
    flip: Flip = "clip",
) -> list[Matrix]:
    """Resize all frames of a clip alike, flip them together or apart, rotate and crop every one on its own.

    Source: the official training code; the four steps are one resampling here.

    Args:
        rng: drawn from.
        source: (height, width) of the frames.
        output: (height, width) of the crop.
        length: number of frames.
        shorter_sides: one of them becomes the frames' shorter side, in px for a crop that is 352 high.
        flip: together ("clip") or apart ("frame").
    """
    scale = min(rng.choice(shorter_sides) / min(source), _LONGEST_SIDE / max(source)) * output[0] / _OFFICIAL_HEIGHT
    stretched = np.maximum(np.array(source) * scale, np.array(output) + 1)
    resize, mirror = _scaling(stretched[1] / source[1], stretched[0] / source[0]), _flip(stretched[1])
    is_flipped = rng.random() < 0.5
    views = []
    for _ in range(length):
        if flip == "frame":
            is_flipped = rng.random() < 0.5
        angle = np.deg2rad(rng.uniform(-15, 15))
        cos, sin = np.cos(angle), np.sin(angle)
        expanded = (
            stretched[0] * cos + stretched[1] * abs(sin),
            stretched[0] * abs(sin) + stretched[1] * cos,
        )
        turn = _move(expanded[1] / 2, expanded[0] / 2) @ _turning(angle)
        turn = turn @ _move(-stretched[1] / 2, -stretched[0] / 2)
        crop = _move(
            -rng.uniform(0, max(0.0, expanded[1] - output[1])), -rng.uniform(0, max(0.0, expanded[0] - output[0]))
        )
        views.append((crop @ turn @ (mirror if is_flipped else np.eye(3)) @ resize)[:2])
    return views


def zoom_views(rng: np.random.Generator, source: Size, output: Size, length: int, focus: Focus | None) -> list[Matrix]:
    """Look at the whole frame or closely at one object, moving a little from frame to frame.

    Args:
        rng: drawn from.
        source: (height, width) of the frames.
        output: (height, width) of the views.
        length: number of frames.
        focus: object to look at; None shows the whole frame.
    """
    centre, extent = np.array((source[1], source[0])) / 2, np.array((source[1], source[0]), dtype=float)
    if focus is not None and rng.random() < 0.65:
        aspect = output[1] / output[0] * np.exp(rng.uniform(-0.35, 0.35))
        shown = np.exp(rng.uniform(np.log(0.25), np.log(1.05)))
        height = max(focus.height, focus.width / aspect) / shown
        # Not much more than the frame, and not so close that pixels become blocks.
        height = max(min(height, 1.15 * min(source[0], source[1] / aspect)), output[0] / 3)
        extent = np.array((height * aspect, height))
        slack = np.maximum(0, extent - (focus.width, focus.height)) / 2
        centre = np.array((focus.x + focus.width / 2, focus.y + focus.height / 2)) + rng.uniform(-0.9, 0.9, 2) * slack
        # Stay inside the frame where the view is smaller than it.
        low, high = np.minimum(extent / 2, source[::-1] - extent / 2), np.maximum(extent / 2, source[::-1] - extent / 2)
        centre = np.clip(centre, low, high)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    scale = np.array((output[1], output[0])) / extent
    return [
        _moved(rng, output) @ _scaling(scale[0] * flip, scale[1]) @ _move(-centre[0], -centre[1]) for _ in range(length)
    ]


def pasted_views(rng: np.random.Generator, box: Focus, output: Size, length: int) -> list[Matrix]:
    """Put an object of another frame somewhere into the view, with a motion of its own."""
    share = np.exp(rng.uniform(np.log(0.2), np.log(0.8)))
    scale = share * min(output[0] / box.height, output[1] / box.width)
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    place = _move(rng.uniform(-0.42, 0.42) * output[1], rng.uniform(-0.35, 0.35) * output[0])
    to_origin = _move(-box.x - box.width / 2, -box.y - box.height / 2)
    # `_moved` works in px of the output, its origin in the middle.
    return [
        (np.vstack((_moved(rng, output), (0, 0, 1))) @ place @ _scaling(scale * stretch * flip, scale) @ to_origin)[:2]
        for _ in range(length)
    ]


def warp(image: Image, matrix: Matrix, output: Size) -> Image:
    """Resample an RGB image; sources that would shrink to less than half are averaged down first."""
    image, matrix = _shrunk(image, matrix)
    warped = cv2.warpAffine(image, matrix, (output[1], output[0]), flags=cv2.INTER_LINEAR, borderValue=_BORDER)
    return np.asarray(warped, np.uint8)


def warp_labels(labels: Image, matrix: Matrix, output: Size) -> Image:
    """Resample a label map; outside of it is 0."""
    warped = cv2.warpAffine(labels, matrix, (output[1], output[0]), flags=cv2.INTER_NEAREST)
    return np.asarray(warped, np.uint8)


@dataclass(frozen=True)
class ColourChange:
    """One colour change for all frames of a clip."""

    table: Image
    hue: int
    saturation: float
    blur: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "ColourChange":
        """A random change of brightness, contrast, gamma, hue, saturation and sharpness."""
        levels = np.arange(256) / 255.0
        levels = levels ** np.exp(rng.uniform(-0.35, 0.35))
        levels = (levels - 0.5) * np.exp(rng.uniform(-0.3, 0.3)) + 0.5 + rng.uniform(-0.12, 0.12)
        table = np.clip(levels * 255, 0, 255).astype(np.uint8)
        saturation = 0.0 if rng.random() < 0.05 else float(np.exp(rng.uniform(-0.5, 0.35)))
        blur = float(rng.uniform(0.4, 1.3)) if rng.random() < 0.2 else 0.0
        return cls(table, int(rng.integers(-8, 9)), saturation, blur)

    def apply(self, image: Image) -> Image:
        """The changed copy of an RGB image."""
        hsv = cv2.cvtColor(cv2.LUT(image, self.table), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + self.hue) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * self.saturation, 0, 255).astype(np.uint8)
        changed = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        if self.blur:
            changed = cv2.GaussianBlur(changed, (0, 0), self.blur)
        return np.asarray(changed, np.uint8)


def _moved(rng: np.random.Generator, output: Size) -> Matrix:
    """(2, 3) small random motion about the middle of the output, from coordinates whose origin is that middle."""
    scale, angle = np.exp(rng.uniform(-0.12, 0.12)), np.deg2rad(rng.normal(0, 4))
    shift = rng.uniform(-0.1, 0.1, 2) * (output[1], output[0])
    middle = _move(output[1] / 2 + shift[0], output[0] / 2 + shift[1])
    return np.asarray((middle @ _turning(angle) @ _scaling(scale, scale))[:2], np.float64)


def _shrunk(image: Image, matrix: Matrix) -> tuple[Image, Matrix]:
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale >= 0.75:
        return image, matrix
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    back = _scaling(width / size[0], height / size[1])
    return np.asarray(small, np.uint8), (np.vstack((matrix, (0, 0, 1))) @ back)[:2]


def _scaling(x: float, y: float) -> Matrix:
    return np.diag((x, y, 1.0))


def _move(x: float, y: float) -> Matrix:
    return np.array(((1.0, 0.0, x), (0.0, 1.0, y), (0.0, 0.0, 1.0)))


def _flip(width: float) -> Matrix:
    return np.array(((-1.0, 0.0, width), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def _turning(angle: float) -> Matrix:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)))
