"""Training on a project, and on an export of one without frames: both read the frames out of the video."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from numbered_videos import SIZE, Recipe, read_number, write_video
from training_commands import OPTIONS

from app.document.document import Document
from app.document.edits import AddCategory, AddVideo, Confirm, SetMask
from app.document.exchange import ExportOptions, export_dataset
from app.document.history import History
from app.document.records import FrameRange, Video
from visolo import cli, rle
from visolo.categories import load_label_set
from visolo.errors import MediaError
from visolo.training.datasets import read_training_data
from visolo.training.frames import FrameStore
from visolo.training.run_folder import RunFolder
from visolo.training.validation_data import read_validation_data

FRAMES = 30
LITE = load_label_set("lite")


@pytest.fixture
def project(tmp_path):
    """A project of one numbered video, in which a dog is at the left of every frame."""
    (tmp_path / "media").mkdir()
    video = write_video(tmp_path / "media" / "clip.mp4", Recipe("libx264", gop=10, b_frames=2, frame_count=FRAMES))
    mask = np.zeros(SIZE, np.bool_)
    mask[10:50, 5:40] = True
    with Document.create(tmp_path / "p.visolo") as document:
        history = History(document, "tester")
        history.do(AddVideo(Video(1, "clip.mp4", str(video), FRAMES, *SIZE, 25.0)))
        history.do(AddCategory(7, "dog"))
        for frame_index in range(FRAMES):
            history.do(SetMask(1, 1, frame_index, rle.encode(mask), category_id=7))
    return tmp_path / "p.visolo"


def _confirm(project, first, last):
    with Document.open(project) as document:
        History(document, "tester").do(Confirm(1, None, FrameRange(first, last)))


def _train(*arguments):
    return cli.main(["train", "--quiet", *map(str, (*arguments, *OPTIONS))])


def _numbers(data):
    store = FrameStore(max(SIZE))
    (video,) = data.videos
    return [read_number(store.load(video, i).image) for i in range(len(video.paths))]


def test_a_project_trains_on_what_is_confirmed(project, tmp_path, capsys):
    _confirm(project, 8, 11)
    folder = RunFolder(tmp_path / "run")
    assert _train("--data", project, "--out", folder.path, "--steps", 2) == 0
    assert "p.visolo: training on 4 confirmed frames" in capsys.readouterr().out
    (data,) = folder.read().settings.data
    assert _numbers(read_training_data(data, LITE)) == [8, 9, 10, 11]
    _confirm(project, 20, 25)  # what a resumed run learns stays what it was
    assert _train("--out", folder.path, "--resume", "--steps", 3) == 0
    assert _numbers(read_training_data(data, LITE)) == [8, 9, 10, 11]


def test_a_project_without_anything_confirmed_trains_on_all(project, tmp_path, capsys):
    assert _train("--data", project, "--out", tmp_path / "run", "--steps", 1) == 0
    assert "all frames, because none is confirmed" in capsys.readouterr().out
    (data,) = RunFolder(tmp_path / "run").read().settings.data
    assert _numbers(read_training_data(data, LITE)) == list(range(FRAMES))


def test_a_run_that_is_there_keeps_its_data(project, tmp_path, capsys):
    assert _train("--data", project, "--out", tmp_path / "run", "--steps", 1) == 0
    before = (tmp_path / "run" / "data" / "p.json").read_bytes()
    _confirm(project, 0, 3)
    assert _train("--data", project, "--out", tmp_path / "run", "--steps", 1) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert (tmp_path / "run" / "data" / "p.json").read_bytes() == before


@pytest.fixture
def export(project, tmp_path):
    """An export without frames."""
    path = tmp_path / "export.json"
    with Document.open(project) as document:
        list(export_dataset(document, ExportOptions(path)))
    return path


def test_an_export_without_frames_reads_the_video_it_names(export):
    assert _numbers(read_training_data(export, LITE)) == list(range(FRAMES))


def test_an_export_without_frames_reads_the_video_beside_it(export, tmp_path):
    (tmp_path / "media" / "clip.mp4").rename(tmp_path / "clip.mp4")
    data = read_training_data(export, LITE)
    assert _numbers(data) == list(range(FRAMES))
    truth = read_validation_data([export], LITE, limit=10)
    assert truth.videos[0].paths == data.videos[0].paths[:10]


def test_an_export_whose_video_is_gone_is_a_clear_error(export, tmp_path):
    (tmp_path / "media" / "clip.mp4").unlink()
    with pytest.raises(MediaError, match=r"clip\.mp4/00000\.jpg.* and no video of that name"):
        read_training_data(export, LITE)


def test_a_shorter_video_than_was_exported_is_a_clear_error(export, tmp_path):
    write_video(tmp_path / "media" / "clip.mp4", Recipe("libx264", frame_count=5))
    with pytest.raises(MediaError, match=r"clip\.mp4, frame 5: the video has 5 frames only"):
        _numbers(read_training_data(export, LITE))


def test_the_source_of_a_video_survives_reading_and_writing(export, tmp_path):
    assert cli.main(["dataset", "merge", str(tmp_path / "merged.json"), str(export)]) == 0
    table = json.loads((tmp_path / "merged.json").read_text())
    assert table["videos"][0]["source"] == str(tmp_path / "media" / "clip.mp4")


def test_validation_reads_the_video_too(project, tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert _train("--data", project, "--out", folder.path, "--steps", 1) == 0
    validate = ("--validate", tmp_path / "run" / "data" / "p.json", "--validate-limit", 4)
    assert _train("--out", folder.path, "--resume", "--steps", 2, *validate) == 0
    assert folder.validations.read_text().count("\n") == 3


def test_projects_of_the_same_name_are_kept_apart(project, tmp_path):
    (tmp_path / "other").mkdir()
    other = Path(shutil.copy(project, tmp_path / "other" / project.name))
    _confirm(project, 8, 11)
    _confirm(other, 20, 21)
    folder = RunFolder(tmp_path / "run")
    assert _train("--data", project, "--data", other, "--out", folder.path, "--steps", 1) == 0
    counts = [len(read_training_data(data, LITE).videos[0].paths) for data in folder.read().settings.data]
    assert counts == [4, 2]


def test_a_project_that_is_open_elsewhere_can_be_trained_on(project, tmp_path):
    with Document.open(project):
        assert _train("--data", project, "--out", tmp_path / "run", "--steps", 1) == 0


def test_a_project_is_a_single_file_after_training(project, tmp_path):
    assert _train("--data", project, "--out", tmp_path / "run", "--steps", 1) == 0
    assert [path.name for path in tmp_path.glob("p.visolo*")] == ["p.visolo"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot read the project"), (b"", "not a VISOLO project"), (b"x" * 4096, "not a VISOLO project")],
)
def test_what_is_no_project_is_a_clear_error(tmp_path, capsys, content, sentence):
    path = tmp_path / "p.visolo"
    if content is not None:
        path.write_bytes(content)
    assert _train("--data", path, "--out", tmp_path / "run") == 2
    assert sentence in capsys.readouterr().err
