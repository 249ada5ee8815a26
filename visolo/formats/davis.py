"""DAVIS and YouTube-VOS: a folder of indexed PNGs for every video; classes, if any, in YouTube-VOS's meta.json.

Source: https://davischallenge.org and https://youtube-vos.org, the layout of their archives.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from visolo.errors import AnnotationError, OutputError
from visolo.formats.exchange import Carried, Imported, Progress, part_of
from visolo.formats.frame_folders import FrameFolder, find_frame_images, frame_folders, label_root
from visolo.formats.label_maps import paint, read_video_masks, save_label_map
from visolo.formats.losses import numbered_anew, without_crowds, without_empty_masks, without_overlaps
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.video_names import frame_stems, in_order
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.io.ytvis_text import JsonText
from visolo.words import counted

_FOLDER = "Annotations"
_VOID = 255
_MAX_OBJECTS = 254
_NO_CLASS = "object"

_Classes = Mapping[tuple[str, int], str]  # name of the class by video and object


def read_davis(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read indexed PNGs; objects are tracks, in the order of their numbers.

    Value 255 is void, but the object in videos that have no other, as in DAVIS 2016.

    Args:
        path: the dataset, its folder Annotations, one resolution in that, or one video.
        images: folder with a folder of images for every video; None looks in JPEGImages beside Annotations.
        progress: hears how much is done.

    Raises:
        AnnotationError: there are no PNGs, or one is not an indexed one of its video's size.
    """
    folders = frame_folders(path, _FOLDER)
    root = label_root(path, _FOLDER)
    classes = _read_classes(root)
    beside = [root.parent / "JPEGImages", root.parent.parent / "JPEGImages" / root.name]
    found = find_frame_images([images] if images else beside, [folder.name for folder in folders])
    videos, void_frames = [], 0
    for position, folder in enumerate(folders):
        step = part_of(progress, position / len(folders), (position + 1) / len(folders))
        read = _read_video(folder, classes, step)
        void_frames += read.void_frames
        names = found.names(folder.name, [png.stem for png in folder.pngs])
        height, width = read.size
        videos.append((Video(position + 1, width, height, len(names), names), read.table))
    notes = [] if classes else ["The folder names no classes (it has no meta.json), so every track is an 'object'."]
    if void_frames:
        notes.append(f"Void pixels (value 255) in {counted(void_frames, 'frame')} belong to no track.")
    return Imported(dataset_of(videos, classes=sorted(set(classes.values()))), found.root, tuple(notes))


def carry_davis(dataset: Dataset, progress: Progress) -> Carried:
    """What indexed PNGs can carry of a dataset: no overlaps, no crowds, classes of tracks only.

    Raises:
        OutputError: a video has more tracks than a PNG has indices.
    """
    carried = without_overlaps(without_empty_masks(without_crowds(Carried(dataset))), progress)
    for video_id, count in Counter(a.video_id for a in carried.dataset.annotations).items():
        if count > _MAX_OBJECTS:
            raise OutputError(
                f"video {video_id} has {count} tracks, indexed PNGs hold {_MAX_OBJECTS}; choose another format"
            )
    return numbered_anew(carried)


def write_davis(folder: Path, dataset: Dataset, progress: Progress) -> None:
    """Write Annotations/<video>/<frame>.png and meta.json.

    Args:
        folder: an empty one.
        dataset: as `carry_davis` made it.
        progress: hears how much is done.
    """
    meta: dict[str, Any] = {}
    pairs = in_order(dataset)
    for position, (video, name) in enumerate(pairs):
        tracks = [a for a in dataset.annotations if a.video_id == video.video_id]
        stems = frame_stems(video)
        step = part_of(progress, position / len(pairs), (position + 1) / len(pairs))
        _write_video(folder / _FOLDER / name, video, tracks, step)
        meta[name] = {"objects": {str(n): _object(a, stems, dataset) for n, a in enumerate(tracks, start=1)}}
    (folder / "meta.json").write_text(json.dumps({"videos": meta}, ensure_ascii=False, indent=1), encoding="utf-8")


def looks_like_davis(path: Path) -> bool:
    """Whether a folder holds PNGs of 8 bits at most, or folders of them."""
    try:
        with Image.open(frame_folders(path, _FOLDER)[0].pngs[0]) as image:
            return image.mode in ("P", "L", "1")
    except (AnnotationError, OSError):
        return False


class _ReadVideo(NamedTuple):
    table: TrackTable
    size: tuple[int, int]
    void_frames: int


def _read_video(folder: FrameFolder, classes: _Classes, progress: Progress) -> _ReadVideo:
    table, size = TrackTable(), (0, 0)
    for frame_index, frame in enumerate(read_video_masks(folder.pngs, progress)):
        size = frame.size
        for value, rle in frame.masks.items():
            table.add(value, classes.get((folder.name, value), _NO_CLASS), frame_index, rle)
    void = table.tracks.pop(_VOID) if _VOID in table.tracks and len(table.tracks) > 1 else None
    table.sort()
    return _ReadVideo(table, size, len(void.masks) if void else 0)


def _read_classes(root: Path) -> dict[tuple[str, int], str]:
    """What meta.json, beside the folder of the videos or in it, says of objects; nothing where there is none."""
    path = next((p for p in (root / "meta.json", root.parent / "meta.json") if p.is_file()), None)
    if path is None:
        return {}
    meta = JsonText(path).value()
    videos = meta.get("videos") if isinstance(meta, dict) else None
    if not isinstance(videos, dict):
        raise AnnotationError(f"{path}: has no 'videos'; take it away, or name the classes as YouTube-VOS does")
    classes = {}
    for name, video in videos.items():
        objects = video.get("objects") if isinstance(video, dict) else None
        for number, found in (objects or {}).items() if isinstance(objects or {}, dict) else ():
            category = found.get("category") if isinstance(found, dict) else None
            if not str(number).isdecimal() or not isinstance(category, str) or not category:
                raise AnnotationError(f"{path}: object {number!r} of video {name!r} has no 'category'; give it one")
            classes[name, int(number)] = category
    return classes


def _object(annotation: Annotation, stems: Sequence[str], dataset: Dataset) -> dict[str, Any]:
    frames = [stem for stem, rle in zip(stems, annotation.segmentations, strict=True) if rle is not None]
    return {"category": dataset.category_by_id[annotation.category_id].name, "frames": frames}


def _write_video(folder: Path, video: Video, tracks: Sequence[Annotation], progress: Progress) -> None:
    folder.mkdir(parents=True)
    palette = _palette()
    for frame_index, stem in enumerate(frame_stems(video)):
        masks = [(n, rle) for n, a in enumerate(tracks, start=1) if (rle := a.segmentations[frame_index]) is not None]
        picture = Image.fromarray(paint(masks, video.size).astype(np.uint8))
        picture.putpalette(palette)
        save_label_map(picture, folder / f"{stem}.png")
        progress((frame_index + 1) / video.length)


def _palette() -> list[int]:
    """Red, green and blue of 256 indices, as in PASCAL VOC and DAVIS: an index's bits go to the colours in turn."""
    colours = []
    for index in range(256):
        rgb = [0, 0, 0]
        for place in range(8):
            for channel in range(3):
                bit = index >> (3 * place + channel) & 1
                rgb[channel] |= bit << (7 - place)
        colours += rgb
    return colours
