"""Two copies of a project, edited apart and merged: what comes over, what is a conflict, what stays."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import (
    HEIGHT,
    LABELS,
    WIDTH,
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
from merge_data import compared, copied, merge

from app.document.adopt import begin_run
from app.document.class_edits import category_uses, revision
from app.document.confirmation import confirmed_ranges, dismissals, rejection
from app.document.edits import (
    AddCategory,
    Confirm,
    DeleteTrack,
    DismissSuspicion,
    EditRefused,
    RejectVideo,
    RemoveInstances,
    RemoveVideo,
    RenameCategory,
    SetCategory,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.evidence import frame_evidence
from app.document.note_edits import AddNote, DeleteNote, ResolveNote
from app.document.notes import notes_of
from app.document.project_merge.edit import MergeProject
from app.document.records import FrameRange, NotePlace
from visolo.categories import Category
from visolo.results import FrameResult
from visolo.rle import Rle, encode


@pytest.fixture
def pair(tmp_path):
    """(our history, their history) of two copies of a project with three tracks."""
    document, history = project_with_run(tmp_path / "ours.visolo")
    other, theirs = copied(document, tmp_path / "theirs.visolo")
    yield history, theirs
    document.close()
    other.close()


def test_what_only_they_changed_comes_over_and_undo_takes_it_back(pair):
    ours, theirs = pair
    before = raw_content(ours.document)
    theirs.do(SetMask(1, 2, 3, mask(9000)))
    theirs.do(SwapTracks(1, 1, 3, FrameRange(6, None)))
    found = merge(ours, theirs.document)
    assert not found.conflicts
    for track_id in (1, 2, 3):
        assert masks_of(ours.document, track_id) == masks_of(theirs.document, track_id)
    assert ours.undo_text == "Merge Anna's work: 7 frames of 3 tracks"
    check_consistent(ours.document)
    after = raw_content(ours.document)
    ours.undo()
    assert raw_content(ours.document) == before
    ours.redo()
    assert raw_content(ours.document) == after


def test_what_was_undone_here_since_stays_undone_and_what_was_undone_there_is_undone_here(pair, tmp_path):
    ours, _ = pair
    ours.do(SetMask(1, 2, 3, mask(9000)))
    ours.do(SetMask(1, 2, 4, mask(9001)))
    other, theirs = copied(ours.document, tmp_path / "later.visolo")
    with other:
        ours.undo()
        theirs.do(SetMask(1, 1, 5, mask(9002)))
        assert not merge(ours, other).conflicts
        assert masks_of(ours.document, 2)[3] == mask(9000).counts
        assert masks_of(ours.document, 2)[4] != mask(9001).counts
        assert masks_of(ours.document, 1)[5] == mask(9002).counts
        assert compared(ours.document, other).is_empty()
        ours.undo()
        theirs.undo()
        theirs.undo()
        theirs.undo()
        ours.do(SetMask(1, 1, 8, mask(9003)))
        assert not merge(ours, other).conflicts
        assert masks_of(ours.document, 2) == masks_of(other, 2)
        check_consistent(ours.document)


def test_what_was_undone_here_and_corrected_there_is_a_conflict_that_either_may_win(pair, tmp_path):
    ours, _ = pair
    ours.do(SetMask(1, 4, 3, mask(9014), 1))
    other, theirs = copied(ours.document, tmp_path / "later.visolo")
    with other:
        ours.undo()
        theirs.do(SetMask(1, 4, 3, mask(9015)))
        (conflict,) = compared(ours.document, other).conflicts
        assert (conflict.kind, conflict.ours, conflict.theirs) == ("presence", "has no 4", "has 4")
        merge(ours, other, prefer="theirs")
        assert masks_of(ours.document, 4) == {3: mask(9015).counts}
        check_consistent(ours.document)


def test_a_swap_there_and_a_brush_stroke_here_both_hold(pair):
    ours, theirs = pair
    ours.do(SetMask(1, 1, 8, mask(9000)))
    theirs.do(SwapTracks(1, 1, 2, FrameRange(6, None)))
    assert not merge(ours, theirs.document).conflicts
    assert masks_of(ours.document, 2)[8] == mask(9000).counts
    check_consistent(ours.document)


def test_two_masks_of_one_instance_are_a_conflict(pair):
    ours, theirs = pair
    ours.do(SetMask(1, 2, 3, mask(9000)))
    theirs.do(SetMask(1, 2, 3, mask(9001)))
    theirs.do(SetMask(1, 2, 4, mask(9002)))
    (conflict,) = compared(ours.document, theirs.document).conflicts
    assert (conflict.kind, conflict.where) == ("mask", "track 2 on frame 3")
    merge(ours, theirs.document)
    assert masks_of(ours.document, 2)[3] == mask(9000).counts
    assert masks_of(ours.document, 2)[4] == mask(9002).counts
    ours.undo()
    merge(ours, theirs.document, prefer="theirs")
    assert masks_of(ours.document, 2)[3] == mask(9001).counts


def test_two_identities_of_one_object_are_one_conflict_of_all_its_frames(pair):
    ours, theirs = pair
    ours.do(SwapTracks(1, 1, 2, FrameRange(5, None)))
    theirs.do(SwapTracks(1, 1, 3, FrameRange(5, None)))
    (conflict,) = compared(ours.document, theirs.document).conflicts
    assert (conflict.kind, conflict.where) == ("identity", "tracks 1, 2, 3 on frames 5-11")
    before = masks_of(ours.document, 1)
    with pytest.raises(EditRefused, match="Nothing differs"):
        merge(ours, theirs.document)
    assert masks_of(ours.document, 1) == before
    merge(ours, theirs.document, prefer="theirs")
    for track_id in (1, 2, 3):
        assert masks_of(ours.document, track_id) == masks_of(theirs.document, track_id)
    check_consistent(ours.document)


def test_deleted_there_and_corrected_here_is_a_conflict_on_the_corrected_frame_only(pair):
    ours, theirs = pair
    ours.do(SetMask(1, 2, 3, mask(9000)))
    theirs.do(DeleteTrack(1, 2))
    (conflict,) = merge(ours, theirs.document).conflicts
    assert (conflict.kind, conflict.frames, conflict.ours, conflict.theirs) == ("presence", (3,), "has 2", "has no 2")
    assert list(masks_of(ours.document, 2)) == [3]


def test_what_is_confirmed_or_locked_here_is_never_changed_silently(pair):
    ours, theirs = pair
    ours.do(Confirm(1, 1, FrameRange(0, 5)))
    ours.do(SetLocked(1, (3,), True))
    theirs.do(SetMask(1, 1, 2, mask(9000)))
    theirs.do(SetMask(1, 3, 2, mask(9001)))
    theirs.do(SetMask(1, 1, 8, mask(9002)))
    conflicts = merge(ours, theirs.document).conflicts
    assert [(c.tracks, c.frames, c.is_closed) for c in conflicts] == [((1,), (2,), True), ((3,), (2,), True)]
    assert masks_of(ours.document, 1)[2] != mask(9000).counts
    assert masks_of(ours.document, 1)[8] == mask(9002).counts
    ours.undo()
    merge(ours, theirs.document, prefer="theirs")
    assert masks_of(ours.document, 1)[2] == mask(9000).counts
    assert masks_of(ours.document, 3)[2] == mask(9001).counts
    # What nobody saw so is not confirmed any more.
    assert confirmed_ranges(ours.document, 1, 1) == [FrameRange(0, 1), FrameRange(3, 5)]
    assert ours.document.track(1, 3).locked


def test_confirmed_there_is_confirmed_here_where_it_is_as_they_saw_it(pair):
    ours, theirs = pair
    ours.do(SetMask(1, 1, 4, mask(9000)))
    theirs.do(Confirm(1, None, FrameRange(0, 7)))
    theirs.do(Confirm(1, 2, FrameRange(8, 9)))
    merge(ours, theirs.document)
    assert confirmed_ranges(ours.document, 1) == [FrameRange(0, 3), FrameRange(5, 7)]
    assert confirmed_ranges(ours.document, 1, 2) == [FrameRange(0, 3), FrameRange(5, 9)]
    assert masks_of(ours.document, 1)[4] == mask(9000).counts


def test_confirmed_here_against_another_mask_confirmed_there_is_a_conflict(pair):
    ours, theirs = pair
    ours.do(Confirm(1, None, FrameRange(0, None)))
    theirs.do(SetMask(1, 1, 4, mask(9000)))
    theirs.do(Confirm(1, None, FrameRange(0, None)))
    (conflict,) = merge(ours, theirs.document, prefer="theirs").conflicts
    assert conflict.is_closed
    assert masks_of(ours.document, 1)[4] == mask(9000).counts
    assert confirmed_ranges(ours.document, 1) == [FrameRange(0, 11)]


def test_opened_again_there_is_a_conflict(pair, tmp_path):
    ours, _ = pair
    ours.do(Confirm(1, None, FrameRange(0, None)))
    other, theirs = copied(ours.document, tmp_path / "later.visolo")
    with other:
        theirs.do(Confirm(1, None, FrameRange(3, 5), confirmed=False))
        (conflict,) = compared(ours.document, other).conflicts
        assert (conflict.kind, conflict.where) == ("confirmed", "all tracks on frames 3-5")
        merge(ours, other, prefer="theirs")
        assert confirmed_ranges(ours.document, 1) == [FrameRange(0, 2), FrameRange(6, 11)]


def test_classes_locks_absences_dismissals_and_rejections_come_over(pair):
    ours, theirs = pair
    theirs.do(AddCategory(9, "otter"))
    theirs.do(SetCategory(1, (1,), 9))
    theirs.do(SetLocked(1, (2,), True))
    theirs.do(RemoveInstances(1, 3, FrameRange(8, None), absent=True))
    theirs.do(DismissSuspicion(1, "switch:3:1-2"))
    theirs.do(RejectVideo(1, "blurred"))
    assert not merge(ours, theirs.document).conflicts
    assert raw_content(ours.document) == raw_content(theirs.document)
    assert rejection(ours.document, 1) == "blurred"
    assert list(dismissals(ours.document, 1)) == ["switch:3:1-2"]


def test_notes_come_over_once_and_what_was_changed_there_is_changed_here(pair):
    ours, theirs = pair
    ours.do(AddNote(1, 3, "whose hand?"))
    other, later = copied(ours.document, theirs.document.path.with_name("later.visolo"))
    with other:
        later.do(ResolveNote(1, notes_of(other, 1)[0].note_id))
        later.do(AddNote(1, 5, "blurred", NotePlace(4, 5)))
        ours.do(AddNote(1, 7, "check"))
        merge(ours, other)
        found = notes_of(ours.document, 1)
        assert [(n.frame_index, n.words, n.author, n.is_resolved) for n in found] == [
            (3, "whose hand?", "tester", True),
            (5, "blurred", "Anna", False),
            (7, "check", "tester", False),
        ]
        assert compared(ours.document, other).is_empty()
        later.do(DeleteNote(1, notes_of(other, 1)[1].note_id))
        merge(ours, other)
        assert [n.words for n in notes_of(ours.document, 1)] == ["whose hand?", "check"]


def test_a_class_that_they_joined_and_described_is_understood(pair):
    ours, theirs = pair
    document = theirs.document
    uses = category_uses(document)
    wanted = [Category(1, "person", "#ff0000"), Category(2, "animal"), Category(3, "animal")]
    theirs.do(revision(document.categories(), uses, wanted))
    run = begin_run(theirs, 1, {"model": "better"}, LABELS, 0, {0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=2) for i in range(12)])
    run.finish("done")
    assert not merge(ours, document).conflicts
    names = {c.category_id: c.name for c in ours.document.categories()}
    assert [names[ours.document.track(1, t).category_id] for t in (1, 2, 3)] == ["person", "animal", "animal"]
    assert ours.document.categories()[0].color == "#ff0000"
    assert [c.name for c in ours.document.categories()] == [c.name for c in document.categories()]


def test_two_classes_of_one_track_are_a_conflict(pair):
    ours, theirs = pair
    ours.do(SetCategory(1, (1,), 2))
    theirs.do(SetCategory(1, (1,), 3))
    (conflict,) = compared(ours.document, theirs.document).conflicts
    assert (conflict.kind, conflict.ours, conflict.theirs) == ("class", "dog", "car")
    merge(ours, theirs.document, prefer="theirs")
    assert ours.document.track(1, 1).category_id == 3


def test_a_class_renamed_there_is_renamed_here(pair):
    ours, theirs = pair
    theirs.do(RenameCategory(2, "puppy"))
    merge(ours, theirs.document)
    assert [c.name for c in ours.document.categories()] == ["person", "puppy", "car"]


def test_names_of_classes_that_were_exchanged_there_are_exchanged_here(pair):
    ours, theirs = pair
    before = [ours.document.track(1, t).category_id for t in (1, 2, 3)]
    wanted = [Category(1, "dog"), Category(2, "person"), Category(3, "car")]
    theirs.do(revision(theirs.document.categories(), category_uses(theirs.document), wanted))
    theirs.do(AddCategory(8, "cat"))
    merge(ours, theirs.document)
    assert [c.name for c in ours.document.categories()] == ["dog", "person", "car", "cat"]
    assert [ours.document.track(1, t).category_id for t in (1, 2, 3)] == before


def test_a_name_that_another_class_has_here_is_not_given_twice(pair):
    ours, theirs = pair
    ours.do(AddCategory(8, "puppy"))
    theirs.do(RenameCategory(2, "puppy"))
    found = compared(ours.document, theirs.document)
    assert found.notes == ("Class dog is called puppy there; it keeps its name, for another has that.",)
    assert not MergeProject.of(found, [], []).is_needed()


def test_a_class_of_the_same_name_is_the_same_class(pair):
    ours, theirs = pair
    ours.do(AddCategory(4, "otter"))
    theirs.do(AddCategory(4, "seal"))
    theirs.do(AddCategory(5, "Otter"))
    theirs.do(SetCategory(1, (1,), 5))
    theirs.do(SetCategory(1, (2,), 4))
    merge(ours, theirs.document)
    names = {c.category_id: c.name for c in ours.document.categories()}
    assert names[ours.document.track(1, 1).category_id] == "otter"
    assert names[ours.document.track(1, 2).category_id] == "seal"


def test_tracks_that_both_made_with_one_id_stay_two(pair):
    ours, theirs = pair
    ours.do(SplitTrack(1, 1, 6, 4))
    theirs.do(SetMask(1, 4, 2, mask(9014), 2))
    assert not merge(ours, theirs.document).conflicts
    assert masks_of(ours.document, 5) == {2: mask(9014).counts}
    assert lanes(ours.document)[4] == [6, 7, 8, 9, 10, 11]
    check_consistent(ours.document)


def test_an_object_that_both_drew_is_one_track_and_where_they_differ_a_conflict(pair):
    ours, theirs = pair
    for frame_index in range(4):
        ours.do(SetMask(1, 4, frame_index, mask(9014), 2))
        theirs.do(SetMask(1, 4, frame_index, mask(9014 if frame_index else 9015), 2))
    theirs.do(SetMask(1, 4, 4, mask(9014)))
    (conflict,) = merge(ours, theirs.document).conflicts
    assert (conflict.kind, conflict.where) == ("mask", "track 4 on frame 0")
    assert lanes(ours.document)[4] == [0, 1, 2, 3, 4]
    assert 5 not in lanes(ours.document)


def test_a_run_there_comes_over_with_its_evidence_and_leaves_what_a_person_did_here(pair):
    ours, theirs = pair
    ours.do(SetMask(1, 1, 4, mask(9000)))
    run = begin_run(theirs, 1, {"model": "better"}, LABELS, 0, {0: 1, 1: 2, 2: 3})
    run.add([frame(i, [0, 1, 2], seed=2) for i in range(12)])
    run.finish("done")
    assert not merge(ours, theirs.document).conflicts
    assert masks_of(ours.document, 1)[4] == mask(9000).counts
    assert masks_of(ours.document, 2) == masks_of(theirs.document, 2)
    first, copy = ours.document.runs(1)
    assert copy.settings == {"model": "better"}
    assert copy.author == "tester"
    assert len(frame_evidence(ours.document, copy.run_id, 0, 11)) == 12
    assert (
        ours.document.class_votes(1, 2).class_scores.tolist() == theirs.document.class_votes(1, 2).class_scores.tolist()
    )
    check_consistent(ours.document)
    ours.undo()
    assert [r.run_id for r in ours.document.runs(1)] == [first.run_id]


def test_a_video_that_only_they_have_is_added_with_all_its_tracks(pair):
    ours, theirs = pair
    add_video(theirs, 2)
    run = begin_run(theirs, 2, {"model": "lite"}, LABELS, 0)
    run.add([frame(i, [0, 1]) for i in range(12)])
    run.finish("done")
    theirs.do(SetMask(2, 1, 3, mask(9000)))
    merge(ours, theirs.document)
    assert [v.name for v in ours.document.videos()] == ["video 1", "video 2"]
    assert lanes(ours.document, 2) == lanes(theirs.document, 2)
    assert masks_of(ours.document, 1, 2) == masks_of(theirs.document, 1, 2)
    assert ours.undo_text == "Merge Anna's work: 12 frames of 2 tracks, 1 video added"
    check_consistent(ours.document, 2)


def test_a_video_of_another_length_is_not_the_same(pair, tmp_path):
    ours, _ = pair
    document, history = new_project(tmp_path / "other.visolo")
    with document:
        add_video(history, 1, frame_count=9)
        found = compared(ours.document, document)
        assert [(v.video.name, v.fate) for v in found.videos] == [
            ("video 1", "only here"),
            ("video 1", "of another length or size there"),
        ]
        assert found.is_empty()


def test_the_same_work_merged_twice_changes_nothing_and_later_work_comes_over(pair):
    ours, theirs = pair
    ours.do(SplitTrack(1, 1, 6, 4))
    theirs.do(SetMask(1, 4, 2, mask(9014), 2))
    theirs.do(SetMask(1, 2, 3, mask(9001)))
    merge(ours, theirs.document)
    assert compared(ours.document, theirs.document).is_empty()
    theirs.do(SetMask(1, 4, 2, mask(9015)))
    theirs.do(SetMask(1, 2, 3, mask(9002)))
    assert not merge(ours, theirs.document).conflicts
    assert masks_of(ours.document, 5) == {2: mask(9015).counts}
    assert masks_of(ours.document, 2)[3] == mask(9002).counts
    # And the other way round: what they began with is what they get back.
    assert not merge(theirs, ours.document).conflicts
    assert sorted(map(tuple, lanes(theirs.document).values())) == sorted(map(tuple, lanes(ours.document).values()))
    assert compared(theirs.document, ours.document).is_empty()


def test_projects_without_a_common_history_take_what_a_person_did_on_one_side(tmp_path):
    document, ours = project_with_run(tmp_path / "ours.visolo")
    other, theirs = project_with_run(tmp_path / "theirs.visolo")
    with document, other:
        ours.do(SetMask(1, 1, 2, mask(9000)))
        theirs.do(SetMask(1, 1, 3, mask(9001)))
        theirs.do(SwapTracks(1, 2, 3, FrameRange(8, None)))
        ours.do(SetMask(1, 3, 5, mask(9002)))
        theirs.do(SetMask(1, 3, 5, mask(9003)))
        found = merge(ours, other)
        assert [(c.kind, c.where) for c in found.conflicts] == [("mask", "track 3 on frame 5")]
        assert masks_of(document, 1)[2] == mask(9000).counts
        assert masks_of(document, 1)[3] == mask(9001).counts
        assert masks_of(document, 2)[9] == masks_of(other, 2)[9]
        assert "no history in common" in found.notes[0]
        check_consistent(document)
        assert compared(document, other).is_empty()


def test_without_a_common_history_tracks_stay_known_through_later_merges(tmp_path):
    document, ours = project_with_run(tmp_path / "ours.visolo")
    other, theirs = project_with_run(tmp_path / "theirs.visolo", tracks=(2, 0, 1))
    with document, other:
        theirs.do(SetMask(1, 9, 0, mask(9014), 1))
        add_video(theirs, 2)
        merge(ours, other)
        add_video(theirs, 3)
        merge(ours, other)  # of the first video nothing is new now
        theirs.do(RemoveInstances(1, 9, FrameRange(0, 0)))
        theirs.do(SetMask(1, 9, 5, mask(9500)))
        assert not merge(ours, other).conflicts
        assert lanes(document) == lanes(other)
        check_consistent(document)


def test_masks_of_two_models_that_hardly_differ_are_no_conflict(tmp_path):
    histories = []
    for name, odd in (("ours", 0), ("theirs", 1)):
        history = new_project(tmp_path / f"{name}.visolo")[1]
        add_video(history)
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
        run.add([FrameResult(0, (replace(detection(0, 1), rle=big_mask(odd)),))])
        run.finish("done")
        history.do(Confirm(1, None, FrameRange(0, 0)))
        histories.append(history)
    ours, theirs = histories
    with ours.document, theirs.document:
        found = compared(ours.document, theirs.document)
        assert not found.conflicts
        assert found.is_empty()


def big_mask(odd: int) -> Rle:
    """A mask of 12 x 14 px, with one more when odd."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[1:13, 1:15] = True
    pixels[13, 1] = bool(odd)
    return encode(pixels)


