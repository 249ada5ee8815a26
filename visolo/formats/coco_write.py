"""Writing COCO per frame with tracks: every frame an image, every mask an annotation, named as in CocoVID and TAO."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from visolo import rle as rle_module
from visolo.formats.exchange import Carried, Progress
from visolo.formats.losses import without_empty_masks
from visolo.formats.video_names import frame_stems, video_names
from visolo.io.label_sets import category_table
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.words import counted


def carry_coco(dataset: Dataset, progress: Progress) -> Carried:
    """All but masks without pixels and licences; frames without images are called like their video."""
    carried = without_empty_masks(Carried(dataset))
    names = video_names(dataset.videos)
    nameless = sum(not video.file_names for video in dataset.videos)
    notes = list(carried.notes)
    if nameless:
        notes.append(f"The images of {counted(nameless, 'video')} are not known; they are called <video>/00000.jpg.")
    if dataset.licenses:
        notes.append("The file's 'licenses' are left out.")
    notes.append("Tracks are numbered anew.")
    videos = tuple(replace(video, file_names=_file_names(video, names[video.video_id])) for video in dataset.videos)
    progress(1.0)
    return Carried(replace(carried.dataset, videos=videos, licenses=()), tuple(notes))


def write_coco(path: Path, dataset: Dataset, progress: Progress) -> None:
    """Write a COCO file: `tracks`, `track_id`, `frame_index` as TAO has them, and `instance_id`, `frame_id` as CocoVID.

    Args:
        path: of the file.
        dataset: as `carry_coco` made it.
        progress: hears how much is done.
    """
    names = video_names(dataset.videos)
    first_ids, next_id = {}, 1
    for video in dataset.videos:
        first_ids[video.video_id] = next_id
        next_id += video.length
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": ' + _dumps(dict(dataset.info)) + ',\n"licenses": []')
        _write_list(file, "videos", (_video_table(video, names[video.video_id]) for video in dataset.videos))
        _write_list(file, "images", (t for v in dataset.videos for t in _image_tables(v, first_ids[v.video_id])))
        _write_list(file, "categories", map(category_table, dataset.categories))
        _write_list(file, "tracks", (_track_table(track) for track in dataset.annotations))
        _write_list(file, "annotations", _annotation_tables(dataset, first_ids, progress))
        file.write("}\n")


def _file_names(video: Video, name: str) -> tuple[str, ...]:
    return video.file_names or tuple(f"{name}/{stem}.jpg" for stem in frame_stems(video))


def _video_table(video: Video, name: str) -> dict[str, Any]:
    return {"id": video.video_id, "name": name, "width": video.width, "height": video.height}


def _image_tables(video: Video, first_id: int) -> Iterator[dict[str, Any]]:
    for index, name in enumerate(video.file_names):
        yield {
            "id": first_id + index,
            "video_id": video.video_id,
            "frame_index": index,
            "frame_id": index,
            "file_name": name,
            "width": video.width,
            "height": video.height,
        }


def _track_table(track: Annotation) -> dict[str, Any]:
    return {"id": track.annotation_id, "video_id": track.video_id, "category_id": track.category_id}


def _annotation_tables(dataset: Dataset, first_ids: Mapping[int, int], progress: Progress) -> Iterator[dict[str, Any]]:
    number = 0
    for done, track in enumerate(dataset.annotations, start=1):
        for frame_index, rle in enumerate(track.segmentations):
            if rle is None:
                continue
            number += 1
            yield {
                "id": number,
                "image_id": first_ids[track.video_id] + frame_index,
                "video_id": track.video_id,
                "category_id": track.category_id,
                "track_id": track.annotation_id,
                "instance_id": track.annotation_id,
                "iscrowd": int(track.iscrowd),
                "segmentation": rle_module.to_json(rle),
                "bbox": list(track.bboxes[frame_index] or rle_module.bounding_box(rle)),
                "area": track.areas[frame_index] or rle_module.area(rle),
            }
        progress(done / len(dataset.annotations))


def _write_list(file: TextIO, name: str, tables: Iterator[dict[str, Any]]) -> None:
    file.write(f',\n"{name}": [')
    separator = "\n"
    for table in tables:
        file.write(separator + _dumps(table))
        separator = ",\n"
    file.write("]")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
