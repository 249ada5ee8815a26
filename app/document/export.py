"""Corrected tracks as a YouTube-VIS dataset: JSON, and the frames as images if wished. Written whole or not at all.

Reads a snapshot of its own, so it can run on any thread while people go on editing.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

import numpy as np
from PIL import Image

from app.document.confirmation import wholly_confirmed_frames
from app.document.queries import Queries, snapshot
from app.document.records import Instance, Track, Video
from visolo import rle as rle_masks
from visolo.categories import Category, folded_name, load_label_set
from visolo.errors import AnnotationError, MediaError, OutputError
from visolo.io.frames import open_frames
from visolo.io.images import images_in_folder
from visolo.io.ytvis import read_dataset

_PROJECT = "project"
_FRAMES_PER_REPORT = 16
_UNSAFE = re.compile(r"[^\w.\- ]+")


class Progress(NamedTuple):
    """How far something is: `done` of `total` steps, and what is being done."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class ExportOptions:
    """What to export and how.

    Attributes:
        target: the JSON file; frames go to JPEGImages beside it.
        video_ids: which videos, None for all.
        label_set: "project" for the project's own classes, or a shipped set such as "ytvis2021".
        unknown_classes: what happens to tracks whose class the label set lacks: the export is refused, they are
            dropped, or their classes are added to the set.
        frames: all, or "confirmed" for wholly confirmed ones only: the others are left out of the videos, and videos
            and tracks of which nothing is left out of the file.
        with_frames: also write JPEGImages/<video>/<00000>.jpg.
        jpeg_quality: 1 to 95.
    """

    target: Path
    video_ids: tuple[int, ...] | None = None
    label_set: str = _PROJECT
    unknown_classes: Literal["refuse", "drop", "keep"] = "refuse"
    frames: Literal["all", "confirmed"] = "all"
    with_frames: bool = False
    jpeg_quality: int = 95


@dataclass(frozen=True)
class _Plan:
    """What goes into the file: classes, and for each video its folder name, exported frames and tracks."""

    categories: tuple[Category, ...]
    category_ids: dict[int, int]
    videos: list[tuple[Video, str]]
    frames: dict[int, list[int]]
    tracks: dict[int, list[Track]]
    dropped: int


def export_dataset(document: Queries, options: ExportOptions) -> Iterator[Progress]:
    """Write a dataset; closing the iterator early cancels and leaves nothing behind.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        options: what to export.

    Yields:
        Progress, about once for each track and for every few frames.

    Raises:
        OutputError: it cannot be written there, a class is not in the label set, or there is nothing to export.
        MediaError: the frames of a video cannot be read.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries, _workplace(options.target) as folder:
        plan = _plan(queries, options)
        yield from _write(queries, options, plan, folder)
        _move_into_place(folder, options.target, [name for _, name in plan.videos] if options.with_frames else [])


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A temporary folder beside the target; gone afterwards, whatever happens."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.stem}-", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another folder") from error
    try:
        yield folder
    except OSError as error:
        raise OutputError(f"{target}: writing failed ({error.strerror}); nothing was changed there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plan(queries: Queries, options: ExportOptions) -> _Plan:
    wanted = None if options.video_ids is None else set(options.video_ids)
    videos = [v for v in queries.videos() if wanted is None or v.video_id in wanted]
    if not videos:
        raise OutputError("There is no video to export; add one to the project or select one first")
    frames = {v.video_id: _exported_frames(queries, options, v) for v in videos}
    videos = [v for v in videos if frames[v.video_id]]
    if not videos:
        raise OutputError("No frame of these videos is wholly confirmed; confirm some, or export all frames")
    tracks = {v.video_id: _exported_tracks(queries, v, frames[v.video_id]) for v in videos}
    used = {t.category_id for ts in tracks.values() for t in ts}
    categories, ids = _match_categories(queries.categories(), used, options)
    kept = {video_id: [t for t in ts if t.category_id in ids] for video_id, ts in tracks.items()}
    dropped = sum(map(len, tracks.values())) - sum(map(len, kept.values()))
    return _Plan(categories, ids, _with_folder_names(videos), frames, kept, dropped)


def _exported_frames(queries: Queries, options: ExportOptions, video: Video) -> list[int]:
    if options.frames == "all":
        return list(range(video.frame_count))
    frame_indices: list[int] = np.flatnonzero(wholly_confirmed_frames(queries, video.video_id)).tolist()
    return frame_indices


def _exported_tracks(queries: Queries, video: Video, frames: list[int]) -> list[Track]:
    tracks = [summary.track for summary in queries.tracks(video.video_id)]
    if len(frames) == video.frame_count:
        return tracks
    return [t for t in tracks if np.isin(frames, queries.lane(t.video_id, t.track_id).frame_indices).any()]


def _match_categories(
    own: Sequence[Category], used: set[int], options: ExportOptions
) -> tuple[tuple[Category, ...], dict[int, int]]:
    """Classes of the file, and for each of the project's classes its id there."""
    if options.label_set == _PROJECT:
        return tuple(own), {c.category_id: c.category_id for c in own}
    categories = list(load_label_set(options.label_set).categories)
    known = {folded_name(c.name): c.category_id for c in categories}
    ids = {c.category_id: known[folded_name(c.name)] for c in own if folded_name(c.name) in known}
    missing = [c for c in own if c.category_id in used and c.category_id not in ids]
    if missing and options.unknown_classes == "refuse":
        names = ", ".join(c.name for c in missing)
        raise OutputError(
            f"{options.label_set} has no class {names};"
            " rename it, leave its tracks out, or export the project's own classes"
        )
    if options.unknown_classes == "keep":
        for category in missing:
            ids[category.category_id] = max(c.category_id for c in categories) + 1
            categories.append(Category(ids[category.category_id], category.name))
    return tuple(categories), ids


