"""The list of classes as a person revises it: renamed, joined, mapped to another set, cleaned up, and undone."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, new_project, raw_content

from app.document.adopt import begin_run
from app.document.class_edits import ReviseCategories, category_uses, revision
from app.document.classes import match_categories
from app.document.confirm_edits import Confirm
from app.document.edits import AddCategory, RenameCategory, SetCategory, SetLocked
from app.document.records import EditRefused, FrameRange
from visolo.categories import Category, LabelSet
from visolo.class_names import conflict

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
    """Give classes other names, or what else is said of them."""
    document, history = project
    changes = {i: value if isinstance(value, dict) else {"name": value} for i, value in wanted.items()}
    after = [replace(c, **changes.get(c.category_id, {})) for c in document.categories()]
    after += [Category(0, name) for name in added]
    edit = revision(document.categories(), category_uses(document), after, **options)
    history.do(edit)
    return edit


def synonyms(document):
    return {c.name: c.synonyms for c in document.categories() if c.synonyms}


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
    assert classes(document) == {1: "person", 3: "car"}
    assert synonyms(document) == {"car": ("dog",)}
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


def test_what_a_model_finds_of_a_joined_class_is_of_the_other(project):
    """In videos that it ran on, also again, and in the next ones; the better of its scores counts."""
    document, history = project
    before = document.tracks(2)[1].score
    revise(project, {2: "car"})
    assert [c.category_id for c in document.categories()] == [1, 3]
    assert document.runs(1)[0].category_ids == (1, 3, 3)
    assert document.class_votes(1, 2).category_ids.tolist() == [1, 3]
    assert document.tracks(2)[1].score == before
    add_video(history, 3)
    run = begin_run(history, 3, {"model": "lite"}, LABELS)
    run.add([frame(0, [0, 1, 2])])
    run.finish("done")
    assert class_of_tracks(document)[-3:] == ["person", "car", "car"]
    check_consistent(document, 3)
    revise(project, {3: "thing"})
    assert synonyms(document) == {"thing": ("dog", "car")}
    add_video(history, 4)
    begin_run(history, 4, {"model": "lite"}, LabelSet("two", (Category(7, "Dog"), Category(8, "otter")))).finish("done")
    assert document.runs(4)[0].category_ids == (3, 8)
    for _ in range(5):
        history.undo()
    assert class_of_tracks(document)[-3:] == ["person", "car", "car"]


def test_synonyms_and_colours_are_kept_and_undone(project):
    document, history = project
    before = raw_content(document)
    revise(project, {2: {"color": "#56b4e9", "synonyms": ("hound", " Hund ", "DOG")}})
    assert document.categories()[1] == Category(2, "dog", "#56b4e9", ("hound", "Hund"))
    with pytest.raises(EditRefused, match="HUND is a synonym of dog; take it from there first"):
        history.do(AddCategory(9, "HUND"))
    revise(project, {2: {"color": None, "synonyms": ()}})
    assert raw_content(document) == before
    history.undo()
    assert document.categories()[1].color == "#56b4e9"


def test_a_renamed_class_is_still_found_by_its_name_before(project):
    document, _ = project
    revise(project, {2: "hound"})
    assert synonyms(document) == {"hound": ("dog",)}
    cat = Category(2, "cat", "#102030", ("kitty", "Car"))
    added, ids = match_categories(document, [Category(5, "DOG"), Category(6, "Hund", None, ("hound",)), cat])
    assert ids == {5: 2, 6: 2, 2: 3}  # a cat that is called car, too, is taken for one
    added, ids = match_categories(document, [Category(2, "cat", "#102030", ("kitty", "hound", "car"))])
    assert added == (Category(4, "cat", "#102030", ("kitty",)),)  # either of two, so neither
    assert ids == {2: 4}


def test_joined_classes_share_colour_and_synonyms(project):
    document, _ = project
    revise(project, {2: {"color": "#102030", "synonyms": ("hound",)}, 3: {"synonyms": ("auto",)}})
    revise(project, {2: "car"})
    assert document.categories()[1] == Category(3, "car", "#102030", ("auto", "hound", "dog"))


def test_names_can_change_places_and_unused_classes_go(project):
    document, history = project
    history.do(AddCategory(9, "bird"))
    revise(project, {1: "dog", 2: "person"}, ["fish", "Person"], removes_unused=True)
    assert classes(document) == {1: "dog", 2: "person", 3: "car", 10: "fish"}
    assert synonyms(document) == {}  # the names that were given up are names again


def test_what_cannot_be_is_refused_and_changes_nothing(project):
    document, history = project
    before = raw_content(document)
    for edit, words in (
        (ReviseCategories(), "Nothing to change"),
        (ReviseCategories(named=((1, " "),)), "needs a name"),
        (ReviseCategories(named=((1, "DOG"),)), "two classes"),
        (ReviseCategories(joined=((1, 99),)), "no class 99"),
        (ReviseCategories(removed=(1,)), "in use"),
        (ReviseCategories(described=((1, "red", ()),)), "red is no colour; write it as #rrggbb"),
        (ReviseCategories(described=((99, None, ("x",)),)), "no class 99"),
        (ReviseCategories(described=((1, None, ("Dog",)),)), "person cannot have the synonym Dog: it is a class"),
        (
            ReviseCategories(described=((1, None, ("pet",)), (2, None, ("PET",)))),
            "person and dog cannot both have the synonym PET",
        ),
        (AddCategory(9, "DOG"), "There is a class dog already"),
        (RenameCategory(1, "Dog"), "There is a class dog already"),
    ):
        with pytest.raises(EditRefused, match=words):
            history.do(edit)
        assert raw_content(document) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.integers(1, 5),
                st.sampled_from(NAMES)
                | st.fixed_dictionaries({"synonyms": st.sampled_from([(), ("hound",), ("car",)])}),
                max_size=4,
            ),
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
        assert not conflict(document.categories())
        check_consistent(document)
    for _ in range(done):
        history.undo()
    assert raw_content(document) == before
