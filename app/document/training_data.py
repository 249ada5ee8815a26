"""What of a project can be trained on, as a YouTube-VIS dataset whose frames stay in the project's videos."""

from contextlib import AbstractContextManager
from pathlib import Path

from app.document.confirmation import wholly_confirmed_frames
from app.document.document import Document
from app.document.export import ExportOptions, export_dataset
from app.document.project_file import can_be_opened
from app.document.queries import Queries, snapshot


def write_training_data(project: Path, target: Path) -> str:
    """Export what can be trained on, without frames: wholly confirmed ones, or all when nothing is confirmed.

    Returns:
        What was taken, in words.

    Raises:
        OutputError: it cannot be written there, or there is no video.
        ProjectError: the project cannot be read.
    """
    with _opened(project) as queries:
        videos = queries.videos()
        confirmed = sum(int(wholly_confirmed_frames(queries, video.video_id).sum()) for video in videos)
        for _ in export_dataset(queries, ExportOptions(target, frames="confirmed" if confirmed else "all")):
            pass
    frames = f"{confirmed} confirmed frames" if confirmed else "all frames, because none is confirmed"
    return f"{project}: training on {frames}"


def _opened(project: Path) -> AbstractContextManager[Queries]:
    """A project to read from, which may be open elsewhere or read-only."""
    # Opened where that can be: it is migrated, and a single file again afterwards.
    return Document.open(project) if can_be_opened(project) else snapshot(project)
