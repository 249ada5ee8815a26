"""A run that ends from outside: SIGKILL at the worst moments, SIGTERM at any; resuming makes up for it exactly."""

import csv
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from training_commands import OPTIONS, PATIENCE_SECONDS, finish, start
from training_data import write_stills

from visolo.training.run_folder import RunFolder


@pytest.fixture
def stills(tmp_path):
    return write_stills(tmp_path / "data")


def _steps(folder):
    with folder.log.open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def _kill_when(process, is_time):
    """SIGKILL as soon as the condition holds; False when the process was faster."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and not is_time():
        assert time.monotonic() < deadline
        time.sleep(0.003)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_a_run_killed_again_and_again_ends_with_the_weights_of_an_undisturbed_one(stills, tmp_path):
    whole, folder = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    settings = ("--data", stills, "--steps", "6", *OPTIONS)
    assert finish(*settings, "--out", whole.path)[0] == 0
    is_some_time_ago = _some_time_after(lambda: folder.log.is_file() and len(_steps(folder)) >= 3, random.Random(7))
    moments = (
        lambda: any(folder.path.glob("checkpoints/.step_*")),  # while the first checkpoint is being written
        folder.checkpoint.exists,  # between a checkpoint and its weights
        is_some_time_ago,
    )
    leftovers = 0
    for moment in moments:
        arguments = ("--out", folder.path, "--resume") if folder.record.exists() else (*settings, "--out", folder.path)
        assert _kill_when(start(*arguments), moment)
        assert folder.read().state == "killed"
        leftovers += len(list(folder.path.rglob(".*-*")))
    assert leftovers
    code, errors = finish("--out", folder.path, "--resume")
    assert (code, errors) == (0, "")
    assert folder.weights.read_bytes() == whole.weights.read_bytes()
    assert _steps(folder) == [1, 2, 3, 4, 5, 6]
    assert not list(folder.path.rglob(".*-*"))
    assert folder.read().state == "finished"


def _some_time_after(is_time, chance):
    """A condition that holds a random moment after another one began to."""
    until = []

    def is_later():
        if not until and is_time():
            until.append(time.monotonic() + chance.uniform(0, 0.3))
        return bool(until) and time.monotonic() >= until[0]

    return is_later


def _begun(folder, *arguments):
    """A run in a process group of its own that has done its first step."""
    process = start(*arguments, "--out", folder.path, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder.log.is_file() and _steps(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_sigterm_to_the_whole_group_finishes_the_step_and_says_how_to_go_on(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    process = _begun(folder, "--data", stills, "--steps", "500", "--workers", "2", *OPTIONS)
    os.killpg(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert f"train --out {folder.path} --resume" in said
    record = folder.read()
    assert (record.state, record.step) == ("stopped", _steps(folder)[-1])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the data process by /proc")
def test_a_killed_data_process_costs_no_step(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    options = [option if option != "0" else "1000" for option in OPTIONS]  # no checkpoint but the one at the end
    process = _begun(folder, "--data", stills, "--steps", "500", "--workers", "1", *options)
    child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(child), signal.SIGKILL)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert "a process that prepares data was killed" in errors
    assert errors.count("\n") == 1
    record = folder.read()
    assert (record.state, record.step) == ("failed", _steps(folder)[-1])
    assert f"the checkpoint of step {record.step} is whole" in errors


def test_data_processes_do_not_hold_up_the_end_of_a_run_that_failed(stills, tmp_path):
    image = next((stills.parent).rglob("*.jpg"), None) or next((stills.parent).rglob("*.png"))
    image.write_bytes(b"no picture")
    code, errors = finish("--data", stills, "--steps", "500", "--workers", "2", *OPTIONS, "--out", tmp_path / "run")
    assert code == 2
    assert image.name in errors
