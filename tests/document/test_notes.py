"""Notes that people leave on frames: who and where, dealt with, taken back, and what they have to do with the rest."""

import csv
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, frame, new_project, project_with_run, raw_content

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    AddNote,
    Confirm,
    DeleteNote,
    EditGroup,
    MoveNote,
    RemoveVideo,
    ResolveNote,
    RewordNote,
    edit_from_json,
    edit_to_json,
)
from app.document.export_notes import export_notes
from app.document.history import History
from app.document.notes import all_notes, note, notes_of, open_note_counts
from app.document.records import EditRefused, FrameRange, NotePlace
from app.document.statistics_report import write_report
from visolo.cli import main
from visolo.errors import OutputError

PLACE = NotePlace(3.5, 2.0)


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "a.visolo")
    add_video(history, 2)
    yield document, history
    document.close()


def added(project, frame_index=7, words="whose leg is this?", place=PLACE, video_id=1):
    document, history = project
    history.do(AddNote(video_id, frame_index, words, place))
    return max(notes_of(document, video_id), key=lambda noted: noted.note_id)


def test_a_note_says_who_left_it_where_and_when(project):
    document, history = project
    history.author = "Ada"
    noted = added(project, words="  whose leg\nis this? ")
    assert (noted.frame_index, noted.place, noted.words) == (7, PLACE, "whose leg\nis this?")
    assert (noted.author, noted.is_resolved) == ("Ada", False)
    assert noted.created == history.entries()[-1].created
    assert history.undo_text == "Note on frame 7: whose leg is this?"
    assert notes_of(document, 1) == [noted]
    assert added(project, place=None).place is None


def test_who_changes_a_note_is_not_its_author(project):
    document, history = project
    noted = added(project)
    history.author = "Grace"
    for edit, expected, text in (
        (RewordNote(1, noted.note_id, " an arm "), {"words": "an arm"}, "Reword note on frame 7: an arm"),
        (MoveNote(1, noted.note_id, NotePlace(0, 16)), {"place": NotePlace(0, 16)}, "Move note on frame 7: an arm"),
        (MoveNote(1, noted.note_id, None), {"place": None}, "Move note on frame 7: an arm"),
        (ResolveNote(1, noted.note_id), {"is_resolved": True}, "Resolve note on frame 7: an arm"),
        (ResolveNote(1, noted.note_id, False), {"is_resolved": False}, "Reopen note on frame 7: an arm"),
    ):
        history.do(edit)
        noted = replace(noted, **expected)
        assert note(document, 1, noted.note_id) == noted
        assert history.undo_text == text
    history.do(DeleteNote(1, noted.note_id))
    assert notes_of(document, 1) == []
    assert history.undo_text == "Delete note on frame 7: an arm"


def test_long_notes_are_shortened_in_the_history_only(project):
    noted = added(project, words="so " * 100)
    assert project[1].undo_text == "Note on frame 7: so so so so so so so so so so so so so…"
    assert noted.words == ("so " * 100).strip()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (AddNote(1, 7, " \n "), "A note needs words"),
        (AddNote(1, 12, "x"), "There is no frame 12; the video has 12 frames"),
        (AddNote(1, -1, "x"), "There is no frame -1"),
        (AddNote(1, 0, "x", NotePlace(20.5, 3)), r"A note can't be at \(20.5, 3\), outside the video of 20 x 16 px"),
        (AddNote(1, 0, "x", NotePlace(3, float("nan"))), "outside the video"),
        (RewordNote(1, 99, "x"), "There is no note 99 in this video"),
    ],
)
def test_what_makes_no_note_is_refused_in_a_sentence(project, edit, sentence):
    document, history = project
    before = raw_content(document)
    with pytest.raises(EditRefused, match=sentence):
        history.do(edit)
    assert raw_content(document) == before


def test_what_changes_nothing_is_refused(project):
    note_id = added(project).note_id
    for edit in (
        ResolveNote(1, note_id, False),
        MoveNote(1, note_id, PLACE),
        RewordNote(1, note_id, "whose leg is this?"),
    ):
        with pytest.raises(EditRefused, match="the note is so already"):
            project[1].do(edit)


def test_numbers_of_notes_never_come_back(project):
    document, history = project
    first = added(project).note_id
    history.undo()
    second = added(project).note_id
    history.do(DeleteNote(1, second))
    third = added(project).note_id
    assert first < second < third
    history.do(EditGroup(1, "Two notes", (AddNote(1, 0, "a"), AddNote(1, 1, "b"))))
    assert len({noted.note_id for noted in notes_of(document, 1)} | {first, second}) == 5


def test_open_notes_are_counted_by_video(project):
    document, history = project
    for frame_index in (1, 2, 3):
        added(project, frame_index)
    other = added(project, 4, video_id=2)
    assert open_note_counts(document) == {1: 3, 2: 1}
    history.do(ResolveNote(2, other.note_id))
    assert open_note_counts(document) == {1: 3}


def test_removing_a_video_hides_its_notes_and_undo_brings_them_back(project):
    document, history = project
    added(project)
    kept = added(project, video_id=2)
    both = all_notes(document)
    history.do(RemoveVideo(1))
    assert all_notes(document) == [kept]
    assert open_note_counts(document) == {2: 1}
    history.undo()
    assert all_notes(document) == both


