"""Frames that lie as single images, in a folder or in a list of paths."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from visolo.errors import MediaError
from visolo.io.frame_source import FrameSource, Progress

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_FAILURES = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # all that Pillow raises on bad files
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_TRANSPOSED = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_REPORT_EVERY = 64


class ImageFrames(FrameSource):
    """Images of one size as the frames of a video, in the order given.

    Turned upright as their EXIF says. Greyscale, palettes, 16 bits, CMYK and transparency become 8-bit RGB:
    16 bits keep their upper eight, transparency is dropped.
    """

    def __init__(self, path: Path, images: Sequence[Path], progress: Progress | None = None) -> None:
        """Read the headers of all images.

        Args:
            path: what to show as the source of the frames: the folder.
            images: the files, at least one.
            progress: hears 0..1; whatever it raises stops the work and passes through.

        Raises:
            MediaError: an image is missing, not readable, or differs in size from the first.
        """
        super().__init__()
        self.path, self.name, self.frame_rate = path, path.name or str(path), None
        self._images = list(images)
        self.size = image_size(self._images[0])
        for frame_index, image in enumerate(self._images):
            self._check_size(image, image_size(image))
            if progress and frame_index % _REPORT_EVERY == 0:
                progress(frame_index / len(self._images))
        if progress:
            progress(1.0)

    def __len__(self) -> int:
        return len(self._images)

    def _read(self, frame_index: int) -> NDArray[np.uint8]:
        path = self._images[frame_index]
        try:
            with Image.open(path) as image:
                picture = _to_rgb(ImageOps.exif_transpose(image))
        except _FAILURES as error:
            raise _unreadable(path, error) from error
        self._check_size(path, picture.shape[:2])
        return picture

    def _time_of(self, frame_index: int) -> float | None:
        return None

    def _check_size(self, image: Path, size: tuple[int, ...]) -> None:
        if size != self.size:
            raise MediaError(
                f"{image}: is {size[1]}x{size[0]} pixels, but {self._images[0].name} is {self.size[1]}x{self.size[0]};"
                " all images of a video must have one size"
            )


def images_in_folder(folder: Path) -> list[Path]:
    """The image files in a folder in natural order (frame2 before frame10); hidden files do not count.

    Raises:
        MediaError: there are none, or the folder cannot be read.
    """
    try:
        files = [path for path in folder.iterdir() if not path.name.startswith(".") and is_image(path)]
    except OSError as error:
        raise MediaError(f"{folder}: this folder cannot be read ({error.strerror}); check its permissions") from error
    if not files:
        kinds = ", ".join(suffix[1:] for suffix in IMAGE_SUFFIXES)
        raise MediaError(
            f"{folder}: there are no images in this folder ({kinds}); choose a video file or another folder"
        )
    return sorted(files, key=lambda path: natural_key(path.name))


def is_image(path: Path) -> bool:
    """Whether this is a file that is named like a still image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image once upright, from its header.

    Raises:
        MediaError: it is missing or no image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            is_transposed = image.getexif().get(ExifTags.Base.Orientation) in _TRANSPOSED
    except _FAILURES as error:
        raise _unreadable(path, error) from error
    return (width, height) if is_transposed else (height, width)


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts names as people count: frame2 before frame10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)], name


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in _SIXTEEN_BITS:
        levels = np.asarray(image)
        if levels.max() > 0xFFFF or levels.min() < 0:
            raise ValueError("more than 16 bits per pixel")
        grey = (levels >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("floating-point pixels")
    if "transparency" in image.info:  # Pillow warns when it is dropped on the way
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def _unreadable(path: Path, error: Exception) -> MediaError:
    if isinstance(error, FileNotFoundError):
        return MediaError(f"{path}: this image does not exist; check the folder and the file name")
    if isinstance(error, PermissionError):
        return MediaError(f"{path}: no permission to read this image; change its permissions or copy it")
    reason = "it is not an image" if isinstance(error, UnidentifiedImageError) else str(error)
    return MediaError(f"{path}: this image cannot be read ({reason}); replace or remove it")
