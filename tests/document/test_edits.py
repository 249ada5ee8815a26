import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import (
    FRAMES,
    add_video,
    check_consistent,
    lanes,
    mask,
    masks_of,
    new_project,
    project_with_run,
    project_without_run,
    raw_content,
)

from app.document.edits import (
    AddCategory,
    AddVideo,
    DeleteTrack,
    EditGroup,
    EditRefused,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    RemoveVideo,
    RenameCategory,
    SetCategory,
    SetLocked,
    SetMask,
    SetVideoSource,
    SplitTrack,
    SwapTracks,
)
from app.document.merging import conflicting_instances, link_edit, merge_conflicts
from app.document.records import Category, FrameRange, Origin, Touch, Video
from visolo import rle as rle_masks
from visolo.errors import ProjectError

ALL = FrameRange(0, None)


@pytest.fixture
def project(tmp_path):
    """Tracks 1, 2, 3 in all twelve frames, detected by a model."""
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def test_swap_from_here_on_exchanges_the_tails_only(project):
    document, history = project
    before = {t: masks_of(document, t) for t in (1, 2)}
    change = history.do(SwapTracks(1, 1, 2, FrameRange(5, None)))
    after = {t: masks_of(document, t) for t in (1, 2)}
    for f in range(12):
        assert after[1][f] == before[1 if f < 5 else 2][f]
        assert after[2][f] == before[2 if f < 5 else 1][f]
    assert change.track_ids == {1, 2}
    assert change.frames == FrameRange(5, 11)
    assert history.undo_text == "Swap 1 and 2 from frame 5 on"


def test_swap_works_where_only_one_of_the_two_is_present(project):
    document, history = project
    history.do(RemoveInstances(1, 2, FrameRange(4, 6)))
    history.do(SwapTracks(1, 1, 2, FrameRange(5, 5)))
    assert 5 not in lanes(document)[1]
    assert 5 in lanes(document)[2]
    assert 4 in lanes(document)[1]


def test_reassign_where_the_target_is_present_trades_places_and_loses_nothing(project):
    document, history = project
    history.do(RemoveInstances(1, 3, FrameRange(0, 3)))
    before = {t: masks_of(document, t) for t in (1, 3)}
    history.do(ReassignTrack(1, 1, 3, FrameRange(2, 5)))
    after = {t: masks_of(document, t) for t in (1, 3)}
    assert after[3][2] == before[1][2]
    assert 2 not in after[1]
    assert after[3][5] == before[1][5]
    assert after[1][5] == before[3][5]
    assert after[3][6] == before[3][6]


def test_reassign_leaves_frames_alone_where_the_moved_track_is_absent(project):
    document, history = project
    history.do(RemoveInstances(1, 1, FrameRange(2, 2)))
    there = masks_of(document, 3)[2]
    history.do(ReassignTrack(1, 1, 3, FrameRange(0, None)))
    assert masks_of(document, 3)[2] == there


def test_reassign_to_a_new_track_takes_the_class_along(project):
    document, history = project
    new = document.next_track_id(1)
    history.do(ReassignTrack(1, 2, new, FrameRange(6, 8)))
    assert lanes(document)[new] == [6, 7, 8]
    assert document.track(1, new).category_id == document.track(1, 2).category_id
    history.undo()
    assert new not in lanes(document)


def test_merge_keeps_the_preferred_mask_in_frames_that_hold_both(project):
    document, history = project
    history.do(RemoveInstances(1, 1, FrameRange(8, None)))
    before = {t: masks_of(document, t) for t in (1, 2)}
    history.do(MergeTracks(1, 1, 2))
    assert masks_of(document, 1) == before[2] | before[1]
    assert 2 not in lanes(document)
    history.undo()
    history.do(MergeTracks(1, 1, 2, "absorbed"))
    assert masks_of(document, 1) == before[1] | before[2]


def test_split_leaves_the_head_its_id(project):
    document, history = project
    history.do(SplitTrack(1, 2, 4, 9))
    assert lanes(document)[2] == [0, 1, 2, 3]
    assert lanes(document)[9] == list(range(4, 12))
    assert history.undo_text == "Split 2 at frame 4, the tail becomes 9"


def test_split_keeps_a_class_that_a_person_chose(project):
    document, history = project
    history.do(SetCategory(1, (2,), 3))
    history.do(SplitTrack(1, 2, 4, 9))
    assert (document.track(1, 9).category_id, document.track(1, 9).category_set) == (3, True)


