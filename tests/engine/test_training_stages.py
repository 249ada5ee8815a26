"""The paper's two stages from the command line: stills with COCO's classes, then videos and stills with others."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from training_data import write_stills, write_video

from visolo import cli
from visolo.config import load_preset
from visolo.model.checkpoint import read_config, torchvision_name
from visolo.model.visolo import build_model
from visolo.model.weights_file import read_tensors
from visolo.training.run_folder import RunFolder


@pytest.fixture
def resnet(tmp_path):
    """A ResNet-50 under torchvision's names."""
    state = build_model(load_preset("coco-r50").model).state_dict()
    path = tmp_path / "resnet50.pth"
    torch.save({torchvision_name(key): t for key, t in state.items() if key.startswith("backbone.")}, path)
    return path


def _train(*arguments):
    options = ("--steps", 1, "--batch-size", 1, "--device", "cpu", "--quiet")
    return cli.main(["train", *map(str, (*arguments, *options))])


def test_the_second_stage_goes_on_from_the_first(resnet, tmp_path, capsys):
    stills, video = write_stills(tmp_path / "a"), write_video(tmp_path / "b")
    images, videos = RunFolder(tmp_path / "images"), RunFolder(tmp_path / "videos")
    assert _train("--preset", "coco-r50", "--data", stills, "--init", resnet, "--out", images.path) == 0
    assert "gives no start values for category_branch, kernel_branch" in capsys.readouterr().err
    assert read_config(images.weights).label_set == "coco"
    data = ("--data", video, "--data", stills, "--weight", 0.75, 0.25, "--map", "car=sedan")
    assert _train("--preset", "ytvis2019-r50", *data, "--init", images.weights, "--out", videos.path) == 0
    assert "gives no start values for category_branch.classify, so" in capsys.readouterr().err
    before, after = read_tensors(images.weights), read_tensors(videos.weights)
    assert before["category_branch.classify.bias"].shape == (80,)
    assert after["category_branch.classify.bias"].shape == (40,)
    assert torch.equal(after["backbone.res2.0.conv1.conv.weight"], before["backbone.res2.0.conv1.conv.weight"])
    name = "matching.query.0.conv.weight"
    moved = (after[name] - before[name]).abs().max()
    assert 0 < moved < 1e-3  # a step's worth from where the first stage ended
