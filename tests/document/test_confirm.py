"""Confirmed content: who may change it (nobody), what it counts for, and how it is opened again."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import (
    FRAMES,
    LABELS,
    add_video,
    check_consistent,
    frame,
    lanes,
    mask,
    masks_of,
    project_with_run,
    raw_content,
)

from app.document.adopt import begin_run
from app.document.confirmation import (
    confirmed_content,
    confirmed_ranges,
    dismissals,
    review_progress,
    wholly_confirmed_frames,
)
from app.document.document import Document
from app.document.edits import (
    Confirm,
    DeleteTrack,
    DismissSuspicion,
    EditRefused,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetCategory,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.history import History
from app.document.records import FrameRange
from visolo.categories import LabelSet

ALL = FrameRange(0, None)


@pytest.fixture
def project(tmp_path):
    """Tracks 1, 2, 3 in all twelve frames."""
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history
        check_consistent(document)


def test_confirmed_ranges_join_and_are_cut(project):
    document, history = project
    history.do(Confirm(1, 2, FrameRange(2, 4)))
    history.do(Confirm(1, 2, FrameRange(8, None)))
    assert confirmed_ranges(document, 1, 2) == [(2, 4), (8, FRAMES - 1)]
    history.do(Confirm(1, 2, FrameRange(4, 7)))
    assert confirmed_ranges(document, 1, 2) == [(2, FRAMES - 1)]
    history.do(Confirm(1, 2, FrameRange(5, 5), confirmed=False))
    assert confirmed_ranges(document, 1, 2) == [(2, 4), (6, FRAMES - 1)]
    assert confirmed_ranges(document, 1, 1) == confirmed_ranges(document, 1) == []


def test_confirming_is_undone_and_redone_exactly(project):
    document, history = project
    states = [raw_content(document)]
    for edit in (
        Confirm(1, 2, FrameRange(2, 4)),
        Confirm(1, None, FrameRange(4, 6)),
        Confirm(1, 2, FrameRange(0, None)),
        Confirm(1, None, FrameRange(5, None), confirmed=False),
        DismissSuspicion(1, "switch/1/2/7"),
    ):
        assert history.do(edit).review
        states.append(raw_content(document))
    for state in reversed(states[:-1]):
        assert history.undo().review
        assert raw_content(document) == state
    for state in states[1:]:
        assert history.redo().review
        assert raw_content(document) == state


@pytest.mark.parametrize(
    "edit",
    [
        SwapTracks(1, 1, 2, FrameRange(3, None)),
        SwapTracks(1, 2, 3, FrameRange(5, 5)),
        ReassignTrack(1, 1, 2, ALL),
        ReassignTrack(1, 2, 9, FrameRange(5, None)),
        MergeTracks(1, 1, 2),
        SplitTrack(1, 2, 5, 9),
        DeleteTrack(1, 2),
        RemoveInstances(1, 2, FrameRange(5, 5)),
        RemoveInstances(1, 2, FrameRange(0, None), True),
        SetMask(1, 2, 5, mask(8000)),
        SetMask(1, 2, 5, None),
        SetCategory(1, (1, 2), 3),
    ],
)
def test_edits_of_confirmed_content_are_refused_with_the_way_out(project, edit):
    document, history = project
    history.do(Confirm(1, 2, FrameRange(4, 6)))
    before = raw_content(document)
    with pytest.raises(EditRefused, match=r"Track 2 is confirmed on frame.*; unconfirm these frames first"):
        history.do(edit)
    assert raw_content(document) == before
    history.do(Confirm(1, 2, FrameRange(4, 6), confirmed=False))
    history.do(edit)


def test_what_lies_beside_confirmed_content_stays_open(project):
    document, history = project
    history.do(Confirm(1, 2, FrameRange(4, 6)))
    history.do(SwapTracks(1, 1, 2, FrameRange(7, None)))
    history.do(SwapTracks(1, 1, 3, FrameRange(4, 6)))
    history.do(SetMask(1, 2, 3, None))
    assert lanes(document)[2] == [0, 1, 2, *range(4, FRAMES)]


def test_no_track_can_be_added_to_or_moved_into_a_confirmed_frame(project):
    _, history = project
    history.do(RemoveInstances(1, 3, FrameRange(4, 6)))
    history.do(Confirm(1, None, FrameRange(5, 5)))
    for edit in (
        SetMask(1, 9, 5, mask(8000), 1),
        SetMask(1, 3, 5, mask(8000)),
        ReassignTrack(1, 1, 3, FrameRange(5, 5)),
    ):
        with pytest.raises(EditRefused, match="confirmed on frame 5"):
            history.do(edit)


def test_absence_of_a_confirmed_track_is_confirmed_too(project):
    _, history = project
    history.do(RemoveInstances(1, 3, FrameRange(4, 6)))
    history.do(Confirm(1, 3, ALL))
    with pytest.raises(EditRefused, match="Track 3 is confirmed on frame 5"):
        history.do(SetMask(1, 3, 5, mask(8000)))


def test_one_track_of_wholly_confirmed_frames_is_not_opened_alone(project):
    document, history = project
    history.do(Confirm(1, None, FrameRange(5, 6)))
    with pytest.raises(EditRefused, match="All tracks are confirmed on frames 5-6; unconfirm the frames"):
        history.do(Confirm(1, 2, ALL, confirmed=False))
    history.do(Confirm(1, 2, FrameRange(0, 5)))
    history.do(Confirm(1, None, FrameRange(5, None), confirmed=False))
    assert confirmed_ranges(document, 1, 2) == [(0, 4)]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (Confirm(1, 2, FrameRange(4, 5)), "it is confirmed already"),
        (Confirm(1, 3, ALL, confirmed=False), "it is not confirmed already"),
        (Confirm(1, 9, ALL), "There is no track 9"),
        (Confirm(1, 1, FrameRange(50, None)), "There is no frame 50; the video has 12 frames"),
        (DismissSuspicion(1, "x", dismissed=False), "it is not dismissed already"),
    ],
)
def test_confirming_that_changes_nothing_is_refused(project, edit, sentence):
    _, history = project
    history.do(Confirm(1, 2, FrameRange(4, 6)))
    with pytest.raises(EditRefused, match=sentence):
        history.do(edit)


def test_a_run_leaves_confirmed_content_as_it_is(project):
    document, history = project
    history.do(RemoveInstances(1, 3, FrameRange(2, 3)))
    history.do(Confirm(1, 1, FrameRange(0, 4)))
    history.do(Confirm(1, 3, FrameRange(2, 2)))
    history.do(Confirm(1, None, FrameRange(8, 9)))
    before = {t: masks_of(document, t) for t in (1, 2, 3)}
    run = begin_run(history, 1, {}, LABELS, 0, {0: 1, 1: 2, 2: 3})
    for i in range(FRAMES):
        run.add([frame(i, [0, 1, 2, 3], seed=1)])
    run.finish("done")
    after = {t: masks_of(document, t) for t in (1, 2, 3)}
    assert [i for i in range(FRAMES) if after[1][i] == before[1][i]] == [0, 1, 2, 3, 4, 8, 9]
    assert [i for i in range(FRAMES) if after[2][i] == before[2][i]] == [8, 9]
    assert 2 not in after[3]
    assert 3 in after[3]
    assert lanes(document)[4] == [0, 1, 2, 3, 4, 5, 6, 7, 10, 11]
    assert document.runs(1)[-1].set_aside == 5 + 1 + 2 * 4
    run_states = raw_content(document)
    history.undo()
    history.redo()
    assert raw_content(document) == run_states


def test_edit_behind_the_head_reaches_no_confirmed_frame_that_lands_later(project):
    document, history = project
    history.do(Confirm(1, 2, FrameRange(6, 7)))
    before = masks_of(document, 2)
    run = begin_run(history, 1, {}, LABELS, 0, {0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1], seed=1) for i in range(4)])
    history.do(SwapTracks(1, 1, 2, FrameRange(2, None)))
    history.do(Confirm(1, 1, ALL))
    assert confirmed_ranges(document, 1, 1) == [(0, 3)]
    run.add([frame(i, [0, 1], seed=1) for i in range(4, FRAMES)])
    run.finish("done")
    new = {0: frame(6, [0, 1], seed=1).instances[0].rle.counts, 1: frame(8, [0, 1], seed=1).instances[1].rle.counts}
    assert masks_of(document, 2)[6] == before[6]
    assert masks_of(document, 1)[6] == new[0]
    assert masks_of(document, 1)[8] == new[1]
    assert confirmed_ranges(document, 1, 1) == [(0, 3)]


def test_classes_of_confirmed_tracks_do_not_follow_later_votes(project):
    document, history = project
    other = LabelSet("other", LABELS.categories[::-1])
    expected = {t: document.track(1, t).category_id for t in (1, 2, 3)}
    history.do(Confirm(1, 1, FrameRange(0, 1)))
    run = begin_run(history, 1, {}, other, 0, {0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=1) for i in range(FRAMES)])
    run.finish("done")
    assert document.track(1, 1).category_id == expected[1]
    assert document.track(1, 3).category_id != expected[3]


def test_progress_counts_frames_and_instances(project):
    document, history = project
    history.do(RemoveInstances(1, 3, FrameRange(6, None)))
    assert review_progress(document, 1).percent == review_progress(document, 1).instance_percent == 0
    history.do(Confirm(1, None, FrameRange(0, 2)))
    history.do(Confirm(1, 3, FrameRange(2, 8)))
    progress = review_progress(document, 1)
    assert (progress.confirmed_frames, progress.frame_count, progress.percent) == (3, FRAMES, 25)
    assert (progress.confirmed_instances, progress.instance_count) == (9 + 3, 24 + 6)
    assert progress.tracks[3].percent == 100
    assert progress.tracks[1].percent == 25
    history.do(Confirm(1, 1, ALL))
    history.do(Confirm(1, 2, FrameRange(4, 5)))
    assert wholly_confirmed_frames(document, 1).nonzero()[0].tolist() == [0, 1, 2, 4, 5]


def test_dismissed_suspicions_are_remembered(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    history.do(DismissSuspicion(1, "switch/1/2/7"))
    history.do(DismissSuspicion(1, "flip/3"))
    history.do(DismissSuspicion(1, "flip/3", dismissed=False))
    document.close()
    with Document.open(document.path) as reopened:
        assert list(dismissals(reopened, 1)) == ["switch/1/2/7"]
        assert dismissals(reopened, 2) == {}


def test_other_videos_stay_open(project):
    document, history = project
    add_video(history, 2)
    history.do(Confirm(1, None, ALL))
    history.do(SetMask(2, 1, 0, mask(8000), 1))
    assert not confirmed_content(document, 2).frames.any()
    assert History(document).undo_text.startswith("Edit mask")