def test_notes_stay_when_a_model_runs_again_and_can_be_left_on_confirmed_frames(project):
    document, history = project
    noted = added(project)
    run = begin_run(history, 1, {"model": "lite"}, LABELS)
    run.add([frame(index, [0], seed=1) for index in range(6)])
    behind, ahead = added(project, 3), added(project, 9)
    run.add([frame(index, [0], seed=1) for index in range(6, 12)])
    run.finish("done")
    history.do(Confirm(1, None, FrameRange(0, None)))
    last = added(project, 3)
    assert notes_of(document, 1) == [behind, last, noted, ahead]


def test_only_what_shows_notes_hears_of_them(project):
    _, history = project
    change = history.do(AddNote(1, 7, "x"))
    assert (change.notes, change.video_ids, change.review, change.frames) == (True, frozenset({1}), False, None)
    assert history.undo().notes


def test_notes_are_there_after_the_project_was_closed(project, tmp_path):
    document, _ = project
    noted = added(project, words="naïve — “quoted”\n日本")
    document.close()
    with Document.open(tmp_path / "a.visolo") as document:
        assert notes_of(document, 1) == [noted]
        history = History(document, "tester")
        history.undo()
        assert notes_of(document, 1) == []
        history.redo()
        assert notes_of(document, 1) == [noted]


def test_the_history_keeps_what_was_noted():
    edit = AddNote(1, 7, "x", PLACE)
    assert edit_from_json(edit_to_json(edit)) == edit


def test_a_fresh_project_has_no_notes(tmp_path):
    document, history = new_project(tmp_path / "b.visolo")
    with document:
        add_video(history)
        assert (all_notes(document), notes_of(document, 1), open_note_counts(document)) == ([], [], {})


# Out of the project: a table, a page


def test_the_table_has_a_row_for_each_note(project, tmp_path):
    document, history = project
    history.author = 'Ada "A", Countess'
    words = 'one, "two"\nthree\r\nfour\tfünf'
    pinned, resolved = added(project, words=words), added(project, place=None, video_id=2)
    history.do(ResolveNote(2, resolved.note_id))
    target = tmp_path / "n.csv"
    *_, last = export_notes(document, target)
    assert last.text == f"{target}: 2 notes, 1 open"
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [words, resolved.words]
    first, second = rows
    assert (first["video_id"], first["video"], first["frame_index"]) == ("1", "video 1", "7")
    assert (first["x"], first["y"], first["author"], first["resolved"]) == ("3.5", "2", history.author, "0")
    assert (second["video_id"], second["x"], second["y"], second["resolved"]) == ("2", "", "", "1")
    assert datetime.fromisoformat(first["created"]).timestamp() == int(pinned.created)


def test_without_notes_there_is_no_table(project, tmp_path):
    document, history = project
    added(project)
    with pytest.raises(OutputError, match="There is no note to write: add one to a frame first"):
        list(export_notes(document, tmp_path / "n.csv", (2,)))
    history.do(RemoveVideo(1))
    with pytest.raises(OutputError, match="There is no note to write"):
        list(export_notes(document, tmp_path / "n.csv"))
    assert not (tmp_path / "n.csv").exists()


def test_a_cancelled_table_leaves_what_was_there(project, tmp_path):
    document, _ = project
    added(project)
    (tmp_path / "n.csv").write_text("old")
    iterator = export_notes(document, tmp_path / "n.csv")
    next(iterator)
    iterator.close()
    assert (tmp_path / "n.csv").read_text() == "old"
    with pytest.raises(OutputError, match="cannot write there"):
        list(export_notes(document, tmp_path / "none" / "n.csv"))


def test_the_command_writes_the_table(project, tmp_path, capsys, monkeypatch):
    document, _ = project
    added(project)
    document.close()
    monkeypatch.chdir(tmp_path)
    assert main(["project", "notes", "a.visolo", "n.csv"]) == 0
    assert capsys.readouterr().out == "n.csv: 1 note, 1 open\n"
    for arguments, words in (
        (["a.visolo", "a.visolo"], "this is the project"),
        (["a.visolo", "m.csv", "--video", "2"], "There is no note to write"),
        (["a.visolo", "m.csv", "--video", "9"], "video"),
        (["none.visolo", "m.csv"], "there is no such project"),
    ):
        assert main(["project", "notes", *arguments]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert not (tmp_path / "m.csv").exists()


def test_the_report_counts_notes_and_lists_the_open_ones(project, tmp_path):
    document, history = project
    list(write_report(document, tmp_path / "without.html"))
    assert "notes" not in (tmp_path / "without.html").read_text(encoding="utf-8")
    added(project, words="<i>whose</i> leg?")
    history.do(ResolveNote(1, added(project, words="settled").note_id))
    list(write_report(document, tmp_path / "with.html"))
    page = (tmp_path / "with.html").read_text(encoding="utf-8")
    for fact in ("<dt>open notes</dt><dd>1</dd>", "<dt>resolved notes</dt><dd>1</dd>", "<h2>Open notes</h2>"):
        assert fact in page
    assert "<td>video 1</td><td>7</td><td>&lt;i&gt;whose&lt;/i&gt; leg?</td><td>tester</td>" in page
    assert "settled" not in page
