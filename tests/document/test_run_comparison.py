"""Two sides of a video compared: what was planted is what is found, and earlier states are as they were."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, frame, project_with_run
from test_random_edits import EDIT, GROUP, do

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    ReassignTrack,
    RemoveInstances,
    ReviseCategories,
    SetCategory,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.queries import snapshot
from app.document.records import FrameRange
from app.document.revisions import TrackSet, results_file, revision, run_entries
from app.document.run_comparison import DifferenceKind, RunDifference, compare
from visolo import rle
from visolo.errors import AnnotationError
from visolo.io.ytvis import ResultEntry, write_results

K = DifferenceKind


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def content(side: TrackSet) -> tuple:
    return side.frames.tolist(), side.tracks.tolist(), side.mask_ids.tolist(), side.categories


def now(document: Document) -> tuple:
    """What `revision` should give, asked of the document itself."""
    rows = document.rows("SELECT frame_index, track_id, mask_id FROM cells WHERE video_id = 1 ORDER BY 1, 2")
    columns = [list(c) for c in zip(*rows, strict=True)] or [[], [], []]
    return (*columns, {t.track.track_id: t.track.category_id for t in document.tracks(1)})


@given(st.lists(EDIT | GROUP, max_size=8), st.integers(0, 3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_earlier_state_is_as_it_was(tmp_path_factory, edits, undone):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        states = [(history.entries()[-1].entry_id, now(document))]
        for edit in edits:
            if do(history, edit):
                states.append((history.entries()[-1].entry_id, now(document)))
        for _ in range(min(undone, len(states) - 1)):
            history.undo()
            states.pop()
        for entry_id, state in states:
            assert content(revision(document, 1, entry_id)) == state
        assert content(revision(document, 1)) == now(document)


def differences(document: Document, history, *edits):
    """What edits changed, by comparing before and after."""
    before = revision(document, 1)
    for edit in edits:
        history.do(edit)
    found = compare(document, before, revision(document, 1))
    for _ in edits:
        history.undo()
    return found


def test_nothing_differs_from_itself(project):
    document, _ = project
    side = revision(document, 1)
    found = compare(document, side, side)
    assert (found.differences, found.same_share, found.partners) == ((), 1.0, {1: 1, 2: 2, 3: 3})
    assert dict(found.counts) == {}


def test_each_kind_of_difference_is_found_where_it_is(project):
    document, history = project
    assert differences(document, history, SwapTracks(1, 1, 2, FrameRange(8, None))).differences == (
        RunDifference(K.IDENTITY, FrameRange(8, 11), 1, 2, 4),
        RunDifference(K.IDENTITY, FrameRange(8, 11), 2, 1, 4),
    )
    assert differences(document, history, SplitTrack(1, 3, 9, 7)).differences == (
        RunDifference(K.IDENTITY, FrameRange(9, 11), 3, 7, 3),
    )
    assert differences(document, history, RemoveInstances(1, 2, FrameRange(3, 4))).differences == (
        RunDifference(K.LOST, FrameRange(3, 4), 2, None, 2),
    )
    drawn = rle.encode(np.eye(HEIGHT, WIDTH, dtype=bool))
    assert differences(document, history, SetMask(1, 9, 5, drawn, category_id=1)).differences == (
        RunDifference(K.FOUND, FrameRange(5, 5), None, 9, 1),
    )
    assert differences(document, history, SetCategory(1, (3,), 1)).differences == (
        RunDifference(K.CLASS, FrameRange(0, 11), 3, 3, 12, 3, 1),
    )
    pixels = rle.decode(document.instance(1, 1, 6).rle)
    rows, columns = np.nonzero(pixels)
    pixels[rows[0], columns[0]] = False
    smaller = rle.encode(pixels)
    assert 0.5 < rle.iou([smaller], [document.instance(1, 1, 6).rle])[0, 0] < 1
    kinds = [d.kind for d in differences(document, history, SetMask(1, 1, 6, smaller)).differences]
    assert kinds in ([], [K.MASK])
    half = pixels.copy()
    half[rows[:3], columns[:3]] = False
    assert 0.5 <= rle.iou([rle.encode(half)], [document.instance(1, 1, 6).rle])[0, 0] < 0.8
    assert differences(document, history, SetMask(1, 1, 6, rle.encode(half))).differences == (
        RunDifference(K.MASK, FrameRange(6, 6), 1, 1, 1),
    )


def test_a_renamed_track_is_no_difference(project):
    document, history = project
    found = differences(document, history, ReassignTrack(1, 2, 8, FrameRange(0, None)))
    assert (found.differences, found.partners) == ((), {1: 1, 2: 8, 3: 3})


def test_two_runs_are_compared_as_they_left_the_project(project):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(0, 3)))
    run = begin_run(history, 1, {"model": "new"}, LABELS, 4)
    run.add([frame(i, [0, 1]) for i in range(4, FRAMES)])
    run.finish("done")
    history.do(RemoveInstances(1, 3, FrameRange(0, 1)))
    first, second = run_entries(document, 1)
    assert (first.run.settings["model"], second.run.settings["model"]) == ("lite", "new")
    with snapshot(document.path) as queries:
        found = compare(queries, *(revision(queries, 1, entry.entry_id) for entry in (first, second)))
    assert found.partners == {1: 4, 2: 5, 3: 3}
    assert set(found.counts) == {K.IDENTITY, K.LOST}
    assert [d for d in found.differences if d.kind == K.LOST] == [
        RunDifference(K.LOST, FrameRange(4, 11), 3, None, 8),
    ]
    assert [d.frames for d in found.differences if d.kind == K.IDENTITY] == [FrameRange(0, 3), FrameRange(0, 3)]


def write_tracks(document: Document, path: Path, left_out=()) -> None:
    """The project's tracks as a results file, without some instances."""
    entries = []
    for summary in document.tracks(1):
        track_id = summary.track.track_id
        masks = {i.frame_index: i.rle for i in document.track_instances(1, track_id)}
        shown = tuple(None if (track_id, f) in left_out else masks.get(f) for f in range(FRAMES))
        entries.append(ResultEntry(1, summary.track.category_id, summary.score, shown))
    write_results(path, entries)


