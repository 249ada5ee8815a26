"""Everything that the official code was recorded to compute for whole clips, from pixels to tracks.

The network runs once per clip; its maps then go through post-processing with and without the official defects.
"""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from visolo import rle
from visolo.config import InferenceConfig
from visolo.device import select_compute
from visolo.inference.decoding import select_cells
from visolo.inference.maps import MapPredictor
from visolo.inference.segmenter import model_similarity
from visolo.inference.tracker import InstanceTracker
from visolo.model.checkpoint import load_weights

OFFICIAL = InferenceConfig(official_quirks=True)
RIGHT = InferenceConfig()
CLIPS = ["c3", "c8", "c14", "c23"]

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


class Watch:
    """Keeps what a network computes per frame: features, and the backbone's stages of the first three frames."""

    def __init__(self, model):
        self.features, self.stages = [], []
        self._encode, self._model = model.encode, model
        self._hook = model.backbone.register_forward_hook(lambda _m, _i, stages: self.stages.append(stages))
        model.encode = self.encode

    def encode(self, images):
        self.features.append(self._encode(images))
        return self.features[-1]

    def stop(self):
        self._hook.remove()
        del self._model.encode


@dataclass
class Clip:
    """A clip's maps, and what post-processing with and without quirks made of them."""

    name: str
    golden: dict
    watch: Watch
    similarity: np.ndarray
    memory_lengths: list
    maps: list = field(default_factory=list)
    official: "Post" = None
    right: "Post" = None


@dataclass
class Post:
    results: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    track_counts: list = field(default_factory=list)
    tracks: list = field(default_factory=list)


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NEEDS_CUDA])])
def model(request, seeded_checkpoint):
    compute = select_compute(request.param, "fp32")
    return load_weights(seeded_checkpoint, "ytvis2019-r50").optimize_for_inference().to(compute.device)


@pytest.fixture(scope="module", params=CLIPS)
def clip(request, recorded, model) -> Clip:
    name = request.param
    golden = recorded("check_golden").load(f"golden_inference_{name}")
    watch, predictor = Watch(model), MapPredictor(model, OFFICIAL)
    maps, lengths = [], []
    for t, frame in enumerate(recorded("clips").make_clip(name)):
        lengths.append(len(predictor.memory.frames))
        maps.append(predictor.predict(t, frame))
    watch.stop()
    pairs = zip(watch.features, watch.features[1:], strict=False)
    logits = [model.similarity_logits(before.query, now.reference)[0] for before, now in pairs]
    similarity = torch.stack(logits).sigmoid().cpu().numpy()
    made = Clip(name, golden, watch, similarity, lengths, maps)
    size = tuple(int(side) for side in golden["size"])
    made.official = post_process(maps, OFFICIAL, model_similarity(model), size)
    made.right = post_process(maps, RIGHT, model_similarity(model), size)
    return made


def post_process(maps, config, similarity, size) -> Post:
    tracker, post = InstanceTracker(config, similarity), Post()
    for t, frame_maps in enumerate(maps):
        post.results.append(tracker.step(t, frame_maps, size))
        # The recording counts before it adds the frame whose tracks have just been lost.
        post.lost.append(sum(seen.frame_index < t - 1 for seen in tracker.state.lost))
        post.track_counts.append(tracker.state.next_track_id)
    post.tracks = tracker.tracks()
    return post


def maps_as_recorded(clip: Clip):
    features, golden = clip.watch.features, clip.golden
    scores = torch.stack([m.category_scores for m in clip.maps]).unflatten(2, (12, 21)).cpu().numpy()
    kernels = torch.stack([m.kernels for m in clip.maps]).unflatten(2, (12, 21)).cpu().numpy()
    stages = [{name: getattr(s, name)[0, ::64, ::8, ::8].cpu() for name in s._fields} for s in clip.watch.stages[:3]]
    return {
        "cats_full": scores[golden["cats_full_idx"]],
        "cats_max": scores.max(1),
        "tracking": clip.similarity[:, golden["tracking_rows"]],
        "kernel": kernels[:, ::16],
        "maskf": np.stack([f.mask[0, ::32, ::8, ::12].cpu() for f in features]),
        "frame_f": np.stack([f.key[0, ::32].cpu() for f in features]),
        "cat_f": np.stack([f.category[0, ::32].cpu() for f in features]),
        "kernel_f": np.stack([f.kernel[0, ::32].cpu() for f in features]),
        **{f"bb_{name}": np.stack([s[name] for s in stages]) for name in stages[0]},
        "grid_weight": np.stack([m.weights.cpu() for m in clip.maps[1:]]),
        "mem_len": np.array(clip.memory_lengths),
        "n_cells_over_thr": np.array(
            [len(select_cells(m.category_scores, OFFICIAL, m.weights).cells) for m in clip.maps]
        ),
    }


def results_as_recorded(post: Post):
    detections = [(r.frame_index, i) for r in post.results for i in r.instances]
    frames = range(len(post.results))
    areas = [[rle.area(track.rles[t]) if t in track.rles else 0 for t in frames] for track in post.tracks]
    counts = [[track.rles[t].counts if t in track.rles else None for t in frames] for track in post.tracks]
    return {
        "det_int": np.array([(t, i.cell_index, i.category_index, i.track_id) for t, i in detections], np.int32),
        "det_score": np.array([i.score for _, i in detections], np.float32),
        "ncand": np.array(post.lost),
        "K_after": np.array(post.track_counts),
        "pred_scores": np.array([track.score for track in post.tracks], np.float32),
        "pred_labels": np.array([track.category_index for track in post.tracks], np.int32),
        "area": np.array(areas, np.int32),
        "rle_json": np.frombuffer(json.dumps(counts).encode(), np.uint8),
    }


def test_everything_equals_the_recording(recorded, clip: Clip):
    theirs = maps_as_recorded(clip) | results_as_recorded(clip.official)
    differences, missing = recorded("check_golden").check_inference(clip.name, theirs)
    assert not differences
    assert not missing


def test_without_quirks_the_results_are_the_same(clip: Clip):
    official, right = results_as_recorded(clip.official), results_as_recorded(clip.right)
    for key, value in official.items():
        assert np.array_equal(value, right[key]), key


def test_linking_with_kept_evidence_gives_the_same_tracks(clip: Clip, model):
    """q and r are kept in half precision; association run again from them must not change its mind."""
    from visolo.inference.linking import TrackLinker

    linker = TrackLinker(RIGHT, model_similarity(model))
    for result in clip.right.results:
        queries = np.array([i.query for i in result.instances]).reshape(-1, 128)
        references = np.array([i.reference for i in result.instances]).reshape(-1, 128)
        track_ids = linker.link(result.frame_index, queries, references)
        assert track_ids.tolist() == [i.track_id for i in result.instances]
