"""What of a project goes into a dataset: which videos or parts of them, under which ids and names, with which tracks.

plan_export(queries, options)              -> ExportPlan
dataset_of(queries, options, plan, part)   -> visolo.io.ytvis.Dataset, for whatever writes other formats

`export` writes YouTube-VIS files by a plan, `export_images` their frames.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from app.document.confirmation import ranges_of, refuse_rejected, rejections, wholly_confirmed_frames
from app.document.queries import Queries
from app.document.records import FrameRange, Instance, Track, Video
from visolo.categories import Category, load_label_set
from visolo.class_names import classes_by_name, counterpart
from visolo.errors import OutputError
from visolo.io import ytvis
from visolo.io.images import images_in_folder
from visolo.io.ytvis_edit import split_ids

OWN_CLASSES = "project"
ExportedFrames = Literal["all", "confirmed-videos", "confirmed-ranges"]
POLICIES: dict[ExportedFrames, str] = {
    "all": "all tracks of the chosen videos, corrected or not",
    "confirmed-videos": "wholly confirmed videos only, from the first frame to the last",
    "confirmed-ranges": "wholly confirmed frames of the chosen videos only, each range of them a video of its own",
}
_NOTHING: dict[ExportedFrames, str] = {
    "all": "There is no video to export; add one to the project or select one first",
    "confirmed-videos": "No video is wholly confirmed; confirm one to its end, or export ranges or all frames",
    "confirmed-ranges": "No frame of these videos is wholly confirmed; confirm some, or export all frames",
}
PARTS = ("train", "val")
_UNSAFE = re.compile(r"[^\w.\- ]+")


@dataclass(frozen=True)
class ExportOptions:
    """What to export and how.

    Attributes:
        target: the file, or the folder of formats that are folders; frames go to JPEGImages beside it, or into it.
        format: a name of `visolo.formats.names`; frames are written with all but results.
        video_ids: which videos, None for all.
        label_set: "project" for the project's own classes, or a shipped set such as "ytvis2021".
        unknown_classes: what happens to tracks whose class the label set lacks: the export is refused, they are
            dropped, or their classes are added to the set.
        frames: the policy, see `POLICIES`. A frame in which anything is unconfirmed is exported under "all" only.
        with_frames: also write JPEGImages/<video>/<00000>.jpg.
        link_images: of a video that is a folder of images, link to these instead of writing JPEGs.
        jpeg_quality: 1 to 95.
        validation_share: of the videos that go to a file of their own, 0 to below 1; 0 for none.
        seed: decides which these are.
    """

    target: Path
    video_ids: tuple[int, ...] | None = None
    format: str = "ytvis"
    label_set: str = OWN_CLASSES
    unknown_classes: Literal["refuse", "drop", "keep"] = "refuse"
    frames: ExportedFrames = "all"
    with_frames: bool = False
    link_images: bool = False
    jpeg_quality: int = 95
    validation_share: float = 0.0
    seed: int = 0

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files or folders that are written: one, or "-train" and "-val"."""
        if not self.validation_share:
            return (self.target,)
        return tuple(self.target.with_name(f"{self.target.stem}-{part}{self.target.suffix}") for part in PARTS)


@dataclass(frozen=True)
class Entry:
    """One video of the file: a whole video of the project, or a range of its frames.

    Attributes:
        video_id: in the file; the first range of a video keeps the video's id.
        folder: of its frames below JPEGImages.
        frames: of the video, both included.
        tracks: those that are present there.
        part: position in `ExportOptions.targets`.
    """

    video: Video
    video_id: int
    folder: str
    frames: FrameRange
    tracks: tuple[Track, ...]
    part: int = 0

    @property
    def frame_indices(self) -> range:
        """Frames of the project's video."""
        return range(self.frames.first, self.frames.end + 1)


@dataclass(frozen=True)
class ExportPlan:
    """What goes into the files.

    Attributes:
        category_ids: for each of the project's classes its id in the file.
        dropped: tracks that are left out because of their class.
    """

    categories: tuple[Category, ...]
    category_ids: dict[int, int]
    entries: tuple[Entry, ...]
    dropped: int

    def of_part(self, part: int) -> list[Entry]:
        """The videos of one file."""
        return [entry for entry in self.entries if entry.part == part]


