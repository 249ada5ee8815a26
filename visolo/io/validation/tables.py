"""Checking the videos and classes of a dataset file, and mending what needs no guess."""

from typing import Any

from visolo.errors import AnnotationError
from visolo.io.label_sets import read_category
from visolo.io.validation.report import Report
from visolo.io.ytvis_fields import Fields
from visolo.io.ytvis_masks import VideoShape
from visolo.io.ytvis_types import Video

_MERGED = "left out classes that are listed twice"
_COUNTED = "gave videos without a length that of their file names"


def check_videos(tables: list[Any], report: Report) -> list[Video]:
    """Check 'videos', mend them in place.

    Returns:
        Those with a usable id; width, height and length are 0 where the file does not say.
    """
    videos: list[Video] = []
    index_of_id: dict[int, int] = {}
    index_of_name: dict[str, int] = {}
    for index, table in enumerate(tables):
        video = _video(table, f"videos[{index}]", report)
        if video is None:
            continue
        first = index_of_id.setdefault(video.video_id, index)
        if first != index:
            report.add(
                "video-id", f"videos[{index}]", f"has the id {video.video_id} of videos[{first}]; ids must differ"
            )
            continue
        _check_names(video, index, index_of_name, report)
        videos.append(video)
    return videos


def check_categories(tables: list[Any], report: Report) -> set[int]:
    """Check 'categories', mend them in place; gives the usable ids."""
    names: dict[int, str] = {}
    repeated: list[int] = []
    for index, table in enumerate(tables):
        place = f"categories[{index}]"
        try:
            category = read_category(table, place)
        except AnnotationError as error:
            report.add("category", place, str(error))
            continue
        if category.category_id in names:
            is_same = names[category.category_id] == category.name
            problem = f"has the id {category.category_id} of a class before it; ids must differ"
            report.add("category", place, problem, _MERGED if is_same else None)
            repeated += [index] if is_same else []
            continue
        if category.name in names.values():
            report.add("category-name", place, f"is called {category.name!r} like a class before it")
        names[category.category_id] = category.name
    for index in reversed(repeated):
        del tables[index]
    return set(names)


def shapes_of(videos: list[Video]) -> dict[int, VideoShape]:
    """What masks must fit, by video id."""
    return {video.video_id: VideoShape(video.video_id, video.length, video.size) for video in videos}


def _video(table: Any, place: str, report: Report) -> Video | None:  # noqa: ANN401 - a user's file
    try:
        fields = Fields(table, place)
    except AnnotationError as error:
        report.add("structure", place, str(error))
        return None
    sizes = {key: _whole(fields, key, report) for key in ("width", "height")}
    names = table.get("file_names")
    if names is not None and not (isinstance(names, list) and all(isinstance(n, str) and n for n in names)):
        report.add("file-names", place, "'file_names' must hold one file name per frame")
        names = None
    length = _length(table, fields, len(names or ()), report)
    try:
        video_id = fields.whole("id")
    except AnnotationError as error:
        report.add("video-id", place, str(error))
        return None
    width, height = (sizes["width"], sizes["height"]) if all(sizes.values()) else (0, 0)
    return Video(video_id, width, height, length, tuple(names or ()))


def _whole(fields: Fields, key: str, report: Report) -> int:
    try:
        return fields.whole(key, minimum=1)
    except AnnotationError as error:
        report.add("video-size", fields.where, str(error))
        return 0


def _length(table: dict[str, Any], fields: Fields, name_count: int, report: Report) -> int:
    """Number of frames; 0 where the file does not say."""
    if table.get("length") is None:
        if name_count:
            report.add("video-size", fields.where, f"has no 'length', but {name_count} file names", _COUNTED)
            table["length"] = name_count
        else:
            report.add("video-size", fields.where, "has neither 'length' nor 'file_names'; one is needed")
        return name_count
    length = _whole(fields, "length", report)
    if length and name_count and length != name_count:
        problem = f"names {name_count} files, but its 'length' is {length}; both must be its frames"
        report.add("file-names", fields.where, problem)
        return 0
    return length


def _check_names(video: Video, index: int, index_of_name: dict[str, int], report: Report) -> None:
    """Check that no image is a frame of two videos, or twice of one."""
    for frame_index, name in enumerate(video.file_names):
        first = index_of_name.setdefault(name, index)
        if first != index:
            place = f"videos[{index}].file_names[{frame_index}]"
            report.add("file-names", place, f"{name} is a frame of videos[{first}], too")
            return
    if len(set(video.file_names)) != len(video.file_names):
        report.add("file-names", f"videos[{index}]", "names an image twice; every frame has its own")
