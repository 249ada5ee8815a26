"""All that the runs of one model have kept of a video: every detection, shown or hidden, and whose instance it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.document.evidence import comparable_runs, run_similarity
from app.document.images import Cell, cells_of
from app.document.queries import Queries
from app.document.records import EditRefused, Run
from app.document.seen_instances import Ids, Progress

_CELL_COLUMNS = tuple(name for name in Cell._fields if name != "video_id")
_SCORE = _CELL_COLUMNS.index("score")


@dataclass(frozen=True)
class RunFrame:
    """Where the detections of one frame of a run lie: `first` to `first + count - 1`, in the order of slots.

    Attributes:
        candidates: bytes of what they were chosen from; None for runs that kept nothing of it.
    """

    run_id: int
    frame_index: int
    first: int
    count: int
    candidates: bytes | None


@dataclass(frozen=True, eq=False)
class KeptDetections:
    """n detections of all runs whose vectors can be compared with those of the latest one, by run, frame and slot.

    Attributes:
        runs: those runs, by id.
        run_frames: where each frame's detections are.
        frames, run_ids, slots, mask_ids: (n,) int64.
        categories: (n,) int64 category_id with the best class score.
        found_scores: (n,) float32 as the run found them; 0 for what it hid.
        queries, references: (n, E) float16.
        cells: (n, 9) float64, all columns of `Cell` but the first of those that are shown; track 0 marks the others.
        others: the instances which no or another model detected.
    """

    runs: dict[int, Run]
    run_frames: Sequence[RunFrame]
    frames: Ids
    run_ids: Ids
    slots: Ids
    mask_ids: Ids
    categories: Ids
    found_scores: NDArray[np.float32]
    queries: NDArray[np.float16]
    references: NDArray[np.float16]
    cells: NDArray[np.float64]
    others: tuple[Cell, ...]

    @property
    def latest_run(self) -> Run:
        """The one that counts where several have found something."""
        return self.runs[max(self.runs)]

    def column(self, name: str) -> Ids:
        """(n,) int64 of a column of `cells`."""
        return self.cells[:, _CELL_COLUMNS.index(name)].astype(np.int64)

    @property
    def shown_scores(self) -> NDArray[np.float32]:
        """(n,) float32 scores of the instances that are shown."""
        return self.cells[:, _SCORE].astype(np.float32)

    def shown_cells(self, rows: Ids, video_id: int) -> list[Cell]:
        """The instances of some detections that are shown, exactly as the project has them."""
        return _cells_of(self.cells[rows], video_id)

    def moved_cells(self, rows: Ids, video_id: int, track_ids: Ids, scores: NDArray[np.float32]) -> list[Cell]:
        """The same with other tracks and scores, (m,) each."""
        moved = self.cells[rows]
        moved[:, _CELL_COLUMNS.index("track_id")] = track_ids
        moved[:, _SCORE] = scores
        return _cells_of(moved, video_id)


def read_kept(queries: Queries, video_id: int, progress: Progress) -> KeptDetections:
    """All that can be shown of what the model that ran last has found.

    Raises:
        EditRefused: a run is on in the video, none has been, or it did not note how it compares.
    """
    runs = {run.run_id: run for run in queries.runs(video_id)}
    if any(run.state == "running" for run in runs.values()):
        raise EditRefused("The model is running on this video; wait for it, or stop it, before trying thresholds")
    frames_of = {run_id: _run_frames(queries, run_id) for run_id in runs}
    with_frames = [run_id for run_id, found in frames_of.items() if found]
    if not with_frames:
        raise EditRefused("No model has seen this video yet; run the model first")
    latest = runs[max(with_frames)]
    if run_similarity(latest) is None:
        raise EditRefused("An older version ran the model and did not note how it compares; run the model again")
    alike = sorted(comparable_runs(runs.values(), latest) & set(with_frames))
    progress(0.4)
    found = [(runs[run_id], row) for run_id in alike for row in frames_of[run_id]]
    cells, others = _place_cells(queries, video_id, found)
    progress(0.8)
    return _joined({run_id: runs[run_id] for run_id in alike}, found, cells, others)


def _run_frames(queries: Queries, run_id: int) -> list[Any]:
    """frame, slots, mask ids, scores, class scores, q, r, candidates of every frame of a run."""
    return queries.rows(
        'SELECT frame_index, length(run_tracks) / 4, mask_ids, scores, class_scores, queries, "references", candidates'
        " FROM run_frames JOIN run_embeddings USING (run_frame_id) LEFT JOIN run_candidates USING (run_frame_id)"
        " WHERE run_id = ? ORDER BY frame_index",
        run_id,
    )


def _place_cells(
    queries: Queries, video_id: int, found: list[tuple[Run, Any]]
) -> tuple[NDArray[np.float64], tuple[Cell, ...]]:
    """Every instance at its detection, and those that have none here."""
    rows = queries.rows(f"SELECT {', '.join(_CELL_COLUMNS)} FROM cells WHERE video_id = ?", video_id)
    width = len(_CELL_COLUMNS)
    table = np.fromiter(chain.from_iterable(rows), np.float64, width * len(rows)).reshape(-1, width)
    counts = np.array([row[1] for _, row in found], np.int64)
    firsts = np.cumsum(counts) - counts
    keys = np.array([(run.run_id << 32) + row[0] for run, row in found], np.int64)  # ascending
    run_ids, frames, slots = (
        table[:, _CELL_COLUMNS.index(name)].astype(np.int64) for name in ("run_id", "frame_index", "slot")
    )
    wanted = (run_ids << 32) + frames
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    is_here = (keys[places] == wanted) & (slots >= 0)
    cells = np.zeros((int(counts.sum()), width))
    cells[firsts[places[is_here]] + slots[is_here]] = table[is_here]
    others = tuple(Cell(video_id, *rows[index]) for index in np.flatnonzero(~is_here).tolist())
    return cells, others


def _joined(
    runs: dict[int, Run],
    found: list[tuple[Run, Any]],
    cells: NDArray[np.float64],
    others: tuple[Cell, ...],
) -> KeptDetections:
    counts = np.array([row[1] for _, row in found], np.int64)
    firsts = (np.cumsum(counts) - counts).tolist()
    total = int(counts.sum())
    categories = np.concatenate([_best_categories(run, [r[4] for x, r in found if x is run]) for run in runs.values()])
    queries, references = (
        np.frombuffer(b"".join(row[column] for _, row in found), np.float16).reshape(total, -1 if total else 0)
        for column in (5, 6)
    )
    return KeptDetections(
        runs,
        [RunFrame(run.run_id, row[0], first, row[1], row[7]) for (run, row), first in zip(found, firsts, strict=True)],
        np.repeat(np.array([row[0] for _, row in found], np.int64), counts),
        np.repeat(np.array([run.run_id for run, _ in found], np.int64), counts),
        np.arange(total) - np.repeat(firsts, counts),
        np.frombuffer(b"".join(row[2] for _, row in found), np.int64),
        categories,
        np.frombuffer(b"".join(row[3] for _, row in found), np.float32),
        queries,
        references,
        cells,
        others,
    )


def _best_categories(run: Run, class_scores: list[bytes]) -> Ids:
    """(m,) category_id with the best class score of each detection of a run."""
    scores = np.frombuffer(b"".join(class_scores), np.float16).reshape(-1, len(run.category_ids))
    return np.array(run.category_ids, np.int64)[scores.argmax(1)] if len(scores) else np.zeros(0, np.int64)


def _cells_of(table: NDArray[np.float64], video_id: int) -> list[Cell]:
    columns: list[list[Any]] = table.astype(np.int64).T.tolist()
    columns[_SCORE] = table[:, _SCORE].tolist()
    return cells_of(zip(repeat(video_id), *columns, strict=False))