def test_a_results_file_is_compared_with_the_project(project, tmp_path):
    document, _ = project
    write_tracks(document, tmp_path / "same.json")
    side = results_file(document, 1, tmp_path / "same.json")
    assert compare(document, side, revision(document, 1)).differences == ()
    write_tracks(document, tmp_path / "less.json", {(2, 5), (2, 6), (3, 6)})
    less = results_file(document, 1, tmp_path / "less.json")
    assert compare(document, less, revision(document, 1)).differences == (
        RunDifference(K.FOUND, FrameRange(5, 6), None, 2, 2),
        RunDifference(K.FOUND, FrameRange(6, 6), None, 3, 1),
    )
    assert compare(document, side, less).counts == {K.LOST: 3}
    (tmp_path / "not.json").write_text("{}")
    with pytest.raises(AnnotationError, match="results file"):
        results_file(document, 1, tmp_path / "not.json")


def test_it_tells_progress_and_stops(project):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(0, 3)))
    shares = []
    sides = revision(document, 1, 2, shares.append), revision(document, 1)
    compare(document, *sides, shares.append)
    assert shares
    assert 0 <= min(shares) <= max(shares) <= 1

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(document, *sides, stop)


def test_before_classes_were_joined_they_were_two(project):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(3, None)))
    before, entry_id = now(document), history.entries()[-1].entry_id
    history.do(ReviseCategories(joined=((1, 2),)))
    assert now(document) != before
    assert content(revision(document, 1, entry_id)) == before
    assert content(revision(document, 1)) == now(document)
