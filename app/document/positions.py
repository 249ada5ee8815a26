"""Where instances are and how large, as columns: for plots and trails, which need no masks."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries


def track_areas(queries: Queries, video_id: int, track_id: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Area of a track by frame.

    Returns:
        (n,) int32 frame indices, increasing, and (n,) int32 px.
    """
    rows = queries.rows(
        "SELECT frame_index, area FROM cells JOIN masks USING (mask_id) WHERE video_id = ? AND track_id = ?"
        " ORDER BY frame_index",
        video_id,
        track_id,
    )
    table = np.fromiter(chain.from_iterable(rows), np.int32, 2 * len(rows)).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def frame_centres(queries: Queries, video_id: int, frame_index: int) -> dict[int, tuple[float, float]]:
    """Middle of every instance's box in a frame: (x, y) in px by track id."""
    rows = queries.rows(
        "SELECT c.track_id, m.box_x + m.box_width / 2.0, m.box_y + m.box_height / 2.0"
        " FROM cells c INDEXED BY cells_by_frame JOIN masks m USING (mask_id)"
        " WHERE c.video_id = ? AND c.frame_index = ?",
        video_id,
        frame_index,
    )
    return {track_id: (x, y) for track_id, x, y in rows}
