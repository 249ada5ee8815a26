"""The bundled model: its file fits its preset, and it finds what its card says it finds on videos it never saw."""

import json

import cv2
import numpy as np
import pytest

from visolo import rle
from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.inference.segmenter import OnlineSegmenter
from visolo.model.checkpoint import load_weights, read_config
from visolo.resources import resource_path

# pycocotools decodes masks with an array protocol that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WEIGHTS = resource_path("models", "visolo-lite.safetensors")
NAMES = [category.name for category in load_label_set("lite").categories]


def test_the_file_is_small_and_has_the_network_of_its_preset():
    assert WEIGHTS.stat().st_size <= 16_000_000
    assert read_config(WEIGHTS) == load_preset("lite").model


def test_its_weights_are_all_numbers():
    assert all(bool(value.isfinite().all()) for value in load_weights(WEIGHTS).state_dict().values())


def test_its_label_set_keeps_the_ids_of_youtube_vis_2021():
    ids = {c.name: c.category_id for c in load_label_set("ytvis2021").categories}
    assert {c.name: c.category_id for c in load_label_set("lite").categories}.items() <= ids.items()


@pytest.mark.parametrize(("sequence", "name"), [("car-roundabout", "car"), ("parkour", "person")])
def test_it_finds_and_follows_the_object_of_a_held_out_video(shared, sequence, name):
    folder = shared / "data" / "davis6"
    table = json.loads((folder / "instances.json").read_text())
    video = next(v for v in table["videos"] if v["file_names"][0].startswith(f"{sequence}/"))
    truth = next(a for a in table["annotations"] if a["video_id"] == video["id"])["segmentations"]
    segmenter = OnlineSegmenter(load_weights(WEIGHTS), load_preset("lite").inference)
    for file_name in video["file_names"][:8]:
        bgr = cv2.imread(str(folder / "JPEGImages" / file_name))
        segmenter.step(np.ascontiguousarray(bgr[..., ::-1]))
    overlaps = {track.track_id: _mean_overlap(track.rles, truth[:8]) for track in segmenter.tracks()}
    best = max(segmenter.tracks(), key=lambda track: overlaps[track.track_id])
    assert overlaps[best.track_id] > 0.7
    assert NAMES[best.category_index] == name
    assert best.score > 0.5


def _mean_overlap(rles, truth):
    """Mean IoU over the frames; 0 where the track has no mask."""
    values = [
        float(rle.iou([rles[t]], [rle.from_json(mask, "truth")])[0, 0]) if t in rles else 0.0
        for t, mask in enumerate(truth)
    ]
    return np.mean(values)
