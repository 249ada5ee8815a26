"""Following one object: from a box, from a mask, back in time, lost when it goes, told when nothing is there."""

import numpy as np
import pytest

from visolo import rle
from visolo.config import load_preset
from visolo.errors import NothingThereError
from visolo.inference.following import PATIENCE, Follower, follow
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.frames import open_frames
from visolo.model.checkpoint import load_weights
from visolo.resources import resource_path
from visolo.rle import Box

FIRST, COUNT = 120, 9


@pytest.fixture(scope="module")
def model():
    return load_weights(resource_path("models", "visolo-lite.safetensors"), "lite")


@pytest.fixture(scope="module")
def config():
    return load_preset("lite").inference


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Of the sample: a cyclist rides in front of cars that stand."""
    with open_frames(resource_path("samples", "bikes.mp4")) as source:
        return [source[FIRST + index] for index in range(COUNT)]


@pytest.fixture(scope="module")
def tracked(model, config, frames) -> list[rle.Rle]:
    """Masks of the best track that a run finds in every one of these frames."""
    segmenter = OnlineSegmenter(model, config)
    for frame in frames:
        segmenter.step(frame)
    whole = [track for track in segmenter.tracks() if len(track.rles) == COUNT]
    return [max(whole, key=lambda track: track.score).rles[index] for index in range(COUNT)]


def overlaps(sights, masks) -> list[float]:
    """IoU with what a run finds, 0 where nothing is seen."""
    return [
        float(rle.iou([sight.mask], [mask])[0, 0]) if sight else 0.0 for sight, mask in zip(sights, masks, strict=True)
    ]


def test_a_box_becomes_the_object_and_is_followed(model, config, frames, tracked):
    sights = list(follow(model, config, frames, rle.bounding_box(tracked[0])))
    assert len(sights) == COUNT
    assert min(overlaps(sights, tracked)) > 0.9
    assert all(sight.mask.size == frames[0].shape[:2] for sight in sights)


def test_a_mask_is_followed_back(model, config, frames, tracked):
    sights = list(follow(model, config, frames[::-1], tracked[-1]))
    assert min(overlaps(sights, tracked[::-1])) > 0.9


def test_a_small_picture_of_the_object_is_found(model, config, frames, tracked):
    """A third as large and away from the middle: the window looks closer."""
    import cv2

    height, width = frames[0].shape[:2]
    small = (width // 3, height // 3)
    canvas = np.full_like(frames[0], 110)
    canvas[: small[1], : small[0]] = cv2.resize(frames[0], small, interpolation=cv2.INTER_AREA)
    box = rle.bounding_box(tracked[0])
    sight = Follower(model, config).start(canvas, Box(*(value // 3 for value in box)))
    found = rle.bounding_box(sight.mask)
    assert np.abs(np.array(found) - np.array(box) / 3).max() < 0.2 * max(found.width, found.height)


def test_nothing_in_a_box_is_said_in_a_sentence(model, config, frames):
    with pytest.raises(NothingThereError, match="The model sees no object of its own there"):
        Follower(model, config).start(np.full_like(frames[0], 90), Box(20, 20, 30, 24))


def test_what_is_gone_is_lost_and_looking_ends(model, config, frames, tracked):
    empty = np.full_like(frames[0], 90)
    sights = list(follow(model, config, [*frames[:3], *[empty] * (3 * PATIENCE)], tracked[0]))
    assert all(sights[:3])
    assert sights[3:] == [None] * PATIENCE


def test_what_was_hidden_for_a_moment_is_found_again(model, config, frames, tracked):
    empty = np.full_like(frames[0], 90)
    sights = list(follow(model, config, [*frames[:3], empty, empty, *frames[3:6]], tracked[0]))
    assert sights[3:5] == [None, None]
    assert min(overlaps(sights[5:], tracked[3:6])) > 0.9


@pytest.mark.parametrize(
    "prompt", [Box(3, 3, 0, 5), rle.encode(np.zeros((9, 9), bool)), rle.encode(np.ones((9, 9), bool))]
)
def test_a_prompt_that_is_none_is_refused(model, config, frames, prompt):
    with pytest.raises(ValueError, match="prompt"):
        Follower(model, config).start(frames[0], prompt)
