"""Training in two processes that torchrun starts: they take the steps of one, and a failure ends both in words."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from training_commands import OPTIONS, PATIENCE_SECONDS, ROOT, finish
from training_data import write_stills, write_video

from visolo.training.run_folder import RunFolder

_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
_LOSSES = ("category", "mask", "similarity")
_SCRIPT = """
import os, signal, sys
from visolo import cli
from visolo.errors import MediaError
from visolo.training.loop import Trainer
from visolo.training.frames import FrameStore

def kill(trainer, batch):
    if trainer.step == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return train_step(trainer, batch)

def fail(store, video, frame_index):
    raise MediaError("a.png: cannot be read")

train_step = Trainer._train_step
if os.environ["RANK"] == sys.argv[1]:
    if sys.argv[2] == "kill":
        Trainer._train_step = kill
    else:
        FrameStore.load = fail
sys.exit(cli.main(sys.argv[3:]))
"""


@pytest.fixture
def data(tmp_path):
    return write_stills(tmp_path / "a"), write_video(tmp_path / "b")


def _torchrun(*program):
    """Exit code and the sentences on stderr, without those of torchrun itself."""
    command = [sys.executable, *_TORCHRUN, *map(str, program)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("visolo: ")], done.stderr


def _run_of(folder):
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, torch.load(folder / "checkpoint.pt", weights_only=True)


def test_two_processes_take_the_steps_of_one(data, tmp_path):
    files = ("--data", data[0], "--data", data[1])
    # AdamW makes a whole step of any gradient, also of one that is nothing but rounding; small steps keep that small.
    settings = ("--steps", 3, *OPTIONS, "--batch-size", 3, "--precision", "fp32", "--learning-rate", 1e-4)
    assert finish(*files, "--out", tmp_path / "one", *settings)[0] == 0
    code, _, errors = _torchrun(
        "-m", "visolo", "train", *files, "--out", tmp_path / "two", *settings, "--accumulate", 2
    )
    assert code == 0, errors
    (alone, one), (shared, two) = _run_of(tmp_path / "one"), _run_of(tmp_path / "two")
    assert {row["clip_length"] for row in alone} == {"1", "3"}
    for row, other in zip(alone, shared, strict=True):
        for name in (*_LOSSES, "gradient_norm"):
            assert float(other[name]) == pytest.approx(float(row[name]), rel=1e-4)
    torch.testing.assert_close(two["model"], one["model"], rtol=1e-4, atol=3e-5)
    torch.testing.assert_close(two["average"], one["average"], rtol=1e-4, atol=3e-5)


def test_a_process_that_cannot_go_on_ends_all_with_one_sentence(data, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(_SCRIPT)
    arguments = ("train", "--data", data[0], "--out", tmp_path / "run", "--steps", 3, *OPTIONS, "--batch-size", 2)
    code, sentences, errors = _torchrun(script, 1, "fail", *arguments)
    assert code != 0
    assert sentences == [
        "visolo: error: a.png: cannot be read; no checkpoint was written yet, --resume starts at step 1"
    ], errors
    record = RunFolder(tmp_path / "run").read()
    assert (record.state, record.sentence.split(";")[0]) == ("failed", "a.png: cannot be read")


def test_a_killed_process_ends_all_and_the_run_goes_on_from_its_checkpoint(data, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(_SCRIPT)
    arguments = ("train", "--data", data[0], "--out", tmp_path / "run", "--steps", 2, *OPTIONS, "--batch-size", 2)
    code, sentences, errors = _torchrun(script, 1, "kill", *arguments)
    assert code != 0
    assert all("another process" in sentence for sentence in sentences), errors
    assert RunFolder(tmp_path / "run").read().step == 1
    assert finish("--out", tmp_path / "run", "--resume")[0] == 0
    assert RunFolder(tmp_path / "run").read().state == "finished"
