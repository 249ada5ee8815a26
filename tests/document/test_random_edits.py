"""Any sequence of edits: undone it gives the first bytes back, redone the last ones, and nothing is lost on the way."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, check_consistent, mask, masks_of, project_with_run, raw_content

from app.document.document import Document
from app.document.edits import (
    AddNote,
    Confirm,
    DeleteNote,
    DeleteTrack,
    DismissSuspicion,
    EditGroup,
    EditRefused,
    MergeTracks,
    MoveNote,
    ReassignTrack,
    RejectVideo,
    RemoveInstances,
    RenameCategory,
    ResolveNote,
    ReviseCategories,
    RewordNote,
    SetCategory,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.history import History
from app.document.merging import merge_conflicts
from app.document.records import FrameRange, NotePlace, Touch

QUICK = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TRACK = st.integers(1, 6)
FRAME = st.integers(0, FRAMES - 1)
RANGE = st.builds(
    lambda first, more: FrameRange(first, None if more is None else first + more),
    FRAME,
    st.none() | st.integers(0, FRAMES),
)
MASK = st.none() | st.integers(8000, 8100).map(mask)
IDENTITY = st.one_of(
    st.builds(SwapTracks, st.just(1), TRACK, TRACK, RANGE),
    st.builds(ReassignTrack, st.just(1), TRACK, TRACK, RANGE),
    st.builds(SplitTrack, st.just(1), TRACK, FRAME, TRACK),
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
    st.builds(RemoveInstances, st.just(1), TRACK, RANGE, st.booleans()),
    st.builds(DeleteTrack, st.just(1), TRACK),
    st.builds(SetMask, st.just(1), TRACK, FRAME, MASK, st.sampled_from([None, 1, 2])),
)
OTHER = st.one_of(
    st.builds(SetCategory, st.just(1), st.tuples(TRACK), st.integers(1, 4)),
    st.builds(SetLocked, st.just(1), st.tuples(TRACK), st.booleans()),
    st.builds(Confirm, st.just(1), st.none() | TRACK, RANGE, st.booleans()),
    st.builds(DismissSuspicion, st.just(1), st.sampled_from("ab"), st.booleans()),
    st.builds(RejectVideo, st.just(1), st.none() | st.sampled_from(["", "dark"])),
)
NOTE_ID = st.integers(3, 8)  # the entries that add the video and its run come before
WORDS = st.sampled_from(["whose leg?", "  ", "two\nlines"])
PLACE = st.none() | st.builds(NotePlace, st.sampled_from([0.0, 7.5, 20.0]), st.sampled_from([0.0, 16.0, 17.0]))
NOTES = st.one_of(
    st.builds(AddNote, st.just(1), st.integers(0, FRAMES), WORDS, PLACE),
    st.builds(RewordNote, st.just(1), NOTE_ID, WORDS),
    st.builds(MoveNote, st.just(1), NOTE_ID, PLACE),
    st.builds(ResolveNote, st.just(1), NOTE_ID, st.booleans()),
    st.builds(DeleteNote, st.just(1), NOTE_ID),
)
CLASS = st.integers(1, 4)
DETAILS = st.tuples(CLASS, st.sampled_from([None, "#56b4e9"]), st.sampled_from([(), ("hound",), ("dog",)]))
CLASSES = st.one_of(
    st.builds(
        ReviseCategories,
        st.lists(st.tuples(CLASS, CLASS), max_size=2).map(tuple),
        st.lists(st.tuples(CLASS, st.sampled_from(["person", "cat", "Cat ", ""])), max_size=2).map(tuple),
        st.lists(CLASS, max_size=1).map(tuple),
        st.lists(DETAILS, max_size=2).map(tuple),
    ),
    st.builds(RenameCategory, CLASS, st.sampled_from(["dog", "hound", "DOG"])),
)
EDIT = IDENTITY | LOSING | OTHER | NOTES | CLASSES
GROUP = st.builds(EditGroup, st.just(1), st.just("Group"), st.lists(EDIT, min_size=1, max_size=3).map(tuple))


def do(history: History, edit) -> bool:
    before, entries = raw_content(history.document), len(history.entries())
    try:
        history.do(edit)
    except EditRefused:
        assert raw_content(history.document) == before
        assert len(history.entries()) == entries
        return False
    return True


def touched(document: Document) -> dict[int, tuple[int, int]]:
    """Track and mark of every instance."""
    rows = document.connection.execute("SELECT instance_id, track_id, edited FROM cells")
    return {instance_id: (track_id, edited) for instance_id, track_id, edited in rows}


def instance_ids(document: Document) -> set[int]:
    return {row[0] for row in document.connection.execute("SELECT instance_id FROM cells")}


@given(st.lists(EDIT | GROUP, max_size=12))
@QUICK
def test_undone_entirely_gives_the_first_bytes_and_redone_the_last(tmp_path_factory, edits):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        states = [raw_content(document)]
        for edit in edits:
            if do(history, edit):
                states.append(raw_content(document))
        check_consistent(document)
        for state in reversed(states[:-1]):
            history.undo()
            assert raw_content(document) == state
        check_consistent(document)
        for state in states[1:]:
            history.redo()
            assert raw_content(document) == state
        check_consistent(document)


@given(st.lists(IDENTITY | OTHER, max_size=12))
@QUICK
def test_edits_of_identity_lose_no_instance(tmp_path_factory, edits):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        before = instance_ids(document)
        for edit in edits:
            do(history, edit)
        assert instance_ids(document) == before
        check_consistent(document)


@given(st.lists(EDIT, max_size=8), TRACK, TRACK, st.lists(RANGE, max_size=2).map(tuple))
@QUICK
def test_a_merge_keeps_one_instance_of_each_frame_and_the_chosen_one(tmp_path_factory, edits, kept, absorbed, wins):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        for edit in edits:
            do(history, edit)
        before = {track_id: masks_of(document, track_id) for track_id in (kept, absorbed)}
        conflicts = merge_conflicts(document, 1, kept, absorbed)
        if not do(history, MergeTracks(1, kept, absorbed, absorbed_wins=wins)):
            return
        chosen = {f for f in before[absorbed] if any(w.first <= f <= w.end for w in wins)}
        expected = before[absorbed] | {f: m for f, m in before[kept].items() if f not in chosen}
        assert masks_of(document, kept) == expected
        assert masks_of(document, absorbed) == {}
        both = {f for f in before[kept] if f in before[absorbed]}
        assert {f for c in conflicts for f in range(c.first, c.end + 1)} == both


@given(st.lists(IDENTITY | OTHER, max_size=12))
@QUICK
def test_what_was_decided_stays_decided_and_what_moved_is_marked(tmp_path_factory, edits):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    with document:
        for edit in edits:
            old = touched(document)
            if do(history, edit):
                for instance_id, (track_id, edited) in touched(document).items():
                    assert edited == Touch.DECIDED or old[instance_id][1] != Touch.DECIDED
                    assert edited or old[instance_id][0] == track_id


@given(st.lists(st.one_of(EDIT, st.sampled_from(["undo", "redo", "reopen"])), max_size=16))
@QUICK
def test_any_mix_of_doing_undoing_and_reopening_follows_a_plain_stack(tmp_path_factory, steps):
    document, history = project_with_run(tmp_path_factory.mktemp("p") / "p.visolo")
    states, position = [raw_content(document)], 0
    try:
        for step in steps:
            if step == "reopen":
                document.close()
                document = Document.open(document.path)
                history = History(document)
            elif step == "undo" and position > 0:
                history.undo()
                position -= 1
            elif step == "redo" and position + 1 < len(states):
                history.redo()
                position += 1
            elif step not in ("undo", "redo") and do(history, step):
                position += 1
                states[position:] = [raw_content(document)]
            assert raw_content(document) == states[position]
            assert history.can_redo == (position + 1 < len(states))
        check_consistent(document)
    finally:
        document.close()
