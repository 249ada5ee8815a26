"""Any edits on two copies of a project, merged: nothing of ours is lost, nothing is claimed twice, all is undone."""

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import check_consistent, project_with_run, raw_content
from merge_data import compared, copied
from test_random_edits import EDIT, GROUP, IDENTITY, OTHER

from app.document.confirmation import confirmed_content, dismissals
from app.document.document import Document
from app.document.edits import EditRefused, RejectVideo
from app.document.exchange import ExportOptions, export_dataset
from app.document.history import History
from app.document.project_merge.edit import MergeProject
from app.document.project_merge.plan import ProjectMerge
from visolo.io.validation.dataset import check_dataset
from visolo.io.validation.report import Report

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEEPING = IDENTITY | OTHER.filter(lambda edit: not isinstance(edit, RejectVideo))
EDITS = st.lists(EDIT | GROUP, max_size=6)


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """A project of a run, closed, to be copied."""
    path = tmp_path_factory.mktemp("start") / "p.visolo"
    project_with_run(path)[0].close()
    return path


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> Path:
    """Another project of the same video, made apart, in which the model found the same."""
    path = tmp_path_factory.mktemp("apart") / "p.visolo"
    project_with_run(path)[0].close()
    return path


@pytest.fixture
def edited(start, tmp_path_factory):
    """`edited(edits)`: a copy of the project in which these were made, and how many were not refused."""
    opened: list[Document] = []

    def make(edits, author="Anna", path=start) -> tuple[History, int]:
        target = tmp_path_factory.mktemp("copy") / f"{author}.visolo"
        shutil.copy(path, target)
        history = History(Document.open(target), author)
        opened.append(history.document)
        return history, sum(try_to(history, edit) for edit in edits)

    yield make
    for document in opened:
        document.close()


def try_to(history: History, edit) -> bool:
    try:
        history.do(edit)
    except EditRefused:
        return False
    return True


def take(history: History, found: ProjectMerge, taken=()) -> bool:
    return try_to(history, MergeProject.of(found, taken, []))


def instances(document: Document) -> dict[int, tuple]:
    """(track, mask counts) by instance."""
    rows = document.rows("SELECT instance_id, frame_index, track_id, counts FROM cells JOIN masks USING (mask_id)")
    return {row[0]: tuple(row[1:]) for row in rows}


def content(document: Document, tracks: dict[int, int] | None = None) -> dict:
    """All that a person sees, with some tracks called otherwise."""
    names = tracks or {}
    cells = document.rows(
        "SELECT track_id, frame_index, counts, score, origin, edited > 0 FROM cells JOIN masks USING (mask_id)"
    )
    present = {row[0] for row in cells}
    confirmed = confirmed_content(document, 1)
    return {
        "cells": {(names.get(row[0], row[0]), *row[1:]) for row in cells},
        "tracks": {names.get(t, t): (s.category_id, s.locked) for t in present for s in [document.track(1, t)]},
        "absences": {names.get(t, t): sorted(absent(document, t)) for t in present},
        "frames": confirmed.frames.tolist(),
        "confirmed": {names.get(t, t): m.tolist() for t, m in confirmed.tracks.items() if t in present and m.any()},
        "dismissals": set(dismissals(document, 1)),
    }


def absent(document: Document, track_id: int) -> set[int]:
    """Frames where a track is said to be absent."""
    return {f for r in document.absences(1, track_id) for f in range(12) if r.first <= f <= r.end}


@given(EDITS)
@QUICK
def test_a_project_merged_with_itself_does_not_change(edited, edits):
    theirs, _ = edited(edits)
    theirs.document.close()
    ours, _ = edited([], "Ben", theirs.document.path)
    assert compared(ours.document, theirs.document.path).is_empty()


@given(EDITS)
@QUICK
def test_with_nothing_done_here_the_result_is_theirs(edited, edits):
    ours, _ = edited([])
    theirs, _ = edited(edits)
    found = compared(ours.document, theirs.document)
    assert not found.conflicts
    take(ours, found)
    assert content(ours.document) == content(theirs.document)
    check_consistent(ours.document)


@given(EDITS, EDITS, st.booleans())
@QUICK
def test_undone_it_gives_the_first_bytes_and_redone_the_last(edited, mine, others, theirs_wins):
    ours, _ = edited(mine)
    theirs, _ = edited(others)
    before, of_theirs = raw_content(ours.document), raw_content(theirs.document)
    found = compared(ours.document, theirs.document)
    if take(ours, found, found.conflicts if theirs_wins else ()):
        check_consistent(ours.document)
        after = raw_content(ours.document)
        ours.undo()
        assert raw_content(ours.document) == before
        ours.redo()
        assert raw_content(ours.document) == after
    assert raw_content(theirs.document) == of_theirs


@given(EDITS, EDITS)
@QUICK
def test_what_was_done_here_stays_where_conflicts_are_ours(edited, start, mine, others):
    ours, _ = edited(mine)
    theirs, _ = edited(others)
    with Document.open(start) as document:
        base = instances(document)
    before = instances(ours.document)
    closed = confirmed_content(ours.document, 1)
    locked = {s.track.track_id for s in ours.document.tracks(1) if s.track.locked}
    take(ours, compared(ours.document, theirs.document))
    after = instances(ours.document)
    for instance_id, (frame, track_id, counts) in before.items():
        was = base.get(instance_id, (frame, None, None))
        if track_id != was[1]:
            assert after[instance_id][1] == track_id
        if counts != was[2]:
            assert after[instance_id][2] == counts
        if closed.covers(track_id, frame) or track_id in locked:
            assert after[instance_id] == (frame, track_id, counts)
    assert not (base.keys() - before.keys()) & after.keys()
    now = confirmed_content(ours.document, 1)
    assert not (closed.frames & ~now.frames).any()
    for track_id, marks in closed.tracks.items():
        assert not (marks & ~now.of_track(track_id)).any()


