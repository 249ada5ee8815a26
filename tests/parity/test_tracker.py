"""The whole online loop against recordings of the official one (official.md, sections 4 to 8), the network replaced."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from visolo import rle
from visolo.config import InferenceConfig, ModelConfig
from visolo.inference.segmenter import OnlineSegmenter
from visolo.model.visolo import FrameFeatures, Prediction

CELLS = 12 * 21

# pycocotools 2.0.11 under numpy 2 says so whenever it decodes.


class RecordedNetwork:
    """Gives the recording's maps: a frame's pixels are its index, and memory has no effect on them."""

    device = torch.device("cpu")

    def __init__(self, case, mask_size):
        self.config = ModelConfig(input_size=mask_size, embedding=15)
        self.matching = SimpleNamespace(learnt=True, scale=torch.tensor(1.0), bias=torch.tensor(-4.0))
        self._case = case

    def encode(self, images):
        frame_index = int(images[0, 0, 0, 0])
        category = torch.logit(torch.from_numpy(self._case["cats"][frame_index]).double()).float()[None]
        kernel = torch.zeros_like(category)
        kernel[0, :8] = torch.from_numpy(self._case["kernels"][frame_index])
        embedding = torch.from_numpy(self._case["key"][frame_index, :-1]).flatten(1).T[None]
        value = torch.zeros(1, category.shape[1], CELLS)
        mask = torch.from_numpy(self._case["mask"])[None]
        return FrameFeatures(embedding, category, kernel, mask, embedding, embedding, value, value)

    def similarity_logits(self, query, reference):
        return query @ reference.transpose(1, 2) - 4.0

    def read(self, value, affinity, memory_value):
        assert affinity.shape[2] == memory_value.shape[2]
        return value

    def predict(self, category, kernel):
        return Prediction(category, kernel[:, :8])


@dataclass
class Run:
    """A segmented case: per frame the result, the frames read, and those the weights came from."""

    results: list
    memory: list
    weighting: list
    weights: list
    lost: list
    tracks: list


def run(case, post_cases, config) -> Run:
    height, width = 4 * post_cases.H4, 4 * post_cases.W4
    segmenter = OnlineSegmenter(RecordedNetwork(case, (height, width)), config, post_cases.OUT_HW)
    predictor = segmenter._predictor
    done = Run([], [], [], [], [], [])
    predict = predictor.predict

    def recording_predict(frame_index, frame):
        done.weighting.append(predictor.memory.weighting_frames(config.reweight_references))
        maps = predict(frame_index, frame)
        done.weights.append(maps.weights)
        return maps

    predictor.predict = recording_predict
    for t in range(case["T"]):
        done.memory.append(list(segmenter.memory_frames))
        done.results.append(segmenter.step(np.full((height, width, 3), t, np.uint8)))
        # The recording counts before it adds the frame whose tracks have just been lost.
        done.lost.append(sum(seen.frame_index < t - 1 for seen in segmenter.state.lost))
    done.tracks = segmenter.tracks()
    return done


def as_recorded(done: Run, size):
    detections = [(r.frame_index, i) for r in done.results for i in r.instances]
    masks = np.zeros((len(done.tracks), len(done.results), *size), bool)
    for row, track in enumerate(done.tracks):
        for frame_index, mask in track.rles.items():
            masks[row, frame_index] = rle.decode(mask)
    frames = [(t, *refs, *[-1] * (2 - len(refs))) for t, refs in enumerate(done.weighting) if refs]
    return {
        "det_int": np.array([(t, i.cell_index, i.category_index, i.track_id) for t, i in detections], np.int32),
        "det_score": np.array([i.score for _, i in detections], np.float32),
        "pred_scores": np.array([track.score for track in done.tracks], np.float32),
        "pred_labels": np.array([track.category_index for track in done.tracks], np.int32),
        "masks": np.packbits(masks),
        "masks_shape": np.array(masks.shape),
        "area": masks.sum((2, 3)).astype(np.int32),
        "ncand": np.array(done.lost),
        "gw": np.stack([w.numpy() for w in done.weights if w is not None]),
        "gw_frames": np.array(frames, np.int32),
        "memory_json": np.frombuffer(json.dumps(done.memory).encode(), np.uint8),
    }


@pytest.fixture(scope="module")
def cases(recorded):
    post_cases = recorded("post_cases")
    return post_cases, [post_cases.track_case(j) for j in post_cases.TRACK]


@pytest.fixture(scope="module", params=[True, False], ids=["official", "right"])
def runs(request, cases):
    post_cases, inputs = cases
    return [run(case, post_cases, InferenceConfig(official_quirks=request.param)) for case in inputs]


def test_every_case_equals_the_recording(recorded, cases, runs):
    theirs = {}
    for j, done in enumerate(runs):
        theirs |= {f"t{j}_{key}": value for key, value in as_recorded(done, cases[0].OUT_HW).items()}
    differences, missing = recorded("check_golden").check_exact("golden_tracker", theirs)
    assert not differences
    assert not missing


def test_the_cases_reach_what_they_are_for(runs):
    """Tracks are lost and found again, frames are empty, ids are dense in order of first appearance."""
    assert max(max(done.lost) for done in runs) >= 5
    assert any(not result.instances for result in runs[2].results[5:])
    for done in runs:
        seen = [i.track_id for result in done.results for i in result.instances]
        assert list(dict.fromkeys(seen)) == list(range(len(done.tracks)))
        gaps = [np.diff(sorted(track.rles)) for track in done.tracks]
        assert any((gap > 1).any() for gap in gaps)
