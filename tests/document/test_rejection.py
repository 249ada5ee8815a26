"""Videos of no use: rejected with a reason, left out of exports and training, and taken back."""

import json
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, frame, new_project, raw_content

from app.document.adopt import begin_run
from app.document.confirm_edits import Confirm
from app.document.confirmation import accepted_videos, rejections
from app.document.document import Document
from app.document.edits import RejectVideo
from app.document.exchange import ExportOptions, export_dataset
from app.document.export_pictures import PictureOptions, export_mask_images
from app.document.export_tracks import export_tracks
from app.document.history import History
from app.document.records import EditRefused, FrameRange
from app.document.training_data import write_training_data
from visolo.errors import OutputError


@pytest.fixture
def project(tmp_path):
    document, history = new_project(tmp_path / "a.visolo")
    for video_id in (1, 2):
        add_video(history, video_id)
        run = begin_run(history, video_id, {"model": "lite"}, LABELS)
        run.add([frame(index, [0, 1]) for index in range(12)])
        run.finish("done")
        history.do(Confirm(video_id, None, FrameRange(0, None)))
    yield document, history
    document.close()


def exported(document, target, **options):
    for _ in export_dataset(document, ExportOptions(target, **options)):
        pass
    return [video["id"] for video in json.loads(target.read_text())["videos"]]


def test_a_rejection_is_kept_undone_and_redone(project, tmp_path):
    document, history = project
    before = raw_content(document)
    history.do(RejectVideo(2, "  too \n dark "))
    assert rejections(document) == {2: "too dark"}
    assert history.undo_text == "Reject video 2"
    for edit in (RejectVideo(2, "too dark"), RejectVideo(1, None)):
        with pytest.raises(EditRefused, match="rejected already"):
            history.do(edit)
    document.close()
    document = Document.open(tmp_path / "a.visolo")
    history = History(document, "tester")
    assert [video.video_id for video in accepted_videos(document)] == [1]
    history.undo()
    assert raw_content(document) == before
    history.redo()
    history.do(RejectVideo(2, None))
    assert raw_content(document) == before
    document.close()


@pytest.mark.parametrize("frames", ["all", "confirmed-videos", "confirmed-ranges"])
def test_rejected_videos_are_not_exported(project, tmp_path, frames):
    document, history = project
    history.do(RejectVideo(2, ""))
    assert exported(document, tmp_path / "some.json", frames=frames) == [1]
    with pytest.raises(OutputError, match="is rejected, so it is not exported; take it back first"):
        exported(document, tmp_path / "none.json", frames=frames, video_ids=(2,))
    assert not (tmp_path / "none.json").exists()


def test_rejected_videos_leave_as_no_other_data_either(project, tmp_path):
    document, history = project
    history.do(RejectVideo(2, ""))
    for export in (
        export_mask_images(document, PictureOptions(tmp_path / "masks", 2)),
        export_tracks(document, tmp_path / "tracks.csv", (2,)),
    ):
        with pytest.raises(OutputError, match="is rejected, so it is not exported; take it back first"):
            list(export)
    assert not (tmp_path / "masks").exists()
    assert not (tmp_path / "tracks.csv").exists()


def test_rejected_videos_are_not_trained_on(project, tmp_path):
    document, history = project
    history.do(RejectVideo(2, ""))
    assert "training on 12 confirmed frames" in write_training_data(document.path, tmp_path / "t.json")
    assert [video["id"] for video in json.loads((tmp_path / "t.json").read_text())["videos"]] == [1]


def test_a_project_from_before_there_were_rejections_opens(project, tmp_path):
    document, _ = project
    document.close()
    with sqlite3.connect(tmp_path / "a.visolo") as connection:
        for table in ("rejections", "notes", "category_details"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    document = Document.open(tmp_path / "a.visolo")
    assert rejections(document) == {}
    History(document, "tester").do(RejectVideo(1, "blurred"))
    assert rejections(document) == {1: "blurred"}
    document.close()
