"""Weights on disk: every official key has its place, own files suffice alone, and every bad file gets one sentence."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from visolo.categories import Category, LabelSet
from visolo.config import ModelConfig, load_preset
from visolo.errors import ConfigError, OutputError, WeightsError
from visolo.model.checkpoint import (
    convert,
    fill_backbone,
    load_backbone,
    load_partial,
    load_weights,
    official_name,
    read_config,
    save_weights,
    torchvision_name,
    weights_info,
)
from visolo.model.visolo import Visolo, build_model, meta_model

PARITY = Path(__file__).parents[1] / "parity"
SMALL = ModelConfig(
    backbone="resnet50",
    bottleneck_width=4,
    num_classes=3,
    label_set="toys",
    grid=(3, 4),
    width=8,
    embedding=4,
    norm_groups=2,
    input_size=(48, 64),
)
TOYS = LabelSet("toys", (Category(1, "ball"), Category(5, "doll"), Category(9, "train")))


@pytest.fixture
def model() -> Visolo:
    torch.manual_seed(2)
    made = build_model(SMALL).eval()
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            tensor.uniform_(0.5, 2) if name.endswith("running_var") else tensor.add_(torch.randn_like(tensor) * 0.1)
    return made


@pytest.fixture
def own(model: Visolo, tmp_path: Path) -> Path:
    path = tmp_path / "own.safetensors"
    save_weights(model, path, {"steps": 7, "note": "ü"}, TOYS)
    return path


@pytest.fixture
def official(model: Visolo, tmp_path: Path) -> Path:
    return _save_official(model, tmp_path / "official.pth")


def _official_state(model: Visolo) -> dict[str, torch.Tensor]:
    state = {official_name(key): tensor.clone() for key, tensor in model.state_dict().items()}
    tracking = {k: t for k, t in state.items() if k.startswith("model.Tracking_branch.")}
    return state | {k.replace("model.Tracking_branch", "tracking_module"): t for k, t in tracking.items()}


def _save_official(model: Visolo, path: Path) -> Path:
    torch.save({"model": _official_state(model), "iteration": 3, "optimizer": {"state": {}}}, path)
    return path


def _same(a: Visolo, b: Visolo) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_every_official_key_is_used_exactly_once() -> None:
    recorded = dict(json.loads((PARITY / "state_dict_keys.json").read_text())["keys"])
    assert len(recorded) == 357
    ours = meta_model(load_preset("ytvis2019-r50").model).state_dict()
    mapped = [(official_name(key), list(tensor.shape)) for key, tensor in ours.items()]
    alias = [
        (name.replace("model.Tracking_branch.", "tracking_module."), shape)
        for name, shape in mapped
        if name.startswith("model.Tracking_branch.")
    ]
    assert len(mapped) + len(alias) == len(recorded)
    assert dict(mapped + alias) == recorded


@pytest.mark.parametrize("wrapping", ["model", "bare", "state_dict", "old format"])
def test_official_files_load_however_they_are_wrapped(model: Visolo, tmp_path: Path, wrapping: str) -> None:
    state = _official_state(model)
    content = {wrapping: state, "epoch": 2} if wrapping in ("model", "state_dict") else state
    path = tmp_path / "w.pth"
    torch.save(content, path, _use_new_zipfile_serialization=wrapping != "old format")
    assert _same(load_weights(path, SMALL), model)


def test_one_of_the_two_tracking_names_is_enough(model: Visolo, tmp_path: Path) -> None:
    state = {k: t for k, t in _official_state(model).items() if not k.startswith("model.Tracking_branch.")}
    torch.save(state, tmp_path / "w.pth")
    assert _same(load_weights(tmp_path / "w.pth", SMALL), model)


def test_tracking_names_that_disagree_are_refused(model: Visolo, tmp_path: Path) -> None:
    state = _official_state(model)
    state["tracking_module.track_Q_conv1.bias"] = state["tracking_module.track_Q_conv1.bias"] + 1
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"tracking_module\.track_Q_conv1\.bias and .* must be the same"):
        load_weights(tmp_path / "w.pth", SMALL)


def test_converting_keeps_every_tensor_bit_for_bit(official: Path, tmp_path: Path) -> None:
    config = replace(SMALL, num_classes=20, label_set="lite")
    _save_official(build_model(config), official)
    convert(official, tmp_path / "new.safetensors", config)
    assert _same(load_weights(tmp_path / "new.safetensors"), load_weights(official, config))
    info = weights_info(tmp_path / "new.safetensors")
    assert info.header is not None
    assert info.header.metadata == {"converted_from": "official.pth"}
    assert info.header.labels.name == "lite"


def test_converting_an_own_file_keeps_labels_and_facts(own: Path, tmp_path: Path) -> None:
    convert(own, tmp_path / "half.safetensors", half=True)
    before, after = weights_info(own).header, weights_info(tmp_path / "half.safetensors").header
    assert before == after


def test_an_own_file_suffices_alone(own: Path, model: Visolo) -> None:
    loaded = load_weights(own)
    assert _same(loaded, model)
    assert loaded.config == read_config(own) == SMALL
    assert not loaded.training
    info = weights_info(own)
    assert (info.kind, info.dtypes) == ("visolo", ("float32",))
    assert info.parameters == sum(tensor.numel() for tensor in model.state_dict().values())
    assert info.header is not None
    assert info.header.labels == TOYS
    assert info.header.metadata == {"steps": 7, "note": "ü"}


def test_info_of_foreign_files(official: Path, model: Visolo, tmp_path: Path) -> None:
    info = weights_info(official)
    assert (info.kind, info.header) == ("official", None)
    assert info.parameters == sum(tensor.numel() for tensor in model.state_dict().values())
    torch.save(_torchvision_state(model), tmp_path / "r50.pth")
    assert weights_info(tmp_path / "r50.pth").kind == "torchvision"


def test_half_storage_halves_the_file_and_keeps_vectors(own: Path, model: Visolo, tmp_path: Path) -> None:
    half = tmp_path / "half.safetensors"
    save_weights(model, half, labels=TOYS, half=True)
    assert half.stat().st_size < 0.75 * own.stat().st_size
    loaded = load_weights(half).state_dict()
    for key, tensor in model.state_dict().items():
        assert loaded[key].dtype == torch.float32
        torch.testing.assert_close(loaded[key], tensor, rtol=1e-3 if tensor.dim() > 1 else 0, atol=1e-6)


@torch.inference_mode()
def test_a_model_optimized_for_inference_can_be_saved(model: Visolo, tmp_path: Path) -> None:
    images = torch.rand(1, 3, 48, 64) * 255
    expected = model.encode(images).mask
    save_weights(model.optimize_for_inference(), tmp_path / "w.safetensors", labels=TOYS)
    torch.testing.assert_close(
        load_weights(tmp_path / "w.safetensors").encode(images).mask, expected, rtol=0, atol=1e-3
    )


def test_loading_draws_no_random_numbers(own: Path) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    load_weights(own)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_file_can_be_overwritten_without_harm(own: Path, model: Visolo) -> None:
    loaded = load_weights(own)
    save_weights(loaded, own, labels=TOYS)
    own.write_bytes(b"gone")
    assert _same(loaded, model)


def test_another_class_count_is_said_in_words(model: Visolo, tmp_path: Path) -> None:
    path = _save_official(build_model(replace(SMALL, num_classes=40)), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"has 40 classes, the given configuration has 3; choose preset ytvis20"):
        load_weights(path, SMALL)
    path = _save_official(build_model(replace(SMALL, num_classes=33)), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"has 33 classes, preset ytvis2019-r50 has 40; choose a preset with 33"):
        load_weights(path)


def test_another_shape_missing_and_unknown_tensors_are_named(model: Visolo, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    _save_official(build_model(replace(SMALL, width=16)), path)
    with pytest.raises(
        WeightsError, match=r"model\.Category_branch_pre\.cat_pre_conv1\.weight.* and \d+ more has shape"
    ):
        load_weights(path, SMALL)
    state = _official_state(model)
    del state["model.Memory_module.conv1.bias"]
    state["model.extra"] = torch.zeros(1)
    torch.save(state, path)
    words = r"lacks model\.Memory_module\.conv1\.bias and has unknown model\.extra; choose"
    with pytest.raises(WeightsError, match=words):
        load_weights(path, SMALL)


def test_a_preset_that_contradicts_an_own_file_is_refused(own: Path) -> None:
    assert load_weights(own, replace(SMALL, input_size=(96, 128))).config.input_size == (48, 64)
    with pytest.raises(WeightsError, match=r"has bottleneck_width = 4, preset lite has 32; leave the preset out"):
        load_weights(own, "lite")
    with pytest.raises(ConfigError, match="no preset is called"):
        load_weights(own, "big")


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.target),))


def test_a_pickle_that_runs_code_is_not_opened(tmp_path: Path) -> None:
    target = tmp_path / "made-by-pickle"
    for modern in (True, False):
        torch.save({"model": _Bomb(target)}, tmp_path / "w.pth", _use_new_zipfile_serialization=modern)
        with pytest.raises(WeightsError, match="more than tensors and could run code"):
            load_weights(tmp_path / "w.pth")
    assert not target.exists()


@pytest.mark.parametrize("content", [[1, 2], {}, {"model": {"a": 3}}, torch.zeros(2)])
def test_a_pickle_without_a_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="state_dict"):
        load_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped"])
@pytest.mark.parametrize("kind", ["own", "official"])
def test_damaged_files_are_refused(request: pytest.FixtureRequest, kind: str, damage: str) -> None:
    path: Path = request.getfixturevalue(kind)
    data = path.read_bytes()
    changed = {
        "empty": b"",
        "text": b"<html>404 not found</html>",
        "half": data[: len(data) // 2],
        "flipped": bytes(255 - b for b in data[:200]) + data[200:],
    }
    path.write_bytes(changed[damage])
    with pytest.raises(WeightsError, match=r"copy it again|state_dict"):
        load_weights(path)


@pytest.mark.parametrize("name", ["none.pth", "none.safetensors"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        load_weights(tmp_path / name)


def test_a_folder_is_refused_as_one(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is a folder; name a weights file in it"):
        load_weights(tmp_path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="was not written by"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("config", '{"width": "many"}', "width = 'many'"),
        ("config", '{"grid": [1]}', "grid = "),
        ("config", '{"future": 1}', "unknown setting 'future'.*newer version"),
        ("config", "{", "header is damaged"),
        ("labels", '{"name": "x"}', "header is damaged"),
        ("labels", '{"name": "x", "categories": []}', "names 0 classes for 3"),
        ("config", '{"width": 1000000000, "num_classes": 3}', "width is 1000000000; it must be 1 to 65536"),
        ("config", '{"width": 64, "num_classes": 3}', "lacks|has shape"),
    ],
)
def test_a_damaged_header_is_refused(own: Path, entry: str, value: str, words: str) -> None:
    with safetensors.safe_open(own, framework="pt") as file:
        header = file.metadata()
    tensors = safetensors.torch.load_file(own)
    own.unlink()
    safetensors.torch.save_file(tensors, own, metadata=header | {entry: value})
    with pytest.raises(WeightsError, match=words):
        load_weights(own)


def test_weights_of_a_diverged_training_are_refused(model: Visolo, tmp_path: Path) -> None:
    with torch.no_grad():
        model.mask_branch.output.conv.bias.fill_(float("nan"))
    save_weights(model, tmp_path / "w.safetensors", labels=TOYS)
    with pytest.raises(WeightsError, match=r"mask_branch\.output\.conv\.bias hold NaN"):
        load_weights(tmp_path / "w.safetensors")


def test_saving_checks_name_labels_and_folder(model: Visolo, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"end in \.safetensors"):
        save_weights(model, tmp_path / "w.pth", labels=TOYS)
    with pytest.raises(WeightsError, match="'toys' has 2 classes, the network 3"):
        save_weights(model, tmp_path / "w.safetensors", labels=LabelSet("toys", TOYS.categories[:2]))
    with pytest.raises(ConfigError, match="no label set is called 'toys'"):
        save_weights(model, tmp_path / "w.safetensors")
    with pytest.raises(OutputError, match="cannot write there"):
        save_weights(model, tmp_path / "no" / "w.safetensors", labels=TOYS)
    assert list(tmp_path.iterdir()) == []


def _torchvision_state(model: Visolo) -> dict[str, torch.Tensor]:
    state = {torchvision_name(k): t for k, t in model.state_dict().items() if k.startswith("backbone.")}
    counts = {k.replace("running_mean", "num_batches_tracked"): torch.tensor(9) for k in state if "running_mean" in k}
    rest = {"layer4.0.conv1.weight": torch.zeros(1), "fc.weight": torch.zeros(1), "fc.bias": torch.zeros(1)}
    return state | counts | rest


def test_torchvision_names() -> None:
    names = {torchvision_name(key) for key in meta_model(SMALL).state_dict() if key.startswith("backbone.")}
    assert {"conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias"} <= names
    assert {"layer2.3.conv3.weight", "layer2.3.bn3.running_mean", "layer3.5.bn1.weight"} <= names
    assert len(names) == 43 * 5


@pytest.mark.parametrize("source", ["torchvision", "official", "own"])
def test_a_backbone_loads_from_every_kind_of_file(
    request: pytest.FixtureRequest, model: Visolo, tmp_path: Path, source: str
) -> None:
    if source == "torchvision":
        path = tmp_path / "resnet.pth"
        torch.save(_torchvision_state(model), path)
    else:
        path = request.getfixturevalue(source)
    other = build_model(SMALL)
    heads = {k: t.clone() for k, t in other.state_dict().items() if not k.startswith("backbone.")}
    load_backbone(other, path)
    after = other.state_dict()
    assert all(torch.equal(after[k], t) for k, t in model.state_dict().items() if k.startswith("backbone."))
    assert all(torch.equal(after[k], t) for k, t in heads.items())


@torch.inference_mode()
def test_a_backbone_with_folded_norms_computes_the_same(model: Visolo) -> None:
    images = torch.randn(1, 3, 48, 64)
    expected = model.backbone(images).res4
    model.backbone.fold_norms()
    state = {torchvision_name(k): t for k, t in model.state_dict().items() if k.startswith("backbone.")}
    assert "layer1.0.conv1.bias" in state
    assert "layer1.0.bn1.bias" not in state
    other = build_model(SMALL).eval()
    fill_backbone(other, state, "folded")
    torch.testing.assert_close(other.backbone(images).res4, expected, rtol=1e-3, atol=1e-3)


def test_another_backbone_is_refused(model: Visolo, tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    state = _torchvision_state(model)
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"lacks layer3\.6\..* and \d+ more"):
        load_backbone(build_model(replace(SMALL, backbone="resnet101")), path)
    with pytest.raises(WeightsError, match=r"layer1\.0\..* has shape .* where the network's resnet50 has"):
        load_backbone(build_model(replace(SMALL, bottleneck_width=8)), path)
    torch.save(state | {"layer3.6.conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"has unknown layer3\.6\.conv1\.weight"):
        load_backbone(build_model(SMALL), path)


def test_a_classifier_file_is_no_network(model: Visolo, tmp_path: Path) -> None:
    torch.save(_torchvision_state(model), tmp_path / "resnet.pth")
    with pytest.raises(WeightsError, match="holds an ImageNet ResNet"):
        load_weights(tmp_path / "resnet.pth", SMALL)


def test_fine_tuning_on_other_classes_keeps_all_but_the_classifier(own: Path, model: Visolo) -> None:
    other = build_model(replace(SMALL, num_classes=7))
    left = load_partial(other, own)
    assert left == ["category_branch.classify.weight", "category_branch.classify.bias"]
    after = other.state_dict()
    assert all(torch.equal(after[key], tensor) for key, tensor in model.state_dict().items() if key not in left)
    with pytest.raises(WeightsError, match="backbone is not a resnet18"):
        load_partial(build_model(replace(SMALL, backbone="resnet18")), own)


def test_a_classifier_of_other_classes_is_left_out_though_it_fits(model: Visolo, tmp_path: Path) -> None:
    names = ("ytvis2019", "ytvis2021")
    first, second = (replace(SMALL, label_set=name, num_classes=40) for name in names)
    save_weights(build_model(first), tmp_path / "w.safetensors")
    assert load_partial(build_model(first), tmp_path / "w.safetensors") == []
    left = load_partial(build_model(second), tmp_path / "w.safetensors")
    assert left == ["category_branch.classify.weight", "category_branch.classify.bias"]


def test_training_starts_from_an_imagenet_resnet(model: Visolo, tmp_path: Path) -> None:
    torch.save(_torchvision_state(model), tmp_path / "resnet.pth")
    other = build_model(SMALL)
    left = load_partial(other, tmp_path / "resnet.pth")
    after = other.state_dict()
    assert sorted(left) == sorted(key for key in after if not key.startswith("backbone."))
    assert all(torch.equal(after[k], t) for k, t in model.state_dict().items() if k.startswith("backbone."))


def test_arrays_in_a_pickle_are_refused_like_any_object(tmp_path: Path) -> None:
    torch.save({"model": {"model.a": np.zeros(2)}}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"more than tensors"):
        load_weights(tmp_path / "w.pth")
