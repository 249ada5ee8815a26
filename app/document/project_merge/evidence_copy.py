"""Runs of another project, copied with all that they computed, so that what they found is as good as found here."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.document.project_merge.plan import ProjectMerge
from app.document.queries import Queries
from app.document.transaction import Transaction

_FRAMES_AT_ONCE = 64


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
        _copy_frames(transaction, theirs, (run_id, runs[run_id]), masks)
    return Copied(runs, masks)


def _copy_frames(transaction: Transaction, theirs: Queries, run: tuple[int, int], masks: dict[int, int]) -> None:
    """Copy what a run, (id there, id here), computed; many frames at once, since a person waits."""
    connection = transaction.document.connection
    numbers = [row[0] for row in theirs.rows("SELECT run_frame_id FROM run_frames WHERE run_id = ?", run[0])]
    for first in range(0, len(numbers), _FRAMES_AT_ONCE):
        piece = ",".join(map(str, numbers[first : first + _FRAMES_AT_ONCE]))
        frames = theirs.rows(f"SELECT * FROM run_frames WHERE run_frame_id IN ({piece})")
        wanted = {row[0]: np.frombuffer(row[4], np.int64).tolist() for row in frames}
        _copy_masks(transaction, theirs, [i for ids in wanted.values() for i in ids if i not in masks], masks)
        ids: dict[int, int] = {}
        for their_id, _, frame_index, tracks, _, *arrays in frames:
            own = np.array([masks[mask_id] for mask_id in wanted[their_id]], np.int64).tobytes()
            cursor = connection.execute(
                "INSERT INTO run_frames (run_id, frame_index, run_tracks, mask_ids, scores, cell_indices, class_scores)"
                " VALUES (?,?,?,?,?,?,?)",
                (run[1], frame_index, tracks, own, *arrays),
            )
            assert cursor.lastrowid is not None
            ids[their_id] = cursor.lastrowid
        for table, columns in (("run_embeddings", 'queries, "references"'), ("run_candidates", "candidates")):
            rows = theirs.rows(f"SELECT run_frame_id, {columns} FROM {table} WHERE run_frame_id IN ({piece})")
            marks = ",?" * (columns.count(",") + 1)
            connection.executemany(f"INSERT INTO {table} VALUES (?{marks})", [(ids[row[0]], *row[1:]) for row in rows])


def _copy_masks(transaction: Transaction, theirs: Queries, wanted: Sequence[int], masks: dict[int, int]) -> None:
    connection = transaction.document.connection
    columns = "height, width, counts, area, box_x, box_y, box_width, box_height"
    # Numbered here instead of one by one by SQLite, which never gives a number twice, not even after undo.
    rows = transaction.document.rows("SELECT seq FROM sqlite_sequence WHERE name = 'masks'")
    free = int(rows[0][0]) + 1 if rows else 1
    listed = ",".join(map(str, wanted))
    found = theirs.rows(f"SELECT mask_id, {columns} FROM masks WHERE mask_id IN ({listed}) ORDER BY mask_id")
    masks |= {row[0]: free + number for number, row in enumerate(found)}
    connection.executemany(
        f"INSERT INTO masks (mask_id, entry_id, {columns}) VALUES (?,?,?,?,?,?,?,?,?,?)",
        [(masks[row[0]], transaction.entry_id, *row[1:]) for row in found],
    )
