"""Validation during a run: it scores as `evaluate` does, disturbs nothing, and keeps the best weights."""

import csv
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from training_data import OWN_CATEGORIES, write_stills, write_video

from visolo import rle
from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.errors import AnnotationError, MediaError, VisoloError
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.frames import open_frames
from visolo.model.checkpoint import load_weights
from visolo.model.visolo import build_model
from visolo.model.weights_file import read_header
from visolo.resources import resource_path
from visolo.training.config import TrainingConfig
from visolo.training.log import RunStep
from visolo.training.run import run_training
from visolo.training.run_folder import RunFolder
from visolo.training.settings import RunSettings, SupervisionConfig
from visolo.training.validation import ValidationProgress, ValidationScores, Validator
from visolo.training.validation_data import _shares, read_validation_data

QUICK = TrainingConfig(steps=2, batch_size=1, augmentation="zoom", self_read_share=1.0, clip_length=2)
LABELS = load_label_set("lite")
LITE = load_preset("lite")
SIZE = (272, 640)  # of the sample video
WEIGHTS = resource_path("models", "visolo-lite.safetensors")


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def stills(tmp_path):
    return write_stills(tmp_path / "data")


@pytest.fixture(scope="module")
def self_truth(tmp_path_factory):
    """A dataset of three frames of the sample video whose truth is what the bundled model finds in them."""
    folder = tmp_path_factory.mktemp("bikes")
    segmenter = OnlineSegmenter(load_weights(WEIGHTS).optimize_for_inference(), LITE.inference, SIZE)
    names = [f"v/{index:05d}.png" for index in range(3)]
    (folder / "v").mkdir()
    with open_frames(resource_path("samples", "bikes.mp4")) as frames:
        for index, name in enumerate(names):
            frame = frames[112 + 8 * index]
            assert cv2.imwrite(str(folder / name), frame[..., ::-1])
            segmenter.step(frame)
    annotations = [
        {
            "id": track.track_id + 1,
            "video_id": 4,
            "category_id": LABELS.categories[track.category_index].category_id,
            "iscrowd": 0,
            "segmentations": [rle.to_json(track.rles[t]) if t in track.rles else None for t in range(3)],
        }
        for track in segmenter.tracks()
    ]
    assert annotations
    table = {
        "videos": [{"id": 4, "file_names": names, "height": SIZE[0], "width": SIZE[1], "length": 3}],
        "annotations": annotations,
        "categories": [{"id": c.category_id, "name": c.name} for c in LABELS.categories],
    }
    (folder / "truth.json").write_text(json.dumps(table))
    return folder / "truth.json"


def _settings(stills, training=QUICK, **supervision):
    return RunSettings((stills,), training, device="cpu", supervision=SupervisionConfig(**supervision))


def _validate(data, state):
    validator = Validator(data, LITE.model, LITE.inference, "cpu")
    progress = list(validator.run(7, state, lambda: False))
    return validator, progress


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("limit", [0, 2])
def test_a_model_that_finds_the_truth_scores_one_and_another_does_not(self_truth, limit):
    data = read_validation_data([self_truth], LABELS, limit)
    validator, progress = _validate(data, load_weights(WEIGHTS).state_dict())
    frames = limit or 3
    assert progress == [ValidationProgress(n, frames) for n in range(1, frames + 1)]
    scores = validator.scores
    assert (scores.step, scores.AP, scores.AP50, scores.AR10) == pytest.approx((7, 1, 1, 1))
    (sample,) = validator.samples
    assert len(sample.predicted) == len(sample.truth) > 0
    assert {item.rle for item in sample.predicted} == {item.rle for item in sample.truth}
    torch.manual_seed(0)
    validator, _ = _validate(data, build_model(LITE.model).state_dict())
    assert validator.scores.AP < 0.1


def test_validation_draws_no_random_number_and_changes_no_weight(self_truth):
    state = load_weights(WEIGHTS).state_dict()
    before = {name: value.clone() for name, value in state.items()}
    generator = torch.get_rng_state()
    _validate(read_validation_data([self_truth], LABELS), state)
    assert torch.equal(torch.get_rng_state(), generator)
    torch.testing.assert_close(state, before, rtol=0, atol=0)


def test_a_run_with_validation_ends_with_the_weights_of_one_without(stills, self_truth, tmp_path):
    list(run_training(_settings(stills), tmp_path / "without"))
    events = list(run_training(_settings(stills, validate=(self_truth,), validate_every=1), tmp_path / "with"))
    assert [type(e) for e in events] == 2 * [RunStep, *3 * [ValidationProgress], ValidationScores]
    weights = [RunFolder(tmp_path / name).weights.read_bytes() for name in ("without", "with")]
    assert weights[0] == weights[1]
    folder = RunFolder(tmp_path / "with")
    assert [row["step"] for row in _rows(folder.validations)] == ["1", "2"]
    assert set(_rows(folder.validations)[0]) == {"step", "AP", "AP50", "AR10", "seconds"}
    assert sorted(path.name for path in folder.previews.iterdir()) == ["step_000001.jpg", "step_000002.jpg"]
    picture = cv2.imread(str(folder.previews / "step_000002.jpg"))
    assert picture.shape == (302, 966, 3)
    assert "3 frames" in folder.read().validated_on


