"""How much each signal counts, in one table.

Confidence is the logistic function of a weighted sum. A feature that is unknown (no evidence: imported tracks, runs of
different weights) counts as its usual value, so that geometry alone still ranks. The tables are near what
`tests/bench/review_weights.py` fits to clips with known truth.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Weight(NamedTuple):
    """One feature's factor and the value that it has where nothing is known."""

    factor: float
    usual: float


class Weights(NamedTuple):
    """Of one kind of moment, in the order of its features in `moments`."""

    intercept: float
    features: tuple[Weight, ...]

    def confidence(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(k,) in [0, 1] of (k, F) features."""
        usual = np.array([weight.usual for weight in self.features], np.float32)
        factors = np.array([weight.factor for weight in self.features], np.float32)
        known = np.where(np.isnan(features), usual, features)
        result: NDArray[np.float32] = 1 / (1 + np.exp(-(known @ factors + np.float32(self.intercept))))
        return np.where(np.isnan(features).all(1), np.float32(0), result)


SWITCH = Weights(
    -3.2,
    (
        Weight(0.65, 0),
        Weight(0.1, 0),
        Weight(2.0, 0),
        Weight(2.1, 0),
        Weight(0.9, 0),
        Weight(0.9, 0),
        Weight(1.0, 1),
        Weight(0.0, 0.3),
    ),
)
JOIN = Weights(
    -4.9,
    (
        Weight(0.25, -0.5),
        Weight(0.05, -0.5),
        Weight(4.0, 0.7),
        Weight(2.5, 0.7),
        Weight(-1.2, 0.3),
        Weight(-0.8, 0.2),
        Weight(-0.6, 0),
    ),
)
BREAK = Weights(
    1.2,
    (
        Weight(-0.2, -0.5),
        Weight(-0.05, -0.5),
        Weight(-1.5, 0.9),
        Weight(-5.0, 0.9),
        Weight(0.5, 0.2),
        Weight(0.75, 0.1),
        Weight(0.8, 0),
        Weight(0.1, 1.5),
    ),
)


def duplicate_confidence(overlap: float, share: float, frames: int, alike: float) -> float:
    """Two tracks on one object: by the masks' mean IoU, the share of the shorter track, the frames, and the looks.

    Where nothing is known of their looks, two that only pass through each other for a few frames are no duplicate.
    """
    likeness = 6.0 * ((0.6 if np.isnan(alike) else alike) - 0.9)
    return _logistic(-5.0 + 4.0 * overlap + 4.0 * share + 0.3 * float(np.log(frames)) + likeness)


def doubtful_confidence(count: int, relative_score: float, presence: float) -> float:
    """A track that is no object: by its instances, its score over the usual one, and how steadily it is there."""
    return _logistic(1.0 - 0.35 * count - 1.5 * (relative_score - 0.7) + 1.0 * (1 - presence))


def class_confidence(share: float, share_of_current: float) -> float:
    """A wrong class: by the shares of frames that vote for the best other class and for the current one."""
    return _logistic(-1.9 + 5.0 * max(0.0, share - share_of_current) - 1.5 * (share_of_current - 0.5))


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-max(value, -500.0))))
