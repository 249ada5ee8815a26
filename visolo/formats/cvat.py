"""Reading CVAT's XML 1.1, of video tasks (tracks) and of image tasks (shapes with group ids).

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from visolo.categories import Category
from visolo.errors import AnnotationError
from visolo.formats.boxes import BoxesOnly
from visolo.formats.cvat_meta import Meta, read_meta
from visolo.formats.cvat_shapes import WITHOUT_MASK, box_of_shape, mask_of_shape, whole
from visolo.formats.exchange import Imported, Progress
from visolo.formats.frame_folders import FrameImages, find_frame_images, images_by_stem
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.ytvis_files import image_root
from visolo.io.images import IMAGE_SUFFIXES, natural_key
from visolo.io.ytvis import Video
from visolo.rle import checked_size
from visolo.words import counted


def read_cvat(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read one file, or a folder of files, each of a task.

    Boxes, points and lines are counted and left out; where a track is `outside`, it is absent.

    Args:
        path: the XML, or the folder of XMLs.
        images: folder with the images, those of a video in a folder of its name; None looks beside.
        progress: hears how much is done.

    Raises:
        AnnotationError: a file is no CVAT XML of one task, or breaks a rule; the message names the first offender.
    """
    files = xml_files(path)
    tasks = []
    boxes = BoxesOnly()
    for done, file in enumerate(files):
        task = _Task(file, boxes)
        for element in _elements(file):
            progress(done / len(files))
            task.take(element)
        tasks.append(task)
    folder = path if path.is_dir() else path.parent
    roots = (images,) if images else (folder, folder / "images")
    found = find_frame_images(roots, [task.meta.name for task in tasks])
    loose = _loose_images(roots, len(tasks))
    parts = [part for task in tasks for part in task.videos(found, loose)]
    by_key: dict[Hashable, Video] = {part.key: part.video(number) for number, part in enumerate(parts, start=1)}
    videos = [(by_key[part.key], part.table) for part in parts]
    classes: dict[str, Category] = {}
    for label in (label for task in tasks for label in task.meta.labels):
        classes.setdefault(label.name, replace(label, category_id=len(classes) + 1))
    dataset = dataset_of(videos, list(classes.values()))
    notes = []
    count = sum(task.loose_shapes for task in tasks)
    if count:
        what = "a track" if count == 1 else "tracks"
        notes.append(f"{counted(count, 'shape')} without group id became {what} of one frame.")
    progress(1.0)
    known = boxes.found(by_key, dataset.categories)
    return Imported(dataset, image_root(dataset, roots), tuple(notes), known)


def xml_files(path: Path) -> list[Path]:
    """The XML files that a path stands for.

    Raises:
        AnnotationError: there are none.
    """
    if path.is_file():
        return [path]
    files = [p for p in path.iterdir() if p.suffix.lower() == ".xml"] if path.is_dir() else []
    if not files:
        raise AnnotationError(f"{path}: there are no CVAT XML files; check the path")
    return sorted(files, key=lambda file: natural_key(file.name))


def looks_like_cvat(path: Path) -> bool:
    """Whether a file, or the first XML in a folder, begins as CVAT's do."""
    try:
        with xml_files(path)[0].open("rb") as file:
            return b"<annotations" in file.read(2000)
    except (AnnotationError, OSError):
        return False


def _loose_images(roots: Sequence[Path], task_count: int) -> list[str]:
    """Images that lie in no folder of a video, as CVAT exports those of a task: names from the first root.

    Of several tasks it cannot be known whose they are.
    """
    if task_count != 1:
        return []
    for root in roots:
        found = images_by_stem(root).values()
        if found:
            return [path.relative_to(roots[0]).as_posix() for path in found]
    return []


class _Image(NamedTuple):
    name: str
    size: tuple[int, int]


class _Part(NamedTuple):
    """A video before it has an id: its file and folder, frames' names, their (height, width) in pixels, its tracks."""

    key: tuple[Path, str]
    names: tuple[str, ...]
    size: tuple[int, int]
    table: TrackTable

    def video(self, video_id: int) -> Video:
        return Video(video_id, self.size[1], self.size[0], len(self.names), self.names)


