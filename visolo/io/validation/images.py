"""Checking that every frame of a dataset has its image, of the right size; only headers are read."""

from collections.abc import Callable, Sequence
from pathlib import Path

from visolo.errors import MediaError
from visolo.io.validation.report import Report
from visolo.io.ytvis_types import Video


def check_images(
    videos: Sequence[Video], roots: Sequence[Path], report: Report, progress: Callable[[int], object] | None = None
) -> int:
    """Look at the image of every frame.

    Args:
        videos: of one dataset.
        roots: folders that file names may start from; the first that has a video's first image is taken for it.
        report: hears of every problem. Where not a single image is found, that is one warning.
        progress: hears how many images were looked at since the last call; may raise to stop.

    Returns:
        How many images were found.
    """
    rooted = [(video, _root_of(video, roots)) for video in videos if video.file_names]
    if rooted and all(root is None for _, root in rooted):
        total = sum(len(video.file_names) for video, _ in rooted)
        folders = " nor in ".join(str(root) for root in roots)
        report.add(
            "no-images", "videos", f"none of the {total} images was found in {folders}; name their folder with --images"
        )
        return 0
    found = 0
    for video, root in rooted:
        found += _check_video(video, root or roots[0], report)
        if progress:
            progress(len(video.file_names))
    return found


def _root_of(video: Video, roots: Sequence[Path]) -> Path | None:
    for name in video.file_names:
        root = next((root for root in roots if (root / name).is_file()), None)
        if root is not None:
            return root
    return None


def _check_video(video: Video, root: Path, report: Report) -> int:
    from visolo.io.images import image_size

    found = 0
    for frame_index, name in enumerate(video.file_names):
        path = root / name
        place = f"video {video.video_id}, frame {frame_index}"
        if not path.is_file():
            report.add("image-missing", place, f"there is no image {path}")
            continue
        found += 1
        try:
            size = image_size(path)
        except MediaError as error:
            report.add("image-missing", place, str(error))
            continue
        if video.width and size != video.size:
            problem = f"{path} is {size[1]}x{size[0]} pixels, the video {video.width}x{video.height}"
            report.add("image-size", place, problem)
    return found
