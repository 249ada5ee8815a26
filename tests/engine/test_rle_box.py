"""Decoding and encoding in the box give what decoding and encoding everything give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo.rle import encode, run_lengths
from visolo.rle_box import _lengths, decode_in_box, encode_in_box


def _assert_same(mask: np.ndarray) -> None:
    rle = encode(mask)
    box, part = decode_in_box(rle)
    whole = np.zeros(mask.shape, dtype=bool)
    whole[box.y : box.y + box.height, box.x : box.x + box.width] = part
    np.testing.assert_array_equal(whole, mask)
    assert encode_in_box(part.astype(bool), box.x, box.y, mask.shape) == rle
    if part.size:
        assert part.any(axis=0)[[0, -1]].all()
        assert part.any(axis=1)[[0, -1]].all()


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
def test_any_mask_comes_back(height: int, width: int, share: float, seed: int) -> None:
    _assert_same(np.random.default_rng(seed).random((height, width)) < share)


@pytest.mark.parametrize("shape", [(720, 1280), (1, 3000), (3000, 1)])
def test_long_runs_come_back(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, dtype=bool)
    mask[shape[0] // 3 : shape[0] // 2 + 1, shape[1] // 4 : shape[1] // 2 + 1] = True
    _assert_same(mask)
    _assert_same(np.ones(shape, dtype=bool))


def test_an_empty_mask_has_an_empty_box() -> None:
    box, part = decode_in_box(encode(np.zeros((12, 7), dtype=bool)))
    assert tuple(box) == (0, 0, 0, 0)
    assert part.shape == (0, 0)
    assert part.dtype == np.uint8


def test_lengths_are_those_of_the_plain_reader() -> None:
    mask = np.random.default_rng(3).random((90, 160)) < 0.02
    counts = encode(mask).counts
    np.testing.assert_array_equal(_lengths(counts), run_lengths(counts))
