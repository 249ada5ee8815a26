"""Datasets of a folder for every video with a picture for every frame: where the folders are, and the images beside."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from visolo.errors import AnnotationError
from visolo.io.images import IMAGE_SUFFIXES, natural_key


class FrameFolder(NamedTuple):
    """One video: its name and its label PNGs in the order of its frames."""

    name: str
    pngs: list[Path]


def frame_folders(path: Path, inner: str) -> list[FrameFolder]:
    """The videos in a dataset's folder.

    Args:
        path: the dataset, the folder in it that holds the videos, or the folder of one video.
        inner: what the folder in it is called, e.g. "Annotations"; one of a resolution may be below.

    Raises:
        AnnotationError: there are no PNGs, or those of several resolutions.
    """
    root = label_root(path, inner)
    pngs = _pngs(root)
    if pngs:
        return [FrameFolder(root.name, pngs)]
    found = [FrameFolder(folder.name, _pngs(folder)) for folder in _folders(root)]
    found = [folder for folder in found if folder.pngs]
    if not found:
        raise AnnotationError(f"{path}: holds no PNGs, nor do the folders in it; name the folder of the dataset")
    return found


def label_root(path: Path, inner: str) -> Path:
    """The folder that holds the folders of the videos; see `frame_folders`.

    Raises:
        AnnotationError: there are several resolutions, or no such folder.
    """
    if not path.is_dir():
        raise AnnotationError(f"{path}: there is no such folder; check the path")
    root = path / inner if (path / inner).is_dir() else path
    if _pngs(root) or any(_pngs(folder) for folder in _folders(root)):
        return root
    deeper = [folder for folder in _folders(root) if any(_pngs(video) for video in _folders(folder))]
    if len(deeper) > 1:
        names = " and ".join(folder.name for folder in deeper)
        raise AnnotationError(f"{root}: holds several sets of videos ({names}); name one of them")
    return deeper[0] if deeper else root


class FrameImages(NamedTuple):
    """The images of a dataset's videos.

    Attributes:
        root: folder that has a folder for every video; None where none was found.
    """

    root: Path | None

    def names(self, video: str, stems: Sequence[str]) -> tuple[str, ...]:
        """File names of a video's frames below the root; .jpg where they were not found.

        Numbers agree whatever the zeros before them: 000012.png is of 00012.jpg.
        """
        found = images_by_stem(self.root / video) if self.root is not None else {}
        known = {_frame_key(stem): path.name for stem, path in found.items()}
        return tuple(f"{video}/{known.get(_frame_key(stem), stem + '.jpg')}" for stem in stems)


def find_frame_images(roots: Iterable[Path], videos: Iterable[str]) -> FrameImages:
    """The first of some folders that has images for one of the videos."""
    names = list(videos)
    for root in roots:
        if any(images_by_stem(root / name) for name in names):
            return FrameImages(root.resolve())
    return FrameImages(None)


def images_by_stem(folder: Path) -> dict[str, Path]:
    """The images in a folder by name without suffix, in natural order; none where there is no such folder."""
    if not folder.is_dir():
        return {}
    files = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    return {path.stem: path for path in sorted(files, key=lambda path: natural_key(path.name))}


def _pngs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = [p for p in folder.iterdir() if p.suffix.lower() == ".png" and not p.name.startswith(".")]
    return sorted(files, key=lambda path: natural_key(path.name))


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted((p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")), key=lambda p: p.name)


def _frame_key(stem: str) -> str:
    return stem.lstrip("0") or "0" if stem.isdecimal() else stem
