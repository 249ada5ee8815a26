"""Curves of a training run as numbers: thinned, smoothed, and the ticks of their axes. No Qt."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.training.run_log import StepRecord, ValidationRecord

Values = NDArray[np.float64]

# More points than this a plot on a screen cannot show.
_MOST_POINTS = 600
# The smoothed curve remembers about this share of the run.
_SMOOTHING_SHARE = 0.04


@dataclass(frozen=True, eq=False)
class Curve:
    """One value over the steps.

    Attributes:
        name: for the legend.
        steps: (n,) increasing.
        raw: (n,) as measured; a mean over neighbouring steps where there are too many of them.
        smooth: (n,) a moving average.
    """

    name: str
    steps: Values
    raw: Values
    smooth: Values

    def at(self, step: float) -> tuple[float, float] | None:
        """The measured step next to `step` and its raw value; None where the curve is empty."""
        if not len(self.steps):
            return None
        index = int(np.abs(self.steps - step).argmin())
        return float(self.steps[index]), float(self.raw[index])


def loss_curves(records: Sequence[StepRecord]) -> list[Curve]:
    """The whole loss and its three parts."""
    rows = [(r.step, r.total, r.category, r.mask, r.similarity) for r in records]
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    table = _thinned(table[np.isfinite(table).all(axis=1)])
    names = ("loss", "category", "mask", "similarity")
    return [Curve(name, table[:, 0], table[:, i], _smoothed(table[:, i])) for i, name in enumerate(names, start=1)]


def score_curves(records: Sequence[ValidationRecord]) -> list[Curve]:
    """AP and AP50; those that were never measured are left out."""
    table = np.array([(r.step, r.ap, r.ap50) for r in records], dtype=np.float64).reshape(-1, 3)
    curves = []
    for column, name in ((1, "AP"), (2, "AP50")):
        known = table[np.isfinite(table[:, column])]
        if len(known):
            curves.append(Curve(name, known[:, 0], known[:, column], known[:, column]))
    return curves


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` of them, both ends included where they are round."""
    if not high > low or most < 2:
        return [low]
    rough = (high - low) / (most - 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _thinned(table: Values) -> Values:
    """Means of neighbouring rows, so that few enough are left."""
    size = -(-len(table) // _MOST_POINTS)
    if size <= 1:
        return table
    starts = np.arange(0, len(table), size)
    counts = np.diff(np.append(starts, len(table)))[:, None]
    return np.asarray(np.add.reduceat(table, starts, axis=0) / counts)


def _smoothed(values: Values) -> Values:
    """Exponential moving average, unbiased from the first value on."""
    keep = 1 - 1 / max(1.0, _SMOOTHING_SHARE * len(values))
    smooth = np.empty_like(values)
    total = weight = 0.0
    for index, value in enumerate(values.tolist()):
        total, weight = keep * total + value, keep * weight + 1
        smooth[index] = total / weight
    return smooth
