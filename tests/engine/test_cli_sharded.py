"""`track` and `evaluate` of a dataset: stopped and gone on with, and shared by processes that torchrun starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import FRAMES, HEIGHT, ROOT, WIDTH, save_tiny_weights, write_images

from app.document.document import read_project
from visolo import cli
from visolo.categories import Category
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.ytvis import Dataset, Video, write_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights and a dataset of three videos, ids not in order."""
    folder = tmp_path_factory.mktemp("sharded")
    save_tiny_weights(folder / "tiny.safetensors")
    videos = []
    for video_id, length in ((12, FRAMES), (4, 3), (7, 2)):
        write_images(folder / "JPEGImages" / f"v{video_id}", length)
        names = tuple(f"v{video_id}/{t:05d}.png" for t in range(length))
        videos.append(Video(video_id, WIDTH, HEIGHT, length, names))
    write_dataset(folder / "gt.json", Dataset(tuple(videos), (Category(3, "ball"), Category(8, "brick"))))
    return folder


@pytest.fixture
def track(monkeypatch, capsys, folder):
    """`track` of the dataset in this process."""
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(out, *options, source=folder / "gt.json"):
        args = ["track", source, "--weights", folder / "tiny.safetensors", "--out", out, *options]
        code = cli.main([str(arg) for arg in args])
        return code, capsys.readouterr()

    return run


class Steps:
    """Counts the frames that are tracked; `stop_at` is the one that Ctrl-C comes at."""

    def __init__(self, monkeypatch):
        self.count, self.stop_at = 0, None
        step = OnlineSegmenter.step

        def counting(segmenter, frame):
            if self.count == self.stop_at:
                raise KeyboardInterrupt
            self.count += 1
            return step(segmenter, frame)

        monkeypatch.setattr(OnlineSegmenter, "step", counting)


