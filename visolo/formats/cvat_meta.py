"""What the head of a CVAT file says of its task: name, classes, size and numbers of the frames."""

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree.ElementTree import Element

from visolo.categories import Category
from visolo.errors import AnnotationError
from visolo.io.label_sets import color_of
from visolo.rle import checked_size

_MEDIA = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")
_MAX_FRAMES = 1_000_000
_STEP = re.compile(r"step=([1-9][0-9]{0,5})")


class Meta(NamedTuple):
    """The head of a file.

    Attributes:
        name: of the video: of its file where the task is of one, else of the task.
        labels: the classes with their colours, numbered from 1.
        size: (height, width) of the frames in pixels; None for tasks of images, which say their own.
        length: number of frames; 0 when it is not said.
        first: number of the first frame, as shapes name frames.
        step: from one frame's number to the next's.
    """

    name: str
    labels: tuple[Category, ...] = ()
    size: tuple[int, int] | None = None
    length: int = 0
    first: int = 0
    step: int = 1


def read_meta(meta: Element, path: Path) -> Meta:
    """Read the `meta` element.

    Raises:
        AnnotationError: it is not of one task, or a number in it is none.
    """
    tasks = [*meta.findall("task"), *meta.findall("job"), *meta.findall("project/tasks/task")]
    if len(tasks) != 1:
        raise AnnotationError(f"{path}: is of {len(tasks)} tasks; export them from CVAT one by one")
    task = tasks[0]
    source = meta.findtext("source") or task.findtext("source") or ""
    is_media = PurePosixPath(source).suffix.lower() in _MEDIA
    name = PurePosixPath(source).name if is_media else task.findtext("name") or ""
    size = next((found for place in (task, meta) if (found := place.find("original_size")) is not None), None)
    step = _STEP.fullmatch((task.findtext("frame_filter") or "").strip())
    return Meta(
        name.replace("/", "_").strip() or path.stem,
        _labels(meta),
        None if size is None else _size(size, path),
        _number(task, "size", path),
        _number(task, "start_frame", path),
        int(step.group(1)) if step else 1,
    )


def _labels(meta: Element) -> tuple[Category, ...]:
    colors = {label.findtext("name"): color_of(label.findtext("color")) for label in meta.iterfind(".//labels/label")}
    named = [(name, color) for name, color in colors.items() if name]
    return tuple(Category(number, name, color) for number, (name, color) in enumerate(named, start=1))


def _size(element: Element, path: Path) -> tuple[int, int]:
    return checked_size([_number(element, "height", path, 1), _number(element, "width", path, 1)], str(path))


def _number(element: Element, name: str, path: Path, minimum: int = 0) -> int:
    text = (element.findtext(name) or str(minimum)).strip()
    if not text.isdecimal() or not minimum <= int(text[:10]) <= _MAX_FRAMES:
        raise AnnotationError(f"{path}: '{name}' in its head must be a whole number from {minimum}, not {text[:20]!r}")
    return int(text)