def test_a_video_that_was_removed_here_comes_back_only_when_it_is_asked_for(pair):
    ours, theirs = pair
    add_video(ours, 2)
    ours.do(RemoveVideo(1))
    theirs.do(SetMask(1, 2, 3, mask(9000)))
    found = compared(ours.document, theirs.document)
    assert [(v.video.name, v.fate) for v in found.videos] == [("video 2", "only here"), ("video 1", "removed here")]
    assert not MergeProject.of(found, [], []).is_needed()
    ours.do(MergeProject.of(found, [], [found.videos[1].video.video_id]))
    assert lanes(ours.document, 3) == lanes(theirs.document)
    assert masks_of(ours.document, 2, 3) == masks_of(theirs.document, 2)
    check_consistent(ours.document, 3)
    ours.undo()
    assert [v.name for v in ours.document.videos()] == ["video 2"]


def test_the_entry_is_of_the_one_video_that_changes(pair):
    ours, theirs = pair
    theirs.do(SetMask(1, 2, 3, mask(9000)))
    merge(ours, theirs.document)
    assert ours.entries()[-1].video_id == 1


def test_without_a_common_history_an_exchange_in_most_of_the_video_comes_over(tmp_path):
    document, ours = project_with_run(tmp_path / "ours.visolo")
    other, theirs = project_with_run(tmp_path / "theirs.visolo")
    with document, other:
        theirs.do(SwapTracks(1, 2, 3, FrameRange(2, None)))
        assert not merge(ours, other).conflicts
        assert masks_of(document, 2) == masks_of(other, 2)


def test_an_edit_made_after_the_comparison_makes_it_out_of_date(pair):
    ours, theirs = pair
    theirs.do(SetMask(1, 2, 3, mask(9000)))
    edit = MergeProject.of(compared(ours.document, theirs.document), [], [])
    ours.do(SetLocked(1, (1,), True))
    with pytest.raises(EditRefused, match="edited since the comparison"):
        ours.do(edit)
    edit = MergeProject.of(compared(ours.document, theirs.document), [], [])
    theirs.do(SetLocked(1, (1,), True))
    with pytest.raises(EditRefused, match=r"theirs\.visolo was edited since"):
        ours.do(edit)
