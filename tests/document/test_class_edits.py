"""The list of classes as a person revises it: renamed, joined, mapped to another set, cleaned up, and undone."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, new_project, raw_content

from app.document.adopt import begin_run
from app.document.class_edits import ReviseCategories, category_uses, revision
from app.document.confirm_edits import Confirm
from app.document.edits import AddCategory, SetCategory, SetLocked
from app.document.records import EditRefused, FrameRange

NAMES = ("person", "dog", "car", "puppy", "Hund", "bus stop", "bus_stop", " ")


@pytest.fixture
def project(tmp_path):
    document, history = new_project(tmp_path / "a.visolo")
    for video_id in (1, 2):
        add_video(history, video_id)
        run = begin_run(history, video_id, {"model": "lite"}, LABELS)
        run.add([frame(index, [0, 1, 2]) for index in range(4)])
        run.finish("done")
    yield document, history
    document.close()


def classes(document):
    return {c.category_id: c.name for c in document.categories()}


def class_of_tracks(document):
    names = classes(document)
    return [names[s.track.category_id] for v in document.videos() for s in document.tracks(v.video_id)]


def revise(project, wanted, added=(), **options):
    document, history = project
    edit = revision(document.categories(), category_uses(document), wanted, added, **options)
    history.do(edit)
    return edit


def test_classes_are_counted_over_all_videos(project):
    document, history = project
    history.do(AddCategory(9, "bird"))
    uses = category_uses(document)
    assert [(uses[i].track_count, uses[i].mask_count, uses[i].is_free) for i in (1, 2, 3, 9)] == [
        (2, 8, False),  # the model's, which may find more of them
        (2, 8, False),
        (2, 8, False),
        (0, 0, True),
    ]


def test_a_class_is_renamed_everywhere_and_undone(project):
    document, history = project
    before = raw_content(document)
    revise(project, {2: "puppy"})
    assert classes(document) == {1: "person", 2: "puppy", 3: "car"}
    assert class_of_tracks(document) == ["person", "puppy", "car"] * 2
    history.undo()
    assert raw_content(document) == before


def test_classes_of_one_name_are_joined_in_locked_and_confirmed_tracks_too(project):
    document, history = project
    history.do(SetLocked(1, (2,), locked=True))
    history.do(Confirm(2, None, FrameRange(0, None)))
    revise(project, {2: "Car"})
    assert class_of_tracks(document) == ["person", "car", "car"] * 2
    assert classes(document) == {1: "person", 2: "dog", 3: "car"}  # the model may find dogs again
    assert document.track(1, 2).locked
    history.undo()
    assert class_of_tracks(document) == ["person", "dog", "car"] * 2


def test_a_joined_class_that_no_run_knows_is_gone(project):
    document, history = project
    history.do(AddCategory(9, "puppy"))
    history.do(SetCategory(1, (1,), 9))
    revise(project, {9: "dog"})
    assert classes(document) == {1: "person", 2: "dog", 3: "car"}
    assert class_of_tracks(document)[:2] == ["dog", "dog"]
    history.undo()
    assert class_of_tracks(document)[0] == "puppy"


def test_names_can_change_places_and_unused_classes_go(project):
    document, history = project
    history.do(AddCategory(9, "bird"))
    revise(project, {1: "dog", 2: "person"}, ["fish", "Person"], removes_unused=True)
    assert classes(document) == {1: "dog", 2: "person", 3: "car", 10: "fish"}


def test_what_cannot_be_is_refused_and_changes_nothing(project):
    document, history = project
    before = raw_content(document)
    for edit, words in (
        (ReviseCategories(), "Nothing to change"),
        (ReviseCategories(named=((1, " "),)), "needs a name"),
        (ReviseCategories(named=((1, "DOG"),)), "two classes"),
        (ReviseCategories(joined=((1, 99),)), "no class 99"),
        (ReviseCategories(removed=(1,)), "in use"),
    ):
        with pytest.raises(EditRefused, match=words):
            history.do(edit)
        assert raw_content(document) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 5), st.sampled_from(NAMES), max_size=4),
            st.lists(st.sampled_from(NAMES), max_size=2),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_any_sequence_keeps_every_track_in_one_class_and_is_undone_entirely(project, steps):
    document, history = project
    before, tracks, done = raw_content(document), len(class_of_tracks(document)), 0
    for wanted, added, removes_unused in steps:
        try:
            revise(project, wanted, added, removes_unused=removes_unused)
            done += 1
        except EditRefused:
            continue
        assert len(class_of_tracks(document)) == tracks  # every track's class is there
        names = [name.casefold().replace("_", " ") for name in classes(document).values()]
        assert len(set(names)) == len(names)
        assert all(names)
        check_consistent(document)
    for _ in range(done):
        history.undo()
    assert raw_content(document) == before
