"""What the lanes of the timeline show: presence, score and edited marks per pixel, cached per track. No Qt."""

from collections import OrderedDict
from collections.abc import Iterable
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.document import Document
from app.document.records import Change, Lane, Origin

_PATCH_FRAMES = 48
_CACHED_INSTANCES = 6_000_000


class LaneRow(NamedTuple):
    """One lane at the resolution of the screen, one value per device pixel.

    Attributes:
        present: (n,) bool, the track is in at least one frame of the pixel.
        gap: (n,) bool, absent here but present before and after.
        scores: (n,) float32 mean score of these frames, 0 where absent.
        edited: (n,) bool, a person touched at least one of these instances.
        imported: (n,) bool, at least one came from a file or was interpolated.
    """

    present: NDArray[np.bool_]
    gap: NDArray[np.bool_]
    scores: NDArray[np.float32]
    edited: NDArray[np.bool_]
    imported: NDArray[np.bool_]


class LanePoint(NamedTuple):
    """One track in one frame."""

    score: float
    origin: Origin
    edited: bool


class LaneColumns:
    """Prefix sums of one track's lane: a range of frames is summed in O(log n), so a paint costs pixels, not frames."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.frame_indices = lane.frame_indices
        self._score_sums = _prefix_sums(lane.scores.astype(np.float64))
        self._edited_sums = _prefix_sums(lane.edited)
        imported = np.isin(lane.origins, (Origin.IMPORTED, Origin.INTERPOLATED, Origin.BOX))
        self._imported_sums = _prefix_sums(imported)

    def row(self, edges: NDArray[np.int64]) -> LaneRow:
        """Values per pixel.

        Args:
            edges: (n + 1,) int64 as `TimelineScale.pixel_edges` gives them.
        """
        begins = np.searchsorted(self.frame_indices, edges[:-1])
        ends = np.searchsorted(self.frame_indices, np.maximum(edges[1:], edges[:-1] + 1))
        counts = ends - begins
        sums = self._score_sums[ends] - self._score_sums[begins]
        present = counts > 0
        return LaneRow(
            present,
            ~present & (begins > 0) & (ends < len(self.frame_indices)),
            (sums / np.maximum(counts, 1)).astype(np.float32),
            self._edited_sums[ends] > self._edited_sums[begins],
            self._imported_sums[ends] > self._imported_sums[begins],
        )

    def at(self, frame_index: int) -> LanePoint | None:
        """What the track is in one frame, None where it is absent."""
        position = int(np.searchsorted(self.frame_indices, frame_index))
        if position == len(self.frame_indices) or self.frame_indices[position] != frame_index:
            return None
        lane = self.lane
        return LanePoint(float(lane.scores[position]), Origin(int(lane.origins[position])), bool(lane.edited[position]))

    def run_around(self, frame_index: int) -> tuple[int, int] | None:
        """First and last frame of the unbroken presence that holds this frame, None where the track is absent."""
        position = int(np.searchsorted(self.frame_indices, frame_index))
        if position == len(self.frame_indices) or self.frame_indices[position] != frame_index:
            return None
        breaks = np.flatnonzero(np.diff(self.frame_indices) > 1) + 1
        bounds = np.concatenate(([0], breaks, [len(self.frame_indices)]))
        run = int(np.searchsorted(bounds, position, side="right"))
        return int(self.frame_indices[bounds[run - 1]]), int(self.frame_indices[bounds[run] - 1])

    def patched(self, first: int, last: int, part: Lane) -> "LaneColumns":
        """These columns with frames first to last (inclusive) replaced by another lane's."""
        begin = int(np.searchsorted(self.frame_indices, first))
        end = int(np.searchsorted(self.frame_indices, last + 1))

        def spliced(mine: NDArray, theirs: NDArray) -> NDArray:
            return np.concatenate((mine[:begin], theirs, mine[end:])).astype(mine.dtype)

        mine = self.lane
        return LaneColumns(
            Lane(
                spliced(mine.frame_indices, part.frame_indices),
                spliced(mine.scores, part.scores),
                spliced(mine.origins, part.origins),
                spliced(mine.edited, part.edited),
            )
        )


