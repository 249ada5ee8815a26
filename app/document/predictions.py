"""What a model said before anyone corrected it: from the evidence of a run, an import, or a results file.

kept_predictions(queries, video_id, progress) -> Predictions | None
file_predictions(queries, path)               -> {video_id: Predictions}
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.document import images
from app.document.classes import match_categories
from app.document.queries import Queries
from app.document.records import FrameRange, Run
from app.document.revisions import revision
from app.document.seen_instances import Progress
from app.document.stored_masks import read_masks
from visolo.categories import LabelSet
from visolo.io import ytvis
from visolo.results import HIDDEN
from visolo.rle import Rle


@dataclass(frozen=True)
class PredictedTrack:
    """One predicted object: class of the project, score in [0, 1], masks by frame."""

    category_id: int
    score: float
    rles: Mapping[int, Rle]


@dataclass(frozen=True)
class Predictions:
    """What was predicted for one video.

    Attributes:
        words: where it comes from.
        frames: that it is about; beyond them nothing was predicted.
    """

    words: str
    frames: FrameRange
    tracks: tuple[PredictedTrack, ...]


def kept_predictions(queries: Queries, video_id: int, progress: Progress = lambda share: None) -> Predictions | None:
    """What the project has kept of a video's predictions: those of the run that saw most, else of the first import.

    A run that was stopped and one that went on where it ended count as one.

    Args:
        queries: of the project.
        video_id: of the video.
        progress: told the share that is done; may raise to stop.

    Returns:
        None when no model was run over the video and nothing imported to it.
    """
    runs = [run for run in queries.runs(video_id) if run.head > run.first_frame]
    if runs:
        # The first of equals: what later ones found, corrections may have led to.
        return _of_runs(queries, max(_chains(runs), key=_frame_count), progress)
    return _of_import(queries, video_id, progress)


def file_predictions(queries: Queries, path: Path, label_set: LabelSet | None = None) -> dict[int, Predictions]:
    """The predictions of a YouTube-VIS results file for those videos of the project that it speaks of.

    Args:
        queries: of the project.
        path: the file; its video ids are the project's.
        label_set: what its class ids mean; the project's own classes when None.

    Raises:
        AnnotationError: the file is wrong, of other videos, or number or size of its masks do not fit them.
    """
    videos = queries.videos()
    shapes = tuple(ytvis.Video(v.video_id, v.width, v.height, v.frame_count) for v in videos)
    known = label_set.categories if label_set is not None else queries.categories()
    entries = ytvis.read_results(path, ytvis.Dataset(shapes, tuple(known)))
    _, category_ids = match_categories(queries, known)
    tracks: dict[int, list[PredictedTrack]] = defaultdict(list)
    for entry in entries:
        rles = {index: rle for index, rle in enumerate(entry.segmentations) if rle is not None}
        tracks[entry.video_id].append(PredictedTrack(category_ids[entry.category_id], entry.score, rles))
    return {key: Predictions(path.name, FrameRange(0, None), tuple(found)) for key, found in tracks.items()}


def _chains(runs: list[Run]) -> list[list[Run]]:
    """Runs of which each goes on, with the same weights, where the one before it ended; by their first."""
    chains: list[list[Run]] = []
    for run in runs:
        before = next((c for c in chains if c[-1].head == run.first_frame and _weights(c[-1]) == _weights(run)), None)
        if before is not None and _weights(run) is not None:
            before.append(run)
        else:
            chains.append([run])
    return chains


def _weights(run: Run) -> object:
    return run.settings.get("weights_id")


def _frame_count(chain: list[Run]) -> int:
    return chain[-1].head - chain[0].first_frame


def _of_runs(queries: Queries, runs: list[Run], progress: Progress) -> Predictions:
    sums: dict[int, NDArray[np.float64]] = {}
    mask_ids: dict[int, dict[int, int]] = defaultdict(dict)
    for run in runs:
        names = _document_tracks(queries, run) if len(runs) > 1 else {}
        for frame_index, track_id, mask_id, scores in _detections(queries, run):
            name = names.get(track_id, -1 - track_id)  # one that the document never had keeps to itself
            sums[name] = sums.get(name, 0.0) + scores
            mask_ids[name][frame_index] = mask_id
    tracks = []
    for number, (name, by_frame) in enumerate(mask_ids.items()):
        progress(number / len(mask_ids))
        masks = read_masks(queries, sorted(by_frame.values()))
        mean = sums[name] / len(by_frame)
        rles = {frame_index: masks[mask_id] for frame_index, mask_id in by_frame.items()}
        tracks.append(PredictedTrack(runs[0].category_ids[int(mean.argmax())], float(mean.max()), rles))
    when = datetime.fromtimestamp(runs[0].started).strftime("%d %b %H:%M")
    words = f"{runs[0].settings.get('model', 'model')}, {when}"
    return Predictions(words, FrameRange(runs[0].first_frame, runs[-1].head - 1), tuple(tracks))


def _detections(queries: Queries, run: Run) -> Iterator[tuple[int, int, int, NDArray[np.float64]]]:
    """Frame, track as the run called it, mask and (C,) class scores of everything that a run showed."""
    rows = queries.rows(
        "SELECT frame_index, run_tracks, mask_ids, class_scores FROM run_frames WHERE run_id = ? ORDER BY frame_index",
        run.run_id,
    )
    for frame_index, tracks, ids, scores in rows:
        found = np.frombuffer(tracks, np.int32).tolist()
        table = np.frombuffer(scores, np.float16).reshape(len(found), -1).astype(np.float64) if found else ()
        for track_id, mask_id, row in zip(found, np.frombuffer(ids, np.int64).tolist(), table, strict=True):
            if track_id != HIDDEN:
                yield frame_index, track_id, mask_id, row


def _document_tracks(queries: Queries, run: Run) -> dict[int, int]:
    """Which track of the project each track of a run was put into, from what the history has of it."""
    called = {
        (frame_index, slot): track_id
        for frame_index, tracks in queries.rows(
            "SELECT frame_index, run_tracks FROM run_frames WHERE run_id = ?", run.run_id
        )
        for slot, track_id in enumerate(np.frombuffer(tracks, np.int32).tolist())
    }
    names: dict[int, int] = {}
    for (data,) in queries.rows(
        "SELECT images FROM history_parts JOIN runs USING (entry_id) WHERE run_id = ? ORDER BY part_id", run.run_id
    ):
        for cell in images.decode(data).after.values():
            if cell is not None and cell.run_id == run.run_id:
                names.setdefault(called[cell.frame_index, cell.slot], cell.track_id)
    return names


def _of_import(queries: Queries, video_id: int, progress: Progress) -> Predictions | None:
    entries = queries.rows(
        "SELECT entry_id, text FROM history WHERE NOT undone AND json_extract(edit, '$.edit') = 'ImportTracks'"
        " ORDER BY entry_id"
    )
    for entry_id, text in entries:
        found = revision(queries, video_id, entry_id, progress)
        if len(found.frames):
            masks = found.read_masks(queries, found.mask_ids.tolist())
            rles: dict[int, dict[int, Rle]] = defaultdict(dict)
            for frame_index, track_id, mask_id in zip(
                found.frames.tolist(), found.tracks.tolist(), found.mask_ids.tolist(), strict=True
            ):
                rles[track_id][frame_index] = masks[mask_id]
            tracks = (PredictedTrack(found.categories[t], found.scores[t], rles[t]) for t in sorted(rles))
            return Predictions(text.split(":")[0], FrameRange(0, None), tuple(tracks))
    return None
