"""Checking the counts of many compressed masks at once: a whole file costs less than reading its JSON twice.

The counts of about a hundred thousand characters are decoded together with numpy. Whatever looks wrong there is looked
at again one by one in `visolo.rle`, which finds the words.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo import rle as rle_module
from visolo.rle import Rle

_BATCH_CHARS = 200_000  # the arrays of one batch stay in the processor's cache
_FIRST_CHAR, _FIRST_MORE, _LAST_CHAR = 48, 80, 111  # five bits each; those from 80 on say that more follow
_MORE_CHARS = bytes(range(_FIRST_MORE, _LAST_CHAR + 1))
_SIGNED = bytes((code - _FIRST_CHAR if code < _FIRST_CHAR + 16 else code - _FIRST_MORE) & 0xFF for code in range(256))
_MAX_CHARS_PER_RUN = 6  # 30 bits; longer runs are left to the check one by one


class CheckedMasks(NamedTuple):
    """Masks whose counts are verified, and their areas in pixels, (N,) int64."""

    rles: list[Rle]
    areas: NDArray[np.int64]


def checked_all(
    rles: Sequence[Rle], where: Callable[[int], str], progress: Callable[[float], object] | None = None
) -> CheckedMasks:
    """The same masks with their counts verified, as `visolo.rle.checked` does for one.

    Args:
        rles: masks whose counts were not looked at yet.
        where: place of the i-th mask in its file, said first in the error message.
        progress: hears how much is checked, in [0, 1]; may raise to stop.

    Raises:
        AnnotationError: the counts of a mask do not cover exactly height x width pixels.
    """
    result = list(rles)
    areas = np.zeros(len(result), dtype=np.int64)
    for start, stop in _batches(result):
        if progress is not None:
            progress(start / len(result))
        _check_batch(result, areas, slice(start, stop), where)
    return CheckedMasks(result, areas)


def _check_batch(result: list[Rle], areas: NDArray[np.int64], batch: slice, where: Callable[[int], str]) -> None:
    """Check masks together; where that fails, each half, so that one odd mask makes only its neighbours slow."""
    found = _sound_areas(result[batch])
    if found is not None:
        areas[batch] = found
    elif batch.stop - batch.start == 1:
        result[batch.start] = rle_module.checked(result[batch.start], where(batch.start))
        areas[batch] = rle_module.area(result[batch.start])
    else:
        middle = (batch.start + batch.stop) // 2
        _check_batch(result, areas, slice(batch.start, middle), where)
        _check_batch(result, areas, slice(middle, batch.stop), where)


def _batches(rles: Sequence[Rle]) -> Iterator[tuple[int, int]]:
    ends = np.cumsum([len(rle.counts) for rle in rles], dtype=np.intp)
    start = 0
    while start < len(rles):
        before = int(ends[start - 1]) if start else 0
        stop = min(int(np.searchsorted(ends, before + _BATCH_CHARS)) + 1, len(rles))
        yield start, stop
        start = stop


def _sound_areas(rles: Sequence[Rle]) -> NDArray[np.int64] | None:
    """Areas (N,); None unless every mask's runs are non-negative, non-empty after the first, and cover its size."""
    strings = [rle.counts for rle in rles]
    joined = "".join(strings)
    if not joined.isascii() or not all(strings):
        return None
    ends = np.cumsum(np.fromiter(map(len, strings), dtype=np.intp, count=len(strings)))
    numbers = _numbers(joined.encode("ascii"), ends)
    if numbers is None:
        return None
    sums = _chain_sums(*numbers)
    if sums is None:
        return None
    expected = np.array([rle.size[0] * rle.size[1] for rle in rles], dtype=np.int64)
    return sums.foreground if (sums.background + sums.foreground == expected).all() else None


class _Numbers(NamedTuple):
    """The stored numbers of all masks in a row, (P,) int32, and where each mask's begin, (N,)."""

    values: NDArray[np.int32]
    starts: NDArray[np.intp]


