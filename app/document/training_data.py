"""What of a project can be trained on, as a YouTube-VIS dataset whose frames stay in the project's videos."""

from pathlib import Path

from app.document.confirmation import accepted_videos, wholly_confirmed_frames
from app.document.document import read_project
from app.document.exchange import ExportOptions, export_dataset


def write_training_data(project: Path, target: Path) -> str:
    """Export what can be trained on, without frames: wholly confirmed ones, or all when nothing is confirmed.

    Returns:
        What was taken, in words.

    Raises:
        OutputError: it cannot be written there, or there is no video.
        ProjectError: the project cannot be read.
    """
    with read_project(project) as queries:
        videos = accepted_videos(queries)
        confirmed = sum(int(wholly_confirmed_frames(queries, video.video_id).sum()) for video in videos)
        for _ in export_dataset(queries, ExportOptions(target, frames="confirmed-ranges" if confirmed else "all")):
            pass
    frames = f"{confirmed} confirmed frames" if confirmed else "all frames, because none is confirmed"
    return f"{project}: training on {frames}"