def _with_folder_names(videos: Sequence[Video]) -> list[tuple[Video, str]]:
    taken: set[str] = set()
    result = []
    for video in videos:
        base = _UNSAFE.sub("_", video.name).strip(" .") or f"video{video.video_id}"
        name = base if base.casefold() not in taken else f"{base}_{video.video_id}"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        result.append((video, name))
    return result


def _write(queries: Queries, options: ExportOptions, plan: _Plan, folder: Path) -> Iterator[Progress]:
    track_count = sum(map(len, plan.tracks.values()))
    frame_count = sum(len(plan.frames[v.video_id]) for v, _ in plan.videos) if options.with_frames else 0
    total = track_count + frame_count + 1
    done = 0
    json_path = folder / options.target.name
    with json_path.open("w", encoding="utf-8") as file:
        for text in _write_json(file, queries, options, plan):
            yield Progress(done, total, text)
            done += 1
        file.flush()
        os.fsync(file.fileno())
    if options.with_frames:
        for video, name in plan.videos:
            indices = plan.frames[video.video_id]
            place = folder / "JPEGImages" / name
            for written in _write_frames(queries, video, indices, place, options.jpeg_quality):
                yield Progress(done + written, total, f"Writing frames of {video.name}")
            done += len(indices)
    yield Progress(total - 1, total, "Checking the file")
    _check(json_path, options.target, plan)
    yield Progress(total, total, "Done")


def _write_json(file: TextIO, queries: Queries, options: ExportOptions, plan: _Plan) -> Iterator[str]:
    file.write('{"info": ' + _dumps(_info(queries, options, plan)) + ',\n"licenses": []')
    _write_list(file, "videos", [_video_table(queries, options, plan, v, name) for v, name in plan.videos])
    _write_list(
        file,
        "categories",
        [{"id": c.category_id, "name": c.name, "supercategory": "object"} for c in plan.categories],
    )
    file.write(',\n"annotations": [')
    annotation_id = 0
    for video, _ in plan.videos:
        for track in plan.tracks[video.video_id]:
            yield f"Writing track {track.track_id} of {video.name}"
            annotation_id += 1
            table = {
                "id": annotation_id,
                "video_id": video.video_id,
                "category_id": plan.category_ids[track.category_id],
            }
            file.write(
                (",\n" if annotation_id > 1 else "\n") + _dumps(table | _annotation(queries, video, track, plan))
            )
    file.write("]}\n")


def _annotation(queries: Queries, video: Video, track: Track, plan: _Plan) -> dict[str, Any]:
    frames: dict[int, Instance] = {i.frame_index: i for i in queries.track_instances(video.video_id, track.track_id)}
    present = [frames.get(index) for index in plan.frames[video.video_id]]
    return {
        "iscrowd": 0,
        "height": video.height,
        "width": video.width,
        "length": len(present),
        "segmentations": [None if i is None else rle_masks.to_json(i.rle) for i in present],
        "bboxes": [None if i is None else [float(v) for v in i.box] for i in present],
        "areas": [None if i is None else i.area for i in present],
    }


