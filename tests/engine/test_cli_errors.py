"""Every mistake a person can make on the command line: one sentence, exit code 2, no traceback, nothing written."""

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import run_cli, save_tiny_weights, sentence_of, write_images, write_malicious
from ytvis_data import dataset_table, results_table

from visolo.config import load_preset
from visolo.model.visolo import build_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files to make mistakes with."""
    folder = tmp_path_factory.mktemp("cli")
    write_images(folder / "frames", 2)
    save_tiny_weights(folder / "tiny.safetensors")
    write_malicious(folder / "evil.pth")
    (folder / "text.mp4").write_text("this is no video")
    (folder / "list.json").write_text("[1, 2]")
    (folder / "gt.json").write_text(json.dumps(dataset_table()))
    (folder / "cut.json").write_text(json.dumps(dataset_table())[:300])
    (folder / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')
    table = results_table()
    table[0]["segmentations"][0]["counts"] = "11"  # covers 2 of 48 pixels: hangs the C code of COCO
    (folder / "short.json").write_text(json.dumps(table))
    table[0]["segmentations"] = [None]
    (folder / "frames.json").write_text(json.dumps(table))
    return folder


WITHOUT_TORCH = [
    (["track", "none.mp4", "--out", "r.json"], "none.mp4: there is no such file or folder"),
    (["track", "text.mp4", "--out", "r.json"], "text.mp4: this is not a video"),
    (["track", "list.json", "--out", "r.json"], "list.json: is a list; a dataset has videos"),
    (["track", "coco.json", "--out", "r.json"], "coco.json: is a COCO image file"),
    (["track", "cut.json", "--out", "r.json"], "cut.json: the file ends in the middle"),
    (["track", "gt.json", "--out", "r.json"], "gt.json: the image v7/00000.jpg of video 7 is not in"),
    (["track", "frames"], "nothing to write"),
    (["track", "text.mp4", "--out", "frames"], "frames: is a folder; name a file in it"),
    (["track", "frames", "--out", "none/r.json"], "there is no folder"),
    (["track", "frames", "--out", "text.mp4/r.json"], "there is no folder"),
    (["track", "frames", "--out", "/dev/null"], "/dev/null: is a device"),
    (["track", "gt.json", "--out", "gt.json"], "are the same file"),
    (["track", "frames", "--out", "r.json", "--size", "0", "5"], "--size is 0 5; both must be from 1"),
    (["track", "frames", "--out", "r.json", "--size", "a", "5"], "argument --size: invalid int value"),
    (["track", "frames", "--out", "r.json", "--memory", "all"], "argument --memory: invalid choice"),
    (["track", "frames", "--out", "r.json", "--score-threshold", "2"], "--score-threshold is 2.0"),
    (["track", "frames", "--out", "r.json", "--overlay", "o.gif"], "o.gif: an overlay is an H.264 video"),
    (["track", "frames", "--project", "p.visolo", "--size", "9", "9"], "leave out --size or --project"),
    (["dataset", "merge", "gt.json", "gt.json"], "gt.json: is one of the datasets to merge"),
    (["evaluate", "gt.json", "none.json"], "none.json: there is no such file"),
    (["evaluate", "gt.json", "gt.json"], "gt.json: is a dataset file"),
    (["evaluate", "gt.json", "short.json"], "RLE counts cover 2 pixels, size 6 x 8 needs 48"),
    (["evaluate", "gt.json", "frames.json"], "entry [0] has 1 segmentations, video 7 has 3 frames"),
    (["evaluate", "gt.json", "short.json", "--pr", "curve.bmp"], "curve.bmp: curves are drawn as .png, .svg, .pdf"),
    (["evaluate", "gt.json", "short.json", "--by", "size"], "--by is about identities; give --tracking too"),
    (["evaluate", "list.json", "short.json"], "list.json: is a list"),
    (["dataset", "validate", "cut.json"], "cut.json: the file ends in the middle"),
    (["dataset", "split", "gt.json", "a.json"], "a.json' is no part; write FILE=SHARE"),
    (["dataset", "split", "gt.json", "a.json=1", "b.json=1"], "too few videos (1) for 2 parts"),
    (["dataset", "convert", "gt.json", "b.json"], "is a YouTube-VIS file already"),
    (["dataset", "convert", "gt.json", "folder"], "its name does not tell the format; say it with --to"),
    (["dataset", "convert", ".", "b.json"], "holds no annotations of a known format"),
    (["dataset", "convert", "gt.json", ".", "--to", "davis"], "is there already; name a new folder"),
    (["dataset", "convert", "gt.json", "b.json", "--labels", "foo"], "no label set is called 'foo'"),
    (["dance"], "invalid choice: 'dance'"),
    ([], "the following arguments are required: COMMAND"),
]
TINY = ["--weights", "tiny.safetensors"]
WITH_TORCH = [
    (["track", "frames", "--out", "r.json", "--weights", "none.pth"], "none.pth: there is no such file"),
    (["track", "frames", "--out", "r.json", "--weights", "evil.pth"], "evil.pth: holds more than tensors"),
    (["track", "frames", "--out", "r.json", "--weights", "evil.pkl"], "evil.pkl: is damaged or no PyTorch checkpoint"),
    (["track", "frames", "--out", "r.json", "--weights", "text.mp4"], "text.mp4: is damaged or no PyTorch checkpoint"),
    (["track", "frames", "--out", "r.json", *TINY, "--preset", "lite"], "tiny.safetensors: its network has"),
    (["track", "frames", "--out", "r.json", *TINY, "--preset", "foo"], "no preset is called 'foo'"),
    (["track", "frames", "--out", "r.json", *TINY, "--device", "tpu"], "no device is called 'tpu'"),
    (["track", "frames", "--out", "r.json", *TINY, "--precision", "int8"], "no precision is called 'int8'"),
    (["weights", "info", "gt.json"], "gt.json: is damaged or no PyTorch checkpoint"),
]


def in_folder(folder, args):
    """The arguments with file names made absolute."""
    return [str(folder / a) if (folder / a).exists() or "." in a or "/" in a else a for a in args]


@pytest.mark.parametrize(("args", "words"), WITHOUT_TORCH)
def test_mistakes_found_without_the_network(folder, args, words):
    before = sorted(folder.rglob("*"))
    assert words in sentence_of(run_cli(*in_folder(folder, args)))
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(("args", "words"), WITH_TORCH)
def test_mistakes_found_when_the_network_is_loaded(folder, args, words):
    before = sorted(folder.rglob("*"))
    assert words in sentence_of(run_cli(*in_folder(folder, args)))
    assert sorted(folder.rglob("*")) == before
    assert not Path("unpickled").exists()


def test_training_data_without_videos(folder, tmp_path):
    """The one mistake that leaves something behind: the folder of the run says how it ended."""
    done = run_cli("train", "--data", folder / "list.json", "--out", tmp_path / "run")
    assert "list.json: has no lists 'videos' or 'images'" in sentence_of(done)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "failed"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_cuda_where_it_was_asked_for(folder):
    args = ["track", "frames", "--out", "r.json", *TINY, "--device", "cuda"]
    assert "no CUDA device was found" in sentence_of(run_cli(*in_folder(folder, args)))


def test_checkpoint_with_another_class_count(folder):
    state = dict(build_model(load_preset("ytvis2019-r50").model).state_dict())
    path = folder / "classes.pth"
    torch.save({"model": {"model.Category_branch_post.pred.bias": torch.zeros(7)} | official(state)}, path)
    done = run_cli("track", folder / "frames", "--out", folder / "r.json", "--weights", path)
    path.unlink()
    assert "7" in sentence_of(done)


def official(state):
    from visolo.model.checkpoint import official_name

    return {official_name(key): value for key, value in state.items() if "classify.bias" not in key}


def test_full_disk(folder):
    """A limit on the size of files stands for a full disk: writing fails half way with the same kind of error."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    before = sorted(folder.rglob("*"))
    args = in_folder(folder, ["track", "frames", "--out", "r.json", *TINY, "--size", "400", "600"])
    sentence = sentence_of(run_cli(*args, preexec_fn=limit))
    assert "r.json: writing failed" in sentence
    assert sorted(folder.rglob("*")) == before


def test_no_torch_for_files(folder):
    """Commands that only look at files start without importing torch."""
    code = (
        "import sys; from visolo.cli import main; main(sys.argv[1:]);"
        "assert not [m for m in ('torch', 'cv2', 'av', 'PIL', 'app') if m in sys.modules]"
    )
    for args in (["dataset", "validate", "gt.json"], ["evaluate", "gt.json", "ok.json"]):
        (folder / "ok.json").write_text(json.dumps(results_table()))
        done = run_python(code, *in_folder(folder, args))
        assert done.returncode == 0, done.stderr
    (folder / "ok.json").unlink()


def run_python(code, *args):
    import subprocess

    from cli_data import ROOT

    return subprocess.run(
        [sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
