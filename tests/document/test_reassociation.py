"""Association run again after a fix: equal to the whole engine with the same constraints, and without its network."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, check_consistent, project_with_run, raw_content
from review_scenes import Scene, Thing, open_scene, straight, two_crossing
from small_engine import COUNT, Engine

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    Confirm,
    EditRefused,
    ReassignTrack,
    RemoveInstances,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.history import History
from app.document.queries import snapshot
from app.document.reassociation import IdentityChange, reassociate
from app.document.records import FrameRange, Touch
from visolo import rle


@pytest.fixture(scope="module")
def engine():
    return Engine()


def tracks_from(document: Document, first: int) -> list[int]:
    """Tracks of all instances from a frame on, in the order of detections."""
    rows = document.rows("SELECT track_id FROM cells WHERE frame_index >= ? ORDER BY frame_index, slot", first)
    return [row[0] for row in rows]


def cells(document: Document, first: int, last: int) -> list[tuple]:
    return sorted(document.rows("SELECT * FROM cells WHERE frame_index BETWEEN ? AND ?", first, last))


def test_nothing_changes_where_nothing_was_decided(engine, tmp_path):
    document, _ = engine.open_project(tmp_path / "p.visolo")
    with document:
        assert len(tracks_from(document, 0)) > 30
        assert len(document.tracks(1)) > 3
        for first in range(COUNT):
            found = reassociate(document, 1, first)
            assert found.is_empty
            assert (found.changes, found.frame_count, found.track_ids) == ((), 0, ())


TRACK = st.integers(1, 5)
FRAME = st.integers(0, COUNT - 1)
RANGE = st.builds(
    lambda first, more: FrameRange(first, None if more is None else first + more), FRAME, st.none() | st.integers(0, 6)
)
IDENTITY = st.one_of(
    st.builds(SwapTracks, st.just(1), TRACK, TRACK, RANGE),
    st.builds(ReassignTrack, st.just(1), TRACK, TRACK, RANGE),
    st.builds(SplitTrack, st.just(1), TRACK, FRAME, st.integers(20, 22)),
    st.builds(Confirm, st.just(1), st.none() | TRACK, RANGE, st.just(True)),
    st.builds(SetLocked, st.just(1), st.tuples(TRACK), st.just(True)),
)


def check_against_full_run(engine: Engine, document: Document, history: History, first: int) -> int:
    """How many instances it changes; the same as the whole engine would."""
    expected = engine.run_again(document, first)
    before, earlier, later = raw_content(document), cells(document, 0, first - 1), cells(document, first, COUNT)
    engine.calls.clear()
    found = reassociate(document, 1, first)
    if found.edit is not None:
        history.do(found.edit)
    assert not engine.calls
    assert tracks_from(document, first) == expected.tolist()
    assert cells(document, 0, first - 1) == earlier
    now = {row[3]: row[1] for row in cells(document, first, COUNT)}
    assert now.keys() == {row[3] for row in later}
    assert found.instance_count == sum(now[row[3]] != row[1] for row in later)
    assert reassociate(document, 1, first).is_empty
    check_consistent(document)
    if found.edit is not None:
        history.undo()
        assert raw_content(document) == before
    return found.instance_count


@given(st.lists(IDENTITY, min_size=1, max_size=5), FRAME)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_equals_a_full_run_with_the_same_constraints_without_the_network(engine, tmp_path_factory, edits, first):
    document, history = engine.open_project(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        for edit in edits:
            with suppress(EditRefused):
                history.do(edit)
        if tracks_from(document, first):
            check_against_full_run(engine, document, history, first)


def test_after_a_swap_of_one_frame_the_rest_follows_as_in_a_full_run(engine, tmp_path):
    document, history = engine.open_project(tmp_path / "p.visolo")
    counts = []
    with document:
        for pair in ((1, 2), (2, 3), (2, 4)):
            for first in range(0, COUNT, 3):
                with suppress(EditRefused):
                    history.do(SwapTracks(1, *pair, FrameRange(first, first)))
                    counts.append(check_against_full_run(engine, document, history, first))
                    history.undo()
    assert sum(count > 0 for count in counts) >= 5


@pytest.fixture
def switched(tmp_path):
    """Tracks 1 and 2 exchange their objects at frame 30, which the vectors contradict; 3 is apart from them."""
    scene = two_crossing(noise=0, track_of=lambda thing, frame: thing if frame < 30 or thing == 2 else 1 - thing)
    document, history = open_scene(scene, tmp_path)
    with document:
        yield document, history


HERE = FrameRange(30, 30)


def test_one_decided_frame_mends_the_rest_in_one_edit(switched):
    document, history = switched
    history.do(SwapTracks(1, 1, 2, HERE))
    before = raw_content(document)
    found = reassociate(document, 1, 30)
    assert found.changes == (
        IdentityChange(FrameRange(31, 59), 1, 2, 29),
        IdentityChange(FrameRange(31, 59), 2, 1, 29),
    )
    assert (found.frame_count, found.instance_count, found.track_ids) == (29, 58, (1, 2))
    assert found.edit is not None
    assert found.edit.text == "Associate again from frame 30 on: 58 instances of 2 tracks"
    change = history.do(found.edit)
    assert (change.track_ids, change.frames) == (frozenset({1, 2}), FrameRange(31, 59))
    rows = document.rows("SELECT frame_index, edited FROM cells WHERE track_id = 1 ORDER BY frame_index")
    assert [edited for _, edited in rows] == [0] * 30 + [Touch.DECIDED] + [Touch.CARRIED] * 29
    assert reassociate(document, 1, 30).is_empty
    history.undo()
    assert raw_content(document) == before


def test_decided_confirmed_locked_and_drawn_instances_stay(switched):
    document, history = switched
    history.do(SwapTracks(1, 1, 2, HERE))
    for edit, kept in (
        (Confirm(1, 1, FrameRange(40, 44)), {1: range(40, 45)}),
        (Confirm(1, None, FrameRange(40, 44)), {1: range(40, 45), 2: range(40, 45)}),
        (SetLocked(1, (1,), True), {1: range(30, 60)}),
        (SetMask(1, 2, 50, rle.encode(np.eye(60, 100, dtype=bool))), {2: [50]}),
    ):
        history.do(edit)
        positions = [(track_id, frame) for track_id, frames in kept.items() for frame in frames]
        before = [document.instance(1, *position) for position in positions]
        found = reassociate(document, 1, 30)
        if found.edit is not None:
            history.do(found.edit)
        assert [document.instance(1, *position) for position in positions] == before
        check_consistent(document)
        if found.edit is not None:
            history.undo()
        history.undo()


def test_absent_tracks_and_instances_of_no_model_keep_their_place(switched):
    document, history = switched
    history.do(SwapTracks(1, 1, 2, HERE))
    history.do(RemoveInstances(1, 1, FrameRange(40, 44), absent=True))
    history.do(RemoveInstances(1, 1, FrameRange(50, 50)))
    history.do(SetMask(1, 1, 50, rle.encode(np.eye(60, 100, dtype=bool))))
    drawn = document.instance(1, 1, 50)
    found = reassociate(document, 1, 30)
    assert found.edit is not None
    history.do(found.edit)
    assert not set(document.lane(1, 1).frame_indices) & set(range(40, 45))
    assert document.instance(1, 1, 50) == drawn
    check_consistent(document)


def test_a_track_born_later_keeps_its_id_and_new_ones_get_unused_ids(tmp_path):
    things = [
        Thing(0, straight((10, 20), (90, 20)), look=1),
        Thing(1, straight((20, 52), (80, 52), range(20)), look=2),
        Thing(1, straight((20, 52), (80, 52), range(40, 60)), look=5),
        Thing(2, straight((20, 35), (80, 35), range(30, 60)), look=3),
    ]
    # The model takes the third thing for the second, which it is not, and finds the fourth as a track of its own.
    scene = Scene(things, track_of=lambda thing, _: {0: 0, 1: 1, 2: 1, 3: 2}[thing], noise=0)
    document, history = open_scene(scene, tmp_path)
    with document:
        assert document.next_track_id(1) == 4
        found = reassociate(document, 1, 5)
        assert found.changes == (IdentityChange(FrameRange(40, 59), 2, 4, 20),)
        assert found.edit is not None
        history.do(found.edit)
        assert document.track(1, 4).category_id == document.track(1, 2).category_id
        assert document.lane(1, 3).frame_indices.tolist() == list(range(30, 60))
        assert reassociate(document, 1, 5).is_empty
        check_consistent(document)


def test_an_edit_in_between_makes_the_differences_stale(switched):
    document, history = switched
    history.do(SwapTracks(1, 1, 2, HERE))
    edit = reassociate(document, 1, 30).edit
    assert edit is not None
    history.do(SetMask(1, 1, 45, None))
    before = raw_content(document)
    with pytest.raises(EditRefused, match="was edited since"):
        history.do(edit)
    assert raw_content(document) == before
    history.undo()
    history.do(SetLocked(1, (2,), locked=True))
    with pytest.raises(EditRefused, match="Track 2 is locked"):
        history.do(edit)
    history.undo()
    history.do(edit)


def test_it_works_in_another_thread_on_a_snapshot_tells_progress_and_stops(switched):
    document, history = switched
    history.do(SwapTracks(1, 1, 2, HERE))
    shares = []

    def work():
        with snapshot(document.path) as queries:
            return reassociate(queries, 1, 30, shares.append)

    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(work).result() == reassociate(document, 1, 30)
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reassociate(document, 1, 30, stop)


def test_what_cannot_be_associated_again_is_said(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        with pytest.raises(EditRefused, match="older version ran the model"):
            reassociate(document, 1, 3)
        with pytest.raises(EditRefused, match="No model has seen anything from frame 12 on; run the model first"):
            reassociate(document, 1, 12)
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 5)
        with pytest.raises(EditRefused, match="The model is running on this video"):
            reassociate(document, 1, 3)
        run.finish("stopped")
