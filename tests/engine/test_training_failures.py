"""What can end a run, done for real: no memory, no disk, no numbers, no image, no permission.

Every failure is one sentence, leaves the last checkpoint whole, and resuming works.
"""

import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from training_commands import OPTIONS, finish, finish_script
from training_data import write_stills

from visolo.errors import DeviceError, DivergedError, MediaError, OutputError
from visolo.training.config import TrainingConfig
from visolo.training.failures import failures_in_words
from visolo.training.run import run_training
from visolo.training.run_folder import RunFolder
from visolo.training.settings import RunSettings, SupervisionConfig

QUICK = TrainingConfig(steps=3, batch_size=1, augmentation="zoom", self_read_share=1.0, clip_length=2)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def stills(tmp_path):
    return write_stills(tmp_path / "data")


def _settings(stills, training=QUICK):
    return RunSettings((stills,), training, device="cpu", supervision=SupervisionConfig(checkpoint_seconds=0))


def _is_a_sentence(errors):
    return errors.startswith("visolo: error: ") and errors.count("\n") == 1


def test_a_full_disk_leaves_the_last_checkpoint_whole(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert finish("--data", stills, "--steps", "1", *OPTIONS, "--out", folder.path)[0] == 0
    checkpoint = folder.checkpoint.read_bytes()

    def no_large_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))

    code, errors = finish("--out", folder.path, "--resume", "--steps", "2", preexec_fn=no_large_files)
    assert code == 2
    assert _is_a_sentence(errors)
    assert "writing failed" in errors
    assert "the checkpoint of step 1 is whole, continue from it with --resume" in errors
    assert folder.checkpoint.read_bytes() == checkpoint
    assert (folder.read().state, folder.read().step) == ("failed", 1)
    assert finish("--out", folder.path, "--resume")[0] == 0
    assert folder.read().state == "finished"


def test_a_disk_that_fills_up_is_a_clear_error(stills, tmp_path):
    """The same on a real file system that is too small, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=130m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        folder = RunFolder(disk / "run")
        code, errors = finish("--data", stills, "--steps", "3", *OPTIONS, "--out", folder.path)
        assert code == 2
        assert _is_a_sentence(errors)
        assert "No space left" in errors
        assert "the checkpoint of step 1 is whole" in errors
        torch.load(folder.checkpoint, weights_only=True)
        assert folder.read().state == "failed"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


_STARVED = """
import resource, sys
from pathlib import Path
from visolo import cli
from visolo.training import loop

train_step = loop.Trainer._train_step

def starved(trainer, batch):
    if trainer.step == 1:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 30_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return train_step(trainer, batch)

loop.Trainer._train_step = starved
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the size of a process is read from /proc")
def test_running_out_of_memory_says_what_to_change(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    settings = ("--data", stills, "--steps", "2", *OPTIONS, "--batch-size", "8")
    code, errors = finish_script(_STARVED, *settings, "--out", folder.path)
    assert code == 2
    assert _is_a_sentence(errors), errors
    assert "ran out of memory" in errors
    assert "--accumulate" in errors
    assert "the checkpoint of step 1 is whole" in errors
    assert finish("--out", folder.path, "--resume", "--batch-size", "2", "--accumulate", "2")[0] == 0


def test_running_out_of_gpu_memory_says_what_to_change():
    sentence = r"GPU ran out of memory.*--accumulate.*--batch-size.*go on"
    with pytest.raises(DeviceError, match=sentence), failures_in_words(lambda _: "go on"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def test_a_loss_that_is_no_number_names_the_checkpoint_to_go_back_to(stills, tmp_path):
    folder = RunFolder(tmp_path / "run")
    calm = _settings(stills, replace(QUICK, steps=2))
    list(run_training(calm, folder.path))
    wild = replace(calm, training=replace(QUICK, steps=9, learning_rate=1e18))
    with pytest.raises(DivergedError, match="not a number at step 4") as raised:
        list(run_training(wild, folder.path, resume=True))
    assert folder.read().state == "failed"
    earlier = folder.checkpoints / "step_000002.pt"
    assert str(raised.value).endswith(
        f"continue with --resume --learning-rate 5e+17, or from before it went wrong "
        f"with --resume {earlier} --learning-rate 5e+17"
    )
    again = replace(calm, training=replace(QUICK, steps=3))
    assert [step.step for step in run_training(again, folder.path, checkpoint=earlier)] == [3]
    assert [path.name for path in folder.kept_checkpoints()] == ["step_000002.pt", "step_000003.pt"]


def test_an_image_that_vanishes_during_a_run_is_named_and_the_run_goes_on_once_it_is_back(tmp_path):
    stills = write_stills(tmp_path / "data", 12)
    settings = _settings(stills, replace(QUICK, steps=4))
    settings = replace(settings, supervision=SupervisionConfig())
    list(run_training(settings, tmp_path / "whole"))
    folder = RunFolder(tmp_path / "run")
    run = run_training(settings, folder.path)
    next(run)
    (tmp_path / "data" / "images").rename(tmp_path / "away")
    with pytest.raises(MediaError, match=r"\.png: cannot be read as an image.*the checkpoint of step 1 is whole"):
        list(run)
    assert folder.read().state == "failed"
    (tmp_path / "away").rename(tmp_path / "data" / "images")
    list(run_training(settings, folder.path, resume=True))
    assert folder.weights.read_bytes() == RunFolder(tmp_path / "whole").weights.read_bytes()


def test_a_folder_that_cannot_be_made_is_a_clear_error(stills, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written to"):
        next(run_training(_settings(stills), tmp_path / "file" / "run"))


_POWERLESS = """
import os, sys
import visolo.training.run
from visolo import cli
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_folder_without_permission_is_a_clear_error(stills, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    code, errors = finish_script(_POWERLESS, "--data", stills, "--out", folder / "run", *OPTIONS)
    assert code == 2
    assert _is_a_sentence(errors)
    assert "cannot be written to (Permission denied); choose another folder" in errors