class LaneStore:
    """Lanes of one video, read from the document when they are first needed and forgotten when a change names them.

    Reading is split over time: `load` stops after a budget, so that hundreds of long tracks never block the window.
    """

    def __init__(self) -> None:
        self._document: Document | None = None
        self._video_id = 0
        self._lanes: OrderedDict[int, LaneColumns] = OrderedDict()
        self._stale: set[int] = set()
        self._landed: dict[int, set[int]] = {}  # frame index -> tracks that changed there

    def show(self, document: Document | None, video_id: int) -> None:
        """Forget everything and serve another video."""
        self._document, self._video_id = document, video_id
        self._lanes.clear()
        self._stale.clear()
        self._landed.clear()

    def get(self, track_id: int) -> LaneColumns | None:
        """The lane if it has been read; it may be older than the document until the next `load`."""
        return self._lanes.get(track_id)

    def changed(self, change: Change) -> None:
        """Note what has to be read again; nothing is read here."""
        if self._video_id not in change.video_ids or not change.track_ids:
            return
        frames = change.frames
        is_short = frames is not None and frames.last is not None and frames.last - frames.first < _PATCH_FRAMES
        if is_short:
            assert frames is not None
            assert frames.last is not None
            for frame_index in range(frames.first, frames.last + 1):
                self._landed.setdefault(frame_index, set()).update(change.track_ids)
            if len(self._landed) <= _PATCH_FRAMES:
                return
            self._landed.clear()
        self._stale.update(change.track_ids)

    def is_missing(self, track_ids: Iterable[int]) -> bool:
        """Whether `load` has something to do for these tracks."""
        return bool(self._landed) or any(t not in self._lanes or t in self._stale for t in track_ids)

    def load(self, track_ids: Iterable[int], budget_s: float) -> bool:
        """Read what is missing or stale, these tracks in this order, until the budget is spent (at least one lane).

        Returns:
            Whether everything asked for is there now.
        """
        assert self._document is not None
        self._patch_landed()
        deadline, has_read = perf_counter() + budget_s, False
        for track_id in track_ids:
            if track_id in self._lanes and track_id not in self._stale:
                continue
            if has_read and perf_counter() > deadline:
                return False
            has_read = True
            self._lanes[track_id] = LaneColumns(self._document.lane(self._video_id, track_id))
            self._lanes.move_to_end(track_id)
            self._stale.discard(track_id)
        self._drop_oldest()
        return True

    def _patch_landed(self) -> None:
        """Replace single frames in lanes already read: a landed frame must not cost a re-read of 10k frames."""
        assert self._document is not None
        for frame_index, track_ids in self._landed.items():
            instances = {i.track_id: i for i in self._document.instances(self._video_id, frame_index)}
            for track_id in track_ids & self._lanes.keys() - self._stale:
                instance = instances.get(track_id)
                one = [] if instance is None else [instance]
                lane = Lane(
                    np.array([i.frame_index for i in one], dtype=np.int32),
                    np.array([i.score for i in one], dtype=np.float32),
                    np.array([i.origin for i in one], dtype=np.uint8),
                    np.array([i.edited for i in one], dtype=np.bool_),
                )
                self._lanes[track_id] = self._lanes[track_id].patched(frame_index, frame_index, lane)
        self._landed.clear()

    def _drop_oldest(self) -> None:
        total = sum(len(lane.frame_indices) for lane in self._lanes.values())
        while total > _CACHED_INSTANCES and len(self._lanes) > 1:
            _, dropped = self._lanes.popitem(last=False)
            total -= len(dropped.frame_indices)


def _prefix_sums(values: NDArray) -> NDArray:
    sums = np.zeros(len(values) + 1, dtype=np.float64 if values.dtype == np.float64 else np.int32)
    np.cumsum(values, out=sums[1:])
    return sums