def _numbers(joined: bytes, ends: NDArray[np.intp]) -> _Numbers | None:
    """Signed numbers of five bits a character, least significant first.

    Args:
        joined: the strings of all masks.
        ends: where each string ends in it.

    Returns:
        None when a character is foreign, a string ends inside a number, or a number is unusually long.
    """
    codes = np.frombuffer(joined, dtype=np.uint8)
    if codes.max() > _LAST_CHAR or codes.min() < _FIRST_CHAR or (codes[ends - 1] >= _FIRST_MORE).any():
        return None
    lasts = joined.translate(_SIGNED, _MORE_CHARS)  # one pass in C: the last character of every number, sign-extended
    values: NDArray[np.int32] = np.frombuffer(lasts, dtype=np.int8).astype(np.int32)
    early = np.flatnonzero(codes >= _FIRST_MORE)  # the other characters, few
    if not _prepend(values, early - np.arange(early.size), (codes[early] & np.uint8(31)) ^ np.uint8(16)):
        return None
    number_ends = ends - np.searchsorted(early, ends)
    return _Numbers(values, np.concatenate([[0], number_ends[:-1]]))


def _prepend(values: NDArray[np.int32], owners: NDArray[np.intp], low: NDArray[np.unsignedinteger[Any]]) -> bool:
    """Put five bits more below every number for each of its earlier characters; False when a number is unusually long.

    Args:
        values: the last characters, changed in place.
        owners: (E,) index of the number that each earlier character belongs to, not decreasing.
        low: (E,) its five bits.
    """
    for _ in range(_MAX_CHARS_PER_RUN):
        if not owners.size:
            return True
        # An index that comes several times keeps what is assigned last: the character before those already in.
        values[owners] = (values[owners] << 5) | low
        rest = np.flatnonzero(owners[1:] == owners[:-1])
        owners, low = owners[rest], low[rest]
    return False


class _Sums(NamedTuple):
    """Background and foreground pixels of every mask, (N,) int64 each."""

    background: NDArray[np.int64]
    foreground: NDArray[np.int64]


def _chain_sums(values: NDArray[np.int32], starts: NDArray[np.intp]) -> _Sums | None:
    """Undo the differences and add up the runs; None when a run is negative, or empty and not the first.

    From its fourth run on a mask stores the difference to the run two before, of the same colour: two chains, in every
    second number of the row. Sums wrap at 32 bits, as in the C code.
    """
    first = values[starts]
    thirds = starts + 2
    has_third = thirds < np.append(starts[1:], values.size)
    values = values.copy()
    values[thirds[has_third]] -= first[has_third]  # the third is stored whole; make it a difference like the others
    even = _sum_chains(values[0::2], (starts + 1) // 2)
    odd = _sum_chains(values[1::2], starts // 2)
    if even is None or odd is None or even.empty_runs + odd.empty_runs != np.count_nonzero(first == 0):
        return None
    starts_even = starts % 2 == 0
    return _Sums(np.where(starts_even, even.sums, odd.sums), np.where(starts_even, odd.sums, even.sums))


class _Chains(NamedTuple):
    """Sum of the runs of each mask in one row of chains, (N,) int64, and how many runs in the row are 0."""

    sums: NDArray[np.int64]
    empty_runs: int


def _sum_chains(differences: NDArray[np.int32], starts: NDArray[np.intp]) -> _Chains | None:
    """Running sums that begin anew at every start, then their sums; None when one is negative."""
    running = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(differences, dtype=np.int32)])
    counts = np.diff(starts, append=differences.size)  # 0 where a mask has no run of this colour
    runs = running[1:] - np.repeat(running[starts], counts)
    if runs.size and runs.min() < 0:
        return None
    sums = np.zeros(len(starts), dtype=np.int64)
    if runs.size:
        is_safe = int(runs.max()) * int(counts.max()) < 2**31  # 64 bits take ten times as long
        sums[counts > 0] = np.add.reduceat(runs, starts[counts > 0], dtype=np.int32 if is_safe else np.int64)
    return _Chains(sums, runs.size - np.count_nonzero(runs))