def has_images(format_name: str) -> bool:
    """Whether frames can be written with what is exported in a format."""
    return format_name != "results"


def plan_export(queries: Queries, options: ExportOptions) -> ExportPlan:
    """Decide what is exported.

    Raises:
        OutputError: there is nothing to export, or a class is not in the label set.
        ConfigError: there is no such label set, or there are too few videos to split.
    """
    wanted = None if options.video_ids is None else set(options.video_ids)
    chosen = [v for v in queries.videos() if wanted is None or v.video_id in wanted]
    if not chosen:
        raise OutputError(_NOTHING["all"])
    refuse_rejected(queries, [video.video_id for video in chosen])
    entries = planned_entries(queries, options, chosen)
    if not entries:
        raise OutputError(_NOTHING[options.frames])
    used = {track.category_id for entry in entries for track in entry.tracks}
    categories, ids = _match_categories(queries.categories(), used, options)
    kept = tuple(_with_classes(entry, ids) for entry in entries)
    dropped = {(t.video_id, t.track_id) for entry in entries for t in entry.tracks if t.category_id not in ids}
    return ExportPlan(categories, ids, _in_parts(kept, options), len(dropped))


def planned_entries(queries: Queries, options: ExportOptions, videos: Sequence[Video]) -> list[Entry]:
    """What the policy takes of some videos, whatever the classes; of rejected ones nothing."""
    free_id = max(queries.next_video_id(), 1)
    rejected = rejections(queries)
    videos = [video for video in videos if video.video_id not in rejected]
    names = _folder_names(videos)
    entries = []
    for video in videos:
        ranges = _exported_ranges(queries, options, video)
        lanes = {
            summary.track: queries.lane(video.video_id, summary.track.track_id).masked_frames
            for summary in (queries.tracks(video.video_id) if ranges else ())
        }
        for number, frames in enumerate(ranges):
            video_id, free_id = (free_id, free_id + 1) if number else (video.video_id, free_id)
            name = names[video.video_id]
            if options.with_frames and (frames.first, frames.end) != (0, video.frame_count - 1):
                name += f"_{frames.first:05d}-{frames.end:05d}"
            tracks = tuple(t for t, lane in lanes.items() if ((lane >= frames.first) & (lane <= frames.end)).any())
            entries.append(Entry(video, video_id, name, frames, tracks))
    return entries


def dataset_of(queries: Queries, options: ExportOptions, plan: ExportPlan, part: int = 0) -> ytvis.Dataset:
    """One file of the plan as a value, with all its masks in memory."""
    annotations = tuple(annotation for annotation, _ in annotations_of(queries, plan, part))
    return dataset_without_tracks(queries, options, plan, part, annotations)


def dataset_without_tracks(
    queries: Queries,
    options: ExportOptions,
    plan: ExportPlan,
    part: int = 0,
    annotations: tuple[ytvis.Annotation, ...] = (),
) -> ytvis.Dataset:
    """All of one file but its annotations, which `annotations_of` gives one by one."""
    videos = tuple(_video(queries, options, entry) for entry in plan.of_part(part))
    return ytvis.Dataset(videos, plan.categories, annotations, _info(queries, options, plan, part))


def annotations_of(queries: Queries, plan: ExportPlan, part: int = 0) -> Iterator[tuple[ytvis.Annotation, str]]:
    """The annotations of one file, numbered from 1, each with what it is in words."""
    annotation_id = 0
    for entry in plan.of_part(part):
        for track in entry.tracks:
            annotation_id += 1
            words = f"track {track.track_id} of {entry.video.name}"
            yield _annotation(queries, plan, entry, track, annotation_id), words


def _exported_ranges(queries: Queries, options: ExportOptions, video: Video) -> list[FrameRange]:
    whole = FrameRange(0, video.frame_count - 1)
    if options.frames == "all":
        return [whole]
    confirmed = ranges_of(np.asarray(wholly_confirmed_frames(queries, video.video_id)))
    return confirmed if options.frames == "confirmed-ranges" or confirmed == [whole] else []