def test_deleted_track_vanishes_and_its_id_stays_taken(project):
    document, history = project
    history.do(DeleteTrack(1, 3))
    assert set(lanes(document)) == {1, 2}
    assert document.next_track_id(1) == 4
    history.undo()
    assert set(lanes(document)) == {1, 2, 3}


def test_absent_removes_and_remembers(project):
    document, history = project
    history.do(RemoveInstances(1, 1, FrameRange(3, 4), absent=True))
    assert 3 not in lanes(document)[1]
    assert document.absences(1, 1) == [FrameRange(3, 4)]
    assert history.undo_text == "Mark 1 absent on frames 3-4"
    history.do(RemoveInstances(1, 1, FrameRange(3, None), absent=True))
    assert document.absences(1, 1) == [FrameRange(3, None)]
    history.do(RemoveInstances(1, 1, FrameRange(3, 9), absent=True))
    assert document.absences(1, 1) == [FrameRange(3, None)]
    for _ in range(3):
        history.undo()
    assert document.absences(1, 1) == []


def test_drawn_mask_is_the_persons_and_keeps_the_evidence(project):
    document, history = project
    old = document.instance(1, 1, 3)
    history.do(SetMask(1, 1, 3, mask(9999)))
    new = document.instance(1, 1, 3)
    assert (new.origin, new.edited, new.rle) == (Origin.PERSON, True, mask(9999))
    assert (new.instance_id, new.run_id) == (old.instance_id, old.run_id)
    assert new.area == rle_masks.area(new.rle)
    assert new.box == rle_masks.bounding_box(new.rle)
    assert len(document.class_votes(1, 1).frame_indices) == 12


def test_moved_instance_keeps_its_origin_but_counts_as_edited(project):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(5, 6)))
    lane = document.lane(1, 1)
    assert lane.origins.tolist() == [int(Origin.MODEL)] * 12
    assert lane.edited.tolist() == [f in (5, 6) for f in range(12)]
    assert document.tracks(1)[0].edited_count == 2


def test_first_mask_makes_the_track(tmp_path):
    document, history = project_without_run(tmp_path / "p.visolo")
    with document:
        history.do(SetMask(1, 1, 3, mask(5), category_id=2))
        (summary,) = document.tracks(1)
        assert (summary.track.category_id, summary.track.category_set, summary.score) == (2, True, 1.0)
        history.do(SetMask(1, 1, 3, None))
        assert document.tracks(1) == []
        history.undo()
        assert document.instance(1, 1, 3).rle == mask(5)


def test_empty_mask_takes_the_instance_away(project):
    document, history = project
    empty = rle_masks.from_run_lengths((16, 20), [16 * 20])
    history.do(SetMask(1, 1, 3, empty))
    assert document.instance(1, 1, 3) is None
    assert history.undo_text == "Delete mask of 1 on frame 3"


def test_class_is_voted_until_a_person_chooses(project):
    document, history = project
    assert [s.track.category_id for s in document.tracks(1)] == [1, 2, 3]
    history.do(SwapTracks(1, 1, 3, FrameRange(2, None)))
    assert [s.track.category_id for s in document.tracks(1)] == [3, 2, 1]
    history.do(SetCategory(1, (1, 2), 2))
    assert [s.track.category_id for s in document.tracks(1)] == [2, 2, 1]
    assert history.undo_text == "Set class of tracks 1, 2 to dog"
    history.undo()
    assert [s.track.category_id for s in document.tracks(1)] == [3, 2, 1]


def test_track_score_is_the_mean_class_score_of_its_class(project):
    document, history = project
    votes = document.class_votes(1, 2)
    mean = votes.class_scores.mean(axis=0)
    column = votes.category_ids.tolist().index(document.track(1, 2).category_id)
    assert document.tracks(1)[1].score == pytest.approx(float(mean[column]), abs=1e-6)
    history.do(SetCategory(1, (2,), 1))
    column = votes.category_ids.tolist().index(1)
    assert document.tracks(1)[1].score == pytest.approx(float(mean[column]), abs=1e-6)


def test_classes_are_added_and_renamed(project):
    document, history = project
    change = history.do(AddCategory(document.next_category_id(), " otter "))
    assert document.categories()[-1] == Category(4, "otter")
    assert change.categories
    history.do(RenameCategory(4, "sea otter"))
    assert history.undo_text == "Rename class otter to sea otter"
    assert document.categories()[-1].name == "sea otter"