def _write_list(file: TextIO, name: str, tables: Sequence[dict[str, Any]]) -> None:
    file.write(f',\n"{name}": [\n' + ",\n".join(map(_dumps, tables)) + "]")


def _info(queries: Queries, options: ExportOptions, plan: _Plan) -> dict[str, Any]:
    models = sorted(
        {str(run.settings.get("model", "model")) for v, _ in plan.videos for run in queries.runs(v.video_id)}
    )
    policy = "all tracks of the chosen videos, corrected or not"
    if options.frames == "confirmed":
        policy = "wholly confirmed frames of the chosen videos only"
    if plan.dropped:
        policy += f"; {plan.dropped} tracks of classes outside {options.label_set} left out"
    return {
        "description": "Exported from VISOLO Review",
        "version": _program_version(),
        "date_created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "models": models,
        "label_set": options.label_set,
        "policy": policy,
    }


def _program_version() -> str:
    try:
        return metadata.version("visolo-review")
    except metadata.PackageNotFoundError:
        return "unknown"


def _video_table(queries: Queries, options: ExportOptions, plan: _Plan, video: Video, name: str) -> dict[str, Any]:
    indices = plan.frames[video.video_id]
    table = {
        "id": video.video_id,
        "width": video.width,
        "height": video.height,
        "length": len(indices),
        "file_names": _file_names(queries, options, video, name, indices),
    }
    if not options.with_frames:  # where whoever reads the file finds them
        table["source"] = str(queries.source_path(video.video_id).resolve())
    return table


def _file_names(queries: Queries, options: ExportOptions, video: Video, name: str, indices: Sequence[int]) -> list[str]:
    """Names below JPEGImages: those of the video's own image folder when no frames are written, else new ones."""
    folder = queries.source_path(video.video_id)
    if not options.with_frames and folder.is_dir():
        images = images_in_folder(folder)
        if len(images) == video.frame_count:
            return [f"{folder.name}/{images[index].name}" for index in indices]
    return [f"{name}/{index:05d}.jpg" for index in indices]


def _write_frames(queries: Queries, video: Video, indices: Sequence[int], folder: Path, quality: int) -> Iterator[int]:
    folder.mkdir(parents=True)
    with open_frames(queries.source_path(video.video_id)) as frames:
        if frames.size != (video.height, video.width) or len(frames) < video.frame_count:
            raise MediaError(
                f"{frames.path}: has {len(frames)} frames of {frames.size[1]} x {frames.size[0]}, the project expects"
                f" {video.frame_count} of {video.width} x {video.height}; point the project to the right video"
            )
        for written, index in enumerate(indices):
            Image.fromarray(frames[index]).save(folder / f"{index:05d}.jpg", quality=quality)
            if written % _FRAMES_PER_REPORT == 0:
                yield written


def _check(path: Path, target: Path, plan: _Plan) -> None:
    """Read the file back before it is shown to anyone."""
    try:
        dataset = read_dataset(path)
    except AnnotationError as error:
        raise OutputError(
            f"{target}: what was written could not be read back ({error}); nothing was changed"
        ) from error
    expected = sum(map(len, plan.tracks.values()))
    if len(dataset.videos) != len(plan.videos) or len(dataset.annotations) != expected:
        raise OutputError(f"{target}: what was written lacks tracks or videos; nothing was changed, export again")


def _move_into_place(folder: Path, target: Path, names: Sequence[str]) -> None:
    """Frames first, the JSON that speaks of them last."""
    for name in names:
        place = target.parent / "JPEGImages" / name
        place.parent.mkdir(exist_ok=True)
        _replace_folder(folder / "JPEGImages" / name, place, folder / f"replaced-{name}")
    os.replace(folder / target.name, target)


def _replace_folder(new: Path, place: Path, aside: Path) -> None:
    is_replaced = place.exists()
    if is_replaced:
        os.replace(place, aside)
    try:
        os.replace(new, place)
    except OSError:
        if is_replaced:
            os.replace(aside, place)
        raise


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
