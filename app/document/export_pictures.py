"""One video of a project to look at: frames with its tracks drawn on them, as H.264 or PNG; or indexed masks as PNG.

Like `export`: written whole or not at all, from a snapshot, on any thread.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.document.confirmation import refuse_rejected
from app.document.export import Progress
from app.document.export_images import check_fit
from app.document.queries import Queries, snapshot
from app.document.records import FrameRange, Instance, Video
from visolo.errors import OutputError
from visolo.io.atomic import atomic_folder, place_together, workplace
from visolo.io.frames import open_frames
from visolo.overlay import OverlayItem, check_overlay_path, draw_overlay, overlay_video
from visolo.palette import Rgb, class_rgb, track_rgb
from visolo.rle_box import decode_in_box
from visolo.words import counted

INDEX_FILE = "tracks.csv"
"""Beside indexed masks: which value is which track."""
_MOST_INDEXED = 255
_COMPRESSION = 2  # of 9; of video frames higher ones gain 4 % and take three times as long


@dataclass(frozen=True)
class PictureOptions:
    """What to draw and where to.

    Attributes:
        target: the video file, or the folder of pictures.
        frames: of the video; None for all.
        by_class: overlays have the colours of classes, not of tracks.
    """

    target: Path
    video_id: int
    frames: FrameRange | None = None
    by_class: bool = False


def export_overlay_video(document: Queries, options: PictureOptions) -> Iterator[Progress]:
    """Write the frames with all tracks drawn on them as an H.264 video; closing the iterator early leaves nothing.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        options: what to write.

    Yields:
        Progress after every frame; the last says what was written.

    Raises:
        ConfigError: the name ends in none of .mp4, .mkv, .mov.
        OutputError: it cannot be written there.
        MediaError: the frames cannot be read, or are of another video.
        ProjectError: the project cannot be read.
    """
    check_overlay_path(options.target)
    with snapshot(document.path) as queries:
        video, indices = _chosen(queries, options)
        looks = _looks(queries, video, options)
        with workplace(options.target) as folder, open_frames(queries.source_path(video.video_id)) as frames:
            check_fit(video, frames)
            path = folder / options.target.name
            with overlay_video(path, frames.size, video.frame_rate) as sink:
                for done, index in enumerate(indices):
                    yield Progress(done, len(indices) + 1, f"Drawing frame {index} of {video.name}")
                    sink.draw(frames[index], _items(queries.instances(video.video_id, index), looks))
            yield Progress(len(indices), len(indices) + 1, "Checking what was written")
            _check_video(path, options.target, len(indices))
            place_together({options.target: path}, folder)
    yield _finished(options.target, len(indices), "frame")


def export_overlay_images(document: Queries, options: PictureOptions) -> Iterator[Progress]:
    """Write the frames with all tracks drawn on them as PNG, to a folder of their own; as `export_overlay_video`.

    Raises:
        OutputError: the folder is not empty, or cannot be written.
        MediaError: the frames cannot be read, or are of another video.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries:
        video, indices = _chosen(queries, options)
        looks = _looks(queries, video, options)
        with atomic_folder(options.target) as folder, open_frames(queries.source_path(video.video_id)) as frames:
            check_fit(video, frames)
            for done, index in enumerate(indices):
                yield Progress(done, len(indices), f"Drawing frame {index} of {video.name}")
                drawn = draw_overlay(frames[index], _items(queries.instances(video.video_id, index), looks))
                _save(Image.fromarray(drawn), folder / f"{index:05d}.png")
    yield _finished(options.target, len(indices), "picture")


