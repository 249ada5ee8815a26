"""The tracks of a video as they were at some time, or as a results file has them: the two sides of a comparison.

run_entries(queries, video_id)                      -> [RunEntry]: the runs and where they stand in the history
revision(queries, video_id, entry_id, progress)     -> TrackSet after that entry of the history; None: now
results_file(queries, video_id, path, label_set)    -> TrackSet
track_set(queries, video_id, side, progress)        -> TrackSet of either
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document import images
from app.document.images import Cell, Value
from app.document.import_tracks import read_video_results_import
from app.document.queries import Queries
from app.document.records import Run
from app.document.seen_instances import Ids, Progress
from app.document.stored_masks import read_masks
from app.document.track_cache import best_by_category, last_joined, read_class_scores, read_joins, read_run_categories
from visolo import rle as rle_masks
from visolo.categories import LabelSet, load_label_set
from visolo.rle import Rle


class RunEntry(NamedTuple):
    """A run and the entry of the history that it is."""

    entry_id: int
    run: Run


class ResultsSide(NamedTuple):
    """A results file as one side of a comparison; its class ids are the project's where no label set is named."""

    path: Path
    label_set: str | None = None


Side = int | ResultsSide | None
"""An entry of the history, a results file, or the tracks as they are now."""


@dataclass(frozen=True, eq=False)
class TrackSet:
    """n instances of a video by frame, then track.

    Attributes:
        frames, tracks, mask_ids: (n,) int64; negative masks are in `masks`, the rest in the project.
        categories: category_id by track.
        masks: by mask id.
        scores: mean score of the instances by track.
    """

    frames: Ids
    tracks: Ids
    mask_ids: Ids
    categories: dict[int, int]
    masks: dict[int, Rle] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)

    def read_masks(self, queries: Queries, mask_ids: Iterable[int]) -> dict[int, Rle]:
        """Some of the masks."""
        wanted = sorted(set(mask_ids))
        return {i: self.masks[i] for i in wanted if i < 0} | read_masks(queries, [i for i in wanted if i >= 0])


def run_entries(queries: Queries, video_id: int) -> list[RunEntry]:
    """The runs over a video that are not undone, the oldest first."""
    runs = {run.run_id: run for run in queries.runs(video_id)}
    rows = queries.rows("SELECT run_id, entry_id FROM runs WHERE video_id = ? ORDER BY run_id", video_id)
    return [RunEntry(entry_id, runs[run_id]) for run_id, entry_id in rows if run_id in runs]


def track_set(queries: Queries, video_id: int, side: Side, progress: Progress = lambda share: None) -> TrackSet:
    """One side of a comparison, whatever it is of; see `revision` and `results_file`."""
    if not isinstance(side, ResultsSide):
        return revision(queries, video_id, side, progress)
    progress(0)
    label_set = None if side.label_set is None else load_label_set(side.label_set)
    return results_file(queries, video_id, side.path, label_set)


def revision(
    queries: Queries, video_id: int, entry_id: int | None = None, progress: Progress = lambda share: None
) -> TrackSet:
    """The tracks of a video when an entry of the history was the last one.

    Args:
        queries: of the project.
        video_id: of the video.
        entry_id: of the history; edits made while a run was on count as made after it. None: now.
        progress: told the share that is done; may raise to stop.
    """
    rows = queries.rows("SELECT * FROM cells WHERE video_id = ?", video_id)
    cells = {row[:3]: Cell._make(row) for row in rows}
    rows = queries.rows("SELECT track_id, category_id, category_set FROM tracks WHERE video_id = ?", video_id)
    facts: dict[int, tuple[Value, ...] | None] = {row[0]: row[1:] for row in rows}
    joins = read_joins(queries.rows)
    later = [] if entry_id is None else parts_after(queries, video_id, entry_id)
    for number, part_id in enumerate(later):
        progress(0.6 * number / len(later))
        ((data,),) = queries.rows("SELECT images FROM history_parts WHERE part_id = ?", part_id)
        before = images.decode(data)
        for position, cell in before.before.items():
            if cell is not None:
                cells[position] = cell
            else:
                cells.pop(position, None)
        for (table, key), (row, _) in before.rows.items():
            if table == "tracks" and key[0] == video_id:
                facts[int(key[1] or 0)] = row
            elif table == "category_details":
                joins.pop(int(key[0] or 0), None)
                if row is not None and row[-1] is not None:
                    joins[int(key[0] or 0)] = int(row[-1])
    progress(0.7)
    here = sorted((c for c in cells.values() if c.video_id == video_id), key=lambda c: (c.frame_index, c.track_id))
    frames, tracks, mask_ids = (np.array([cell[index] for cell in here], np.int64) for index in (2, 1, 4))
    return TrackSet(frames, tracks, mask_ids, _categories(queries, here, facts, joins), scores=_scores(here))


