"""The instances of a video that one model detected, with the vectors that association compares."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.document.evidence import comparable_runs, run_similarity
from app.document.queries import Queries
from app.document.records import EditRefused, Run
from app.document.thresholds import rules_in_effect
from visolo.config import InferenceConfig
from visolo.inference.linking import Similarity

Progress = Callable[[float], object]
"""Told the share that is done, 0 to 1, every now and then; may raise to stop."""

Ids = NDArray[np.int64]

_FEW_FRAMES = 256  # where looking up by frame is quicker than reading tracks


@dataclass(frozen=True, eq=False)
class SeenInstances:
    """Instances of a video that one model detected, n of them, by frame and in the order of that frame's detections.

    Attributes:
        run: the latest run of the model; all that were read can be compared with its vectors.
        rules: by which the tracks were made, with the thresholds that were tried and taken since.
        first_frame: of those that were read.
        frames, tracks: (n,) int64.
        touches: (n,) int64 values of `Touch`.
        scores: (n,) float32.
        queries, references: (n, E) float16.
        others: (m, 2) int64 frame and track of the other instances there, which no or another model detected.
    """

    video_id: int
    run: Run
    rules: InferenceConfig
    first_frame: int
    frames: Ids
    tracks: Ids
    touches: Ids
    scores: NDArray[np.float32]
    queries: NDArray[np.float16]
    references: NDArray[np.float16]
    others: Ids

    @property
    def similarity(self) -> Similarity:
        """How its vectors are compared."""
        similarity = run_similarity(self.run)
        assert similarity is not None
        return similarity


def read_seen(queries: Queries, video_id: int, first_frame: int, progress: Progress) -> SeenInstances:
    """The instances from a frame on whose association can be run again.

    Raises:
        EditRefused: a run is on in the video; no model saw anything there; its run did not note how it compares.
    """
    runs = {run.run_id: run for run in queries.runs(video_id)}
    if any(run.state == "running" for run in runs.values()):
        raise EditRefused("The model is running on this video; wait for it, or stop it, before associating again")
    table = _read_cells(queries, video_id, first_frame)
    progress(0.2)
    run_ids, counts = np.unique(table["run"][table["run"] > 0], return_counts=True)
    if not len(run_ids):
        raise EditRefused(f"No model has seen anything from frame {first_frame} on; run the model first")
    alike = comparable_runs(runs.values(), runs[int(run_ids[counts.argmax()])])
    run = runs[max(alike & set(run_ids.tolist()))]
    if run_similarity(run) is None:
        raise EditRefused("An older version ran the model and did not note how it compares; run the model again")
    seen = np.isin(table["run"], list(alike))
    others = table[~seen]
    table = table[seen]
    vectors = _read_vectors(queries, table, progress)
    return SeenInstances(
        video_id,
        run,
        rules_in_effect(queries, run),
        first_frame,
        table["frame"],
        table["track"],
        table["touch"],
        table["score"].astype(np.float32),
        *vectors,
        np.stack([others["frame"], others["track"]], 1),
    )


def _read_cells(queries: Queries, video_id: int, first_frame: int) -> NDArray[Any]:
    """All instances from a frame on as a structured array, by frame, run, score and slot."""
    columns = ("frame", "track", "touch", "run", "slot")
    few = queries.video(video_id).frame_count - first_frame < _FEW_FRAMES
    rows = queries.rows(
        "SELECT frame_index, track_id, edited, run_id, slot, score FROM cells"
        f" {'INDEXED BY cells_by_frame' if few else ''} WHERE video_id = ? AND frame_index >= ?",
        video_id,
        first_frame,
    )
    values = np.fromiter(chain.from_iterable(rows), np.float64, 6 * len(rows)).reshape(-1, 6)
    values = values[np.lexsort((values[:, 4], -values[:, 5], values[:, 3], values[:, 0]))]
    table = np.empty(len(values), [*((name, np.int64) for name in columns), ("score", np.float64)])
    for index, name in enumerate((*columns, "score")):
        table[name] = values[:, index]
    return table


def _read_vectors(
    queries: Queries, table: NDArray[Any], progress: Progress
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """The q and r of the instances of `table`."""
    found: list[tuple[Ids, list[NDArray[np.float16]]]] = []
    for run_id in np.unique(table["run"]).tolist():
        rows = np.flatnonzero(table["run"] == run_id)
        frames = table["frame"][rows]
        stored = queries.rows(
            'SELECT frame_index, length(run_tracks) / 4, queries, "references" FROM run_frames'
            " JOIN run_embeddings USING (run_frame_id) WHERE run_id = ? AND frame_index BETWEEN ? AND ?"
            " ORDER BY frame_index",
            run_id,
            int(frames[0]),
            int(frames[-1]),
        )
        counts = np.array([row[1] for row in stored])
        offsets = np.cumsum(counts) - counts
        at = offsets[np.searchsorted([row[0] for row in stored], frames)] + table["slot"][rows]
        blobs = (b"".join(row[column] for row in stored) for column in (2, 3))
        found.append((rows, [np.frombuffer(b, np.float16).reshape(int(counts.sum()), -1)[at] for b in blobs]))
    progress(0.4)
    if len(found) == 1:
        return found[0][1][0], found[0][1][1]
    order = np.argsort(np.concatenate([rows for rows, _ in found]))
    queries_, references = (np.concatenate([part[kind] for _, part in found])[order] for kind in (0, 1))
    return queries_, references
