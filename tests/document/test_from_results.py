import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, frame, lanes, mask

from app.document.document import Document
from app.document.edits import SetMask
from app.document.from_results import ProjectWriter, write_project
from app.document.history import History
from app.document.records import Video

VIDEO = Video(0, "clip", "clip.mp4", FRAMES, HEIGHT, WIDTH, 25.0)
RESULTS = [frame(i, [0, 1]) for i in range(FRAMES)]


def test_results_of_the_command_line_become_a_project(tmp_path):
    write_project(tmp_path / "out.visolo", VIDEO, iter(RESULTS), LABELS, {"model": "lite", "device": "cpu"})
    with Document.open(tmp_path / "out.visolo") as document:
        (video,) = document.videos()
        assert (video.video_id, video.name, video.frame_count) == (1, "clip", FRAMES)
        assert lanes(document) == {1: list(range(FRAMES)), 2: list(range(FRAMES))}
        (run,) = document.runs(1)
        assert (run.state, run.head, run.settings["device"]) == ("done", FRAMES, "cpu")
        assert History(document).undo_text == "Run lite from frame 0"


def test_second_video_joins_and_the_same_one_is_run_again(tmp_path):
    path = tmp_path / "out.visolo"
    write_project(path, VIDEO, RESULTS, LABELS, {})
    with Document.open(path) as document:
        History(document).do(SetMask(1, 1, 3, mask(9999)))
    write_project(path, VIDEO, RESULTS[:6], LABELS, {})
    write_project(path, Video(0, "other", "other.mp4", FRAMES, HEIGHT, WIDTH), RESULTS, LABELS, {})
    with Document.open(path) as document:
        assert [v.name for v in document.videos()] == ["clip", "other"]
        assert len(document.runs(1)) == 2
        assert document.instance(1, 1, 3).rle == mask(9999)
        assert len(document.tracks(2)) == 2


def test_failure_keeps_what_was_computed(tmp_path):
    def results():
        yield from RESULTS[:4]
        raise RuntimeError("the model broke")

    with pytest.raises(RuntimeError, match="broke"):
        write_project(tmp_path / "out.visolo", VIDEO, results(), LABELS, {})
    with Document.open(tmp_path / "out.visolo") as document:
        assert document.runs(1)[0].state == "failed"
        assert lanes(document)[1] == [0, 1, 2, 3]


def test_interrupted_run_is_stopped(tmp_path):
    with ProjectWriter(tmp_path / "out.visolo") as project:
        with pytest.raises(KeyboardInterrupt), project.run(VIDEO, LABELS, {}) as run:
            run.add(RESULTS[:2])
            raise KeyboardInterrupt
        assert project.document.runs(1)[0].state == "stopped"