def torchrun(*args):
    """`torchrun -m visolo ARGS` with two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "visolo"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, args)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def test_a_stopped_run_goes_on_with_the_next_video(track, tmp_path, monkeypatch):
    track(tmp_path / "whole.json")
    steps = Steps(monkeypatch)
    steps.stop_at = FRAMES + 1
    code, said = track(tmp_path / "r.json")
    assert code == 130
    assert "r.json.parts keeps 1 finished video; the same command goes on" in said.err
    assert not (tmp_path / "r.json").exists()
    steps.count, steps.stop_at = 0, None
    code, said = track(tmp_path / "r.json")
    assert (code, steps.count) == (0, 3 + 2)
    assert "1 of 3 videos were finished before" in said.err
    assert (tmp_path / "r.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json", "whole.json"]


def test_a_stopped_project_goes_on_with_the_next_video(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    steps, project = Steps(monkeypatch), tmp_path / "p.visolo"
    images = tmp_path / "images"  # apart from those of other tests: a project takes whole folders
    for name, count in (("v12", FRAMES), ("v4", 3), ("v7", 2)):
        write_images(images / name, count)
    options = ["--images", images, "--weights", folder / "tiny.safetensors", "--project", project]

    def run(*more) -> tuple[int, str]:
        code = cli.main([str(arg) for arg in ("track", folder / "gt.json", *options, *more)])
        said = capsys.readouterr()
        return code, said.out + said.err

    steps.stop_at = FRAMES + 1
    code, said = run()
    assert code == 130
    assert "keeps what was tracked; the same command goes on" in said
    steps.stop_at, steps.count = None, 0
    code, said = run()
    assert (code, steps.count) == (0, 3 + 2)
    assert "has 1 of 3 videos from such a run already" in said
    code, said = run()
    assert (code, steps.count) == (0, 3 + 2)
    assert "has 3 of 3 videos" in said
    with read_project(project) as queries:
        runs = [[run.state for run in queries.runs(video.video_id)] for video in queries.videos()]
    assert runs == [["done"], ["stopped", "done"], ["done"]]
    code, _ = run("--score-threshold", "0.4")
    assert (code, steps.count) == (0, 3 + 2 + FRAMES + 3 + 2)


def test_videos_finished_under_other_rules_are_tracked_again(track, tmp_path, monkeypatch):
    steps = Steps(monkeypatch)
    steps.stop_at = FRAMES
    track(tmp_path / "r.json")
    steps.count, steps.stop_at = 0, None
    code, said = track(tmp_path / "r.json", "--memory", "last-2")
    assert (code, steps.count) == (0, FRAMES + 3 + 2)
    assert "videos finished with other settings or weights are tracked again" in said.err


def test_a_folder_of_other_files_is_not_taken(track, tmp_path):
    (tmp_path / "r.json.parts").mkdir()
    (tmp_path / "r.json.parts" / "mine.txt").write_text("")
    code, said = track(tmp_path / "r.json")
    assert code == 2
    assert "holds other files; move it" in said.err
    assert (tmp_path / "r.json.parts" / "mine.txt").exists()


def test_a_stated_size_that_the_images_have_not_is_said(track, folder, tmp_path):
    table = json.loads((folder / "gt.json").read_text())
    table["videos"][1]["width"] = 90
    (tmp_path / "gt.json").write_text(json.dumps(table))
    code, said = track(tmp_path / "r.json", "--images", folder / "JPEGImages", source=tmp_path / "gt.json")
    assert code == 0
    assert said.err.count("warning") == 1
    assert f"v4: its images are {WIDTH} x {HEIGHT} px, the dataset says 90 x {HEIGHT} for video 4" in said.err


def test_two_processes_write_what_one_writes(track, folder, tmp_path):
    track(tmp_path / "one.json")
    done = torchrun("track", folder / "gt.json", "--weights", folder / "tiny.safetensors", "--out", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert (tmp_path / "r.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "r.json"]


def test_one_failing_process_ends_all(folder, tmp_path):
    images = tmp_path / "images"
    for name, count in (("v12", FRAMES), ("v4", 3), ("v7", 2)):
        write_images(images / name, count)
    (images / "v4" / "00001.png").write_bytes(b"no picture")
    options = ["--images", images, "--weights", folder / "tiny.safetensors", "--out", tmp_path / "r.json"]
    done = torchrun("track", folder / "gt.json", *options)
    assert done.returncode != 0
    # Processes speak in any order: the other one may first say that this one is gone.
    assert any("00001.png" in line for line in done.stderr.splitlines() if line.startswith("visolo: error:"))
    assert not (tmp_path / "r.json").exists()
    assert done.stdout == ""


def test_two_processes_print_what_one_prints(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    case = ROOT / "tests" / "eval_cases" / "04_mixed"
    args = ["evaluate", str(case / "gt.json"), str(case / "dt.json"), "--json", "--tracking", "--by", "length"]
    assert cli.main(args) == 0
    alone = capsys.readouterr().out
    done = torchrun(*args)
    assert done.returncode == 0, done.stderr
    assert done.stdout == alone


def contents(project):
    """What a project holds of videos, tracks and instances, without what differs by chance."""
    with read_project(project) as queries:
        return [
            (video.name, video.frame_count, summary.track, [i.rle for i in queries.track_instances(video.video_id, t)])
            for video in queries.videos()
            for summary in queries.tracks(video.video_id)
            for t in [summary.track.track_id]
        ]


@pytest.mark.parametrize("with_results", [True, False])
def test_two_processes_write_the_project_of_one(track, tmp_path, folder, with_results):
    code, _ = track(tmp_path / "one.json", "--project", tmp_path / "one.visolo")
    assert code == 0
    out = ["--out", tmp_path / "r.json"] if with_results else []
    options = ["--weights", folder / "tiny.safetensors", *out, "--project", tmp_path / "two.visolo"]
    done = torchrun("track", folder / "gt.json", *options)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "two.visolo") == contents(tmp_path / "one.visolo") != []
    if with_results:
        assert (tmp_path / "r.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert not list(tmp_path.glob("*.parts"))


def test_a_project_of_two_processes_goes_on_where_one_failed(track, tmp_path, folder):
    images = tmp_path / "images"
    for name, count in (("v12", FRAMES), ("v4", 3), ("v7", 2)):
        write_images(images / name, count)
    broken = images / "v4" / "00001.png"
    picture = broken.read_bytes()
    broken.write_bytes(b"no picture")
    options = ["--images", images, "--weights", folder / "tiny.safetensors", "--project", tmp_path / "p.visolo"]
    assert torchrun("track", folder / "gt.json", *options).returncode != 0
    assert not (tmp_path / "p.visolo").exists()
    broken.write_bytes(picture)
    done = torchrun("track", folder / "gt.json", *options)
    assert done.returncode == 0, done.stderr
    assert {name for name, *_ in contents(tmp_path / "p.visolo")} <= {"v12", "v4", "v7"}
    with read_project(tmp_path / "p.visolo") as queries:
        assert [run.state for video in queries.videos() for run in queries.runs(video.video_id)] == ["done"] * 3
    assert not list(tmp_path.glob("*.parts"))
