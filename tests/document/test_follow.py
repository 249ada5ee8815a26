"""A followed object in the project: one entry, people's work stays, undo takes all away, and it survives a restart."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, LABELS, check_consistent, frame, lanes, mask, masks_of, project_with_run, raw_content

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import Confirm, EditRefused, RemoveInstances, SetLocked, SetMask
from app.document.exchange import ExportOptions, export_dataset
from app.document.follow import Follow, FoundMask, begin_follow
from app.document.history import History
from app.document.records import FrameRange, Origin
from visolo.categories import Category
from visolo.io.ytvis import read_dataset

DOG, OTTER = Category(9, "Dog"), Category(2, "otter")


@pytest.fixture
def project(tmp_path):
    """Tracks 1 and 2 in all frames, found by a model."""
    document, history = project_with_run(tmp_path / "p.visolo", tracks=(0, 1))
    yield document, history
    document.close()


def found(frames, base: int = 9000) -> list[FoundMask]:
    """Masks that nothing else in these projects has."""
    return [FoundMask(index, mask(base + 25 * index + 22), 0.75) for index in frames]


def test_a_new_track_in_several_landings_is_one_entry(project):
    document, history = project
    before = raw_content(document)
    writer = begin_follow(history, Follow(1, None, OTTER, 3))
    writer.add(found((3, 4)))
    writer.add(found((5, 7)))
    assert writer.finish() is None
    assert history.undo_text == "Follow track 3 from frame 3 on: 4 frames"
    assert lanes(document)[3] == [3, 4, 5, 7]
    track = document.track(1, 3)
    assert {c.category_id: c.name for c in document.categories()}[track.category_id] == "otter"
    instance = document.instance(1, 3, 4)
    assert (instance.origin, instance.edited, instance.run_id) == (Origin.INTERPOLATED, True, 0)
    check_consistent(document)
    after = raw_content(document)
    history.undo()
    assert raw_content(document) == before
    history.redo()
    assert raw_content(document) == after


def test_its_class_is_the_projects_of_that_name(project):
    document, history = project
    names = document.categories()
    begin_follow(history, Follow(1, None, DOG, 0)).add(found((0,)))
    assert document.categories() == names
    assert document.track(1, 3).category_id == 2


def test_what_the_track_has_stays(project):
    document, history = project
    history.do(RemoveInstances(1, 1, FrameRange(4, 6)))
    kept = masks_of(document, 1)
    writer = begin_follow(history, Follow(1, 1, OTTER, 3))
    writer.add(found(range(3, 10)))
    assert writer.count == 3
    now = masks_of(document, 1)
    assert {f: now[f] for f in kept} == kept
    assert sorted(now.keys() - kept.keys()) == [4, 5, 6]


def test_only_the_models_masks_are_replaced_on_request(project):
    document, history = project
    drawn = mask(14_000)
    history.do(SetMask(1, 1, 5, drawn))
    history.do(Confirm(1, 1, FrameRange(7, 8)))
    before = masks_of(document, 1)
    begin_follow(history, Follow(1, 1, OTTER, 3, replaces_model=True)).add(found(range(3, 10)))
    after = masks_of(document, 1)
    assert [f for f in before if after[f] != before[f]] == [3, 4, 6, 9]
    assert after[5] == drawn.counts
    history.undo()
    assert masks_of(document, 1) == before


def test_the_object_of_another_track_is_left_to_it(project):
    document, history = project
    other = document.instance(1, 2, 6).rle
    writer = begin_follow(history, Follow(1, None, OTTER, 5))
    writer.add([*found((5,)), FoundMask(6, other, 0.9), *found((7,))])
    assert lanes(document)[3] == [5, 7]
    assert writer.other_tracks == {2}


def test_absent_and_confirmed_frames_stay_as_they_are(project):
    document, history = project
    history.do(RemoveInstances(1, 2, FrameRange(5, 5), absent=True))
    history.do(Confirm(1, None, FrameRange(3, 3)))
    writer = begin_follow(history, Follow(1, 2, OTTER, 2, replaces_model=True))
    writer.add(found(range(2, 7)))
    assert lanes(document)[2] == [f for f in range(FRAMES) if f != 5]
    assert writer.count == 3


def test_any_other_edit_ends_it(project):
    document, history = project
    writer = begin_follow(history, Follow(1, None, OTTER, 3))
    writer.add(found((3, 4)))
    history.do(SetLocked(1, (1,), True))
    assert not writer.is_latest
    with pytest.raises(EditRefused):
        writer.add(found((5,)))
    history.undo()
    assert not writer.is_latest
    assert lanes(document)[3] == [3, 4]


def test_undone_meanwhile_it_adds_no_more(project):
    document, history = project
    writer = begin_follow(history, Follow(1, None, OTTER, 3))
    writer.add(found((3,)))
    history.undo()
    assert not writer.is_latest
    assert writer.finish() is None
    assert 3 not in lanes(document)


def test_an_entry_without_any_mask_is_taken_away(project):
    document, history = project
    before, text = raw_content(document), history.undo_text
    writer = begin_follow(history, Follow(1, 1, OTTER, 3))
    writer.add(found((4, 5)))
    writer.finish()
    assert raw_content(document) == before
    assert (history.undo_text, history.redo_text) == (text, "")


def test_a_locked_track_and_a_running_model_are_refused(project):
    _, history = project
    history.do(SetLocked(1, (1,), True))
    with pytest.raises(EditRefused, match="locked"):
        begin_follow(history, Follow(1, 1, OTTER, 0))
    begin_run(history, 1, {}, LABELS)
    with pytest.raises(EditRefused, match="The model is running on this video"):
        begin_follow(history, Follow(1, None, OTTER, 0))


def test_a_restart_in_the_middle_keeps_what_was_found_and_can_undo_it(project):
    document, history = project
    before = raw_content(document)
    begin_follow(history, Follow(1, None, OTTER, 8, is_backward=True)).add(found((8, 7)))
    path = document.path
    document.close()
    with Document.open(path) as again:
        assert lanes(again)[3] == [7, 8]
        history = History(again, "tester")
        assert history.undo_text == "Follow track 3 from frame 8 back: 2 frames"
        history.undo()
        assert raw_content(again) == before


def test_a_later_run_leaves_it_alone_and_it_is_exported(project, tmp_path):
    document, history = project
    begin_follow(history, Follow(1, None, OTTER, 2)).add(found((2, 3)))
    followed = masks_of(document, 3)
    run = begin_run(history, 1, {}, LABELS)
    run.add([frame(i, [0], seed=1) for i in range(FRAMES)])
    run.finish("done")
    assert masks_of(document, 3) == followed
    path = tmp_path / "out.json"
    list(export_dataset(document, ExportOptions(path)))
    exported = {a.annotation_id: a for a in read_dataset(path).annotations}
    masks = [[m.counts for m in a.segmentations if m] for a in exported.values()]
    assert list(followed.values()) in masks
