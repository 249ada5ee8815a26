"""Which videos of a project those of a file are: new ones, or, of clips without images, what they were cut from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from app.document.queries import Queries
from app.document.records import EditRefused, Video
from visolo.errors import AnnotationError, MediaError
from visolo.io import ytvis
from visolo.io.images import images_in_folder, is_image
from visolo.words import counted

_SAY_NOTHING = ("images", "frames", "img1")  # as CVAT and MOTChallenge call the folder in each video's


class Place(NamedTuple):
    """Where in the project a file's video is: its video, and the frame that the file's first one is."""

    video_id: int
    first: int = 0


@dataclass(frozen=True)
class PlacedVideos:
    """The videos of a file.

    Attributes:
        new: those that the project lacks.
        places: of all of them, by their ids in the file.
        notes: what is good to know, one sentence each.
    """

    new: tuple[Video, ...]
    places: Mapping[int, Place]
    notes: tuple[str, ...]


def placed_videos(queries: Queries, dataset: ytvis.Dataset, path: Path, images: Path | None) -> PlacedVideos:
    """Find a place in the project for every video of a dataset.

    Args:
        queries: of the project.
        dataset: as it was read.
        path: of its file.
        images: folder that its file names start from; None looks beside the file.

    Raises:
        AnnotationError: a clip does not fit the video that it was cut from.
        MediaError: a video's folder holds other images than the file names.
        EditRefused: a video that is no clip is in the project already.
    """
    found = _Found({(queries.path.parent / v.source).resolve(): v for v in queries.videos()})
    first_free = queries.next_video_id()
    keeps_ids = not any(v.video_id < first_free for v in dataset.videos)
    for position, item in enumerate(dataset.videos):
        found.add(item, item.video_id if keeps_ids else first_free + position, path, images)
    return PlacedVideos(tuple(found.new), found.places, found.notes())


@dataclass
class _Found:
    """What was placed so far.

    Attributes:
        by_source: the project's videos and the new ones, by the resolved path of their frames.
    """

    by_source: dict[Path, Video]
    new: list[Video] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    clip_count: int = 0

    def add(self, item: ytvis.Video, video_id: int, path: Path, images: Path | None) -> None:
        """Place one video."""
        if item.source_length:
            self._add_clip(item, video_id, path)
            return
        source = _source(item, path, images)
        if source.resolve() in self.by_source:
            raise EditRefused(f"{source}: this video is in the project already; import into a new project")
        name = _name(item, source) or path.stem
        self.new.append(Video(video_id, name, str(source), item.length, item.height, item.width))
        self.places[item.video_id] = Place(video_id)

    def _add_clip(self, item: ytvis.Video, video_id: int, path: Path) -> None:
        source = _present(Path(item.source), path).resolve()
        whole = self.by_source.get(source)
        if whole is None:
            whole = Video(video_id, source.name, str(source), item.source_length, item.height, item.width)
            self.by_source[source] = whole
            self.new.append(whole)
        if (whole.height, whole.width) != item.size or item.source_first + item.length > whole.frame_count:
            raise AnnotationError(
                f"{path}: video {item.video_id} is frames {item.source_first} to"
                f" {item.source_first + item.length - 1} of {source}, {item.width} x {item.height};"
                f" {whole.name} has {whole.frame_count} frames of {whole.width} x {whole.height}"
            )
        self.places[item.video_id] = Place(whole.video_id, item.source_first)
        self.clip_count += 1

    def notes(self) -> tuple[str, ...]:
        if not self.clip_count:
            return ()
        wholes = counted(len({place.video_id for place in self.places.values()}), "video")
        return (
            f"{counted(self.clip_count, 'clip')} of {wholes} came to the frames that they were cut from;"
            " tracks of different clips stay apart.",
        )


def _name(item: ytvis.Video, source: Path) -> str:
    """What to call a video: as the folder of its frames, or the one around where that says nothing."""
    if not item.file_names:
        return f"video {item.video_id}"
    name = Path(item.file_names[0]).parent.name
    if source.name == Path(item.file_names[0]).name:  # an image that is a video of its own
        return source.name
    return source.parent.name if name in _SAY_NOTHING else name


def _present(recorded: Path, path: Path) -> Path:
    """Where the video is that a file names: there, else beside the file; as recorded when it is nowhere."""
    beside = path.parent / recorded.name
    return next((place for place in (recorded, beside) if place.exists()), recorded)


def _source(video: ytvis.Video, path: Path, images: Path | None) -> Path:
    """The folder of a video's images, its one image or its video file; where the folder should be if there is none."""
    if not video.file_names:
        return (images or path.parent / "JPEGImages") / str(video.video_id)
    roots = [images] if images else [path.parent / "JPEGImages", path.parent, path.parent / path.stem / "JPEGImages"]
    folders = [root / Path(video.file_names[0]).parent for root in roots]
    # Images that are a video each may lie in one folder.
    stills = [folder / Path(video.file_names[0]).name for folder in folders if video.length == 1]
    still = next((image for image in stills if image.is_file() and _holds_others(image)), None)
    if still is not None:
        return still.resolve()
    recorded = [Path(video.source)] if video.source and Path(video.source).exists() else []
    # Exports without frames call the folder like the video, and lie beside it unless told otherwise.
    places = [*filter(Path.is_dir, folders), *filter(Path.is_file, folders), *recorded, folders[0]]
    folder = places[0].resolve()
    if folder.is_dir():
        found = [image.name for image in images_in_folder(folder)]
        named = [Path(name).name for name in video.file_names]
        if found != named:
            raise MediaError(
                f"{folder}: holds {len(found)} images, {path.name} names {len(named)} for video {video.video_id};"
                " keep exactly the named ones, in the order of their names, in the folder"
            )
    return folder


def _holds_others(image: Path) -> bool:
    return any(is_image(other) and other.name != image.name for other in image.parent.iterdir())
