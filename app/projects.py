"""Which project file belongs to a video or dataset that was opened, and where its media are now."""

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from app.document.document import Document
from app.document.edits import AddVideo
from app.document.records import Video
from app.session import Session
from app.settings import data_folder
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path

SUFFIX = ".visolo"
_DIGEST_LENGTH = 10
_SQLITE_MAGIC = b"SQLite format 3\x00"
MEDIA_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mts", ".m4v", ".mpg", ".mpeg", ".m1v", ".ogv",
                   ".3gp", ".gif", ".wmv", ".flv", ".png", ".jpg", ".jpeg")  # fmt: skip


class MediaFacts(NamedTuple):
    """What opening a video told about it.

    Attributes:
        source: absolute path of the file or folder.
        name: what to call it on screen.
        size: (height, width) in px.
    """

    source: Path
    name: str
    frame_count: int
    size: tuple[int, int]
    frame_rate: float | None
    pixel_aspect: float


def is_project(path: Path) -> bool:
    """Whether a path is a project file, by its suffix or by its content."""
    if path.suffix.lower() == SUFFIX:
        return True
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError:
        return False


def project_path_for(source: Path) -> Path:
    """The project file of a video, image folder or dataset: the same path for the same source, every time.

    It lies in the app's own folder, because media often are on read-only or shared disks.
    """
    absolute = source.resolve()
    digest = hashlib.sha256(str(absolute).encode()).hexdigest()[:_DIGEST_LENGTH]
    return data_folder() / "projects" / f"{absolute.stem or 'video'}-{digest}{SUFFIX}"


def project_title(path: Path) -> str:
    """What to call a project on screen: the digest in the names of the app's own ones says nothing to a person."""
    return re.sub(rf"-[0-9a-f]{{{_DIGEST_LENGTH}}}$", "", path.stem) + path.suffix


def open_or_create(path: Path) -> Document:
    """The project at a path, made when it is not there.

    Raises:
        ProjectError: it is there but cannot be opened.
        OutputError: the folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: this folder cannot be made ({error.strerror}); free its place") from error
    return Document.open(path) if path.exists() else Document.create(path)


def add_media(session: Session, media: MediaFacts) -> int | None:
    """Make sure that a video is in the open project.

    Returns:
        Its id; None when the project cannot be changed, which the session has said.
    """
    document = session.document
    assert document is not None
    for video in document.videos():
        if (document.path.parent / video.source).resolve() == media.source.resolve():
            return video.video_id
    height, width = media.size
    video = Video(
        document.next_video_id(),
        media.name,
        str(media.source.resolve()),
        media.frame_count,
        height,
        width,
        media.frame_rate,
        media.pixel_aspect,
    )
    return video.video_id if session.do(AddVideo(video)) else None


def locate_media(document: Document, video: Video) -> Path | None:
    """Where the frames of a video are now; None when they are at none of the likely places.

    Args:
        document: the project that holds it.
        video: may have been recorded on another computer or in another folder.

    Returns:
        The recorded path, else a file or folder of that name beside the project.
    """
    recorded = document.path.parent / video.source
    beside = document.path.parent / Path(video.source).name
    return next((place for place in (recorded, beside) if place.exists()), None)


def mismatch(video: Video, media: MediaFacts) -> str | None:
    """One sentence why these frames can't be the video's; None when they fit."""
    if media.frame_count != video.frame_count:
        return f"{media.source} has {media.frame_count} frames, but {video.name} has {video.frame_count}"
    if media.size != (video.height, video.width):
        height, width = media.size
        return f"{media.source} is {width} x {height}, but {video.name} is {video.width} x {video.height}"
    return None


def media_filter() -> str:
    """The file dialog's filter."""
    media = " ".join(f"*{suffix}" for suffix in MEDIA_SUFFIXES)
    return (
        f"Everything that can be opened ({media} *.json *.xml *.txt *{SUFFIX});;Videos ({media});;"
        f"Annotations (*.json *.xml *.txt);;Projects (*{SUFFIX});;All files (*)"
    )


def annotations_filter() -> str:
    """The filter of a dialog that asks for annotations."""
    return (
        "Annotations (*.json *.xml *.txt);;YouTube-VIS, COCO and BURST (*.json);;CVAT (*.xml);;MOTS (*.txt);;"
        "All files (*)"
    )


def copy_project(document: Document, target: Path) -> None:
    """Write the project as it is now to another file, whole or not at all.

    Raises:
        OutputError: it cannot be written there.
        ProjectError: the project cannot be read.
    """
    if target.resolve() == document.path.resolve():
        raise OutputError(f"{target}: this is the project that is open; choose another name")
    with atomic_path(target) as temporary, closing(sqlite3.connect(temporary)) as copy:
        try:
            document.connection.backup(copy)
        except sqlite3.Error as error:
            raise OutputError(f"{target}: writing failed ({error}); nothing was changed there") from error
