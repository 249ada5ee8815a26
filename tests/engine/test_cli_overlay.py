"""Drawing masks on frames: colours, contours, labels, sizes."""

from itertools import combinations

import numpy as np
import pytest

from visolo import rle
from visolo.errors import ConfigError, OutputError
from visolo.overlay import OverlayItem, draw_overlay, overlay_video
from visolo.palette import text_rgb, track_rgb


def square(height=120, width=160, top=40, left=60, side=40):
    mask = np.zeros((height, width), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return rle.encode(mask)


def grey(height=120, width=160):
    return np.full((height, width, 3), 100, dtype=np.uint8)


def test_fill_is_translucent_contour_is_not_and_the_rest_is_untouched():
    frame = grey()
    drawn = draw_overlay(frame, [OverlayItem(1, "", square())], opacity=0.5)
    assert drawn[60, 80].tolist() == pytest.approx([50 + c / 2 for c in track_rgb(1)], abs=0.5)
    assert drawn[40, 80].tolist() == pytest.approx(track_rgb(1), abs=20)  # smoothed by a little
    assert (drawn[100:] == 100).all()
    assert (frame == 100).all()


def test_the_first_item_is_on_top():
    items = [OverlayItem(1, "", square()), OverlayItem(2, "", square())]
    assert draw_overlay(grey(), items)[79, 80].tolist() == pytest.approx(track_rgb(1), abs=30)


def test_masks_of_another_size_are_stretched():
    small = square(60, 80, 20, 30, 20)
    drawn = draw_overlay(grey(), [OverlayItem(1, "", small)])
    np.testing.assert_array_equal(drawn, draw_overlay(grey(), [OverlayItem(1, "", square())]))


def test_label_stands_above_the_object_in_its_colour():
    drawn = draw_overlay(grey(), [OverlayItem(3, "dog", square())])
    above = drawn[:40, 60:].reshape(-1, 3)
    assert (above == track_rgb(3)).all(axis=1).sum() > 50
    assert (above == text_rgb(track_rgb(3))).all(axis=1).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (16, 16)])
def test_frames_smaller_than_a_label(size):
    full = rle.encode(np.ones(size, dtype=bool))
    assert draw_overlay(grey(*size), [OverlayItem(12, "flying_disc", full)]).shape == (*size, 3)


def test_no_items_draw_nothing():
    np.testing.assert_array_equal(draw_overlay(grey(), []), grey())


def test_colours_depend_on_the_number_alone_and_differ():
    colours = [track_rgb(number) for number in range(1, 40)]
    assert colours == [track_rgb(number) for number in range(1, 40)]
    assert min(sum(abs(a - b) for a, b in zip(x, y, strict=True)) for x, y in combinations(colours, 2)) > 10
    assert min(sum(abs(a - b) for a, b in zip(x, y, strict=True)) for x, y in combinations(colours[:7], 2)) > 60


def test_text_reads_on_every_colour():
    for number in range(1, 40):
        background = track_rgb(number)
        lighter, darker = sorted((luminance(background), luminance(text_rgb(background))), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) > 4


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_video_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(ConfigError, match=r"an overlay is an H\.264 video"),
        overlay_video(tmp_path / "o.gif", (4, 4), 5, []),
    ):
        pass
    with pytest.raises(OutputError, match="cannot write there"), overlay_video(tmp_path / "x" / "o.mp4", (4, 4), 5, []):
        pass


def test_an_error_inside_leaves_no_video(tmp_path):
    with pytest.raises(RuntimeError, match="half way"), overlay_video(tmp_path / "o.mp4", (16, 16), None, []):
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []
