"""Pairing each with at most one other so that the sum is largest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def assigned(gains: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The best assignment (Hungarian algorithm).

    Args:
        gains: (N, M) what pairing row and column is worth.

    Returns:
        Rows and columns of the min(N, M) pairs, by row; also of those that are worth 0.
    """
    from scipy.optimize import linear_sum_assignment  # here, because it takes as long to load as the window

    rows, columns = linear_sum_assignment(gains, maximize=True)
    return rows, columns