@given(EDITS, st.integers(0, 4), st.integers(0, 4))
@QUICK
def test_what_either_undid_since_the_copy_was_made_is_undone(edited, tmp_path_factory, shared, undone, undone_there):
    ours, count = edited(shared)
    document, theirs = copied(ours.document, tmp_path_factory.mktemp("later") / "theirs.visolo")
    with document:
        undone, undone_there = min(undone, count), min(undone_there, count)
        for history, steps in ((ours, undone), (theirs, undone_there)):
            for _ in range(steps):
                history.undo()
        if undone_there >= undone:
            take(ours, compared(ours.document, document))
            assert content(ours.document)["cells"] == content(document)["cells"]
        else:
            assert compared(ours.document, document).is_empty()


@given(EDITS, EDITS)
@QUICK
def test_no_instance_is_lost_that_neither_took_away_nor_shown_twice(edited, mine, others):
    ours, _ = edited(mine)
    theirs, _ = edited(others)
    kept = instances(ours.document).keys() & instances(theirs.document).keys()
    for taken in (False, True):
        found = compared(ours.document, theirs.document)
        take(ours, found, found.conflicts if taken else ())
        after = instances(ours.document)
        assert kept <= after.keys()
        assert len(after) == ours.document.rows("SELECT count(*) FROM cells")[0][0]
        check_consistent(ours.document)


@given(EDITS, EDITS)
@QUICK
def test_without_a_conflict_it_is_as_if_one_had_done_both(edited, start, mine, others):
    ours, count = edited(mine)
    theirs, other_count = edited(others)
    both, done = edited([*mine, *others])
    reverse, _ = edited([*others, *mine])
    found = compared(ours.document, theirs.document)
    assume(not found.conflicts and done == count + other_count)
    assume(content(both.document) == content(reverse.document))
    with Document.open(start) as document:
        base, here, there = (instances(d) for d in (document, ours.document, theirs.document))
    # What both did alike is done once.
    assume(not any(here.get(i) == there.get(i) != base.get(i) for i in here.keys() | there.keys() | base.keys()))
    take(ours, found)
    matched = found.videos[0].matched
    assert matched is not None
    names = {our_id: their_id for their_id, our_id in matched.new_tracks.items()}
    assert content(ours.document, names) == content(both.document)


@given(EDITS, EDITS)
@QUICK
def test_a_second_merge_has_nothing_to_do_once_theirs_was_taken(edited, mine, others):
    ours, _ = edited(mine)
    theirs, _ = edited(others)
    found = compared(ours.document, theirs.document)
    if take(ours, found, found.conflicts):
        assert compared(ours.document, theirs.document).is_empty()


@given(EDITS, EDITS, st.booleans())
@QUICK
def test_without_a_common_history_nothing_of_ours_is_lost_either(edited, apart, mine, others, theirs_wins):
    ours, _ = edited(mine)
    theirs, _ = edited(others, "Anna", apart)
    before, shown = raw_content(ours.document), content(ours.document)
    closed = confirmed_content(ours.document, 1)
    locked = {s.track.track_id for s in ours.document.tracks(1) if s.track.locked}
    found = compared(ours.document, theirs.document)
    done = take(ours, found, found.conflicts if theirs_wins else ())
    check_consistent(ours.document)
    if not theirs_wins:
        after = {(row[0], row[1]): row[2] for row in content(ours.document)["cells"]}
        for track_id, frame_index, counts, _, origin, touched in shown["cells"]:
            if origin or touched or track_id in locked or closed.covers(track_id, frame_index):
                assert after[track_id, frame_index] == counts
    if done:
        assert compared(ours.document, theirs.document).is_empty()
        ours.undo()
    assert raw_content(ours.document) == before


@given(st.lists(EDITS, min_size=2, max_size=4))
@QUICK
def test_turn_by_turn_both_stay_alike_without_a_conflict(edited, turns):
    pair = edited([], "Ben")[0], edited([], "Anna")[0]
    for number, edits in enumerate(turns):
        worker, other = pair[number % 2], pair[1 - number % 2]
        for edit in edits:
            try_to(worker, edit)
        found = compared(other.document, worker.document)
        # What is confirmed or locked is never changed unasked, even if it was opened there first.
        assert all(conflict.is_closed for conflict in found.conflicts)
        take(other, found, found.conflicts)
        matched = found.videos[0].matched
        assert matched is not None
        assert content(other.document)["cells"] == content(worker.document, matched.all_tracks)["cells"]
        assert compared(other.document, worker.document).is_empty()
        back = compared(worker.document, other.document)
        # The class chosen for a track that was nowhere comes over once the track is somewhere again.
        assert not back.conflicts
        assert not any(video.coming().frame_count for video in back.videos)


@given(st.lists(KEEPING, max_size=6), st.lists(KEEPING, max_size=6), st.booleans())
@QUICK
def test_edits_of_identity_on_both_sides_lose_no_instance_and_the_export_is_valid(
    edited, tmp_path_factory, mine, others, theirs_wins
):
    ours, _ = edited(mine)
    theirs, _ = edited(others)
    before = instances(ours.document)
    found = compared(ours.document, theirs.document)
    take(ours, found, found.conflicts if theirs_wins else ())
    after = instances(ours.document)
    assert {i: (row[0], row[2]) for i, row in after.items()} == {i: (row[0], row[2]) for i, row in before.items()}
    target = tmp_path_factory.mktemp("export") / "out.json"
    list(export_dataset(ours.document, ExportOptions(target)))
    report = Report()
    check_dataset(target, report)
    assert report.count("error") == 0, report.counts()
