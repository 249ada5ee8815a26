"""What a YouTube-VIS file that a person opens belongs to: its own videos, a dataset file or a video beside it."""

from dataclasses import dataclass
from pathlib import Path

from app.annotation_paths import dataset_in
from app.projects import MEDIA_SUFFIXES
from app.workers.imports import ImportSource, is_results_file
from visolo.io.images import is_image


@dataclass(frozen=True)
class JsonPlan:
    """How to open a JSON file; all None when nothing that it could belong to lies beside it.

    Attributes:
        source: read this into a project of its own.
        video: open this video or image folder and import the results there.
    """

    source: ImportSource | None = None
    video: Path | None = None


def plan_for(path: Path) -> JsonPlan:
    """Look at the file and at what lies beside it.

    Raises:
        AnnotationError: it is no JSON.
        MediaError: it cannot be read.
    """
    if not is_results_file(path):
        return JsonPlan(source=ImportSource(path, is_results=False))
    media = _media_beside(path)
    # The name says more than what else lies there, such as an export of another video.
    namesake = next((m for m in media if m.stem == path.stem or path.stem.startswith(f"{m.stem}.")), None)
    if namesake is not None:
        return JsonPlan(video=namesake)
    dataset = dataset_in(path.parent)  # `path` is a list, so it is none itself
    if dataset is not None:
        return JsonPlan(source=ImportSource(path, is_results=True, dataset=dataset))
    return JsonPlan(video=media[0] if len(media) == 1 else None)


def _media_beside(path: Path) -> list[Path]:
    return [other for other in sorted(path.parent.iterdir()) if _is_media(other)]


def _is_media(path: Path) -> bool:
    if path.is_dir():
        return any(is_image(inside) for inside in path.iterdir())
    return path.suffix.lower() in MEDIA_SUFFIXES
