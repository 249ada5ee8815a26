"""Writing CVAT's XML 1.1 for videos: a track for every track, with a mask in every frame that it is in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from visolo.errors import OutputError
from visolo.formats.cvat_shapes import attributes_of_mask
from visolo.formats.exchange import Carried, Progress
from visolo.formats.losses import numbered_anew, without_crowds, without_empty_masks
from visolo.formats.video_names import in_order
from visolo.io.ytvis import Annotation, Dataset, Video


def carry_cvat(dataset: Dataset, progress: Progress) -> Carried:
    """All but crowds and the names of images: CVAT knows the frames of a video by their numbers."""
    carried = numbered_anew(without_empty_masks(without_crowds(Carried(dataset))))
    videos = tuple(
        replace(video, file_names=tuple(f"{name}/{index:05d}.jpg" for index in range(video.length)))
        for video, name in in_order(carried.dataset)
    )
    note = "Frames are known by their numbers: give CVAT the images of a video in the order of their names."
    progress(1.0)
    return Carried(replace(carried.dataset, videos=videos), (*carried.notes, note))


def write_cvat(path: Path, dataset: Dataset, progress: Progress) -> None:
    """Write an XML for every video into a folder, or the one video of a dataset to a file.

    Args:
        path: an empty folder, or the file.
        dataset: as `carry_cvat` made it.
        progress: hears how much is done.

    Raises:
        OutputError: a file is asked for several videos.
    """
    pairs = in_order(dataset)
    is_folder = path.is_dir()
    if not is_folder and len(pairs) > 1:
        raise OutputError(
            f"{path}: CVAT has a file for every video, the dataset has {len(pairs)}; name a folder (without .xml)"
        )
    for done, (video, name) in enumerate(pairs):
        with (path / f"{name}.xml" if is_folder else path).open("w", encoding="utf-8") as file:
            for line in _lines(video, name, dataset):
                file.write(line)
                progress(done / len(pairs))
    progress(1.0)


def _lines(video: Video, name: str, dataset: Dataset) -> Iterator[str]:
    labels = "".join(
        f"<label><name>{escape(c.name)}</name>{f'<color>{c.color}</color>' if c.color else ''}"
        "<type>mask</type><attributes></attributes></label>"
        for c in dataset.categories
    )
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>'
    yield f"<name>{escape(name)}</name><size>{video.length}</size><mode>interpolation</mode><overlap>0</overlap>"
    yield f"<start_frame>0</start_frame><stop_frame>{video.length - 1}</stop_frame><frame_filter></frame_filter>"
    yield f"<labels>{labels}</labels>"
    yield f"<original_size><width>{video.width}</width><height>{video.height}</height></original_size></task></meta>\n"
    for number, track in enumerate(a for a in dataset.annotations if a.video_id == video.video_id):
        label = quoteattr(dataset.category_by_id[track.category_id].name)
        yield f'<track id="{number}" label={label} source="manual">\n'
        yield from _shapes(track)
        yield "</track>\n"
    yield "</annotations>\n"


def _shapes(track: Annotation) -> Iterator[str]:
    """A mask for every frame, and where a track leaves, its last one again as `outside`."""
    last: Mapping[str, str] = {}
    for frame_index, rle in enumerate(track.segmentations):
        if rle is not None:
            last = attributes_of_mask(rle)
            yield _shape(frame_index, last, is_outside=False)
        elif last:
            yield _shape(frame_index, last, is_outside=True)
            last = {}


def _shape(frame_index: int, mask: Mapping[str, str], *, is_outside: bool) -> str:
    shown = " ".join(f'{name}="{value}"' for name, value in mask.items())
    return f'<mask frame="{frame_index}" keyframe="1" outside="{int(is_outside)}" occluded="0" {shown} z_order="0"/>\n'