def test_the_best_weights_stay_when_later_ones_are_worse(stills, self_truth, tmp_path):
    folder = RunFolder(tmp_path / "run")
    gentle = replace(
        _settings(stills, replace(QUICK, learning_rate=1e-9, steps=1), validate=(self_truth,)), init=WEIGHTS
    )
    list(run_training(gentle, folder.path))
    best = folder.best.read_bytes()
    assert read_header(folder.best).metadata["AP"] > 0.9
    wild = replace(gentle, training=replace(QUICK, learning_rate=10.0))
    list(run_training(wild, folder.path, resume=True))
    assert float(_rows(folder.validations)[1]["AP"]) < 0.5
    assert folder.best.read_bytes() == best
    assert read_header(folder.weights).metadata["steps"] == 2


def test_what_is_held_out_is_validated_on(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    list(run_training(replace(_settings(stills, replace(QUICK, steps=1)), hold_out=2), folder.path))
    assert [row["step"] for row in _rows(folder.validations)] == ["1"]
    assert "ids divisible by 2: 2 videos and images, 2 frames" in folder.read().validated_on
    folder = RunFolder(tmp_path / "nothing held out")
    list(run_training(replace(_settings(stills, replace(QUICK, steps=1)), hold_out=100), folder.path))
    assert not folder.read().validated_on
    assert not folder.best.exists()


def test_an_interrupt_ends_a_validation_and_resuming_makes_up_for_it(stills, self_truth, tmp_path):
    folder = RunFolder(tmp_path / "run")
    settings = _settings(stills, replace(QUICK, steps=1), validate=(self_truth,))
    seen = []
    for event in run_training(settings, folder.path):
        seen.append(event)
        if isinstance(event, ValidationProgress):
            os.kill(os.getpid(), signal.SIGTERM)
    assert [type(e) for e in seen] == [RunStep, ValidationProgress]
    assert folder.read().state == "stopped"
    assert not _rows(folder.validations)
    assert isinstance(list(run_training(settings, folder.path, resume=True))[-1], ValidationScores)
    assert folder.read().state == "finished"
    assert list(run_training(settings, folder.path, resume=True)) == []


def test_stills_and_videos_are_read_in_the_classes_of_the_network(tmp_path):
    paths = [write_stills(tmp_path / "stills", 3), write_video(tmp_path / "video", 5)]
    data = read_validation_data(paths, LABELS)
    assert [len(video.paths) for video in data.videos] == [1, 1, 1, 5]
    names = data.truth.category_by_id
    assert [names[item.category_id].name for item in data.truth.annotations] == ["person"] * 3 + ["car"]
    assert read_validation_data(paths, LABELS, held_out=50) is None


def test_a_limit_cuts_videos_evenly_and_drops_objects_that_are_then_unseen(tmp_path):
    path = write_video(tmp_path / "video", 12)
    table = json.loads(path.read_text())
    late = dict(table["annotations"][0], id=2)
    late["segmentations"] = [None] * 10 + late["segmentations"][:2]
    table["annotations"].append(late)
    path.write_text(json.dumps(table))
    assert len(read_validation_data([path], LABELS).truth.annotations) == 2
    data = read_validation_data([path], LABELS, limit=9)
    assert [len(video.paths) for video in data.videos] == [9]
    assert [len(item.segmentations) for item in data.truth.annotations] == [9]
    many = read_validation_data([write_stills(tmp_path / "stills", 9)], LABELS, limit=4)
    assert [video.paths[0].stem for video in many.videos] == ["002", "004", "006", "008"]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20), st.integers(1, 500))
def test_shares_use_the_limit_and_no_more_than_there_is(lengths, limit):
    shares = _shares(lengths, limit)
    assert all(0 <= share <= length for share, length in zip(shares, lengths, strict=True))
    assert sum(shares) == min(limit, sum(lengths)) or max(shares) - min(shares) <= 1
    assert sum(shares) <= limit


def test_what_cannot_be_validated_on_is_a_clear_error(stills, tmp_path):
    with pytest.raises(VisoloError, match=r"nowhere\.json"):
        read_validation_data([tmp_path / "nowhere.json"], LABELS)
    table = json.loads(stills.read_text())
    unknown = tmp_path / "data" / "unknown.json"
    unknown.write_text(json.dumps(table | {"categories": [{"id": 1, "name": "dragon"}, {"id": 2, "name": "elf"}]}))
    with pytest.raises(AnnotationError, match="no category matches"):
        read_validation_data([unknown], LABELS)
    bare = tmp_path / "data" / "bare.json"
    bare.write_text(json.dumps(table | {"annotations": [], "categories": OWN_CATEGORIES}))
    with pytest.raises(AnnotationError, match="no object of the preset's classes to validate on"):
        read_validation_data([bare], LABELS)
    (tmp_path / "data" / "images" / "001.png").unlink()
    with pytest.raises(MediaError, match=r"001\.png"):
        read_validation_data([stills], LABELS)


def test_a_frame_of_another_size_than_its_record_is_a_clear_error(stills):
    data = read_validation_data([stills], LABELS)
    cv2.imwrite(str(data.videos[0].paths[0]), np.zeros((10, 12, 3), np.uint8))
    with pytest.raises(MediaError, match="is 12 x 10 px, its record says 80 x 60"):
        _validate(data, load_weights(WEIGHTS).state_dict())
