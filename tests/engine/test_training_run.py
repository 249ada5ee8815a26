"""A run as a user starts it: what its folder holds, how it stops, goes on, and keeps others out."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock

sys.path.insert(0, str(Path(__file__).parent))

from training_data import write_stills

from visolo import cli
from visolo.errors import ConfigError, OutputError
from visolo.model.checkpoint import load_weights
from visolo.resources import resource_path
from visolo.training.config import TrainingConfig
from visolo.training.run import run_training
from visolo.training.run_folder import RunFolder
from visolo.training.settings import RunSettings, SupervisionConfig, settings_from_json

QUICK = TrainingConfig(steps=3, batch_size=1, augmentation="zoom", self_read_share=1.0, clip_length=2)
ROOT = Path(__file__).parents[2]
BUNDLED = resource_path("models", "visolo-lite.safetensors")


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


def _settings(stills, training=QUICK, **supervision):
    return RunSettings((stills,), training, device="cpu", supervision=SupervisionConfig(**supervision))


def _train(*arguments):
    return cli.main(["train", "--quiet", *map(str, arguments)])


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_its_folder_and_goes_on_from_it(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    run = run_training(_settings(stills), folder.path)
    next(run)
    os.kill(os.getpid(), signal.SIGINT)
    assert list(run) == []
    assert folder.read().state == "stopped"
    assert "after step 1" in folder.read().sentence
    with folder.log.open("a") as file:
        file.write("2,3,9,9,9,9,9,9,9,9,9\n3,3,9")  # a step after the checkpoint, as a killed process leaves it
    assert [step.step for step in run_training(_settings(stills), folder.path, resume=True)] == [2, 3]
    assert [row["step"] for row in _rows(folder.log)] == ["1", "2", "3"]
    assert float(_rows(folder.log)[0]["eta_seconds"]) > 0
    assert float(_rows(folder.log)[2]["eta_seconds"]) == 0
    assert load_weights(folder.weights).config.label_set == "lite"
    assert (folder.read().state, folder.read().step) == ("finished", 3)
    assert folder.checkpoint.samefile(folder.checkpoints / "step_000003.pt")


def test_the_command_line_resumes_with_nothing_but_the_folder(stills, tmp_path, capsys):
    options = ("--steps", 3, "--batch-size", 1, "--checkpoint-seconds", 0, "--keep-last", 2, "--device", "cpu")
    assert _train("--data", stills, "--out", tmp_path / "run", *options) == 0
    folder = RunFolder(tmp_path / "run")
    assert [path.name for path in folder.kept_checkpoints()] == ["step_000002.pt", "step_000003.pt"]
    whole = folder.weights.read_bytes()
    capsys.readouterr()
    assert _train("--out", folder.path, "--resume") == 0
    assert "complete already" in capsys.readouterr().out
    earlier = folder.checkpoints / "step_000002.pt"
    assert _train("--out", folder.path, "--resume", earlier, "--keep-last", 5) == 0
    assert folder.weights.read_bytes() == whole
    assert folder.read().settings.supervision.keep_last == 5


def test_a_run_that_ended_before_its_first_checkpoint_is_resumed_from_the_start(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(ConfigError, match="has no run to resume"):
        next(run_training(_settings(stills), folder.path, resume=True))
    run = run_training(_settings(stills), folder.path)
    next(run)
    run.close()
    assert not folder.checkpoint.exists()
    assert [step.step for step in run_training(_settings(stills), folder.path, resume=True)] == [1, 2, 3]


def test_other_settings_on_resume_are_used_or_refused(stills, tmp_path, capsys):
    folder = RunFolder(tmp_path / "run")
    list(run_training(_settings(stills, replace(QUICK, steps=1)), folder.path))
    for option, value, reason in (
        ("--preset", "ytvis2019-r50", "network of a run cannot change"),
        ("--init", "x.safetensors", "start values were used already"),
        ("--seed", 5, "leave --seed out"),
    ):
        assert _train("--out", folder.path, "--resume", option, value) == 2
        assert reason in capsys.readouterr().err
    assert _train("--out", folder.path, "--resume", "--steps", 2, "--learning-rate", 5e-4) == 0
    assert folder.read().settings.training.learning_rate == 5e-4
    assert _rows(folder.log)[-1]["steps"] == "2"


def test_another_blend_of_a_finished_run_is_exported_without_training(stills, tmp_path):
    start, folder = tmp_path / "start.safetensors", RunFolder(tmp_path / "run")
    start.write_bytes(BUNDLED.read_bytes())
    options = ("--steps", 1, "--batch-size", 1, "--device", "cpu", "--blend", 0.3)
    assert _train("--data", stills, "--out", folder.path, "--init", start, *options) == 0
    before, mild = load_weights(start).state_dict(), load_weights(folder.weights).state_dict()
    start.unlink()  # what a run needs is in its folder
    assert _train("--out", folder.path, "--resume", "--blend", 0.9) == 0
    strong = load_weights(folder.weights).state_dict()
    key = "category_branch.classify.weight"
    changes = [float((state[key] - before[key]).norm()) for state in (mild, strong)]
    assert changes[1] == pytest.approx(3 * changes[0], rel=0.1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--blend", 0.3), "--blend needs start values for the whole network: leave it out, or give some with --init"),
        (("--blend", 0), "blend is 0.0; it must be above 0, and 1 at most"),
        (("--blend", 1.5), "blend is 1.5; it must be above 0, and 1 at most"),
    ],
)
def test_a_blend_of_nothing_is_refused(stills, tmp_path, capsys, options, sentence):
    assert _train("--data", stills, "--out", tmp_path / "run", *options, "--device", "cpu") == 2
    assert sentence in capsys.readouterr().err


def test_a_folder_with_a_run_is_not_overwritten(stills, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"precious")
    with pytest.raises(OutputError, match="already holds a run"):
        next(run_training(_settings(stills), tmp_path))
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"precious"


def test_a_second_run_into_the_same_folder_is_refused(stills, tmp_path):
    run = run_training(_settings(stills), tmp_path / "run")
    next(run)
    command = [sys.executable, "-m", "visolo", "train", "--out", str(tmp_path / "run"), "--resume"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "another process trains into this folder" in second.stderr
    assert RunFolder(tmp_path / "run").read().state == "running"
    run.close()


def test_a_run_whose_process_is_gone_counts_as_killed(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    list(run_training(_settings(stills, replace(QUICK, steps=1)), folder.path))
    folder.record.write_text(folder.record.read_text().replace('"finished"', '"running"'))
    assert folder.read().state == "killed"
    with FileLock(folder.path / ".lock"):
        assert folder.read().state == "running"


def test_tensorboard_gets_the_numbers_of_the_log(stills, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = RunFolder(tmp_path / "run")
    run = run_training(_settings(stills, checkpoint_seconds=0), folder.path)
    assert [next(run).step, next(run).step] == [1, 2]
    run.close()
    first = folder.checkpoints / "step_000001.pt"
    list(run_training(_settings(stills), folder.path, checkpoint=first))  # what came after it is logged anew
    events = accumulator.EventAccumulator(str(folder.tensorboard)).Reload()
    losses = events.Scalars("training/category")
    assert [event.step for event in losses] == [1, 2, 3]
    assert [f"{event.value:.4g}" for event in losses] == [f"{float(r['category']):.4g}" for r in _rows(folder.log)]


def test_settings_survive_their_file(stills, tmp_path):
    settings = replace(
        _settings(stills, validate=(tmp_path / "gt.json",)), init=tmp_path / "w.safetensors", data_weights=(1.0,)
    )
    table = json.loads(json.dumps(settings.to_json()))
    assert settings_from_json(table, "run.json") == settings
    del table["training"]["batch_source"]  # as in a run that is older than this setting
    assert settings_from_json(table, "run.json").training.batch_source == "mixed"
    del table["data"]
    with pytest.raises(ConfigError, match="cannot be read"):
        settings_from_json(table, "run.json")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 99}', '{"format": 1, "state": "running"}'])
def test_a_damaged_record_is_a_clear_error(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ConfigError, match=r"run\.json: "):
        RunFolder(tmp_path).read()


def test_wrong_settings_are_clear_errors(stills, tmp_path, capsys):
    with pytest.raises(ConfigError, match="2 weights for 1 data files"):
        replace(_settings(stills), data_weights=(1.0, 2.0))
    with pytest.raises(ConfigError, match="keep_last is 0; it must be 1 or more"):
        _settings(stills, keep_last=0)
    assert _train("--data", stills, "--out", tmp_path / "run", "--map", "person=dgo") == 2
    assert "did you mean 'dog'" in capsys.readouterr().err
    assert _train("--out", tmp_path / "run") == 2
    assert "--data is missing" in capsys.readouterr().err
