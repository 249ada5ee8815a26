"""The plotted track's area over time, read when it is first needed and after a change of the track. No Qt."""

import numpy as np
from numpy.typing import NDArray

from app.document.document import Document
from app.document.positions import track_areas
from app.document.records import Change


class AreaColumns:
    """Prefix sums of one track's areas, so that a paint costs pixels, not frames.

    Attributes:
        largest: px, 0 for a track that is present nowhere.
    """

    def __init__(self, frame_indices: NDArray[np.int32], areas: NDArray[np.int32]) -> None:
        self._frame_indices, self._areas = frame_indices, areas
        self._sums = np.concatenate(([0], np.cumsum(areas, dtype=np.int64)))
        self.largest = int(areas.max(initial=0))

    def row(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean area per pixel as a share of the largest, 0 where absent.

        Args:
            edges: (n + 1,) int64 as `TimelineScale.pixel_edges` gives them.

        Returns:
            (n,) float64 in [0, 1].
        """
        begins = np.searchsorted(self._frame_indices, edges[:-1])
        ends = np.searchsorted(self._frame_indices, np.maximum(edges[1:], edges[:-1] + 1))
        sums = self._sums[ends] - self._sums[begins]
        shares: NDArray[np.float64] = sums / np.maximum(ends - begins, 1) / max(1, self.largest)
        return shares

    def at(self, frame_index: int) -> int | None:
        """Area in one frame, px; None where the track is absent."""
        position = int(np.searchsorted(self._frame_indices, frame_index))
        is_there = position < len(self._frame_indices) and self._frame_indices[position] == frame_index
        return int(self._areas[position]) if is_there else None


class AreaStore:
    """Areas of one track at a time."""

    def __init__(self) -> None:
        self._document: Document | None = None
        self._video_id = self._track_id = 0
        self._columns: AreaColumns | None = None
        self._is_stale = False

    def show(self, document: Document | None, video_id: int) -> None:
        """Forget everything and serve another video."""
        self._document, self._video_id, self._track_id, self._columns = document, video_id, 0, None

    def changed(self, change: Change) -> None:
        """Note what has to be read again; nothing is read here."""
        if self._video_id in change.video_ids and self._track_id in change.track_ids:
            self._is_stale = True

    def get(self, track_id: int | None) -> AreaColumns | None:
        """The areas if they have been read; they may be older than the document until the next `load`."""
        return self._columns if track_id == self._track_id else None

    def is_missing(self, track_id: int | None) -> bool:
        """Whether `load` has something to do for this track."""
        return track_id is not None and (track_id != self._track_id or self._is_stale)

    def load(self, track_id: int) -> None:
        """Read a track."""
        assert self._document is not None
        self._columns = AreaColumns(*track_areas(self._document, self._video_id, track_id))
        self._track_id, self._is_stale = track_id, False