def results_file(queries: Queries, video_id: int, path: Path, label_set: LabelSet | None = None) -> TrackSet:
    """The tracks of a YouTube-VIS results file of one video; they are numbered from 1 in its order.

    Args:
        queries: of the project.
        video_id: of the video that the results are of.
        path: the JSON file.
        label_set: what its class ids mean; the project's own classes when None.

    Raises:
        AnnotationError: the file is wrong, or number or size of the masks do not fit the video.
    """
    read = read_video_results_import(queries, path, video_id, label_set).tracks
    found = [
        (frame_index, number + 1, mask)
        for number, track in enumerate(read)
        for frame_index, mask in enumerate(track.segmentations)
        if mask is not None and rle_masks.area(mask) > 0
    ]
    found.sort(key=lambda item: item[:2])
    ids = -1 - np.arange(len(found))
    return TrackSet(
        np.array([item[0] for item in found], np.int64),
        np.array([item[1] for item in found], np.int64),
        ids,
        {number + 1: track.category_id for number, track in enumerate(read)},
        dict(zip(ids.tolist(), (item[2] for item in found), strict=True)),
        {number + 1: track.score for number, track in enumerate(read)},
    )


def parts_after(queries: Queries, video_id: int, entry_id: int) -> list[int]:
    """Row images of the entries after one, in the order in which undoing takes them back."""
    rows = queries.rows(
        "SELECT part_id FROM history_parts JOIN history USING (entry_id)"
        " WHERE entry_id > ? AND NOT undone AND (video_id = ? OR video_id IS NULL)"
        " ORDER BY entry_id DESC, part_id DESC",
        entry_id,
        video_id,
    )
    return [row[0] for row in rows]


def _scores(cells: Sequence[Cell]) -> dict[int, float]:
    by_track: dict[int, list[float]] = defaultdict(list)
    for cell in cells:
        by_track[cell.track_id].append(cell.score)
    return {track_id: fmean(scores) for track_id, scores in by_track.items()}


def _categories(
    queries: Queries, cells: Sequence[Cell], facts: dict[int, tuple[Value, ...] | None], joins: dict[int, int]
) -> dict[int, int]:
    """Class of each track: the one a person chose, else the winner of the votes, else the one it began with."""
    votes: dict[int, dict[int, float]] = {}
    for run_id in sorted({cell.run_id for cell in cells if cell.run_id}):
        known = read_run_categories(queries.rows, run_id, joins)
        seen = [cell for cell in cells if cell.run_id == run_id]
        frames, slots, tracks = (np.array([cell[i] for cell in seen], np.int64) for i in (2, 9, 1))
        scores: NDArray[np.float64] = read_class_scores(queries.rows, run_id, len(known), frames, slots).astype(float)
        for track_id in np.unique(tracks).tolist():
            sums = votes.setdefault(track_id, {})
            for category_id, total in best_by_category(known, scores[tracks == track_id].sum(0)).items():
                sums[category_id] = sums.get(category_id, 0.0) + total
    found: dict[int, int] = {}
    for track_id in sorted({cell.track_id for cell in cells}):
        chosen, is_set = (facts.get(track_id) or (0, 0))[:2]
        voted = {} if is_set else votes.get(track_id, {})
        best = max(voted.items(), key=lambda item: item[1])[0] if voted else int(chosen or 0)
        found[track_id] = last_joined(best, joins)
    return found
