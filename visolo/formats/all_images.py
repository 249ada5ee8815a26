"""Datasets that annotate some frames of their videos, seen as the whole videos: the other frames come without masks."""

from dataclasses import replace
from pathlib import Path

from visolo.formats.exchange import Imported
from visolo.formats.frame_folders import images_by_stem
from visolo.io.ytvis import Annotation, Video
from visolo.words import counted


def with_all_images(imported: Imported) -> Imported:
    """Every video with all the images of its folder as its frames, where these are more than the annotated ones."""
    if imported.images is None:
        return imported
    videos: list[Video] = []
    places: dict[int, dict[int, int]] = {}  # new frame index by old one, of the videos that grew
    added = 0
    for video in imported.dataset.videos:
        names = _all_names(video, imported.images)
        if len(names) > video.length:
            index_of = {name: index for index, name in enumerate(names)}
            places[video.video_id] = {old: index_of[name] for old, name in enumerate(video.file_names)}
            added += len(names) - video.length
            videos.append(replace(video, length=len(names), file_names=names))
        else:
            videos.append(video)
    lengths = {video.video_id: video.length for video in videos}

    def moved(tracks: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
        return tuple(_moved(a, places[a.video_id], lengths[a.video_id]) if a.video_id in places else a for a in tracks)

    notes = imported.notes
    if added:
        notes = (*notes, f"{counted(added, 'frame')} that the file does not annotate come without masks.")
    dataset = replace(imported.dataset, videos=tuple(videos), annotations=moved(imported.dataset.annotations))
    boxes = replace(imported.boxes, tracks=moved(imported.boxes.tracks))
    return replace(imported, dataset=dataset, notes=notes, boxes=boxes)


def _all_names(video: Video, root: Path) -> tuple[str, ...]:
    """All images of the video's one folder; those of the file where it has several, or images that are not there."""
    folders = {Path(name).parent for name in video.file_names}
    if len(folders) != 1:
        return video.file_names
    folder = folders.pop()
    names = tuple((folder / image.name).as_posix() for image in images_by_stem(root / folder).values())
    is_whole = [name for name in names if name in set(video.file_names)] == list(video.file_names)
    return names if is_whole else video.file_names


def _moved(annotation: Annotation, places: dict[int, int], length: int) -> Annotation:
    masks = {places[index]: rle for index, rle in enumerate(annotation.segmentations)}
    return Annotation.of_masks(
        annotation.annotation_id,
        annotation.video_id,
        annotation.category_id,
        tuple(masks.get(index) for index in range(length)),
        iscrowd=annotation.iscrowd,
    )
