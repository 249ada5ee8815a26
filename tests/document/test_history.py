import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, lanes, mask, project_with_run, raw_content

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    AddCategory,
    DeleteTrack,
    EditRefused,
    RenameCategory,
    SetMask,
    SplitTrack,
    SwapTracks,
    edit_from_json,
    edit_to_json,
)
from app.document.history import History
from app.document.images import Cell, Images, decode, encode
from app.document.records import Change, FrameRange


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def test_undo_and_redo_work_after_a_restart(project):
    document, history = project
    start = raw_content(document)
    history.do(SwapTracks(1, 1, 2, FrameRange(3, None)))
    swapped = raw_content(document)
    history.do(DeleteTrack(1, 3))
    deleted = raw_content(document)
    history.undo()
    document.close()

    with Document.open(document.path) as again:
        later = History(again)
        assert (later.undo_text, later.redo_text) == ("Swap 1 and 2 from frame 3 on", "Delete track 3")
        later.redo()
        assert raw_content(again) == deleted
        later.undo()
        assert raw_content(again) == swapped
        later.undo()
        assert raw_content(again) == start


def test_undoing_everything_gives_an_empty_project_back(project):
    document, history = project
    history.do(SetMask(1, 1, 2, mask(3)))
    while history.can_undo:
        history.undo()
    assert all(not rows for rows in raw_content(document).values())
    while history.can_redo:
        history.redo()
    assert len(lanes(document)) == 3
    check_consistent(document)


def test_new_edit_ends_redo_and_its_masks(project):
    document, history = project
    history.do(SetMask(1, 1, 2, mask(3)))
    count = document.connection.execute("SELECT count(*) FROM masks").fetchone()[0]
    history.undo()
    history.do(AddCategory(9, "otter"))
    assert not history.can_redo
    assert document.connection.execute("SELECT count(*) FROM masks").fetchone()[0] == count - 1
    with pytest.raises(EditRefused, match="nothing to redo"):
        history.redo()


def test_undone_run_that_cannot_come_back_leaves_nothing_behind(project):
    document, history = project
    history.undo()
    assert document.runs(1) == []
    history.do(AddCategory(9, "otter"))
    for table in ("masks", "runs", "run_frames", "run_embeddings"):
        assert document.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_nothing_to_undo_is_said(tmp_path):
    with Document.create(tmp_path / "e.visolo") as document:
        history = History(document)
        assert (history.can_undo, history.can_redo, history.undo_text, history.redo_text) == (False, False, "", "")
        with pytest.raises(EditRefused, match="nothing to undo"):
            history.undo()


def test_entries_say_who_did_what_when(project):
    document, history = project
    before = time.time()
    history.do(DeleteTrack(1, 3))
    History(document, "second").do(SplitTrack(1, 1, 4, 9))
    history.undo()
    entries = history.entries()
    assert [e.text for e in entries] == [
        "Add video video 1",
        "Run lite from frame 0",
        "Delete track 3",
        "Split 1 at frame 4, the tail becomes 9",
    ]
    assert [e.author for e in entries] == ["tester", "tester", "tester", "second"]
    assert [e.undone for e in entries] == [False, False, False, True]
    assert before <= entries[2].created <= time.time()
    assert history.entries(limit=1) == entries[-1:]


def test_default_author_is_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    with Document.create(tmp_path / "e.visolo") as document:
        assert History(document).author == "ada"


def test_track_ids_of_undone_edits_are_not_given_out_again(project):
    document, history = project
    history.do(SplitTrack(1, 1, 4, document.next_track_id(1)))
    history.undo()
    assert document.next_track_id(1) == 5


def test_changes_name_what_an_undo_and_a_redo_touch(project):
    _, history = project
    done = history.do(SwapTracks(1, 1, 2, FrameRange(3, 6)))
    assert history.undo() == done == history.redo()
    assert done == Change(frozenset({1}), frozenset({1, 2}), FrameRange(3, 6))


def test_changes_unite():
    one = Change(frozenset({1}), frozenset({2}), FrameRange(3, 6))
    other = Change(frozenset({1}), frozenset({4}), FrameRange(9, None), categories=True)
    assert one.union(other) == Change(frozenset({1}), frozenset({2, 4}), FrameRange(3, None), categories=True)
    assert Change().union(one) == one == one.union(Change())


def test_undo_passes_over_a_run_of_another_video(project):
    document, history = project
    history.do(DeleteTrack(1, 3))
    add_video(history, 2)
    history.undo()
    assert history.undo_text == "Delete track 3"
    history.redo()
    history.do(DeleteTrack(1, 2))
    run = begin_run(history, 2, {"model": "lite"}, LABELS, 0)
    run.add([frame(0, [0])])
    assert history.undo_text == "Delete track 2"
    history.undo()
    assert set(lanes(document)) == {1, 2}
    assert set(lanes(document, 2)) == {1}
    run.add([frame(1, [0])])
    history.redo()
    assert set(lanes(document)) == {1}
    run.finish("done")
    check_consistent(document, 2)


def test_run_of_the_same_video_stands_in_the_way(project):
    document, history = project
    history.do(DeleteTrack(1, 3))
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 6)
    with pytest.raises(EditRefused, match="still running; stop it"):
        history.undo()
    assert document.runs(1)[-1].state == "running"
    run.finish("stopped")
    history.undo()
    history.undo()
    assert set(lanes(document)) == {1, 2, 3}


def test_edits_survive_being_written_down():
    for edit in (
        SwapTracks(1, 1, 2, FrameRange(3, None)),
        SetMask(1, 1, 2, mask(3)),
        SetMask(1, 1, 2, None),
        RenameCategory(1, "Müller's dog"),
    ):
        assert edit_from_json(edit_to_json(edit)) == edit


def test_images_survive_being_written_down():
    images = Images()
    cells = [Cell(1, t, f, 2**40 + t, f, 0.1 * t, 1, 0, 3, f % 5) for t in (1, 2) for f in (0, 5, 1000)]
    images.note_cells({c[:3]: c for c in cells[:4]}, {c[:3]: c._replace(score=1 / 3) for c in cells[2:]})
    images.note_row(("tracks", (1, 2)), None, (1, 0, 0))
    images.note_row(("absences", (1, 2, 3)), (None,), None)
    again = decode(encode(images))
    assert (again.before, again.after, again.rows) == (images.before, images.after, images.rows)
    assert not decode(encode(Images()))


def test_images_of_two_steps_keep_the_first_before_and_the_last_after():
    images = Images()
    first, second, third = (Cell(1, 1, 0, 1, m, 0.5, 0, 0, 0, -1) for m in (1, 2, 3))
    key = first[:3]
    images.note_cells({key: first}, {key: second})
    images.note_cells({key: second}, {key: third})
    assert (images.before, images.after) == ({key: first}, {key: third})
    images.note_cells({key: third}, {})
    assert (images.before, images.after) == ({key: first}, {key: None})
