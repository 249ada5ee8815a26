"""Whether what a person hands over holds annotations, and in which file or folder they are."""

from pathlib import Path

from visolo.io.images import is_image

_SUFFIXES = (".json", ".xml", ".txt")
_LABEL_PICTURES = ("Annotations/*/*.png", "Annotations/*/*/*.png", "instances/*/*.png", "instances_txt/*.txt")
_LABEL_FILES = ("*.xml", "*.json", "*/*.json")
_PIECE = 1 << 20  # characters


def annotations_at(path: Path) -> Path | None:
    """The file or folder of annotations that a path stands for; None for videos, images, and what is neither.

    A file is one by its suffix. A folder is a DAVIS, MOTS, CVAT or labelme dataset, or holds the file of one.
    """
    if not path.is_dir():
        return path if path.suffix.lower() in _SUFFIXES else None
    if _holds(path, _LABEL_PICTURES):
        return path
    if not _holds(path, _LABEL_FILES):
        return None
    # Imported here: reading annotations needs decoders that the start of the app should not load.
    from visolo.formats.cvat import looks_like_cvat
    from visolo.formats.labelme import looks_like_labelme

    if looks_like_cvat(path) or looks_like_labelme(path):
        return path
    # A folder of images is one video; a dataset file in it may be of others, too.
    return None if any(is_image(file) for file in path.iterdir()) else dataset_in(path)


def dataset_in(folder: Path) -> Path | None:
    """The one YouTube-VIS or COCO-video file in a folder; which of several is meant cannot be known."""
    found = [file for file in folder.glob("*.json") if _has_videos(file)]
    return found[0] if len(found) == 1 else None


def _holds(folder: Path, patterns: tuple[str, ...]) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in patterns)


def _has_videos(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            start = file.read(_PIECE)
            if not start.lstrip().startswith("{"):
                return False
            return '"videos"' in start or any('"videos"' in piece for piece in iter(lambda: file.read(_PIECE), ""))
    except OSError:
        return False
