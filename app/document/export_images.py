"""The frames of an exported video as images: new JPEGs, or links to the images that the video consists of."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from app.document.export_plan import Entry, ExportOptions
from app.document.queries import Queries
from app.document.records import Video
from visolo.errors import MediaError, OutputError
from visolo.io.frame_source import FrameSource
from visolo.io.frames import open_frames
from visolo.io.images import images_in_folder

_FRAMES_PER_REPORT = 16


def write_images(queries: Queries, options: ExportOptions, entry: Entry, folder: Path) -> Iterator[int]:
    """Write or link the frames of one video of the export.

    Args:
        queries: of the project.
        options: whether to link, and the quality of JPEGs.
        entry: of the plan.
        folder: made for them.

    Yields:
        How many are done, every few frames.

    Raises:
        MediaError: they cannot be read, or are of another video.
        OutputError: links cannot be made there.
    """
    folder.mkdir(parents=True)
    source = queries.source_path(entry.video.video_id)
    if options.link_images and source.is_dir():
        return _link(source, entry, folder)
    return _encode(source, options.jpeg_quality, entry, folder)


def write_named_images(
    queries: Queries, options: ExportOptions, entry: Entry, folder: Path, stems: Sequence[str]
) -> Iterator[int]:
    """As `write_images`, with the names without suffix that a format has for the frames.

    Args:
        queries: of the project.
        options: see `write_images`.
        entry: of the plan.
        folder: may be there already, where annotations lie beside images.
        stems: of all frames.
    """
    fresh = folder.parent / f".{folder.name}"
    yield from write_images(queries, options, entry, fresh)
    folder.mkdir(exist_ok=True)
    for image, stem in zip(images_in_folder(fresh), stems, strict=True):
        image.rename(folder / f"{stem}{image.suffix}")
    fresh.rmdir()


def check_fit(video: Video, frames: FrameSource) -> None:
    """Check that open frames are those of a video.

    Raises:
        MediaError: they are fewer, or of another size.
    """
    if frames.size != (video.height, video.width) or len(frames) < video.frame_count:
        raise MediaError(
            f"{frames.path}: has {len(frames)} frames of {frames.size[1]} x {frames.size[0]}, the project expects"
            f" {video.frame_count} of {video.width} x {video.height}; point the project to the right video"
        )


def _encode(source: Path, quality: int, entry: Entry, folder: Path) -> Iterator[int]:
    with open_frames(source) as frames:
        check_fit(entry.video, frames)
        for written, index in enumerate(entry.frame_indices):
            Image.fromarray(frames[index]).save(folder / f"{index:05d}.jpg", quality=quality)
            if written % _FRAMES_PER_REPORT == 0:
                yield written


def _link(source: Path, entry: Entry, folder: Path) -> Iterator[int]:
    images = images_in_folder(source)
    if len(images) != entry.video.frame_count:
        raise MediaError(
            f"{source}: holds {len(images)} images, the project expects {entry.video.frame_count};"
            " point the project to the right folder, or write the frames as JPEG"
        )
    for written, index in enumerate(entry.frame_indices):
        try:
            os.symlink(images[index].resolve(), folder / images[index].name)
        except OSError as error:
            raise OutputError(
                f"{folder.name}: links cannot be made there ({error.strerror}); write the frames as JPEG"
            ) from error
        if written % _FRAMES_PER_REPORT == 0:
            yield written