def _folder_names(videos: Sequence[Video]) -> dict[int, str]:
    taken: set[str] = set()
    names = {}
    for video in videos:
        base = _UNSAFE.sub("_", video.name).strip(" .") or f"video{video.video_id}"
        name = base if base.casefold() not in taken else f"{base}_{video.video_id}"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        names[video.video_id] = name
    return names


def _match_categories(
    own: Sequence[Category], used: set[int], options: ExportOptions
) -> tuple[tuple[Category, ...], dict[int, int]]:
    """Classes of the file, and for each of the project's classes its id there."""
    if options.label_set == OWN_CLASSES:
        return tuple(own), {c.category_id: c.category_id for c in own}
    categories = list(load_label_set(options.label_set).categories)
    known = classes_by_name(categories)
    ids = {c.category_id: found.category_id for c in own if (found := counterpart(c, known)) is not None}
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
            categories.append(replace(category, category_id=ids[category.category_id]))
    return tuple(categories), ids


def _with_classes(entry: Entry, category_ids: dict[int, int]) -> Entry:
    tracks = tuple(track for track in entry.tracks if track.category_id in category_ids)
    return Entry(entry.video, entry.video_id, entry.folder, entry.frames, tracks)


def _in_parts(entries: tuple[Entry, ...], options: ExportOptions) -> tuple[Entry, ...]:
    """The entries with their files: all of a video go to the same."""
    if not options.validation_share:
        return entries
    video_ids = list(dict.fromkeys(entry.video.video_id for entry in entries))
    share = options.validation_share
    _, validation = split_ids(video_ids, (1 - share, share), options.seed)
    return tuple(
        Entry(e.video, e.video_id, e.folder, e.frames, e.tracks, int(e.video.video_id in validation)) for e in entries
    )


def _video(queries: Queries, options: ExportOptions, entry: Entry) -> ytvis.Video:
    video = entry.video
    # Where whoever reads the file finds the frames.
    source = "" if options.with_frames else str(queries.source_path(video.video_id).resolve())
    names = tuple(_file_names(queries, options, entry))
    cut = (entry.frames.first, video.frame_count) if source and len(names) < video.frame_count else (0, 0)
    return ytvis.Video(entry.video_id, video.width, video.height, len(names), names, source, *cut)


def _file_names(queries: Queries, options: ExportOptions, entry: Entry) -> list[str]:
    """Names below JPEGImages: those of the video's own images when no others are written, else new ones."""
    folder = queries.source_path(entry.video.video_id)
    if (options.link_images or not options.with_frames) and folder.is_dir():
        images = images_in_folder(folder)
        if len(images) == entry.video.frame_count:
            place = entry.folder if options.with_frames else folder.name
            return [f"{place}/{images[index].name}" for index in entry.frame_indices]
    return [f"{entry.folder}/{index:05d}.jpg" for index in entry.frame_indices]


def _annotation(queries: Queries, plan: ExportPlan, entry: Entry, track: Track, annotation_id: int) -> ytvis.Annotation:
    instances = queries.track_instances(track.video_id, track.track_id)
    found: dict[int, Instance] = {
        i.frame_index: i for i in instances if i.area and not i.is_box
    }  # absent is null, never an empty mask
    present = [found.get(index) for index in entry.frame_indices]
    return ytvis.Annotation(
        annotation_id,
        entry.video_id,
        plan.category_ids[track.category_id],
        False,
        tuple(None if i is None else i.rle for i in present),
        tuple(
            None if i is None else (float(i.box.x), float(i.box.y), float(i.box.width), float(i.box.height))
            for i in present
        ),
        tuple(None if i is None else i.area for i in present),
    )


def _info(queries: Queries, options: ExportOptions, plan: ExportPlan, part: int) -> dict[str, Any]:
    video_ids = sorted({entry.video.video_id for entry in plan.of_part(part)})
    models = sorted({str(run.settings.get("model", "model")) for v in video_ids for run in queries.runs(v)})
    policy = POLICIES[options.frames]
    if plan.dropped:
        policy += f"; {plan.dropped} tracks of classes outside {options.label_set} left out"
    if options.validation_share:
        policy += f"; {PARTS[part]} part of a split by video, {options.validation_share:.0%} val, seed {options.seed}"
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
