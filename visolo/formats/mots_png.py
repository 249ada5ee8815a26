"""MOTS as PNGs of 16 bits: instances/<video>/<frame>.png, every pixel the id of its object."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from visolo.errors import AnnotationError
from visolo.formats import mots
from visolo.formats.exchange import Imported, Progress, part_of
from visolo.formats.frame_folders import FrameFolder, find_frame_images, frame_folders
from visolo.formats.label_maps import paint, read_video_masks, save_label_map
from visolo.formats.tracks import TrackTable
from visolo.formats.video_names import in_order
from visolo.io.ytvis import Annotation, Dataset, Video

_FOLDER = "instances"


def read_mots_png(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read PNGs of object ids.

    Args:
        path: the dataset, its folder instances, or one video.
        images: folder with a folder of images for every video; None looks in images/ beside.
        progress: hears how much is done.

    Raises:
        AnnotationError: there are no PNGs, or one is not of object ids or not of its video's size.
    """
    folders = frame_folders(path, _FOLDER)
    found = find_frame_images([images] if images else mots.images_beside(path), [folder.name for folder in folders])
    videos = []
    for position, folder in enumerate(folders):
        step = part_of(progress, position / len(folders), (position + 1) / len(folders))
        table, (height, width) = _read_video(folder, step)
        names = found.names(folder.name, [png.stem for png in folder.pngs])
        videos.append((Video(position + 1, width, height, len(names), names), table))
    return Imported(mots.mots_dataset(videos), found.root, ("MOTS names its classes by numbers only.",))


def write_mots_png(folder: Path, dataset: Dataset, progress: Progress) -> None:
    """Write instances/<video>/<frame>.png.

    Args:
        folder: an empty one.
        dataset: as `mots.carry_mots` made it.
        progress: hears how much is done.
    """
    pairs = in_order(dataset)
    for position, (video, name) in enumerate(pairs):
        tracks = [a for a in dataset.annotations if a.video_id == video.video_id]
        step = part_of(progress, position / len(pairs), (position + 1) / len(pairs))
        _write_video(folder / _FOLDER / name, video, tracks, step)


def looks_like_mots_png(path: Path) -> bool:
    """Whether a folder holds PNGs of 16 bits, or folders of them."""
    try:
        with Image.open(frame_folders(path, _FOLDER)[0].pngs[0]) as image:
            return image.mode.startswith("I")
    except (AnnotationError, OSError):
        return False


def _read_video(folder: FrameFolder, progress: Progress) -> tuple[TrackTable, tuple[int, int]]:
    table, size = TrackTable(), (0, 0)
    for frame_index, frame in enumerate(read_video_masks(folder.pngs, progress)):
        size = frame.size
        for object_id, rle in frame.masks.items():
            if object_id < 1000:
                raise AnnotationError(
                    f"{frame.png}: holds the value {object_id}; MOTS ids are class x 1000 + instance, such as 2001"
                )
            mots.add_object(table, object_id, object_id // 1000, frame_index, rle)
    return table, size


def _write_video(folder: Path, video: Video, tracks: Sequence[Annotation], progress: Progress) -> None:
    folder.mkdir(parents=True)
    ids = mots.object_ids(tracks)
    for frame_index, number in enumerate(mots.frame_numbers(video)):
        masks = [(object_id, rle) for object_id, a in ids if (rle := a.segmentations[frame_index]) is not None]
        picture = Image.fromarray(paint(masks, video.size).astype(np.uint16))
        save_label_map(picture, folder / f"{number:06d}.png")
        progress((frame_index + 1) / video.length)
