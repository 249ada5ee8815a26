"""Runs of another project, copied with all that they computed, so that what they found is as good as found here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.document.project_merge.plan import ProjectMerge
from app.document.queries import Queries
from app.document.transaction import Transaction


class Copied(NamedTuple):
    """Our ids by theirs."""

    runs: Mapping[int, int]
    masks: Mapping[int, int]


def copy_runs(
    transaction: Transaction, theirs: Queries, video_id: int, run_ids: Sequence[int], merge: ProjectMerge
) -> Copied:
    """Copy runs to a video of ours; they are part of the entry, and gone with it.

    Args:
        transaction: of the merge.
        theirs: the other project.
        video_id: of ours.
        run_ids: of theirs.
        merge: knows which class is which, and which masks are the same.
    """
    runs: dict[int, int] = {}
    masks: dict[int, int] = {}
    connection = transaction.document.connection
    for run_id in run_ids:
        ((first, head, state, settings, label_set, classes, set_aside),) = theirs.rows(
            "SELECT first_frame, head, state, settings, label_set, category_ids, set_aside FROM runs WHERE run_id = ?",
            run_id,
        )
        category_ids = json.dumps([merge.classes.ours[category_id] for category_id in json.loads(classes)])
        state = "stopped" if state == "running" else state
        cursor = connection.execute(
            "INSERT INTO runs (video_id, entry_id, first_frame, head, state, settings, label_set, category_ids,"
            " set_aside) VALUES (?,?,?,?,?,?,?,?,?)",
            (video_id, transaction.entry_id, first, head, state, settings, label_set, category_ids, set_aside),
        )
        assert cursor.lastrowid is not None
        runs[run_id] = cursor.lastrowid
        for frame in _frames(theirs, run_id):
            _copy_frame(transaction, theirs, runs[run_id], frame, masks)
    return Copied(runs, masks)


def _frames(theirs: Queries, run_id: int) -> Iterator[Any]:
    numbers = theirs.rows("SELECT run_frame_id FROM run_frames WHERE run_id = ? ORDER BY frame_index", run_id)
    for (run_frame_id,) in numbers:
        yield theirs.rows("SELECT * FROM run_frames WHERE run_frame_id = ?", run_frame_id)[0]


def _copy_frame(
    transaction: Transaction,
    theirs: Queries,
    run_id: int,
    frame: Any,  # noqa: ANN401 - a row
    masks: dict[int, int],
) -> None:
    connection = transaction.document.connection
    their_id, _, frame_index, tracks, mask_ids, *arrays = frame
    wanted = np.frombuffer(mask_ids, np.int64).tolist()
    _copy_masks(transaction, theirs, [mask_id for mask_id in wanted if mask_id not in masks], masks)
    own = np.array([masks[mask_id] for mask_id in wanted], np.int64).tobytes()
    cursor = connection.execute(
        "INSERT INTO run_frames (run_id, frame_index, run_tracks, mask_ids, scores, cell_indices, class_scores)"
        " VALUES (?,?,?,?,?,?,?)",
        (run_id, frame_index, tracks, own, *arrays),
    )
    for table, columns in (("run_embeddings", 'queries, "references"'), ("run_candidates", "candidates")):
        for row in theirs.rows(f"SELECT {columns} FROM {table} WHERE run_frame_id = ?", their_id):
            connection.execute(f"INSERT INTO {table} VALUES (?{',?' * len(row)})", (cursor.lastrowid, *row))


def _copy_masks(transaction: Transaction, theirs: Queries, wanted: Sequence[int], masks: dict[int, int]) -> None:
    connection = transaction.document.connection
    columns = "height, width, counts, area, box_x, box_y, box_width, box_height"
    for mask_id in wanted:
        (row,) = theirs.rows(f"SELECT {columns} FROM masks WHERE mask_id = ?", mask_id)
        cursor = connection.execute(
            f"INSERT INTO masks (entry_id, {columns}) VALUES (?,?,?,?,?,?,?,?,?)", (transaction.entry_id, *row)
        )
        assert cursor.lastrowid is not None
        masks[mask_id] = cursor.lastrowid
