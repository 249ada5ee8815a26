"""From maps to results: decodes a frame, links its instances, encodes their masks, sums up tracks. No network."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visolo import rle
from visolo.config import InferenceConfig
from visolo.inference.decoding import Detections, decode_instances
from visolo.inference.linking import Embeddings, LinkConstraints, LinkState, Similarity, TrackLinker
from visolo.inference.maps import FrameMaps
from visolo.inference.resizing import resize_mask
from visolo.results import FrameResult, InstanceResult, TrackResult
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
                that association run again from the results gives the same tracks to the last.
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
        detections = decode_instances(
            maps.category_scores, maps.kernels, maps.mask_features, self._config, maps.weights
        )
        rles = [_rle_at(mask, size) for mask in detections.masks]
        if self._links_by_evidence:
            shown = np.array([index for index, mask_rle in enumerate(rles) if mask_rle is not None], dtype=np.intp)
            detections, rles = detections.take(shown), [rles[index] for index in shown]
        queries, references = (_of_cells(values, detections.cells) for values in (maps.query, maps.reference))
        kept_queries, kept_references = queries.astype(np.float16), references.astype(np.float16)
        if self._links_by_evidence:
            queries, references = kept_queries, kept_references
        instances = []
        for index, track_id in enumerate(self._linker.link(frame_index, queries, references).tolist()):
            mask_rle = rles[index]
            self._sums.setdefault(track_id, _TrackSum()).add(frame_index, detections.class_scores[index], mask_rle)
            if mask_rle is not None:  # a mask of a few pixels can vanish where the output is smaller than the input
                evidence = kept_queries[index], kept_references[index]
                instances.append(_instance(detections, index, track_id, mask_rle, evidence))
        return FrameResult(frame_index, tuple(instances))

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
    index: int,
    track_id: int,
    mask_rle: Rle,
    evidence: tuple[NDArray[np.float16], NDArray[np.float16]],
) -> InstanceResult:
    return InstanceResult(
        track_id=track_id,
        category_index=int(detections.category_indices[index]),
        score=float(detections.scores[index]),
        rle=mask_rle,
        cell_index=int(detections.cells[index]),
        class_scores=detections.class_scores[index],
        query=evidence[0],
        reference=evidence[1],
    )


def _rle_at(mask: NDArray[np.bool_], size: tuple[int, int]) -> Rle | None:
    resized = resize_mask(mask, size)
    return rle.encode(resized) if resized.any() else None


def _of_cells(values: Tensor, cells: NDArray[np.int64]) -> Embeddings:
    return values[torch.from_numpy(cells).to(values.device)].float().cpu().numpy()
