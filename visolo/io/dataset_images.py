"""Where the images of a dataset JSON lie: which folders its file names may start from."""

from collections.abc import Sequence
from pathlib import Path

from visolo.errors import AnnotationError, MediaError
from visolo.io.ytvis_types import Video


def image_roots(dataset_path: Path, images: Path | None = None) -> tuple[Path, ...]:
    """Folders that a dataset's file names may start from, in the order they are tried."""
    if images is not None:
        return (images,)
    folder = dataset_path.parent
    return folder, folder / "JPEGImages", folder / dataset_path.stem / "JPEGImages", folder / "images"


def find_images(video: Video, roots: Sequence[Path]) -> tuple[Path, ...] | None:
    """The images of all frames below the first root that has the first one; None when none has it."""
    for root in roots:
        if video.file_names and (root / video.file_names[0]).is_file():
            return tuple(root / name for name in video.file_names)
    return None


def require_images(video: Video, dataset_path: Path, roots: Sequence[Path], way_out: str = "") -> tuple[Path, ...]:
    """The images of all frames of a video.

    Args:
        video: of the dataset.
        dataset_path: what to call the dataset in an error message.
        roots: folders that its file names may start from.
        way_out: what else to do than to put the images there, e.g. " or name their folder".

    Raises:
        AnnotationError: the dataset does not name them.
        MediaError: one is missing.
    """
    if not video.file_names:
        raise AnnotationError(f"{dataset_path}: video {video.video_id} has no 'file_names', so its frames are unknown")
    paths = find_images(video, roots)
    if paths is None:
        folders = " nor in ".join(str(root) for root in roots)
        raise MediaError(
            f"{dataset_path}: the image {video.file_names[0]} of video {video.video_id} is not in {folders}; "
            f"put the images there{way_out}"
        )
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None:
        raise MediaError(f"{missing}: this frame of video {video.video_id} is missing; copy it there")
    return paths
