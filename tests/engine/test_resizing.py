"""Frames in and masks out have the sizes and pixels that the official code gives them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional as F

from visolo.inference.resizing import resize_frame, resize_frame_on_device, resize_mask


def blobs(height, width, seed):
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 4 + 1, width // 4 + 1)) > rng.uniform(0.3, 0.99)
    return np.kron(coarse, np.ones((4, 4), bool))[:height, :width]


@settings(max_examples=60, deadline=None)
@given(
    sides=st.tuples(*[st.integers(1, 90)] * 2),
    size=st.tuples(*[st.integers(1, 200)] * 2),
    seed=st.integers(0, 10_000),
)
def test_masks_are_resized_as_torch_does(sides, size, seed):
    mask = blobs(*sides, seed)
    image = torch.from_numpy(mask).float()[None, None]
    expected = F.interpolate(image, size=size, mode="bilinear", align_corners=False)[0, 0] >= 0.5
    made = resize_mask(mask, size)
    assert made.flags.f_contiguous
    assert np.array_equal(made, expected.numpy())


@pytest.mark.parametrize("size", [(352, 624), (720, 1280), (704, 1248), (640, 360), (101, 37)])
def test_masks_of_the_official_size_are_resized_as_torch_does(size):
    mask = blobs(352, 624, 5)
    mask[:, :200] = False
    expected = F.interpolate(torch.from_numpy(mask).float()[None, None], size=size, mode="bilinear")[0, 0] >= 0.5
    assert np.array_equal(resize_mask(mask, size), expected.numpy())


def test_an_empty_mask_stays_empty():
    assert not resize_mask(np.zeros((8, 8), bool), (20, 30)).any()


def test_a_small_mask_can_vanish_in_a_smaller_output():
    mask = np.zeros((64, 64), bool)
    mask[9, 9] = True
    assert not resize_mask(mask, (7, 7)).any()


def test_frames_are_resized_as_pil_does():
    frame = np.random.default_rng(1).integers(0, 256, (50, 90, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(frame).resize((33, 21), Image.Resampling.BILINEAR))
    assert np.array_equal(resize_frame(frame, (21, 33)), expected)


def test_frames_are_resized_across_first_whatever_pil_prefers():
    frame = np.random.default_rng(1).integers(0, 256, (90, 50, 3), dtype=np.uint8)
    across = Image.fromarray(frame).resize((70, 90), Image.Resampling.BILINEAR)
    expected = np.asarray(across.resize((70, 40), Image.Resampling.BILINEAR))
    assert np.array_equal(resize_frame(frame, (40, 70)), expected)


@settings(max_examples=60, deadline=None)
@given(
    sides=st.tuples(*[st.integers(1, 150)] * 2),
    size=st.tuples(*[st.integers(1, 150)] * 2),
    is_grey=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_frames_on_a_device_are_resized_to_the_same_bits(sides, size, is_grey, seed):
    frame = np.random.default_rng(seed).integers(0, 256, sides if is_grey else (*sides, 3), dtype=np.uint8)
    made = resize_frame_on_device(torch.from_numpy(frame), size)
    assert np.array_equal(made.numpy(), resize_frame(frame, size))


NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NEEDS_CUDA])])
@pytest.mark.parametrize("sides", [(720, 1280), (1080, 1920), (480, 640), (352, 624), (123, 77)])
def test_frames_of_usual_sizes_on_a_device_are_resized_to_the_same_bits(sides, device):
    frame = np.random.default_rng(3).integers(0, 256, (*sides, 3), dtype=np.uint8)
    made = resize_frame_on_device(torch.from_numpy(frame).to(device), (352, 624))
    assert np.array_equal(made.cpu().numpy(), resize_frame(frame, (352, 624)))


def test_a_frame_of_the_right_size_is_not_touched():
    frame = np.random.default_rng(1).integers(0, 256, (21, 33, 3), dtype=np.uint8)
    made = resize_frame(frame, (21, 33))
    assert np.array_equal(made, frame)
    assert not np.shares_memory(made, frame)


def test_a_grey_frame_becomes_three_equal_channels():
    frame = np.random.default_rng(1).integers(0, 256, (10, 12), dtype=np.uint8)
    made = resize_frame(frame, (10, 12))
    assert np.array_equal(made, np.stack([frame] * 3, 2))
