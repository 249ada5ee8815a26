"""What the engine hands to others: frozen CPU values, no tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visolo.inference.choosing import FrameCandidates
from visolo.rle import Rle

HIDDEN = -1
"""`InstanceResult.track_id` of what only other thresholds would show."""


@dataclass(frozen=True, eq=False)
class InstanceResult:
    """One object in one frame.

    Attributes:
        track_id: dense from 0 in order of first appearance, stable over the run.
        category_index: argmax of `class_scores`, 0-based position in the model's label set.
        score: detection score after reweighting, maskness and NMS, in [0, 1].
        rle: mask at the output size; never empty.
        cell_index: grid cell that detected it, row * columns + column.
        class_scores: (C,) float32 unweighted class scores of the cell in [0, 1].
        query: (E,) float16 q of the cell; similarity to a later frame's cell is sigmoid(q . r) (paper 4.4).
        reference: (E,) float16 r of the cell.
    """

    track_id: int
    category_index: int
    score: float
    rle: Rle
    cell_index: int
    class_scores: NDArray[np.float32]
    query: NDArray[np.float16]
    reference: NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class FrameResult:
    """All objects of one frame, best score first.

    Attributes:
        hidden: instances that other thresholds would show; their `track_id` is `HIDDEN`, their `score` 0.
        candidates: what was chosen from, for choosing again; None where that was not asked for.
    """

    frame_index: int
    instances: tuple[InstanceResult, ...]
    hidden: tuple[InstanceResult, ...] = ()
    candidates: FrameCandidates | None = None


@dataclass(frozen=True, eq=False)
class TrackResult:
    """One object over the video so far.

    Attributes:
        track_id: as in `InstanceResult`.
        category_index: argmax of the mean class scores over the frames where it was detected.
        score: that mean's maximum, in [0, 1].
        rles: mask by frame_index; frames where the object is absent are missing.
    """

    track_id: int
    category_index: int
    score: float
    rles: Mapping[int, Rle] = field(default_factory=dict)
