"""Comparing two networks: the numbers are those of an export and the evaluation, and the frame is the right one."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, LABELS, add_video, detection, frame, mask, project_with_run

from app.document.edits import Confirm
from app.document.exchange import ExportOptions, export_dataset
from app.document.records import FrameRange
from app.training.comparison import ComparedVideo, FoundTracks, largest_difference, score_videos
from visolo.evaluation.tracking_metrics import evaluate_tracking
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.ytvis import ResultEntry, read_dataset
from visolo.results import FrameResult


@pytest.fixture
def project(tmp_path):
    """Three tracks in 12 frames, of which frames 2 to 9 are confirmed."""
    document, history = project_with_run(tmp_path / "p.visolo")
    history.do(Confirm(1, None, FrameRange(2, 9)))
    with document:
        yield document, history


def found(frames) -> FoundTracks:
    tracks = FoundTracks(LABELS)
    for result in frames:
        tracks.add(result)
    return tracks


def as_confirmed():
    """What the project holds, found again."""
    return [frame(index, [0, 1, 2]) for index in range(FRAMES)]


def swapped(frame_index: int) -> FrameResult:
    """From frame 6 on the tracks 0 and 1 have each other's masks, but keep their classes."""
    numbers = [frame_index * 20 + t for t in ((1, 0, 2) if frame_index >= 6 else (0, 1, 2))]
    return FrameResult(frame_index, tuple(detection(t, n, t % 3, 0.25 + t / 16) for t, n in enumerate(numbers)))


def nothing():
    return found([])


def test_scores_are_those_of_the_export_and_the_evaluation(project, tmp_path):
    document, _ = project
    new = [swapped(index) for index in range(FRAMES)]
    (row,) = score_videos(document, [ComparedVideo(document.video(1), found(as_confirmed()), found(new))])
    assert (row.confirmed_frames, row.track_counts) == (8, (3, 3))
    old_scores, new_scores = row.scores
    assert (old_scores.ap, old_scores.ap50, old_scores.idf1) == pytest.approx((1, 1, 1))
    list(export_dataset(document, ExportOptions(tmp_path / "gt.json", frames="confirmed-ranges")))
    truth = read_dataset(tmp_path / "gt.json")
    entries = [
        ResultEntry(
            1,
            LABELS.categories[t].category_id,
            0.25 + t / 16,
            tuple(result.instances[t].rle for result in new[2:10]),
        )
        for t in range(3)
    ]
    metrics, tracking = evaluate(truth, entries), evaluate_tracking(truth, entries).combined
    assert new_scores.ap == pytest.approx(metrics.AP, abs=1e-12)
    assert new_scores.ap50 == pytest.approx(metrics.AP50, abs=1e-12)
    assert new_scores.idf1 == pytest.approx(tracking.IDF1, abs=1e-12)
    assert new_scores.id_switches == tracking.id_switches
    assert new_scores.ap < 0.5 < old_scores.ap


def test_a_lost_identity_is_a_switch(project):
    document, _ = project
    new = [FrameResult(i, (detection(0 if i < 6 else 1, i * 20, 0),)) if i < FRAMES else None for i in range(FRAMES)]
    compared = ComparedVideo(document.video(1), found([frame(i, [0]) for i in range(FRAMES)]), found(new))
    (row,) = score_videos(document, [compared])
    assert row.track_counts == (1, 2)
    assert [side.id_switches for side in row.scores] == [0, 1]
    assert row.scores[0].idf1 > row.scores[1].idf1


def test_without_confirmed_frames_only_tracks_are_counted(project):
    document, history = project
    video = add_video(history, 2)
    (row,) = score_videos(document, [ComparedVideo(video, nothing(), found(as_confirmed()))])
    assert (row.confirmed_frames, row.track_counts, row.scores) == (0, (0, 3), None)


def test_several_videos_are_scored_together_too(project):
    document, history = project
    video = add_video(history, 2)
    history.do(Confirm(2, None, FrameRange(0, 3)))
    first = ComparedVideo(document.video(1), found(as_confirmed()), nothing())
    second = ComparedVideo(video, found(as_confirmed()), nothing())
    rows = score_videos(document, [first, second])
    assert [(row.video_id, row.confirmed_frames) for row in rows] == [(1, 8), (2, 4), (0, 12)]
    # Nothing is annotated in the second video: what is found there is wrong, and no AP can be told.
    assert (rows[1].scores[0].ap, rows[1].scores[0].idf1) == (-1, -1)
    assert rows[2].scores[0].ap == pytest.approx(rows[0].scores[0].ap)
    assert rows[2].scores[0].idf1 < 1
    assert rows[2].scores[1].ap == 0
    assert rows[2].track_counts == (6, 0)


def test_the_frame_with_most_differing_pixels_is_found(project):
    document, _ = project
    old = as_confirmed()
    new = as_confirmed()
    new[4] = frame(4, [0])
    new[7] = frame(7, [0, 1])
    calls = []
    compared = ComparedVideo(document.video(1), found(old), found(new))
    difference = largest_difference([compared], lambda: calls.append(1))
    assert (difference.frame_index, len(calls)) == (4, FRAMES)
    assert [named.track_id for named in difference.old] == [1, 2, 3]
    assert [(named.track_id, named.class_name, named.rle) for named in difference.new] == [(1, "person", mask(80))]
    bits = {t: bin(80 + t).count("1") for t in (1, 2)}
    assert difference.pixels == sum(6 + count for count in bits.values())


def test_networks_that_agree_differ_nowhere(project):
    document, _ = project
    compared = ComparedVideo(document.video(1), found(as_confirmed()), found(as_confirmed()))
    assert largest_difference([compared], lambda: None) is None
