import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, new_project, pixels, project_with_run

from app.document.adopt import begin_run
from app.document.edits import AddVideo, DeleteTrack, SetMask, SwapTracks
from app.document.queries import Queries
from app.document.records import FrameRange, Video
from visolo.errors import ProjectError


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def test_empty_project_has_first_ids(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        assert (document.videos(), document.categories(), document.runs(1)) == ([], (), [])
        assert (document.next_video_id(), document.next_category_id()) == (1, 1)
        add_video(history)
        assert (document.next_video_id(), document.next_track_id(1), document.tracks(1)) == (2, 1, [])


def test_video_comes_back_with_all_its_facts(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        videos = [
            Video(1, "Bären.mp4", "/media/Bären.mp4", 7, 3, 4, 29.97, 1.25),
            Video(2, "images", "images", 2, 5, 6, None),
        ]
        for video in videos:
            history.do(AddVideo(video))
        assert document.videos() == videos
        assert document.source_path(1) == Path("/media/Bären.mp4")
        assert document.source_path(2) == tmp_path / "images"


def test_what_is_not_there_is_empty_or_said(project):
    document, _ = project
    assert document.instance(1, 9, 0) is None
    assert document.instances(1, 99) == []
    assert document.lane(1, 9).frame_indices.tolist() == []
    assert document.absences(1, 9) == []
    with pytest.raises(ProjectError, match="no track 9 in video 1"):
        document.track(1, 9)


def test_instances_come_by_track_with_area_and_box(project):
    document, _ = project
    instances = document.instances(1, 4)
    assert [i.track_id for i in instances] == [1, 2, 3]
    for instance in instances:
        rows, columns = np.nonzero(pixels(instance.rle.counts))
        assert instance.area == len(rows)
        assert instance.box == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)


def test_lane_says_where_how_well_and_by_whom(project):
    document, history = project
    history.do(SetMask(1, 2, 5, None))
    lane = document.lane(1, 2)
    assert lane.frame_indices.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert lane.scores.tolist() == [0.3125] * 11
    assert [a.dtype.name for a in (lane.frame_indices, lane.scores, lane.origins, lane.edited)] == [
        "int32",
        "float32",
        "uint8",
        "bool",
    ]


def test_summary_spans_the_frames_of_the_track(project):
    document, history = project
    history.do(SetMask(1, 2, 0, None))
    history.do(SwapTracks(1, 2, 3, FrameRange(10, 11)))
    summary = document.tracks(1)[1]
    assert (summary.frame_count, summary.first_frame, summary.last_frame, summary.edited_count) == (11, 1, 11, 2)


def test_sums_stay_right_while_edits_and_frames_alternate(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history)
        run = begin_run(history, 1, {}, LABELS, 0)
        for i in range(12):
            run.add([frame(i, [0, 1, 2] if i % 3 else [1])])
            check_consistent(document)
            if i == 4:
                history.do(SwapTracks(1, 1, 2, FrameRange(2, None)))
            if i == 6:
                history.do(DeleteTrack(1, 3))
            if i == 8:
                history.undo()
            check_consistent(document)


def test_frequent_questions_use_an_index(project):
    document, _ = project
    asked: list[str] = []
    document.connection.set_trace_callback(asked.append)
    Queries.instances(document, 1, 4)
    Queries.lane(document, 1, 2)
    Queries.instance(document, 1, 2, 4)
    document.connection.set_trace_callback(None)
    plans = [" ".join(row[3] for row in document.rows(f"EXPLAIN QUERY PLAN {sql}")) for sql in asked]
    assert "cells_by_frame (video_id=? AND frame_index=?)" in plans[0]
    assert "PRIMARY KEY (video_id=? AND track_id=?)" in plans[1]
    assert "PRIMARY KEY (video_id=? AND track_id=? AND frame_index=?)" in plans[2]
