"""Any sequence of identity edits, association again and thresholds: nothing is claimed twice or lost, all is undone."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import check_consistent, raw_content
from small_engine import COUNT, SIZE, Engine

from app.document.document import Document
from app.document.edits import (
    Confirm,
    DeleteTrack,
    EditRefused,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.exchange import ExportOptions, export_dataset
from app.document.history import History
from app.document.merging import link_edit
from app.document.reassociation import reassociate
from app.document.records import FrameRange, Origin, Touch
from app.document.threshold_replay import ThresholdReplay
from app.document.thresholds import Thresholds
from visolo import rle
from visolo.io.validation.dataset import check_dataset
from visolo.io.validation.report import Report
from visolo.io.ytvis import read_dataset

TRACK = st.integers(1, 7)
FRAME = st.integers(0, COUNT - 1)
RANGE = st.builds(
    lambda first, more: FrameRange(first, None if more is None else min(COUNT - 1, first + more)),
    FRAME,
    st.none() | st.integers(0, 8),
)


def square(number: int) -> rle.Rle:
    """A small mask."""
    pixels = np.zeros(SIZE, bool)
    pixels[number : number + 9, 2 * number : 2 * number + 9] = True
    return rle.encode(pixels)


class Again:
    """Associate again from a frame on and accept."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __repr__(self) -> str:
        return f"Again({self.first})"


class Link:
    """Link two tracks as Enter does."""

    def __init__(self, track_id: int, other_id: int) -> None:
        self.pair = track_id, other_id

    def __repr__(self) -> str:
        return f"Link{self.pair}"


IDENTITY = st.one_of(
    st.builds(SwapTracks, st.just(1), TRACK, TRACK, RANGE),
    st.builds(ReassignTrack, st.just(1), TRACK, TRACK, RANGE),
    st.builds(SplitTrack, st.just(1), TRACK, FRAME, TRACK),
    st.builds(Confirm, st.just(1), st.none() | TRACK, RANGE, st.booleans()),
    st.builds(SetLocked, st.just(1), st.tuples(TRACK), st.booleans()),
    st.builds(Again, FRAME),
)
LOSING = st.one_of(
    st.builds(
        MergeTracks,
        st.just(1),
        TRACK,
        TRACK,
        st.sampled_from(["kept", "absorbed"]),
        st.lists(RANGE, max_size=2).map(tuple),
    ),
    st.builds(Link, TRACK, TRACK),
    st.builds(RemoveInstances, st.just(1), TRACK, RANGE, st.booleans()),
    st.builds(DeleteTrack, st.just(1), TRACK),
    st.builds(SetMask, st.just(1), TRACK, FRAME, st.none() | st.integers(0, 40).map(square), st.just(1)),
)
LEVEL = st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.4, 0.6])
THRESHOLDS = st.builds(Thresholds, LEVEL, LEVEL | st.just(0.0), LEVEL | st.just(0.9))
STEPS = st.lists(IDENTITY | LOSING | THRESHOLDS, min_size=1, max_size=10)
QUICK = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """A project of a run, closed, to be copied."""
    path = tmp_path_factory.mktemp("recorded") / "p.visolo"
    Engine().open_project(path)[0].close()
    return path


@pytest.fixture
def open_copy(recorded, tmp_path_factory):
    """Opens a project of its own."""

    def opened() -> tuple[Document, History]:
        path = tmp_path_factory.mktemp("copy") / "p.visolo"
        shutil.copy(recorded, path)
        document = Document.open(path)
        return document, History(document, "tester")

    return opened


def edit_of(document: Document, step):
    """The edit that a step is, as things are; None when it would change nothing."""
    if isinstance(step, Again):
        return reassociate(document, 1, step.first).edit
    if isinstance(step, Link):
        return link_edit(document, 1, *step.pair)
    if isinstance(step, Thresholds):
        return ThresholdReplay(document, 1).at(step).edit
    return step


def do(history: History, step) -> bool:
    """Take a step; whether it was an entry of the history. What is refused changes nothing."""
    before = raw_content(history.document)
    try:
        edit = edit_of(history.document, step)
        if edit is None:
            return False
        history.do(edit)
    except EditRefused:
        assert raw_content(history.document) == before
        return False
    return True


def instances(document: Document) -> dict[int, tuple]:
    """Track, frame, origin, touch and detection of every instance; every one is there once."""
    rows = document.rows("SELECT instance_id, track_id, frame_index, origin, edited, run_id, slot, mask_id FROM cells")
    detections = [(row[2], row[5], row[6]) for row in rows if row[5]]
    assert len({row[0] for row in rows}) == len(rows)
    assert len(set(detections)) == len(detections)
    assert len({row[7] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def check_export(document: Document, path: Path) -> None:
    """The exported file reads, breaks no rule and holds every instance."""
    for _ in export_dataset(document, ExportOptions(path)):
        pass
    dataset = read_dataset(path)
    shown = sum(mask is not None for a in dataset.annotations for mask in a.segmentations)
    assert shown == document.rows("SELECT count(*) FROM cells")[0][0]
    report = Report()
    check_dataset(path, report)
    assert report.count("error") == 0, report.counts()


@given(STEPS)
@QUICK
def test_no_instance_is_claimed_twice_and_all_is_undone_and_redone_to_the_byte(open_copy, steps):
    document, history = open_copy()
    with document:
        states = [raw_content(document)]
        for step in steps:
            if do(history, step):
                states.append(raw_content(document))
            instances(document)
        check_consistent(document)
        if states[-1]["cells"]:
            check_export(document, document.path.parent / "out.json")
        for state in reversed(states[:-1]):
            history.undo()
            assert raw_content(document) == state
        check_consistent(document)
        for state in states[1:]:
            history.redo()
            assert raw_content(document) == state


@given(st.lists(IDENTITY, min_size=1, max_size=10))
@QUICK
def test_identity_edits_and_association_again_lose_no_instance(open_copy, steps):
    document, history = open_copy()
    with document:
        before = {i: (row[1], row[5:]) for i, row in instances(document).items()}
        for step in steps:
            do(history, step)
        assert {i: (row[1], row[5:]) for i, row in instances(document).items()} == before


@given(st.lists(IDENTITY | LOSING, max_size=6), THRESHOLDS, THRESHOLDS)
@QUICK
def test_thresholds_take_out_nothing_that_a_person_touched_and_bring_back_nothing_put_away(open_copy, steps, one, two):
    document, history = open_copy()
    with document:
        first = instances(document)
        for step in steps:
            do(history, step)
        edited = instances(document)
        put_away = first.keys() - edited.keys()
        for thresholds in (one, two):
            do(history, thresholds)
            now = instances(document)
            assert not put_away & now.keys()
            for instance_id, row in edited.items():
                if row[3] != Touch.NONE or row[2] != Origin.MODEL:
                    assert now[instance_id][1:] == row[1:]
            frames = {c[0] for c in document.rows("SELECT first_frame FROM confirmed WHERE track_id = 0")}
            for frame in frames:
                assert {i: r for i, r in now.items() if r[1] == frame} == {
                    i: r for i, r in edited.items() if r[1] == frame
                }
