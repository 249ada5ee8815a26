"""What runs add: rules for what stays, and edits made while frames land."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import (
    LABELS,
    add_video,
    check_consistent,
    detection,
    frame,
    lanes,
    mask,
    masks_of,
    new_project,
    project_with_run,
    raw_content,
)

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    DeleteTrack,
    EditGroup,
    EditRefused,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    RemoveVideo,
    SetCategory,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.evidence import frame_evidence, instance_slots, known_tracks
from app.document.history import History
from app.document.records import Category, FrameRange, Origin
from visolo.categories import LabelSet
from visolo.errors import ProjectError
from visolo.results import FrameResult


@pytest.fixture
def empty(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    add_video(history)
    with document:
        yield document, history


@pytest.fixture
def tracked(tmp_path):
    """Tracks 1, 2, 3 in all twelve frames."""
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def start(history, first_frame=0, **more):
    return begin_run(history, 1, {"model": "lite"}, LABELS, first_frame, **more)


def test_landing_frames_become_tracks(empty):
    document, history = empty
    run = start(history)
    change = run.add([frame(0, [0, 1]), frame(1, [1])])
    assert change.track_ids == {1, 2}
    assert change.frames == FrameRange(0, 1)
    assert run.track_ids == {0: 1, 1: 2}
    assert lanes(document) == {1: [0], 2: [0, 1]}
    instance = document.instance(1, 2, 1)
    assert (instance.origin, instance.edited, instance.run_id) == (Origin.MODEL, False, run.run_id)
    assert instance.rle == frame(1, [1]).instances[0].rle
    assert document.runs(1)[0].state == "running"
    run.finish("done")
    (record,) = document.runs(1)
    assert (record.state, record.head, record.first_frame, record.label_set) == ("done", 2, 0, "three")
    assert record.settings == {"model": "lite"}
    check_consistent(document)


def test_class_and_score_follow_the_votes_as_frames_land(empty):
    document, history = empty
    run = start(history)
    run.add([FrameResult(0, (detection(0, 1, class_index=0, score=0.5),))])
    assert document.track(1, 1).category_id == 1
    run.add([FrameResult(1, (detection(0, 2, class_index=1, score=1.0),))])
    (summary,) = document.tracks(1)
    assert summary.track.category_id == 2
    assert summary.score == pytest.approx((0.125 + 1.0) / 2)
    history.do(SetCategory(1, (1,), 3))
    run.add([FrameResult(2, (detection(0, 3, class_index=1, score=1.0),))])
    assert document.track(1, 1).category_id == 3
    check_consistent(document)


def test_votes_and_evidence_come_back_as_computed(empty):
    document, history = empty
    run = start(history)
    results = [frame(i, [0, 1, 2]) for i in range(4)]
    run.add(results)
    votes = document.class_votes(1, 2)
    assert votes.frame_indices.tolist() == [0, 1, 2, 3]
    assert votes.category_ids.tolist() == [1, 2, 3]
    assert np.array_equal(votes.class_scores[2], results[2].instances[1].class_scores)
    evidence = frame_evidence(document, run.run_id, 1, 2)
    assert [e.frame_index for e in evidence] == [1, 2]
    for one, result in zip(evidence, results[1:3], strict=True):
        assert one.run_tracks.tolist() == [0, 1, 2]
        assert one.cell_indices.tolist() == [i.cell_index for i in result.instances]
        assert np.array_equal(one.queries, np.stack([i.query for i in result.instances]))
        assert np.array_equal(one.references, np.stack([i.reference for i in result.instances]))
        assert np.array_equal(one.class_scores, np.stack([i.class_scores for i in result.instances]))
        assert np.allclose(one.scores, [i.score for i in result.instances])
    history.do(SwapTracks(1, 1, 2, FrameRange(1, 1)))
    assert instance_slots(document, 1, 1, 1).tolist() == [[1, 1, 1, 1], [1, 2, 1, 0], [1, 3, 1, 2]]
    assert document.class_votes(1, 99) is None


def test_frame_without_detections_is_kept_too(empty):
    document, history = empty
    run = start(history)
    run.add([FrameResult(0, ()), frame(1, [0])])
    (nothing, _) = frame_evidence(document, run.run_id, 0, 1)
    assert (len(nothing.run_tracks), nothing.queries.shape) == (0, (0, 0))
    assert run.head == 2


def test_classes_the_project_lacks_are_added_by_name(empty):
    document, history = empty
    start(history).finish("done")
    other = LabelSet("other", (Category(1, "DOG"), Category(2, "otter")))
    run = begin_run(history, 1, {}, other, 0)
    assert [c.name for c in document.categories()] == ["person", "dog", "car", "otter"]
    assert document.runs(1)[-1].category_ids == (2, 4)
    instance = detection(0, 1, class_index=1)
    run.add([FrameResult(0, (instance.__class__(**{**vars(instance), "class_scores": np.array([0, 1], np.float32)}),))])
    assert document.tracks(1)[0].track.category_id == 4


def test_votes_of_models_with_other_classes_are_told_apart(empty):
    document, history = empty
    run = start(history)
    run.add([FrameResult(0, (detection(0, 1, class_index=2, score=0.75),))])
    run.finish("done")
    other = LabelSet("other", (Category(1, "otter"), Category(2, "dog")))
    run = begin_run(history, 1, {}, other, 1, track_ids={0: 1})
    late = detection(0, 2)
    late = late.__class__(**{**vars(late), "class_scores": np.array([1.0, 0.25], np.float32)})
    run.add([FrameResult(1, (late,))])
    votes = document.class_votes(1, 1)
    assert votes.category_ids.tolist() == [1, 2, 3, 4]
    assert votes.class_scores.tolist() == [[0.125, 0.125, 0.75, 0], [0, 0.25, 0, 1.0]]
    assert document.tracks(1)[0].track.category_id == 4
    check_consistent(document)


# While frames land


def test_open_edits_reach_frames_that_land_later(empty):
    document, history = empty
    run = start(history)
    run.add([frame(i, [0, 1, 2]) for i in range(4)])
    history.do(SwapTracks(1, 1, 2, FrameRange(2, None)))
    history.do(MergeTracks(1, 2, 3, "absorbed"))
    change = run.add([frame(4, [0, 1, 2])])
    assert change.track_ids >= {1, 2}
    assert masks_of(document, 1)[4] == mask(4 * 20 + 1).counts
    assert masks_of(document, 2)[4] == mask(4 * 20 + 2).counts
    assert set(lanes(document)) == {1, 2}
    run.finish("done")
    history.undo()
    history.undo()
    assert masks_of(document, 1)[4] == mask(4 * 20).counts
    assert lanes(document)[3] == [0, 1, 2, 3, 4]
    check_consistent(document)


def test_closed_edits_end_where_they_say(empty):
    document, history = empty
    run = start(history)
    run.add([frame(i, [0, 1]) for i in range(4)])
    history.do(SwapTracks(1, 1, 2, FrameRange(2, 5)))
    run.add([frame(i, [0, 1]) for i in range(4, 8)])
    swapped = [f for f, counts in masks_of(document, 1).items() if counts == mask(f * 20 + 1).counts]
    assert swapped == [2, 3, 4, 5]


def test_undo_during_a_run_stops_the_routing_and_redo_catches_up(empty):
    document, history = empty
    run = start(history)
    run.add([frame(0, [0, 1])])
    history.do(SwapTracks(1, 1, 2, FrameRange(0, None)))
    run.add([frame(1, [0, 1])])
    history.undo()
    run.add([frame(2, [0, 1])])
    assert [masks_of(document, 1)[f] == mask(f * 20).counts for f in range(3)] == [True] * 3
    history.redo()
    run.add([frame(3, [0, 1])])
    assert [masks_of(document, 1)[f] == mask(f * 20 + 1).counts for f in range(4)] == [True] * 4
    run.finish("done")
    history.undo()
    assert [masks_of(document, 1)[f] == mask(f * 20).counts for f in range(4)] == [True] * 4
    check_consistent(document)


def test_redo_after_the_run_ended_reaches_what_landed_meanwhile(empty):
    document, history = empty
    run = start(history)
    run.add([frame(0, [0, 1])])
    history.do(DeleteTrack(1, 1))
    history.undo()
    run.add([frame(1, [0, 1])])
    run.finish("done")
    history.redo()
    assert lanes(document) == {2: [0, 1]}


def test_groups_are_routed_too(empty):
    document, history = empty
    run = start(history)
    run.add([frame(0, [0, 1])])
    swap, reassign = SwapTracks(1, 1, 2, FrameRange(0, None)), ReassignTrack(1, 2, 9, FrameRange(0, None))
    history.do(EditGroup(1, "All", (swap, SetCategory(1, (1,), 3), reassign)))
    run.add([frame(1, [0, 1])])
    assert masks_of(document, 1)[1] == mask(21).counts
    assert masks_of(document, 9)[1] == mask(20).counts
    assert document.track(1, 1).category_id == 3


def test_frames_the_run_has_yet_to_compute_cannot_be_edited(tracked):
    _, history = tracked
    run = start(history, 6)
    for edit in (SetMask(1, 1, 6, mask(1)), SwapTracks(1, 1, 2, FrameRange(8, None))):
        with pytest.raises(EditRefused, match="edit frames before 6, or stop the run"):
            history.do(edit)
    history.do(SetMask(1, 1, 5, mask(1)))
    run.finish("stopped")
    history.do(SetMask(1, 1, 6, mask(1)))


def test_edits_reach_what_a_stopped_run_left_of_the_old(tracked):
    document, history = tracked
    run = start(history, 6, track_ids={0: 1, 1: 2, 2: 3})
    history.do(SwapTracks(1, 1, 2, FrameRange(4, None)))
    run.add([frame(6, [0, 1], seed=1)])
    assert masks_of(document, 1)[6] == mask(2500 + 121).counts
    assert masks_of(document, 1)[7] == mask(140).counts
    change = run.finish("stopped")
    assert change.frames == FrameRange(7, 11)
    assert masks_of(document, 1)[7] == mask(141).counts
    history.undo()
    assert masks_of(document, 1)[7] == mask(140).counts
    assert masks_of(document, 1)[6] == mask(2500 + 120).counts
    check_consistent(document)


def test_run_that_died_with_the_program_is_closed_at_the_next_start(empty):
    document, history = empty
    run = start(history)
    run.add([frame(i, [0, 1]) for i in range(3)])
    history.do(SplitTrack(1, 1, 2, 9))
    document.close()
    with Document.open(document.path) as again:
        later = History(again)
        assert again.runs(1)[0].state == "stopped"
        later.undo()
        later.undo()
        assert again.tracks(1) == []


def test_failed_landing_changes_nothing(empty):
    document, history = empty
    run = start(history)
    run.add([frame(0, [0])])
    before = raw_content(document)
    with pytest.raises(ValueError, match="frame 0 comes after frame 1"):
        run.add([frame(1, [0, 1]), frame(0, [0])])
    assert raw_content(document) == before
    assert (run.head, run.track_ids) == (1, {0: 1})
    small = detection(0, 1)
    small = small.__class__(**{**vars(small), "rle": small.rle._replace(size=(20, 16))})
    with pytest.raises(ValueError, match="the video is"):
        run.add([FrameResult(1, (small,))])
    run.add([frame(1, [0, 1])])
    assert lanes(document) == {1: [0, 1], 2: [1]}
    check_consistent(document)


def test_one_run_at_a_time_and_none_after_its_end(empty):
    document, history = empty
    run = start(history)
    with pytest.raises(EditRefused, match="running on this video already"):
        start(history)
    with pytest.raises(EditRefused, match="stop it before removing"):
        history.do(RemoveVideo(1))
    run.finish("failed")
    assert document.runs(1)[0].state == "failed"
    for late in (lambda: run.add([frame(0, [0])]), lambda: run.finish("done")):
        with pytest.raises(ValueError, match="ended"):
            late()
    with pytest.raises(ProjectError, match="no video 7"):
        begin_run(history, 7, {}, LABELS, 0)


# Running again


def test_running_again_replaces_what_nobody_touched(tracked):
    document, history = tracked
    before = raw_content(document)
    run = start(history, 6, track_ids={0: 1, 1: 2})
    run.add([frame(i, [0, 1], seed=1) for i in range(6, 12)])
    run.finish("done")
    assert lanes(document) == {1: list(range(12)), 2: list(range(12)), 3: list(range(6))}
    assert masks_of(document, 1)[6] == mask(2500 + 120).counts
    assert masks_of(document, 1)[5] == mask(100).counts
    history.undo()
    assert raw_content(document) == before
    check_consistent(document)


def test_new_tracks_of_a_second_run_get_new_ids(tracked):
    document, history = tracked
    run = start(history, 6)
    run.add([frame(6, [0], seed=1)])
    assert run.track_ids == {0: 4}
    assert lanes(document)[4] == [6]


def test_edited_instances_stay_and_detections_in_their_place_are_set_aside(tracked):
    document, history = tracked
    history.do(SetMask(1, 1, 7, mask(9000)))
    history.do(SwapTracks(1, 2, 3, FrameRange(8, 8)))
    kept = masks_of(document, 1)[7], masks_of(document, 2)[8], masks_of(document, 3)[8]
    run = start(history, 6, track_ids={0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=1) for i in range(6, 12)])
    run.finish("done")
    assert (masks_of(document, 1)[7], masks_of(document, 2)[8], masks_of(document, 3)[8]) == kept
    assert document.runs(1)[-1].set_aside == 3
    assert len(frame_evidence(document, run.run_id, 8, 8)[0].run_tracks) == 3
    check_consistent(document)


def test_same_object_under_another_track_is_not_doubled(tracked):
    document, history = tracked
    history.do(ReassignTrack(1, 1, 9, FrameRange(7, 7)))
    run = start(history, 6, track_ids={0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2]) for i in range(6, 9)])
    assert [i.track_id for i in document.instances(1, 7)] == [2, 3, 9]
    assert document.runs(1)[-1].set_aside == 1


def test_absent_frames_stay_empty_in_a_second_run(tracked):
    document, history = tracked
    history.do(RemoveInstances(1, 1, FrameRange(7, 8), absent=True))
    history.do(RemoveInstances(1, 2, FrameRange(7, 8), absent=False))
    run = start(history, 6, track_ids={0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=1) for i in range(6, 12)])
    assert 7 not in lanes(document)[1]
    assert 7 in lanes(document)[2]
    assert 9 in lanes(document)[1]


def test_locked_track_is_never_changed_by_a_run(tracked):
    document, history = tracked
    history.do(RemoveInstances(1, 1, FrameRange(9, 9)))
    history.do(SetLocked(1, (1,), True))
    before = masks_of(document, 1)
    run = start(history, 6, track_ids={0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=1) for i in range(6, 12)])
    run.finish("done")
    assert masks_of(document, 1) == before
    assert lanes(document)[4] == [9]
    assert document.runs(1)[-1].set_aside == 5
    check_consistent(document)


def test_track_locked_while_frames_land_stays_as_it_is_and_nothing_is_lost(empty):
    document, history = empty
    run = start(history)
    run.add([frame(i, [0, 1]) for i in range(3)])
    history.do(SetLocked(1, (1,), True))
    run.add([frame(i, [0, 1]) for i in range(3, 6)])
    assert lanes(document) == {1: [0, 1, 2], 2: [0, 1, 2, 3, 4, 5], 3: [3, 4, 5]}
    history.do(SetLocked(1, (1,), False))
    run.add([frame(6, [0, 1])])
    assert lanes(document)[1] == [0, 1, 2, 6]
    history.undo()
    history.undo()
    assert lanes(document)[1] == [0, 1, 2, 3, 4, 5, 6]
    assert 3 not in lanes(document)
    check_consistent(document)


def test_lock_during_a_second_run_protects_what_is_still_ahead(tracked):
    document, history = tracked
    run = start(history, 4, track_ids={0: 1, 1: 2, 2: 3})
    run.add([frame(4, [0, 1, 2], seed=1)])
    history.do(SetLocked(1, (1,), True))
    before = masks_of(document, 1)
    run.add([frame(i, [0, 1, 2], seed=1) for i in range(5, 12)])
    run.finish("done")
    assert masks_of(document, 1) == before
    check_consistent(document)


def test_known_tracks_are_the_corrected_ones(tracked):
    document, history = tracked
    history.do(SwapTracks(1, 1, 2, FrameRange(4, None)))
    history.do(RemoveInstances(1, 3, FrameRange(3, 8)))
    history.do(SetMask(1, 8, 5, mask(77), category_id=1))
    known = known_tracks(document, 1, 6)
    assert [(k.track_id, k.frame_index) for k in known] == [(3, 2), (2, 5), (1, 5)]
    assert np.array_equal(known[2].query, frame(5, [0, 1]).instances[1].query)
    assert np.array_equal(known[2].reference, frame(5, [0, 1]).instances[1].reference)
    assert known[2].cell_index == frame(5, [0, 1]).instances[1].cell_index
    assert [k.track_id for k in known_tracks(document, 1, 6, look_back=3)] == [2, 1]
    assert known_tracks(document, 1, 0) == []