def export_mask_images(document: Queries, options: PictureOptions) -> Iterator[Progress]:
    """Write the masks as PNG with a palette, one a frame, to a folder of their own; the video itself is not needed.

    The value of a pixel is the number of its track, from 1, 0 where there is none; of masks that overlap the smaller
    one wins. Numbers are those of the tracks where these fit, else counted from 1; `INDEX_FILE` says which is which.

    Raises:
        OutputError: the video is rejected, has more tracks than values, or the folder is not empty or not writable.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries:
        video, indices = _chosen(queries, options)
        refuse_rejected(queries, [video.video_id])
        values = _values(queries, video, indices)
        palette = _palette(values)
        with atomic_folder(options.target) as folder:
            for done, index in enumerate(indices):
                yield Progress(done, len(indices), f"Writing frame {index} of {video.name}")
                pixels = _indexed(queries.instances(video.video_id, index), values, (video.height, video.width))
                image = Image.fromarray(pixels)
                image.putpalette(palette)
                _save(image, folder / f"{index:05d}.png")
            _write_index(folder / INDEX_FILE, queries, video, values)
    yield _finished(options.target, len(indices), "picture")


def _chosen(queries: Queries, options: PictureOptions) -> tuple[Video, range]:
    video = queries.video(options.video_id)
    frames = (options.frames or FrameRange(0, None)).cut(0, video.frame_count - 1)
    if frames is None:
        raise OutputError(f"{video.name}: its frames are 0 to {video.frame_count - 1}; choose some of these")
    return video, range(frames.first, frames.end + 1)


def _class_names(queries: Queries, video: Video) -> dict[int, str]:
    """Class of each track in words, by track id."""
    names = {category.category_id: category.name for category in queries.categories()}
    return {s.track.track_id: names.get(s.track.category_id, "") for s in queries.tracks(video.video_id)}


def _looks(queries: Queries, video: Video, options: PictureOptions) -> dict[int, tuple[str, Rgb | None]]:
    """Class in words, and colour where it is not the track's own, by track id."""
    colors = {c.category_id: class_rgb(c.category_id, c.color) for c in queries.categories()}
    names = _class_names(queries, video)
    tracks = [summary.track for summary in queries.tracks(video.video_id)]
    return {t.track_id: (names[t.track_id], colors.get(t.category_id) if options.by_class else None) for t in tracks}


def _items(instances: Sequence[Instance], looks: dict[int, tuple[str, Rgb | None]]) -> list[OverlayItem]:
    """As the app draws them: small ones on top."""
    placed = [(i, *looks[i.track_id]) for i in sorted(instances, key=lambda i: i.area) if not i.is_box]
    return [OverlayItem(i.track_id, name, i.rle, color) for i, name, color in placed]


def _check_video(path: Path, target: Path, frame_count: int) -> None:
    """Count the frames of what was written."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = sum(packet.size > 0 for packet in container.demux(stream))
        is_whole = found == frame_count and stream.codec_context.name == "h264"
    if not is_whole:
        raise OutputError(f"{target}: {found} of {frame_count} frames were written; nothing was changed, try again")


def _save(image: Image.Image, path: Path) -> None:
    """Write a picture and read it back."""
    image.save(path, compress_level=_COMPRESSION)
    with Image.open(path) as written:
        if written.size != image.size or written.tobytes() != image.tobytes():
            raise OutputError(f"{path.name}: what was written differs from what was drawn; nothing was changed")


def _values(queries: Queries, video: Video, indices: range) -> dict[int, int]:
    """Value in the pictures by track id, of the tracks that are in these frames."""
    lanes = {s.track.track_id: queries.lane(video.video_id, s.track.track_id) for s in queries.tracks(video.video_id)}
    here = [track_id for track_id, lane in lanes.items() if np.isin(indices, lane.frame_indices).any()]
    if len(here) > _MOST_INDEXED:
        raise OutputError(
            f"{video.name}: {len(here)} tracks are more than the {_MOST_INDEXED} values of a picture; choose fewer"
            " frames, or write a table"
        )
    return {i: i for i in here} if max(here, default=0) <= _MOST_INDEXED else {i: n for n, i in enumerate(here, 1)}


def _palette(values: dict[int, int]) -> bytes:
    """Red, green and blue of all 256 values: the colours of the tracks, black for none."""
    table = np.zeros((256, 3), np.uint8)
    for track_id, value in values.items():
        table[value] = track_rgb(track_id)
    return table.tobytes()


def _indexed(instances: Sequence[Instance], values: dict[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) values, small masks on top."""
    pixels = np.zeros(size, np.uint8)
    for instance in sorted((i for i in instances if not i.is_box), key=lambda i: -i.area):
        box, part = decode_in_box(instance.rle)
        pixels[box.y : box.y + box.height, box.x : box.x + box.width][part.astype(bool)] = values[instance.track_id]
    return pixels


def _write_index(path: Path, queries: Queries, video: Video, values: dict[int, int]) -> None:
    names = _class_names(queries, video)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("value", "track", "category"))
        writer.writerows((value, track_id, names[track_id]) for track_id, value in values.items())


def _finished(target: Path, count: int, what: str) -> Progress:
    return Progress(count, count, f"{target}: {counted(count, what)}")
