"""Checking the counts of many compressed masks at once: a whole file costs less than reading its JSON twice.

The counts of about a hundred thousand characters are decoded together with numpy. Whatever looks wrong there is looked
at again one by one in `visolo.rle`, which finds the words.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo import rle as rle_module
from visolo.rle import Rle

_BATCH_CHARS = 100_000  # the arrays of one batch stay in the processor's cache
_MAX_CHARS_PER_RUN = 6  # 30 bits; longer runs are left to the check one by one


class _Runs(NamedTuple):
    """Run lengths of several masks one after the other, (P,) int32 each, and where each mask starts, (N,)."""

    background: NDArray[np.int32]
    foreground: NDArray[np.int32]
    starts: NDArray[np.intp]
    has_empty_runs: bool


def checked_all(rles: Sequence[Rle], where: Callable[[int], str]) -> list[Rle]:
    """The same masks with their counts verified, as `visolo.rle.checked` does for one.

    Args:
        rles: masks whose counts were not looked at yet.
        where: place of the i-th mask in its file, said first in the error message.

    Raises:
        AnnotationError: the counts of a mask do not cover exactly height x width pixels.
    """
    result = list(rles)
    for start, stop in _batches(result):
        if not _are_sound(result[start:stop]):
            result[start:stop] = [rle_module.checked(result[i], where(i)) for i in range(start, stop)]
    return result


def _batches(rles: Sequence[Rle]) -> Iterator[tuple[int, int]]:
    start, chars = 0, 0
    for index, rle in enumerate(rles):
        chars += len(rle.counts)
        if chars >= _BATCH_CHARS:
            yield start, index + 1
            start, chars = index + 1, 0
    if start < len(rles):
        yield start, len(rles)


def _are_sound(rles: Sequence[Rle]) -> bool:
    """Whether every mask's runs are non-negative, non-empty after the first, and cover its size."""
    runs = _decode([rle.counts for rle in rles])
    if runs is None or runs.has_empty_runs or runs.background.min() < 0 or runs.foreground.min() < 0:
        return False
    totals = np.add.reduceat(runs.background, runs.starts, dtype=np.int64)
    totals += np.add.reduceat(runs.foreground, runs.starts, dtype=np.int64)
    expected = np.array([rle.size[0] * rle.size[1] for rle in rles], dtype=np.int64)
    return bool((totals == expected).all())


def _decode(strings: Sequence[str]) -> _Runs | None:
    """Run lengths of the compressed strings; None when one of them needs a closer look."""
    joined = "".join(strings)
    if not joined.isascii() or not all(strings):
        return None
    codes = np.frombuffer(joined.encode("ascii"), dtype=np.uint8) - np.uint8(48)
    ends = np.cumsum(np.fromiter(map(len, strings), dtype=np.intp, count=len(strings)))
    has_more = codes > 31
    if codes.max() > 63 or has_more[ends - 1].any():
        return None
    last = np.flatnonzero(~has_more)  # the last character of every number
    deltas = _numbers(codes, has_more, last)
    if deltas is None:
        return None
    run_counts = np.diff(np.searchsorted(last, ends), prepend=0)
    return _undo_deltas(deltas, run_counts)


def _numbers(codes: NDArray[np.uint8], has_more: NDArray[np.bool_], last: NDArray[np.intp]) -> NDArray[np.int32] | None:
    """Signed numbers of five bits a character, least significant first; None when one is unusually long."""
    low = (codes & 31).view(np.int8)
    numbers: NDArray[np.int32] = (low - ((low & 16) << 1))[last].astype(np.int32)  # five bits, sign-extended
    longer = np.flatnonzero(has_more[last - 1])  # at the very start index -1 is a last character, so never "more"
    at = last[longer]
    for _ in range(_MAX_CHARS_PER_RUN - 1):
        if not longer.size:
            return numbers
        at = at - 1
        numbers[longer] = (numbers[longer] << 5) | low[at]
        goes_on = has_more[at - 1]
        longer, at = longer[goes_on], at[goes_on]
    return numbers if not longer.size else None


def _undo_deltas(deltas: NDArray[np.int32], run_counts: NDArray[np.intp]) -> _Runs:
    """Run lengths from the stored differences: from the fourth on, to the run two before (of the same colour)."""
    is_odd = run_counts & 1  # such a mask ends in background; a foreground run of 0 is put after it
    pairs = (run_counts + is_odd) >> 1
    stops = np.cumsum(pairs)
    starts = stops - pairs
    flat = np.zeros(2 * int(stops[-1]), dtype=np.int32)
    flat[np.repeat(np.cumsum(is_odd) - is_odd, run_counts) + np.arange(deltas.size)] = deltas
    background, foreground = flat[0::2].copy(), flat[1::2].copy()
    first = background[starts]
    background[starts] = 0  # the third number is stored as it is, not as a difference to the first
    background, foreground = _sum_within(background, starts), _sum_within(foreground, starts)
    background[starts] = first
    padding = (stops - 1)[is_odd == 1]
    foreground[padding] = 1
    is_empty = background == 0
    is_empty[starts] = False
    has_empty_runs = bool(is_empty.any()) or not foreground.all()
    foreground[padding] = 0
    return _Runs(background, foreground, starts, has_empty_runs)


def _sum_within(values: NDArray[np.int32], starts: NDArray[np.intp]) -> NDArray[np.int32]:
    """Running sums that begin anew at every start. Sums wrap at 32 bits as in the C code."""
    values = values.copy()
    values[starts[1:]] -= np.add.reduceat(values, starts, dtype=np.int32)[:-1]
    return np.cumsum(values, dtype=np.int32)
