"""All instances with masks of a video as columns, kept up to date change by change; questions to their evidence."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries
from app.document.records import LAST_FRAME, Change, FrameRange, Origin
from app.document.review.evidence_store import EvidenceStore, ModelEvidence

_COLUMNS = (
    "c.frame_index, c.track_id, c.instance_id, c.mask_id, c.score, c.origin, c.edited, c.run_id, c.slot,"
    " m.area, m.box_x, m.box_y, m.box_width, m.box_height"
)
_WIDTH = 14
_PIECE = 4096  # rows
_LINKED_AT, _STRANGE_AT = 2.2, -4.0  # logits that stand for "linked" and "strangers" where a run noted no similarity

Indices = NDArray[np.int64]
"""(k,) positions in the columns of `Observations`."""


class Observations:
    """Instances ordered by frame and track, n of them, with all that is known of each.

    Attributes:
        frame_count: of the video.
        frames, tracks, instances, masks: (n,) int64 ids and frame indices.
        scores: (n,) float32.
        origins: (n,) int64 values of `Origin`.
        edited: (n,) bool.
        areas: (n,) float32 in px.
        boxes: (n, 4) float32 left, top, width, height in px.
        centres: (n, 2) float32 (x, y) in px.
        sizes: (n,) float32 in px, the side of a square as large as the box.
        starts: (frame_count + 1,) int64, where each frame's instances begin.
        order: (n,) int64 positions by track and frame; `ranks` is its inverse.
        previous, following: (n,) int64 position of the same track's instance before and after, -1 for none.
        models: (n,) int64 whose vectors an instance has, -1 none.
    """

    def __init__(self, queries: Queries, video_id: int) -> None:
        self.video_id = video_id
        video = queries.video(video_id)
        self.frame_count = video.frame_count
        self.evidence = EvidenceStore()
        self._take(self._read(queries, FrameRange(0, None), None), queries)

    def update(self, queries: Queries, change: Change) -> None:
        """Read again what a change has touched."""
        frames = change.frames
        if frames is None:
            return
        tracks = change.track_ids or None
        touched = (self.frames >= frames.first) & (self.frames <= frames.end)
        if tracks is not None:
            touched &= np.isin(self.tracks, list(tracks))
        fresh = self._read(queries, frames, tracks)
        self._take(np.concatenate([self._table[~touched], fresh]), queries)

    def window(self, track_ids: Indices, frames: NDArray[np.int64], count: int, *, before: bool) -> Indices:
        """The instances of tracks that are nearest to frames, on one side.

        Args:
            track_ids: (k,).
            frames: (k,) the side "before" ends before this frame, the side "after" begins with it.
            count: of instances.
            before: which side.

        Returns:
            (k, count) positions, the nearest first; -1 where the track has no more.
        """
        first = np.searchsorted(self._keys, self._key(track_ids, frames))
        steps = -1 - np.arange(count) if before else np.arange(count)
        ranks = first[:, None] + steps[None]
        inside = (ranks >= 0) & (ranks < len(self.order))
        found = (
            np.where(inside, self.order[np.clip(ranks, 0, max(0, len(self.order) - 1))], -1) if inside.any() else ranks
        )
        found = np.where(inside, found, -1)
        same = (found >= 0) & (self.tracks[found] == track_ids[:, None]) if len(self.tracks) else inside
        return np.where(same, found, -1)

    def affinity_logits(self, earlier: Indices, later: Indices) -> NDArray[np.float32]:
        """Logits of the similarity of earlier to later instances, pair by pair; NaN where nothing can be compared."""
        return self.window_logits(earlier[:, None], later[:, None])

    def window_logits(self, earlier: Indices, later: Indices) -> NDArray[np.float32]:
        """Mean logits of the similarity of some earlier instances to some later ones.

        Args:
            earlier: (k, a) positions, -1 is left out.
            later: (k, b) positions.

        Returns:
            (k,) float32; NaN where no model saw both sides.
        """
        result = np.full(len(earlier), np.nan, np.float32)
        for index, model in enumerate(self.evidence.models):
            sides = [np.where((side >= 0) & (self.models[side] == index), side, -1) for side in (earlier, later)]
            known = (sides[0] >= 0).any(1) & (sides[1] >= 0).any(1)
            if known.any():
                queries = self._mean_vectors(model.queries, sides[0][known])
                references = self._mean_vectors(model.references, sides[1][known])
                scale, bias = self.similarities[index]
                result[known] = scale * np.einsum("ke,ke->k", queries, references) + bias
        return result

    def class_means(self, window: Indices) -> NDArray[np.float32]:
        """Mean class scores of (k, a) instances: (k, C); NaN where no model voted."""
        rows = np.where(window >= 0, self.class_rows[window], -1) if len(self.class_rows) else window
        known = rows >= 0
        scores = self.evidence.class_scores[np.where(known, rows, 0)] if len(self.evidence.class_scores) else None
        if scores is None:
            return np.full((len(window), len(self.evidence.category_ids)), np.nan, np.float32)
        total = (scores.astype(np.float32) * known[..., None]).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: NDArray[np.float32] = total / known.sum(1, dtype=np.float32)[:, None]
        return means

    def _mean_vectors(self, vectors: NDArray[np.float16], window: Indices) -> NDArray[np.float32]:
        known = window >= 0
        found = vectors[np.where(known, self.rows[window], 0)].astype(np.float32) * known[..., None]
        means: NDArray[np.float32] = found.sum(1) / known.sum(1, dtype=np.float32)[:, None]
        return means

    def _key(self, track_ids: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
        return track_ids * (self.frame_count + 1) + np.clip(frames, 0, self.frame_count)

    def _read(self, queries: Queries, frames: FrameRange, tracks: frozenset[int] | None) -> NDArray[np.float64]:
        only = "" if tracks is None else f"AND c.track_id IN ({','.join(str(int(t)) for t in sorted(tracks))})"
        # A few frames are found by frame; all else goes along the table.
        few = frames.end - frames.first < 64
        hint = "INDEXED BY cells_by_frame" if few else ""
        rows = queries.rows(
            f"SELECT {_COLUMNS} FROM cells c {hint} JOIN masks m USING (mask_id)"
            f" WHERE c.video_id = ? AND c.origin != ? AND c.frame_index BETWEEN ? AND ? {only}",
            self.video_id,
            int(Origin.BOX),
            frames.first,
            min(frames.end, LAST_FRAME),
        )
        table = np.empty((len(rows), _WIDTH))
        # In pieces: converting all rows at once would not let the window's thread run for a quarter of a second.
        for first in range(0, len(rows), _PIECE):
            part = rows[first : first + _PIECE]
            flat = np.fromiter(chain.from_iterable(part), np.float64, _WIDTH * len(part))
            table[first : first + len(part)] = flat.reshape(-1, _WIDTH)
        return table

    def _take(self, table: NDArray[np.float64], queries: Queries) -> None:
        self._table = table[np.lexsort((table[:, 1], table[:, 0]))]
        whole = self._table[:, [0, 1, 2, 3, 5, 7, 8]].astype(np.int64)
        self.frames, self.tracks, self.instances, self.masks, self.origins, run_ids, slots = (
            np.ascontiguousarray(column) for column in whole.T
        )
        self.scores = self._table[:, 4].astype(np.float32)
        self.edited = self._table[:, 6] > 0
        self.areas = self._table[:, 9].astype(np.float32)
        self.boxes = self._table[:, 10:14].astype(np.float32)
        self.centres = self.boxes[:, :2] + self.boxes[:, 2:] / 2
        self.sizes = np.sqrt(np.maximum(self.boxes[:, 2] * self.boxes[:, 3], 1)).astype(np.float32)
        self.starts = np.searchsorted(self.frames, np.arange(self.frame_count + 1))
        self._order_by_track()
        self._find_evidence(queries, run_ids, slots)

    def _order_by_track(self) -> None:
        self.order = np.lexsort((self.frames, self.tracks))
        self._keys = self._key(self.tracks[self.order], self.frames[self.order])
        self.previous, self.following = (np.full(len(self.frames), -1, np.int64) for _ in range(2))
        ahead, behind = self.order[1:], self.order[:-1]
        same = self.tracks[ahead] == self.tracks[behind]
        self.previous[ahead[same]] = behind[same]
        self.following[behind[same]] = ahead[same]

    def _find_evidence(self, queries: Queries, run_ids: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        runs = {run.run_id: run for run in queries.runs(self.video_id)}
        seen = run_ids > 0
        self.evidence.read(queries, runs, self.frame_count, np.stack([run_ids, self.frames], 1)[seen])
        self.models, self.rows, self.class_rows = self.evidence.rows(run_ids, self.frames, slots)
        self.similarities = [self._similarity(index, model) for index, model in enumerate(self.evidence.models)]

    def _similarity(self, index: int, model: ModelEvidence) -> tuple[float, float]:
        """Scale and bias of a model; guessed from its own links where its runs did not note them."""
        if model.similarity is not None:
            return model.similarity.scale, model.similarity.bias
        later = np.flatnonzero((self.models == index) & (self.previous >= 0))
        later = later[self.models[self.previous[later]] == index][:4096]
        if not len(later):
            return 1.0, 0.0
        references = model.references[self.rows[later]].astype(np.float32)
        linked = np.einsum("ke,ke->k", model.queries[self.rows[self.previous[later]]].astype(np.float32), references)
        strangers = np.einsum("ke,ke->k", model.queries[self.rows[later]].astype(np.float32), np.roll(references, 7, 0))
        high, low = float(np.median(linked)), float(np.percentile(strangers, 10))
        scale = (_LINKED_AT - _STRANGE_AT) / max(high - low, 1e-3)
        return scale, _LINKED_AT - scale * high
