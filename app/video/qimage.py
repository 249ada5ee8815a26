"""The one place where arrays become QImages and back."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage


def qimage_of_rgb(frame: NDArray[np.uint8]) -> QImage:
    """A frame as an image that owns its pixels, in the format that paints fastest.

    Args:
        frame: (H, W, 3) uint8 RGB.
    """
    frame = np.ascontiguousarray(frame)
    height, width = frame.shape[:2]
    view = QImage(frame.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)


def rgb_of_qimage(image: QImage) -> NDArray[np.uint8]:
    """Pixels of an image: (H, W, 3) uint8 RGB, a copy."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), dtype=np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


def qimage_of_bgra(pixels: NDArray[np.uint8]) -> QImage:
    """An overlay as an image that owns its pixels.

    Args:
        pixels: (H, W, 4) uint8 blue, green, red, alpha; colours multiplied by alpha / 255.
    """
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()


def blank_overlay(width: int, height: int) -> tuple[QImage, NDArray[np.uint8]]:
    """A transparent image, and its own pixels to draw on.

    Returns:
        The image, and (height, width, 4) uint8 blue, green, red, alpha, colours multiplied by alpha / 255; a view into
        the image, to be let go before the image is.
    """
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    return image, np.frombuffer(image.bits(), dtype=np.uint8).reshape(height, width, 4)


def qimage_of_mask(mask: NDArray[np.uint8], color: QColor) -> QImage:
    """A mask as an image of one translucent colour that owns its pixels.

    Args:
        mask: (h, w) uint8, 0 or 1.
        color: drawn where the mask is 1, with its alpha.
    """
    mask = np.ascontiguousarray(mask)
    image = QImage(mask.data, mask.shape[1], mask.shape[0], mask.shape[1], QImage.Format.Format_Indexed8).copy()
    image.setColorTable([0, color.rgba()])
    return image


def premultiplied_bgra(color: QColor, alpha: int) -> tuple[int, int, int, int]:
    """One colour as `blank_overlay` has it; alpha from 0 to 255."""
    return (color.blue() * alpha // 255, color.green() * alpha // 255, color.red() * alpha // 255, alpha)