class _Task:
    """One file while it is read.

    Attributes:
        meta: its head.
        loose_shapes: how many shapes of images belong to no group.
    """

    def __init__(self, path: Path, boxes: BoxesOnly) -> None:
        self.meta = Meta(path.stem)
        self.loose_shapes = 0
        self._path, self._boxes = path, boxes
        self._table, self._last_index = TrackTable(), -1
        self._images: dict[str, list[_Image]] = {}
        self._tables: dict[str, TrackTable] = {}

    def take(self, element: Element) -> None:
        """Take in one of the elements below the root."""
        if element.tag == "meta":
            self.meta = read_meta(element, self._path)
        elif element.tag == "track":
            self._take_track(element)
        elif element.tag == "image":
            self._take_image(element)

    def videos(self, found: FrameImages, loose: Sequence[str]) -> Iterator[_Part]:
        """The video of the tracks, or one for each folder of images.

        Args:
            found: images in folders of the videos' names.
            loose: see `_loose_images`.
        """
        for folder, images in self._images.items():
            odd = next((image for image in images if image.size != images[0].size), None)
            if odd is not None:
                raise AnnotationError(
                    f"{self._path}: image {odd.name} is {odd.size[1]} x {odd.size[0]}, {images[0].name} beside it is"
                    f" {images[0].size[1]} x {images[0].size[0]}; put them into different folders"
                )
            yield _Part((self._path, folder), _file_names(images, loose), images[0].size, self._tables[folder])
        if not self._images:
            yield self._video_of_tracks(found, loose)

    def _video_of_tracks(self, found: FrameImages, loose: Sequence[str]) -> _Part:
        length = self.meta.length or self._last_index + 1
        if self.meta.size is None or not length:
            raise AnnotationError(f"{self._path}: says neither frames with their size nor images; export it again")
        name = self.meta.name
        images = list(images_by_stem(found.root / name).values()) if found.root is not None else []
        if len(images) == length:
            names = tuple(f"{name}/{image.name}" for image in images)
        elif len(loose) == length:
            names = tuple(loose)
        else:
            names = found.names(name, [f"{index:05d}" for index in range(length)])
        return _Part((self._path, ""), names, self.meta.size, self._table)

    def _take_track(self, track: Element) -> None:
        track_id, label = track.get("id", ""), track.get("label", "")
        where = f"{self._path}: track {track_id}"
        if not track_id or not label:
            raise AnnotationError(f"{where}: has no 'id' or no 'label'; export the file again")
        if self.meta.size is None:
            raise AnnotationError(f"{where}: comes before the head that tells the size of the frames")
        for shape in track:
            if shape.get("outside") == "1" or shape.tag == "attribute":
                continue
            frame = whole(shape, "frame", where)
            frame_index, rest = divmod(frame - self.meta.first, self.meta.step)
            if rest or frame_index < 0 or frame_index >= (self.meta.length or 1_000_000):
                raise AnnotationError(f"{where}: frame {frame} is not among the frames of the task; export it again")
            self._last_index = max(self._last_index, frame_index)
            if shape.tag in WITHOUT_MASK:
                self._boxes.add(f"track {track_id}, frame {frame}")
                box = box_of_shape(shape, self.meta.size)
                self._boxes.keep((self._path, ""), track_id, label, frame_index, box)
            elif shape.tag in ("mask", "polygon"):
                rle = mask_of_shape(shape, self.meta.size, f"{where}, frame {frame}")
                self._table.add(track_id, label, frame_index, rle)

    def _take_image(self, image: Element) -> None:
        name = image.get("name", "")
        where = f"{self._path}: image {name or image.get('id', '')}"
        if not name:
            raise AnnotationError(f"{where}: has no 'name'; export the file again")
        height, width = whole(image, "height", where), whole(image, "width", where)
        if not height or not width:
            raise AnnotationError(f"{where}: is {width} x {height} pixels; export the file again")
        checked_size([height, width], where)  # not larger than any frame
        folder = PurePosixPath(name).parent.as_posix()
        images = self._images.setdefault(folder, [])
        table = self._tables.setdefault(folder, TrackTable())
        for position, shape in enumerate(image):
            label, group = shape.get("label", ""), shape.get("group_id", "0")
            key = (name, position) if group == "0" else (label, group)
            if shape.tag in WITHOUT_MASK:
                self._boxes.add(f"image {name}")
                self._boxes.keep((self._path, folder), key, label, len(images), box_of_shape(shape, (height, width)))
            elif shape.tag in ("mask", "polygon"):
                rle = mask_of_shape(shape, (height, width), f"{where}, shape {position}")
                self.loose_shapes += group == "0"
                table.add(key, label, len(images), rle)
        images.append(_Image(name, (height, width)))


def _file_names(images: Sequence[_Image], loose: Sequence[str]) -> tuple[str, ...]:
    """Names of images; those of a video task's frames come without suffix, and are looked for among what lies there."""
    by_stem = {PurePosixPath(name).stem: name for name in loose}
    bare = [image.name for image in images if PurePosixPath(image.name).suffix.lower() not in IMAGE_SUFFIXES]
    is_known = bool(bare) and all(image.name in by_stem for image in images)
    return tuple(by_stem[image.name] if is_known else image.name for image in images)


def _elements(path: Path) -> Iterator[Element]:
    """The elements below the root, one after the other; each is gone when the next comes."""
    try:
        with path.open("rb") as file:
            yield from _below_root(file, path)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise AnnotationError(f"{path}: not valid XML at line {line}, column {column + 1}; export it again") from error
    except (LookupError, ValueError) as error:  # an encoding that is none, or broken
        raise AnnotationError(f"{path}: not valid XML ({error}); export it again") from error
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _below_root(file: BinaryIO, path: Path) -> Iterator[Element]:
    depth, root = 0, None
    for event, element in ElementTree.iterparse(file, events=("start", "end")):
        if event == "start":
            root = element if root is None else root
            depth += 1
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield element
            root.clear()
    if root is None or root.tag != "annotations":
        raise AnnotationError(f"{path}: is not CVAT XML (it has no 'annotations'); choose another file")