def test_removed_video_takes_its_tracks_along_and_back(project):
    document, history = project
    before = raw_content(document)
    change = history.do(RemoveVideo(1))
    assert change.videos
    assert document.videos() == []
    assert document.next_video_id() == 2
    with pytest.raises(ProjectError, match="no video 1"):
        document.video(1)
    history.undo()
    assert raw_content(document) == before
    assert len(document.tracks(1)) == 3


def test_video_can_be_found_elsewhere(project):
    document, history = project
    history.do(SetVideoSource(1, "moved/v1.mp4"))
    assert document.source_path(1) == document.path.parent / "moved" / "v1.mp4"


def test_group_is_one_entry_and_all_or_nothing(project):
    document, history = project
    before = raw_content(document)
    history.do(EditGroup(1, "Accept proposal", (SwapTracks(1, 1, 2, FrameRange(3, 5)), DeleteTrack(1, 3))))
    assert history.undo_text == "Accept proposal"
    assert set(lanes(document)) == {1, 2}
    history.undo()
    assert raw_content(document) == before
    summaries = document.tracks(1)
    with pytest.raises(EditRefused):
        history.do(EditGroup(1, "Bad", (DeleteTrack(1, 3), SetMask(1, 1, 3, None), DeleteTrack(1, 3))))
    assert raw_content(document) == before
    assert document.tracks(1) == summaries
    check_consistent(document)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (SwapTracks(1, 2, 2, ALL), "two different tracks"),
        (SwapTracks(1, 2, 77, ALL), "no track 77"),
        (SwapTracks(1, 0, 2, ALL), "count from 1"),
        (ReassignTrack(1, 77, 2, ALL), "no track 77"),
        (ReassignTrack(1, 1, 2, FrameRange(20, 30)), "Track 1 is not present on frames 20-30"),
        (SwapTracks(1, 1, 2, FrameRange(20, 20)), "Neither of these tracks is present on frame 20"),
        (MergeTracks(1, 1, 1), "two different tracks"),
        (MergeTracks(1, 1, 50), "no track 50"),
        (SplitTrack(1, 1, 0, 9), "nothing before frame 0"),
        (SplitTrack(1, 1, 3, 2), "Track 2 exists already"),
        (SplitTrack(1, 1, 12, 9), "not present from frame 12 on"),
        (RemoveInstances(1, 9, ALL), "no track 9"),
        (RemoveInstances(1, 1, FrameRange(12, None)), "not present from frame 12 on"),
        (DeleteTrack(1, 9), "no track 9"),
        (SetMask(1, 9, 0, mask(1)), "no track 9"),
        (SetMask(1, 9, 0, mask(1), category_id=8), "no class 8"),
        (SetMask(1, 1, 12, mask(1)), "no frame 12; the video has 12 frames"),
        (SetMask(1, 1, 0, rle_masks.from_run_lengths((4, 4), [3, 2, 11])), "4 x 4, the video 16 x 20"),
        (SetCategory(1, (1,), 99), "no class 99"),
        (SetCategory(1, (1, 9), 2), "no track 9"),
        (SetCategory(1, (), 2), "Select a track"),
        (SetLocked(1, (1,), False), "so already"),
        (AddCategory(2, "cat"), "taken"),
        (AddCategory(0, "cat"), "count from 1"),
        (AddCategory(9, "  "), "needs a name"),
        (AddCategory(9, "DOG"), "class dog already"),
        (RenameCategory(3, "dog"), "class dog already"),
        (RenameCategory(30, "dog"), "no class 30"),
        (AddVideo(Video(1, "v", "v", 3, 4, 4)), "taken"),
        (AddVideo(Video(2, "v", "v", 0, 4, 4)), "no frames"),
    ],
)
def test_impossible_edits_are_refused_in_words_and_leave_no_trace(project, edit, sentence):
    document, history = project
    before, entries = raw_content(document), history.entries()
    with pytest.raises(EditRefused, match=sentence):
        history.do(edit)
    assert raw_content(document) == before
    assert history.entries() == entries


def test_edit_of_a_missing_video_is_refused(project):
    _, history = project
    with pytest.raises(ProjectError, match="no video 5"):
        history.do(SetMask(5, 1, 0, mask(1), category_id=1))
    with pytest.raises(EditRefused, match="no track 1"):
        history.do(DeleteTrack(5, 1))


