"""`track` from end to end with a tiny network: files in, valid results, overlay and project out."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import (
    FRAMES,
    HEIGHT,
    LABELS,
    ROOT,
    WIDTH,
    run_cli,
    save_tiny_weights,
    write_clip,
    write_images,
)
from ytvis_data import results_problems

from visolo import cli
from visolo.categories import Category
from visolo.inference.segmenter import OnlineSegmenter, model_similarity
from visolo.io.ytvis import Dataset, Video, read_dataset, read_results, write_dataset
from visolo.model.checkpoint import load_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights, the same six frames as a video and as images, and a dataset of two videos of them."""
    folder = tmp_path_factory.mktemp("track")
    save_tiny_weights(folder / "tiny.safetensors")
    write_clip(folder / "clip.mkv")
    for name in ("a", "b"):
        write_images(folder / "JPEGImages" / name)
    names = [f"{index:05d}.png" for index in range(FRAMES)]
    videos = (
        Video(12, WIDTH, HEIGHT, FRAMES, tuple(f"a/{name}" for name in names)),
        Video(4, WIDTH, HEIGHT, 3, tuple(f"b/{name}" for name in names[:3])),
    )
    write_dataset(folder / "gt.json", Dataset(videos, (Category(1, "brick"), Category(2, "tree"))))
    return folder


@pytest.fixture
def main(monkeypatch, capsys):
    """The command line in this process, which spares importing torch each time."""
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*args):
        code = cli.main([str(arg) for arg in args])
        return code, capsys.readouterr()

    return run


def track(main, folder, source, out, *options):
    code, said = main("track", folder / source, "--weights", folder / "tiny.safetensors", "--out", out, *options)
    assert code == 0, said.err
    return said


def test_a_process_writes_valid_results(folder, tmp_path):
    out = tmp_path / "r.json"
    done = run_cli("track", folder / "clip.mkv", "--weights", folder / "tiny.safetensors", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    entries = read_results(out)
    assert entries, "the tiny network finds something everywhere"
    assert done.stdout == f"{len(entries)} tracks in 1 video: {out}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    for entry in entries:
        assert entry.video_id == 1
        assert entry.category_id in {category.category_id for category in LABELS.categories}
        assert 0 < entry.score <= 1
        assert len(entry.segmentations) == FRAMES
        assert {mask.size for mask in entry.segmentations if mask is not None} == {(HEIGHT, WIDTH)}


def test_video_folder_and_dataset_give_the_same_tracks(main, folder, tmp_path):
    for name, source in {"clip": "clip.mkv", "images": "JPEGImages/a", "dataset": "gt.json"}.items():
        track(main, folder, source, tmp_path / f"{name}.json")
    clip, images, dataset = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("clip", "images", "dataset"))
    assert clip == images
    assert [{**entry, "video_id": 1} for entry in dataset if entry["video_id"] == 12] == clip
    assert {entry["video_id"] for entry in dataset} == {12, 4}
    assert results_problems(tmp_path / "dataset.json", folder / "gt.json") == []
    assert read_results(tmp_path / "dataset.json", read_dataset(folder / "gt.json"), allow_unknown_categories=True)


def test_the_dataset_s_own_category_ids(main, folder, tmp_path):
    said = track(main, folder, "gt.json", tmp_path / "r.json", "--category-ids", "dataset")
    assert said.err == ""
    assert {entry.category_id for entry in read_results(tmp_path / "r.json")} <= {1}


def test_size_of_the_masks(main, folder, tmp_path):
    track(main, folder, "clip.mkv", tmp_path / "r.json", "--size", 90, 33)
    entries = read_results(tmp_path / "r.json")
    assert {mask.size for entry in entries for mask in entry.segmentations if mask is not None} == {(90, 33)}


def test_every_rule_option_reaches_the_engine(main, folder, tmp_path, monkeypatch):
    seen = []

    class Spy(OnlineSegmenter):
        def __init__(self, model, config, *args, **options):
            seen.append(config)
            super().__init__(model, config, *args, **options)

    monkeypatch.setattr("visolo.inference.segmenter.OnlineSegmenter", Spy)
    options = "--memory last-2 --memory-limit 7 --score-threshold 0.3 --no-score-reweighting --no-temporal-category"
    options += " --no-temporal-mask --reweight-refs last-2 --official-quirks"
    track(main, folder, "clip.mkv", tmp_path / "r.json", *options.split())
    track(main, folder, "clip.mkv", tmp_path / "r.json")
    changed, default = seen
    assert (changed.memory, changed.memory_limit, changed.score_threshold) == ("last-2", 7, 0.3)
    assert (changed.score_reweighting, changed.temporal_category, changed.temporal_mask) == (False, False, False)
    assert (changed.reweight_references, changed.official_quirks) == ("last-2", True)
    assert (default.memory, default.score_reweighting, default.official_quirks) == ("every-5", True, False)


def test_overlay_shows_every_frame(main, folder, tmp_path):
    track(main, folder, "clip.mkv", tmp_path / "r.json", "--overlay", tmp_path / "o.mp4")
    with av.open(str(tmp_path / "o.mp4")) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("h264", 10.0)
    assert len(frames) == FRAMES
    assert frames[0].shape == (HEIGHT + 1, WIDTH, 3)


