"""The training loop on a very small network: it learns, stops, continues exactly, and says what went wrong."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from training_data import write_stills

from visolo.categories import load_label_set
from visolo.config import ModelConfig
from visolo.errors import ConfigError, MediaError, VisoloError, WeightsError
from visolo.model.checkpoint import load_weights
from visolo.model.visolo import build_model
from visolo.training.checkpoints import export_weights
from visolo.training.clips import ClipMaker
from visolo.training.config import TrainingConfig, load_training_config
from visolo.training.datasets import read_training_data
from visolo.training.loop import Trainer, learning_rate
from visolo.training.settings import shortened

SMALL = ModelConfig(
    backbone="resnet18", bottleneck_width=8, num_classes=20, label_set="lite", grid=(3, 4), width=16, embedding=8,
    norm_groups=4, input_size=(48, 64), learnt_similarity=True, category_prior_bias=-4.6,
)  # fmt: skip
QUICK = TrainingConfig(
    steps=6, batch_size=2, learning_rate=2e-3, weight_decay=1e-2, clip_norm=10.0, schedule="cosine", ema_decay=0.9,
    self_read_share=0.3, augmentation="zoom", target_extent="true", frozen_stages=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other over tiny tensors make these tests many times slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def stills(tmp_path):
    return write_stills(tmp_path / "data")


def _trainer(path, config=QUICK, seed=0):
    torch.manual_seed(seed)
    data = read_training_data(path, load_label_set("lite"))
    return Trainer(build_model(SMALL), config, ClipMaker([data], None, SMALL.input_size, config))


def _state(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def test_training_lowers_the_loss(stills):
    trainer = _trainer(stills, replace(QUICK, steps=24, self_read_share=0.0, augmentation="official"))
    totals = [metrics.total for metrics in trainer.run()]
    assert sum(totals[-5:]) < 0.6 * sum(totals[:5])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"workers": 2},
        {"batch_size": 3, "accumulate": 2},
        {"precision": "fp16", "ema_decay": 0.0},
        {"blend": 0.3},
    ],
    ids=lambda changes: ", ".join(changes) or "plain",
)
def test_a_resumed_run_takes_the_identical_steps(stills, tmp_path, changes):
    config = replace(QUICK, **changes)
    whole = _trainer(stills, config)
    expected = [(m.step, m.total, m.gradient_norm) for m in whole.run()]
    first = _trainer(stills, config)
    run = first.run()
    for _ in range(3):
        next(run)
    first.save(tmp_path / "half.pt")
    run.close()
    second = _trainer(stills, config, seed=9)
    second.load(tmp_path / "half.pt")
    rest = [(m.step, m.total, m.gradient_norm) for m in second.run()]
    assert rest == expected[3:]
    for name, value in whole.exported_state().items():
        torch.testing.assert_close(second.exported_state()[name], value, rtol=0, atol=0)
    assert second.state()["scaler"] == whole.state()["scaler"]


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_blended_weights_lie_between_start_and_trained_ones(stills, ema_decay):
    trainer = _trainer(stills, replace(QUICK, ema_decay=ema_decay, blend=0.25))
    before = _state(trainer)
    list(trainer.run())
    blended = trainer.exported_state()
    plain = _trainer(stills, replace(QUICK, ema_decay=ema_decay))
    list(plain.run())
    for name, trained in plain.exported_state().items():
        torch.testing.assert_close(blended[name], 0.75 * before[name] + 0.25 * trained)
    torch.testing.assert_close(trainer.model.state_dict(), plain.model.state_dict(), rtol=0, atol=0)
    assert any(not torch.equal(value, before[name]) for name, value in blended.items())


def test_a_run_without_start_values_is_not_blended_later(stills, tmp_path):
    first = _trainer(stills)
    first.save(tmp_path / "plain.pt")
    with pytest.raises(ConfigError, match="kept no start values to blend with; leave --blend out"):
        _trainer(stills, replace(QUICK, blend=0.3)).load(tmp_path / "plain.pt")


def test_a_checkpoint_from_before_gradients_were_scaled_continues(stills, tmp_path):
    first = _trainer(stills)
    next(first.run())
    old = first.state()
    del old["scaler"]
    torch.save(old, tmp_path / "old.pt")
    second = _trainer(stills, seed=9)
    second.load(tmp_path / "old.pt")
    assert next(second.run()).step == 2


def test_fp16_scales_gradients_and_skips_steps_that_overflow(stills):
    trainer = _trainer(stills, replace(QUICK, precision="fp16", steps=2, ema_decay=0.0))
    trainer._scaler.load_state_dict(trainer._scaler.state_dict() | {"scale": 2.0**40})
    before = _state(trainer)
    run = trainer.run()
    assert not math.isfinite(next(run).gradient_norm)
    torch.testing.assert_close(_state(trainer), before, rtol=0, atol=0)
    trainer._scaler.update(2.0**8)
    assert 0 < next(run).gradient_norm < 1e3
    assert any(not torch.equal(value, before[name]) for name, value in _state(trainer).items())


def test_a_damaged_picture_is_one_sentence_from_a_data_process_too(stills):
    for picture in (stills.parent / "images").iterdir():
        picture.write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"^\S+png: cannot be read as an image; restore the file[^\n]*$"):
        next(_trainer(stills, replace(QUICK, workers=1)).run())


@pytest.mark.parametrize("self_read_share", [0.0, 1.0])
def test_accumulated_parts_take_the_step_of_the_whole_batch(stills, self_read_share):
    config = replace(QUICK, batch_size=5, self_read_share=self_read_share, steps=1, clip_norm=0.0)
    (expected, gradients), *others = (_first_step(stills, replace(config, accumulate=parts)) for parts in (1, 2, 5))
    for metrics, other_gradients in others:
        for name in ("category", "mask", "similarity", "gradient_norm"):
            assert getattr(metrics, name) == pytest.approx(getattr(expected, name), rel=1e-5)
        torch.testing.assert_close(other_gradients, gradients, rtol=1e-4, atol=1e-5)


def _first_step(path, config):
    trainer = _trainer(path, config)
    metrics = next(trainer.run())
    return metrics, {name: p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None}


def test_frozen_stages_stay_as_they_are(stills):
    trainer = _trainer(stills, replace(QUICK, frozen_stages=2, steps=2))
    before = _state(trainer)
    list(trainer.run())
    changed = {name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(("backbone.stem", "backbone.res2")) for name in changed)
    assert any(name.startswith("backbone.res3") for name in changed)
    assert any(name.startswith("category_branch") for name in changed)


def test_bf16_trains_too(stills):
    metrics = list(_trainer(stills, replace(QUICK, precision="bf16", steps=2)).run())
    assert all(m.total > 0 for m in metrics)


def test_a_loss_that_is_no_number_stops_the_run_before_the_weights_change(stills):
    trainer = _trainer(stills)
    with torch.no_grad():
        trainer.model.kernel_branch.project.conv.weight.fill_(torch.nan)
    before = _state(trainer)
    with pytest.raises(VisoloError, match="not a number at step 1"):
        list(trainer.run())
    torch.testing.assert_close(_state(trainer), before, equal_nan=True)


def test_official_schedule_drops_at_the_milestones():
    config = TrainingConfig()
    assert [learning_rate(config, s) for s in (0, 59_999, 60_000, 100_000)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6])


def test_cosine_schedule_warms_up_and_ends_near_zero():
    config = TrainingConfig(schedule="cosine", steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert rates[-1] < 1e-3


def test_a_short_run_warms_up_for_a_tenth_of_itself():
    config = shortened(load_training_config("lite"), 50)
    rates = [learning_rate(config, step) for step in range(50)]
    assert rates.index(max(rates)) == 4
    assert max(rates) == config.learning_rate
    assert shortened(config, 50) == config


def test_a_damaged_checkpoint_is_a_clear_error(stills, tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="no whole checkpoint"):
        _trainer(stills).load(tmp_path / "bad.pt")


def test_a_checkpoint_of_another_network_is_a_clear_error(stills, tmp_path):
    trainer = _trainer(stills)
    trainer.save(tmp_path / "a.pt")
    other = Trainer(build_model(replace(SMALL, width=32)), QUICK, trainer._maker)
    with pytest.raises(WeightsError, match="another network"):
        other.load(tmp_path / "a.pt")


def test_exported_weights_are_the_average_and_load_again(stills, tmp_path):
    trainer = _trainer(stills)
    list(trainer.run())
    export_weights(trainer, tmp_path / "w.safetensors", "lite")
    loaded = load_weights(tmp_path / "w.safetensors")
    assert loaded.config == SMALL
    key = "category_branch.classify.weight"
    torch.testing.assert_close(loaded.state_dict()[key], trainer.exported_state()[key], rtol=1e-3, atol=1e-4)
    assert not torch.equal(trainer.exported_state()[key], trainer.model.state_dict()[key])