@pytest.mark.parametrize(
    "edit",
    [
        SwapTracks(1, 1, 2, ALL),
        SwapTracks(1, 2, 1, ALL),
        ReassignTrack(1, 1, 2, ALL),
        ReassignTrack(1, 2, 1, ALL),
        MergeTracks(1, 1, 2),
        MergeTracks(1, 2, 1),
        SplitTrack(1, 1, 4, 9),
        RemoveInstances(1, 1, ALL),
        RemoveInstances(1, 1, ALL, absent=True),
        DeleteTrack(1, 1),
        SetMask(1, 1, 3, mask(7)),
        SetMask(1, 1, 3, None),
    ],
)
def test_locked_tracks_refuse_edits_of_identity_and_masks(project, edit):
    document, history = project
    history.do(SetLocked(1, (1,), True))
    before = raw_content(document)
    with pytest.raises(EditRefused, match="Track 1 is locked; unlock it first"):
        history.do(edit)
    assert raw_content(document) == before
    history.do(SetLocked(1, (1,), False))
    history.do(edit)


def test_edits_of_one_video_leave_another_alone(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        history.do(AddCategory(1, "person"))
        for video_id in (1, 2):
            add_video(history, video_id)
            for track_id in (1, 2):
                history.do(SetMask(video_id, track_id, 0, mask(10 * video_id + track_id), category_id=1))
        before = masks_of(document, 1, 2)
        history.do(SwapTracks(1, 1, 2, ALL))
        assert masks_of(document, 1, 2) == before
        assert masks_of(document, 1, 1) == {0: mask(12).counts}


def test_merging_keeps_in_each_frame_whose_mask_was_chosen(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        kept, absorbed = masks_of(document, 1), masks_of(document, 2)
        assert merge_conflicts(document, 1, 1, 2) == [FrameRange(0, FRAMES - 1)]
        shown = conflicting_instances(document, 1, 1, 2, 3)
        assert shown is not None
        assert [i.rle.counts for i in shown] == [kept[3], absorbed[3]]
        edit = MergeTracks(1, 1, 2, absorbed_wins=(FrameRange(3, 5), FrameRange(9, None)))
        assert edit.text == "Merge 2 into 1, 2's masks win on frames 3-5, from frame 9 on"
        history.do(edit)
        merged = masks_of(document, 1)
        assert {f for f in merged if merged[f] == absorbed[f]} == {3, 4, 5, 9, 10, 11}
        assert {f for f in merged if merged[f] == kept[f]} == {0, 1, 2, 6, 7, 8}


def test_linking_keeps_the_id_that_came_first_in_either_order(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        history.do(SplitTrack(1, 1, 6, 9))
        assert link_edit(document, 1, 9, 1) == link_edit(document, 1, 1, 9) == MergeTracks(1, 1, 9)
        assert merge_conflicts(document, 1, 1, 9) == []
        with pytest.raises(EditRefused, match="Track 8 is not present anywhere"):
            link_edit(document, 1, 1, 8)


def test_an_edit_from_here_on_decides_its_first_frame_and_carries_the_rest(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        history.do(SwapTracks(1, 1, 2, FrameRange(4, None)))
        rows = document.rows("SELECT frame_index, edited FROM cells WHERE track_id = 1 ORDER BY frame_index")
        assert [edited for _, edited in rows] == [0] * 4 + [Touch.DECIDED] + [Touch.CARRIED] * 7


def test_edits_work_where_only_one_of_the_two_objects_is_in_the_frame(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        history.do(RemoveInstances(1, 2, FrameRange(3, 8)))
        one, both = masks_of(document, 1)[5], lanes(document)
        for track_id, other in ((1, 2), (2, 1)):
            history.do(SwapTracks(1, track_id, other, FrameRange(5, 5)))
            assert (masks_of(document, 1).get(5), masks_of(document, 2).get(5)) == (None, one)
            history.undo()
        history.do(ReassignTrack(1, 1, 2, FrameRange(5, 8)))
        assert lanes(document) == both | {1: [*range(5), *range(9, FRAMES)], 2: [*range(3), *range(5, FRAMES)]}
        history.undo()
        history.do(SplitTrack(1, 2, 5, 7))
        assert lanes(document) == both | {2: [0, 1, 2], 7: [9, 10, 11]}
        history.do(MergeTracks(1, 2, 7))
        assert lanes(document) == both
        with pytest.raises(EditRefused, match="Track 2 is not present on frame 5"):
            history.do(ReassignTrack(1, 2, 1, FrameRange(5, 5)))
