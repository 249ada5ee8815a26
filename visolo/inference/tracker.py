"""From maps to results: decodes a frame, links its instances, encodes their masks, sums up tracks. No network."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visolo import rle
from visolo.config import InferenceConfig
from visolo.inference.decoding import Detections, decode_instances, decode_with_evidence
from visolo.inference.linking import Embeddings, LinkConstraints, LinkState, Similarity, TrackLinker
from visolo.inference.maps import FrameMaps
from visolo.inference.resizing import resize_mask
from visolo.results import HIDDEN, FrameResult, InstanceResult, TrackResult
from visolo.rle import Rle


class InstanceTracker:
    """Post-processing of one video, frame by frame. Grows only by one RLE per instance and one sum per track."""

    def __init__(
        self,
        config: InferenceConfig,
        similarity: Similarity,
        constraints: LinkConstraints | None = None,
        state: LinkState | None = None,
        links_by_evidence: bool = False,
    ) -> None:
        """Start with no tracks, or go on from those of `state`.

        Args:
            config: rules from maps to tracks.
            similarity: the network's, see `visolo.inference.segmenter.model_similarity`.
            constraints: identities that are decided already; detection_index counts the decoded detections.
            state: of earlier frames.
            links_by_evidence: link only what the results show, by q and r in the half precision that they keep, so
                that association run again from the results gives the same tracks to the last; and keep what other
                thresholds would show.
        """
        self._config = config
        self._linker = TrackLinker(config, similarity, constraints, state)
        self._links_by_evidence = links_by_evidence
        self._sums: dict[int, _TrackSum] = {}

    @property
    def state(self) -> LinkState:
        """What association knows after the last frame."""
        return self._linker.state

    def step(self, frame_index: int, maps: FrameMaps, size: tuple[int, int]) -> FrameResult:
        """Instances of the next frame.

        Args:
            frame_index: greater than that of all frames before.
            maps: of this frame.
            size: (height, width) in px of the masks.
        """
        if self._links_by_evidence:
            return self._step_with_evidence(frame_index, maps, size)
        detections = decode_instances(
            maps.category_scores, maps.kernels, maps.mask_features, self._config, maps.weights
        )
        rles = [_rle_at(mask, size) for mask in detections.masks]
        queries, references = (_of_cells(values, detections.cells) for values in (maps.query, maps.reference))
        kept = queries.astype(np.float16), references.astype(np.float16)
        track_ids = self._link(frame_index, detections, rles, (queries, references))
        # A mask of a few pixels can vanish where the output is smaller than the input.
        shown = (row for row, mask_rle in enumerate(rles) if mask_rle is not None)
        return FrameResult(frame_index, tuple(_instance(detections, r, track_ids[r], rles[r], kept) for r in shown))

    def _step_with_evidence(self, frame_index: int, maps: FrameMaps, size: tuple[int, int]) -> FrameResult:
        decoded = decode_with_evidence(
            maps.category_scores, maps.kernels, maps.mask_features, self._config, maps.weights
        )
        rles = [_rle_at(mask, size) for mask in decoded.detections.masks]
        visible = np.array([row for row, mask_rle in enumerate(rles) if mask_rle is not None], dtype=np.intp)
        detections, rles = decoded.detections.take(visible), [rles[row] for row in visible]
        shown = int(np.searchsorted(visible, decoded.shown_count))
        kept = tuple(_of_cells(values, detections.cells).astype(np.float16) for values in (maps.query, maps.reference))
        linked = detections.take(np.arange(shown))
        track_ids = self._link(frame_index, linked, rles[:shown], (kept[0][:shown], kept[1][:shown]))
        track_ids += [HIDDEN] * (len(detections) - shown)
        instances = [_instance(detections, r, track_ids[r], rles[r], kept) for r in range(len(detections))]
        candidates = decoded.candidates and decoded.candidates.with_slots(visible)
        return FrameResult(frame_index, tuple(instances[:shown]), tuple(instances[shown:]), candidates)

    def _link(
        self,
        frame_index: int,
        detections: Detections,
        rles: Sequence[Rle | None],
        vectors: tuple[Embeddings, Embeddings],
    ) -> list[int]:
        """Give detections to tracks and add them up there."""
        track_ids: list[int] = self._linker.link(frame_index, *vectors).tolist()
        for row, track_id in enumerate(track_ids):
            track_sum = self._sums.setdefault(track_id, _TrackSum())
            track_sum.add(frame_index, detections.class_scores[row], rles[row])
        return track_ids

    def tracks(self) -> list[TrackResult]:
        """All tracks so far by track id, except those without any visible mask (`official_quirks` has them, too)."""
        shown = ((i, s) for i, s in sorted(self._sums.items()) if s.rles or self._config.official_quirks)
        return [_track(track_id, track_sum) for track_id, track_sum in shown]


@dataclass
class _TrackSum:
    """What the class of a track is decided on, and its masks."""

    class_scores: NDArray[np.float64] | None = None
    frame_count: int = 0
    rles: dict[int, Rle] = field(default_factory=dict)

    def add(self, frame_index: int, class_scores: NDArray[np.float32], mask_rle: Rle | None) -> None:
        if self.class_scores is None:
            self.class_scores = np.zeros(len(class_scores))
        self.class_scores += class_scores
        self.frame_count += 1
        if mask_rle is not None:
            self.rles[frame_index] = mask_rle


def _track(track_id: int, track_sum: _TrackSum) -> TrackResult:
    assert track_sum.class_scores is not None
    mean = track_sum.class_scores / track_sum.frame_count
    category_index = int(mean.argmax())
    return TrackResult(track_id, category_index, float(mean[category_index]), dict(track_sum.rles))


def _instance(
    detections: Detections,
    row: int,
    track_id: int,
    mask_rle: Rle | None,
    evidence: Sequence[NDArray[np.float16]],
) -> InstanceResult:
    assert mask_rle is not None
    return InstanceResult(
        track_id=track_id,
        category_index=int(detections.category_indices[row]),
        score=float(detections.scores[row]),
        rle=mask_rle,
        cell_index=int(detections.cells[row]),
        class_scores=detections.class_scores[row],
        query=evidence[0][row],
        reference=evidence[1][row],
    )


def _rle_at(mask: NDArray[np.bool_], size: tuple[int, int]) -> Rle | None:
    resized = resize_mask(mask, size)
    return rle.encode(resized) if resized.any() else None


def _of_cells(values: Tensor, cells: NDArray[np.int64]) -> Embeddings:
    return values[torch.from_numpy(cells).to(values.device)].float().cpu().numpy()