def test_project_holds_the_same_tracks(main, folder, tmp_path):
    from app.document.document import Document
    from app.document.evidence import run_similarity
    from app.document.history import History

    track(main, folder, "clip.mkv", tmp_path / "r.json", "--project", tmp_path / "p.visolo", "--author", " Ann  Lee ")
    document = Document.open(tmp_path / "p.visolo")
    try:
        (video,) = document.videos()
        assert (video.frame_count, video.height, video.width) == (FRAMES, HEIGHT, WIDTH)
        (run,) = document.runs(video.video_id)
        assert {entry.author for entry in History(document).entries()} == {run.author} == {"Ann Lee"}
        assert (run.state, run.settings["model"], run.settings["inference"]["memory"]) == ("done", "tiny", "every-5")
        assert run_similarity(run) == model_similarity(load_weights(folder / "tiny.safetensors"))
        lanes = [document.lane(video.video_id, summary.track.track_id) for summary in document.tracks(video.video_id)]
    finally:
        document.close()
    entries = read_results(tmp_path / "r.json")
    expected = [[t for t, mask in enumerate(entry.segmentations) if mask is not None] for entry in entries]
    assert sorted(lane.frame_indices.tolist() for lane in lanes) == sorted(expected)


def test_a_project_takes_a_dataset_s_whole_folders_only(main, folder, tmp_path):
    code, said = main("track", folder / "gt.json", "--project", tmp_path / "p.visolo")
    assert code == 2
    assert "a project shows whole folders, but video 4 is only some of its images" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_project_of_a_dataset(main, folder, tmp_path):
    from app.document.document import Document

    names = tuple(f"a/{index:05d}.png" for index in range(FRAMES))
    write_dataset(tmp_path / "one.json", Dataset((Video(12, WIDTH, HEIGHT, FRAMES, names),), ()))
    images = ["--images", folder / "JPEGImages", "--weights", folder / "tiny.safetensors"]
    code, said = main("track", tmp_path / "one.json", *images, "--project", tmp_path / "p.visolo")
    assert code == 0, said.err
    document = Document.open(tmp_path / "p.visolo")
    try:
        (video,) = document.videos()
        assert (Path(video.source).name, video.frame_count) == ("a", FRAMES)
        assert document.tracks(video.video_id)
    finally:
        document.close()


def test_an_error_half_way_leaves_nothing(main, folder, tmp_path, monkeypatch):
    step = OnlineSegmenter.step

    def broken(self, frame):
        if self.frame_index == 3:
            raise KeyboardInterrupt
        return step(self, frame)

    monkeypatch.setattr(OnlineSegmenter, "step", broken)
    options = ["--weights", folder / "tiny.safetensors", "--out", tmp_path / "r.json", "--overlay", tmp_path / "o.mp4"]
    code, said = main("track", folder / "clip.mkv", *options)
    assert (code, said.out) == (130, "")
    assert said.err == "visolo: interrupted; no unfinished file was left behind\n"
    assert list(tmp_path.iterdir()) == []


def test_our_own_defects_are_one_line_with_a_hint(main, folder, tmp_path, monkeypatch):
    def broken(_self, _frame):
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(OnlineSegmenter, "step", broken)
    args = ["track", folder / "clip.mkv", "--weights", folder / "tiny.safetensors", "--out", tmp_path / "r.json"]
    code, said = main(*args)
    assert code == 1
    assert said.err.startswith("visolo: error: internal error (IndexError: list index out of range); run again with")
    assert said.err.count("\n") == 1
    code, said = main(*args, "--debug")
    assert code == 1
    assert "Traceback" in said.err


def test_ctrl_c_in_a_terminal(folder, tmp_path):
    """Progress appears on a terminal, and Ctrl-C there ends the command with a sentence and no half-written file."""
    write_clip(tmp_path / "long.mkv", 1500)
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))  # tqdm shows nothing on a terminal without columns
    command = [sys.executable, "-m", "visolo", "track", tmp_path / "long.mkv", "--out", tmp_path / "r.json"]
    process = subprocess.Popen(
        # Large masks make it slow enough not to be over before a busy machine gets round to the signal.
        [*command, "--weights", folder / "tiny.safetensors", "--size", "2160", "3840"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = ""
    while "/1500" not in seen or " 0/1500" in seen.rpartition("|")[2]:
        seen = (seen + os.read(master, 4096).decode())[-400:]
    process.send_signal(signal.SIGINT)
    seen += drained(master)
    assert process.wait(60) == 130
    process.stdout.close()
    assert "visolo: interrupted; no unfinished file was left behind" in seen
    assert "Traceback" not in seen
    assert [path.name for path in tmp_path.iterdir()] == ["long.mkv"]


def drained(master):
    text = ""
    try:
        while chunk := os.read(master, 4096):
            text += chunk.decode()
    except OSError:  # the other end is closed
        pass
    os.close(master)
    return text


def test_a_dataset_s_missing_frame_is_found_before_anything_runs(main, folder, tmp_path):
    images = write_images(tmp_path / "images" / "a")
    (images / "00004.png").unlink()
    code, said = main("track", folder / "gt.json", "--images", tmp_path / "images", "--out", tmp_path / "r.json")
    assert code == 2
    assert "00004.png: this frame of video 12 is missing" in said.err


def test_frames_equal_whatever_reads_them():
    """The feed that reads one ahead gives every frame once, in order."""
    from visolo.commands.sources import FrameFeed

    with FrameFeed(ROOT / "resources" / "samples" / "bikes.mp4") as feed:
        iterator = iter(feed)
        first = [next(iterator) for _ in range(4)]
        iterator.close()
    from visolo.io.frames import open_frames

    with open_frames(ROOT / "resources" / "samples" / "bikes.mp4") as frames:
        for index, frame in enumerate(first):
            np.testing.assert_array_equal(frame, frames[index])
