"""Which videos and image folders lie somewhere below a folder that a person hands over."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.projects import MEDIA_SUFFIXES
from visolo.errors import MediaError
from visolo.io.images import IMAGE_SUFFIXES, is_image, natural_key

_VIDEO_SUFFIXES = tuple(suffix for suffix in MEDIA_SUFFIXES if suffix not in IMAGE_SUFFIXES)


def needs_search(path: Path) -> bool:
    """Whether a path is a folder without images of its own."""
    return path.is_dir() and not any(is_image(file) for file in path.iterdir() if not file.name.startswith("."))


def expanded(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The same paths, folders replaced by what is below them; one item, for a `Task`.

    Raises:
        MediaError: there is nothing in a folder.
    """
    found: list[Path] = []
    for path in paths:
        found += media_below(path) if path.is_dir() else [path]
    yield found


def media_below(folder: Path) -> list[Path]:
    """Videos, and folders that hold images, in natural order (clip2 before clip10); hidden ones do not count.

    A folder of images is one video, whatever else is in it.

    Raises:
        MediaError: there are none.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        names = [name for name in files if not name.startswith(".")]
        if any(name.lower().endswith(IMAGE_SUFFIXES) for name in names):
            found.append(Path(place))
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if name.lower().endswith(_VIDEO_SUFFIXES)]
    if not found:
        raise MediaError(f"{folder}: there are no images and no videos in this folder or below; choose another one")
    return sorted(found, key=lambda path: natural_key(str(path)))
