"""Frames to pixels and back."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.panels.timeline_model import uncovered
from app.panels.timeline_scale import TimelineScale


def zoomed(frames, width, zooms):
    scale = TimelineScale()
    scale.set_width(width)
    scale.set_video(frames)
    for factor, share in zooms:
        scale.zoom(factor, share * width)
    return scale


scales = st.builds(
    zoomed,
    st.integers(1, 20_000),
    st.integers(1, 3000),
    st.lists(st.tuples(st.floats(0.2, 8), st.floats(0, 1)), max_size=5),
)


@settings(max_examples=50, deadline=None)
@given(scales)
def test_the_middle_of_a_visible_frame_is_that_frame(scale):
    for frame in range(int(scale.first), min(scale.frame_count, int(scale.first) + 5)):
        assert scale.frame_at(scale.center_of(frame)) == frame


@settings(max_examples=50, deadline=None)
@given(scales)
def test_the_view_stays_inside_the_video(scale):
    assert 0 <= scale.first <= scale.last_first + 1e-9
    assert scale.x_of(scale.frame_count) <= scale.width * 1.001 or not scale.is_fitted


@settings(max_examples=50, deadline=None)
@given(scales, st.floats(1.01, 3))
def test_zooming_in_keeps_the_frame_under_the_mouse(scale, factor):
    x = scale.width / 2
    before = scale.first + x / scale.pixels_per_frame
    scale.zoom(factor, x)
    assert scale.first + x / scale.pixels_per_frame == pytest.approx(before, abs=1e-3) or scale.is_fitted


@settings(max_examples=50, deadline=None)
@given(scales, st.sampled_from([1.0, 1.25, 2.0]))
def test_every_visible_frame_is_in_some_pixel(scale, ratio):
    edges = scale.pixel_edges(ratio)
    assert (np.diff(edges) >= 0).all()
    assert edges[0] == int(scale.first + 1e-9)
    last = min(scale.frame_count, scale.first + scale.visible_frames)
    assert edges[-1] >= int(last) - 1 - 1 / (scale.pixels_per_frame * ratio)


@settings(max_examples=50, deadline=None)
@given(scales)
def test_ruler_labels_are_round_and_far_enough_apart(scale):
    ticks, parts = scale.ticks()
    assert parts >= 1
    for earlier, later in pairwise(ticks):
        assert (later - earlier) * scale.pixels_per_frame >= 64 - 1e-6
        assert str(later - earlier).rstrip("0") in {"1", "2", "5"}


def test_a_wider_window_still_shows_the_whole_video():
    scale = zoomed(500, 400, [])
    scale.set_width(900)
    assert scale.is_fitted
    assert scale.x_of(500) == pytest.approx(900)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 40)], []),
        ([(0, 25)], [(25, 39)]),
        ([(10, 20), (15, 30)], [(0, 9), (30, 39)]),
        ([(30, 40), (0, 10)], [(10, 29)]),
        ([(0, 0)], [(0, 39)]),
    ],
)
def test_frames_that_no_run_reached(spans, expected):
    assert uncovered(spans, 40) == expected
