"""Every instance of a project as a line of a CSV file, for spreadsheets and scripts. Written whole or not at all."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.document.confirmation import Confirmed, accepted_videos, confirmed_content, refuse_rejected
from app.document.export import Progress
from app.document.queries import Queries, snapshot
from app.document.records import Instance, Video
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path

COLUMNS = (
    "video_id", "video", "frame_index", "time", "track", "category", "score", "box_x", "box_y", "box_width",
    "box_height", "area", "edited", "confirmed",
)  # fmt: skip


def export_tracks(document: Queries, target: Path, video_ids: Sequence[int] | None = None) -> Iterator[Progress]:
    """Write a row for each track and frame; closing the iterator early leaves nothing.

    Times are in seconds at the video's frame rate, and empty where it has none; boxes and areas in pixels; edited and
    confirmed are 1 or 0. Boxes without masks have no row.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        target: the CSV file.
        video_ids: of which videos; None for all that are not rejected.

    Yields:
        Progress after every track; the last says what was written.

    Raises:
        OutputError: there is nothing to write, what was chosen is rejected, or it cannot be written there.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries:
        chosen = accepted_videos(queries) if video_ids is None else queries.videos()
        if video_ids is not None:
            refuse_rejected(queries, video_ids)
        videos = [video for video in chosen if video_ids is None or video.video_id in video_ids]
        tracks = [(video, summary.track) for video in videos for summary in queries.tracks(video.video_id)]
        if not tracks:
            raise OutputError("There is no track to write: run the model first, or choose other videos")
        names = {category.category_id: category.name for category in queries.categories()}
        confirmed = {video.video_id: confirmed_content(queries, video.video_id) for video in videos}
        row_count = 0
        with atomic_path(target) as temporary:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                for done, (video, track) in enumerate(tracks):
                    yield Progress(done, len(tracks) + 1, f"Writing track {track.track_id} of {video.name}")
                    name = names.get(track.category_id, "")
                    for instance in queries.track_instances(video.video_id, track.track_id):
                        if instance.is_box:
                            continue
                        writer.writerow(_row(video, name, instance, confirmed[video.video_id]))
                        row_count += 1
            yield Progress(len(tracks), len(tracks) + 1, "Checking what was written")
            _check(temporary, target, row_count)
    yield Progress(len(tracks) + 1, len(tracks) + 1, f"{target}: {row_count} rows of {len(tracks)} tracks")


def _row(video: Video, category: str, instance: Instance, confirmed: Confirmed) -> tuple[object, ...]:
    index, track_id = instance.frame_index, instance.track_id
    time = f"{index / video.frame_rate:.4f}" if video.frame_rate else ""
    flags = int(instance.edited), int(confirmed.covers(track_id, index))
    score = f"{instance.score:.4f}"
    return (video.video_id, video.name, index, time, track_id, category, score, *instance.box, instance.area, *flags)


def _check(path: Path, target: Path, row_count: int) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        is_whole = tuple(next(rows)) == COLUMNS and all(len(row) == len(COLUMNS) for row in rows)
        if not is_whole or rows.line_num < row_count + 1:
            raise OutputError(f"{target}: what was written lacks rows; nothing was changed, try again")
