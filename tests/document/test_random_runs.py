"""Edits made while a run delivers frames give what the same edits give after the run."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, mask, new_project

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    DeleteTrack,
    EditGroup,
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

FRAMES = 10
SEGMENTER_TRACKS = {0: 1, 1: 2, 2: 3, 3: 4}
TRACK = st.sampled_from([1, 2, 3, 4, 50, 51])
FRAME = st.integers(0, FRAMES - 1)
RANGE = st.builds(
    lambda first, more: FrameRange(first, None if more is None else first + more),
    FRAME,
    st.none() | st.integers(0, FRAMES),
)
EDIT = st.one_of(
    st.builds(SwapTracks, st.just(1), TRACK, TRACK, RANGE),
    st.builds(ReassignTrack, st.just(1), TRACK, TRACK, RANGE),
    st.builds(MergeTracks, st.just(1), TRACK, TRACK, st.sampled_from(["kept", "absorbed"])),
    st.builds(SplitTrack, st.just(1), TRACK, FRAME, TRACK),
    st.builds(RemoveInstances, st.just(1), TRACK, RANGE, st.booleans()),
    st.builds(DeleteTrack, st.just(1), TRACK),
    st.builds(SetMask, st.just(1), TRACK, FRAME, st.none() | st.integers(9000, 9010).map(mask), st.just(2)),
    st.builds(SetCategory, st.just(1), st.tuples(TRACK), st.integers(1, 3)),
)
GROUP = st.builds(EditGroup, st.just(1), st.just("Group"), st.lists(EDIT, min_size=1, max_size=2).map(tuple))
STEP = st.one_of(EDIT, GROUP, st.sampled_from(["land", "land", "undo", "redo"]))
PRESENCE = st.lists(st.sets(st.integers(0, 3)), min_size=FRAMES, max_size=FRAMES)


def outcome(document: Document) -> list[tuple]:
    """Everything a person sees: who is where with which mask, flags, classes that are voted or chosen."""
    found = []
    for summary in document.tracks(1):
        track = summary.track
        is_decided = track.category_set or document.class_votes(1, track.track_id) is not None
        lane = document.lane(1, track.track_id)
        masks = [i.rle.counts for i in document.track_instances(1, track.track_id)]
        category = (track.category_id, track.category_set) if is_decided else None
        found.append((track.track_id, category, lane.frame_indices.tolist(), lane.edited.tolist(), masks))
    return found


def project(folder, first: int, presence):
    """A video with a finished run when a second one begins at `first`, else without any."""
    document, history = new_project(folder / "p.visolo")
    add_video(history, frame_count=FRAMES)
    if first:
        run = begin_run(history, 1, {}, LABELS, 0, dict(SEGMENTER_TRACKS))
        run.add([frame(i, sorted(tracks)) for i, tracks in enumerate(presence)])
        run.finish("done")
    return document, history, begin_run(history, 1, {}, LABELS, first, dict(SEGMENTER_TRACKS))


def play(history: History, run, results, steps):
    """Take the steps; the edits that were made and not undone at the end, in order."""
    done, undone = [], []
    results = iter(results)
    for step in steps:
        if step == "land":
            if (result := next(results, None)) is not None:
                run.add([result])
        elif step == "undo" and done:
            history.undo()
            undone.append(done.pop())
        elif step == "redo" and undone:
            history.redo()
            done.append(undone.pop())
        elif step not in ("undo", "redo"):
            try:
                history.do(step)
            except EditRefused:
                continue
            done.append(step)
            undone.clear()
    for result in results:
        run.add([result])
    return done


@given(st.sampled_from([0, 0, 4]), PRESENCE, PRESENCE, st.integers(0, FRAMES), st.lists(STEP, max_size=14))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_edits_during_a_run_equal_edits_after_it(tmp_path_factory, first, old, new, stop_at, steps):
    results = [frame(i, sorted(tracks), seed=1) for i, tracks in enumerate(new)][first : max(first, stop_at)]
    document, history, run = project(tmp_path_factory.mktemp("live"), first, old)
    with document:
        done = play(history, run, results, steps)
        run.finish("done")
        live = outcome(document)
        check_consistent(document)
        for _ in done:
            history.undo()
        bare = outcome(document)
        for _ in done:
            history.redo()
        assert outcome(document) == live
        check_consistent(document)

    reference, history, run = project(tmp_path_factory.mktemp("after"), first, old)
    with reference:
        for result in results:
            run.add([result])
        run.finish("done")
        assert outcome(reference) == bare
        for edit in done:
            history.do(edit)
        assert outcome(reference) == live
