"""What runs computed and the project keeps: per frame and detection, cells, class scores, q and r."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.candidates import encode_candidates
from app.document.queries import Queries
from app.document.records import Run
from visolo.inference.linking import Similarity
from visolo.results import FrameResult


@dataclass(frozen=True, eq=False)
class FrameEvidence:
    """All detections of one frame of one run, n of them, also those that were set aside, and hidden ones after these.

    Attributes:
        run_tracks: (n,) int32 track ids as the segmenter numbered them; `HIDDEN` for those that only other thresholds
            would show.
        mask_ids: (n,) int64 of `masks`.
        scores: (n,) float32 detection scores; 0 for hidden ones.
        cell_indices: (n,) int32 grid cells.
        class_scores: (n, C) float16.
        queries: (n, E) float16, q.
        references: (n, E) float16, r.
    """

    run_id: int
    frame_index: int
    run_tracks: NDArray[np.int32]
    mask_ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    cell_indices: NDArray[np.int32]
    class_scores: NDArray[np.float16]
    queries: NDArray[np.float16]
    references: NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class KnownTrack:
    """The latest detection of a track before some frame, enough to go on with its identity.

    Attributes:
        track_id: of the document.
        frame_index: of the detection.
        run_id: the run whose model computed it; vectors of different weights can't be compared.
        class_scores: (C,) float16.
        query: (E,) float16.
        reference: (E,) float16.
    """

    track_id: int
    frame_index: int
    run_id: int
    cell_index: int
    score: float
    class_scores: NDArray[np.float16]
    query: NDArray[np.float16]
    reference: NDArray[np.float16]


def store_evidence(queries: Queries, run_id: int, result: FrameResult, mask_ids: list[int]) -> None:
    """Keep what a run computed for a frame; inside a transaction.

    Args:
        queries: of the open project.
        run_id: of the run.
        result: of the frame.
        mask_ids: of its instances and, after those, of its hidden ones.
    """
    instances = result.instances + result.hidden
    cursor = queries.connection.execute(
        "INSERT INTO run_frames (run_id, frame_index, run_tracks, mask_ids, scores, cell_indices, class_scores)"
        " VALUES (?,?,?,?,?,?,?)",
        (
            run_id,
            result.frame_index,
            np.array([i.track_id for i in instances], dtype=np.int32).tobytes(),
            np.array(mask_ids, dtype=np.int64).tobytes(),
            np.array([i.score for i in instances], dtype=np.float32).tobytes(),
            np.array([i.cell_index for i in instances], dtype=np.int32).tobytes(),
            b"".join(np.asarray(i.class_scores, dtype=np.float16).tobytes() for i in instances),
        ),
    )
    queries.connection.execute(
        "INSERT INTO run_embeddings VALUES (?,?,?)",
        (
            cursor.lastrowid,
            b"".join(np.asarray(i.query, dtype=np.float16).tobytes() for i in instances),
            b"".join(np.asarray(i.reference, dtype=np.float16).tobytes() for i in instances),
        ),
    )
    if result.candidates is not None:
        packed = encode_candidates(result.candidates)
        queries.connection.execute("INSERT INTO run_candidates VALUES (?,?)", (cursor.lastrowid, packed))


def frame_evidence(queries: Queries, run_id: int, first_frame: int, last_frame: int) -> list[FrameEvidence]:
    """What a run computed for frames `first_frame` to `last_frame`, both included; missing frames are left out."""
    rows = queries.rows(
        'SELECT frame_index, run_tracks, mask_ids, scores, cell_indices, class_scores, queries, "references"'
        " FROM run_frames JOIN run_embeddings USING (run_frame_id)"
        " WHERE run_id = ? AND frame_index BETWEEN ? AND ? ORDER BY frame_index",
        run_id,
        first_frame,
        last_frame,
    )
    return [_evidence(run_id, row) for row in rows]


def instance_slots(queries: Queries, video_id: int, first_frame: int, last_frame: int) -> NDArray[np.int64]:
    """Which detection each present instance is.

    Returns:
        (n, 4) int64: frame_index, track_id, run_id, slot in that run's frame; ordered by frame. Instances that no model
        detected are left out.
    """
    rows = queries.rows(
        "SELECT frame_index, track_id, run_id, slot FROM cells"
        " WHERE video_id = ? AND frame_index BETWEEN ? AND ? AND run_id > 0 ORDER BY frame_index, track_id",
        video_id,
        first_frame,
        last_frame,
    )
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def run_similarity(run: Run) -> Similarity | None:
    """How the model of a run compares q and r; None for runs of versions that did not note it."""
    noted = run.settings.get("similarity")
    return Similarity(float(noted["scale"]), float(noted["bias"])) if isinstance(noted, dict) else None


def comparable_runs(runs: Iterable[Run], run: Run) -> set[int]:
    """Ids of those runs whose vectors can be compared with those of `run`: it and others of the same weights."""
    weights_id = run.settings.get("weights_id")
    return {run.run_id} | {r.run_id for r in runs if weights_id and r.settings.get("weights_id") == weights_id}


def detection_vectors(
    queries: Queries, run_id: int, frame_index: int
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """The q and r, (n, E) each, of the n detections of a run in a frame that it has computed."""
    ((tracks, q, r),) = queries.rows(
        'SELECT run_tracks, queries, "references" FROM run_frames JOIN run_embeddings USING (run_frame_id)'
        " WHERE run_id = ? AND frame_index = ?",
        run_id,
        frame_index,
    )
    count = len(tracks) // 4
    return _matrix(q, count), _matrix(r, count)


def known_tracks(queries: Queries, video_id: int, before_frame: int, look_back: int | None = None) -> list[KnownTrack]:
    """The tracks as they stand before a frame, with corrections, to prime a segmenter that goes on from there.

    Args:
        queries: of the project.
        video_id: of the video.
        before_frame: first frame that will be computed again.
        look_back: leave out tracks last seen more frames ago than this.

    Returns:
        One for each track, by frame and in the order of that frame's detections; tracks that no model detected in these
        frames are left out. With document ids as the segmenter's ids, `begin_run` gets `{id: id}` of all of them.
    """
    first = 0 if look_back is None else max(0, before_frame - look_back)
    rows = queries.rows(
        "SELECT track_id, max(frame_index), run_id, slot FROM cells"
        " WHERE video_id = ? AND frame_index < ? AND run_id > 0 GROUP BY track_id ORDER BY 2, 4",
        video_id,
        before_frame,
    )
    return [_known(queries, row) for row in rows if row[1] >= first]


def _known(queries: Queries, row: tuple[int, int, int, int]) -> KnownTrack:
    track_id, frame_index, run_id, slot = row
    (evidence,) = frame_evidence(queries, run_id, frame_index, frame_index)
    return KnownTrack(
        track_id,
        frame_index,
        run_id,
        int(evidence.cell_indices[slot]),
        float(evidence.scores[slot]),
        evidence.class_scores[slot],
        evidence.queries[slot],
        evidence.references[slot],
    )


def _evidence(run_id: int, row: tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes]) -> FrameEvidence:
    frame_index, tracks, masks, scores, cells, classes, queries, references = row
    count = len(tracks) // 4
    return FrameEvidence(
        run_id,
        frame_index,
        np.frombuffer(tracks, np.int32),
        np.frombuffer(masks, np.int64),
        np.frombuffer(scores, np.float32),
        np.frombuffer(cells, np.int32),
        _matrix(classes, count),
        _matrix(queries, count),
        _matrix(references, count),
    )


def _matrix(data: bytes, rows: int) -> NDArray[np.float16]:
    return np.frombuffer(data, np.float16).reshape(rows, -1) if rows else np.zeros((0, 0), np.float16)
