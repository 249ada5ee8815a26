"""The review list: every mistake is found with the edit that mends it, and nothing is said where all is right."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from review_errors import errors_of
from review_mistakes import plant
from review_scenes import HEIGHT, LABELS, SIMILARITY, WIDTH, Scene, open_scene, two_crossing
from review_truth import Recording, TrueProject, clip_names, made_up_clip, open_recording, recorded_clip

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    AddVideo,
    Confirm,
    DeleteTrack,
    DismissSuspicion,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetCategory,
    SetLocked,
    SplitTrack,
    SwapTracks,
)
from app.document.history import History
from app.document.import_tracks import ImportedTrack, ImportTracks
from app.document.records import Change, EditRefused, FrameRange, Video
from app.document.suspicions import Suspicion, SuspicionIndex, SuspicionKind, find_suspicions

SURE = 0.5
FROM_30 = FrameRange(30, None)


@pytest.fixture
def opened(tmp_path):
    """Opens scenes, each in a project of its own, and closes them after the test."""
    documents: list[Document] = []

    def open_it(scene: Scene) -> tuple[Document, History]:
        folder = tmp_path / str(len(documents))
        folder.mkdir()
        document, history = open_scene(scene, folder)
        documents.append(document)
        return document, history

    yield open_it
    for document in documents:
        document.close()


@pytest.fixture
def true_project(tmp_path):
    """Opens recordings and closes them after the test."""
    projects: list[TrueProject] = []

    def open_it(recording: Recording) -> TrueProject:
        projects.append(open_recording(recording, tmp_path / f"{len(projects)}.visolo"))
        return projects[-1]

    yield open_it
    for project in projects:
        project.document.close()


def sure(document: Document) -> list[Suspicion]:
    return [row for row in find_suspicions(document, 1) if row.confidence >= SURE]


def swapped_from(frame: int):
    return lambda thing, index: thing if thing > 1 or index < frame else 1 - thing


def taken_over(thing: int, frame: int) -> int | None:
    """Thing 0 is lost in frame 30, and thing 1 goes on as its track."""
    if frame < 30 or thing > 1:
        return thing
    return None if thing == 0 else 0


def test_nothing_is_sure_where_all_is_right(opened):
    document, _ = opened(two_crossing())
    assert sure(document) == []


@pytest.mark.parametrize("seed", range(5))
def test_hardly_anything_is_sure_in_clean_tracks_that_wander_through_each_other(true_project, seed):
    project = true_project(made_up_clip(seed, noise=0.3))
    assert errors_of(project) == []
    assert sure(project.document) == []


@pytest.mark.parametrize("frame", [12, 30, 50])
def test_a_switch_comes_first_and_its_proposal_mends_it(opened, frame):
    document, history = opened(two_crossing(track_of=swapped_from(frame)))
    row = find_suspicions(document, 1)[0]
    assert row.kind == SuspicionKind.POSSIBLE_SWITCH
    assert (row.frame_index, row.before_frame, row.track_ids) == (frame, frame - 1, (1, 2))
    assert row.confidence > SURE
    assert row.proposal == SwapTracks(1, 1, 2, FrameRange(frame, None))
    assert row.proposal_text == f"Swap 1 and 2 from frame {frame} on"
    history.do(row.proposal)
    assert sure(document) == []


PLANTED_ALONE = {
    "switch": {SuspicionKind.POSSIBLE_SWITCH},
    "fragment": {SuspicionKind.BORN_WHERE_ANOTHER_ENDED},
    "flip": {SuspicionKind.CLASS_FLIP},
    "duplicate": {SuspicionKind.DUPLICATE},
}


@pytest.mark.parametrize("kind", PLANTED_ALONE)
@pytest.mark.parametrize("seed", range(4))
def test_a_mistake_alone_is_the_first_of_its_kind_and_its_proposal_restores_the_truth(true_project, kind, seed):
    project = true_project(plant(made_up_clip(seed, noise=0.3), seed, (kind,)))
    (error,) = errors_of(project)
    rows = [row for row in find_suspicions(project.document, 1) if row.kind in PLANTED_ALONE[kind]]
    assert error.is_seen(rows[0].frame_index, rows[0].track_ids)
    project.history.do(rows[0].proposal)
    assert errors_of(project) == []


@pytest.mark.parametrize("seed", range(4))
def test_two_objects_in_one_track_are_split(true_project, seed):
    project = true_project(plant(made_up_clip(seed, noise=0.3), seed, ("merge",)))
    (error,) = errors_of(project)
    row = next(r for r in find_suspicions(project.document, 1) if error.is_seen(r.frame_index, r.track_ids))
    assert row.confidence > 0.2
    assert isinstance(row.proposal, SplitTrack)
    project.history.do(row.proposal)
    assert errors_of(project) == []


def test_a_track_that_takes_over_the_object_of_one_that_ends_is_given_back(opened):
    document, history = opened(two_crossing(track_of=taken_over))
    row = find_suspicions(document, 1)[0]
    assert row.proposal == ReassignTrack(1, 1, 2, FROM_30)
    history.do(row.proposal)
    assert sure(document) == []


def test_a_class_that_many_frames_contradict_can_be_the_other_one(opened):
    document, history = opened(
        two_crossing(class_of=lambda thing, frame, true: 2 if thing == 0 and frame % 3 else true)
    )
    assert document.track(1, 1).category_id == 3
    row = find_suspicions(document, 1)[0]
    assert row.kind == SuspicionKind.CLASS_FLIP
    assert row.reason == "1 is car, but many of its frames say dog"
    assert row.proposal == SetCategory(1, (1,), 2)
    history.do(row.proposal)
    assert all(row.kind != SuspicionKind.CLASS_FLIP for row in find_suspicions(document, 1))


def test_a_track_of_a_frame_or_two_is_deleted(opened):
    document, _ = opened(two_crossing(twice={2: (7, range(20, 22))}))
    rows = [row for row in find_suspicions(document, 1) if 4 in row.track_ids]
    assert rows[0].proposal in {DeleteTrack(1, 4), MergeTracks(1, 3, 4)}
    assert rows[0].confidence > SURE


def test_a_row_holds_what_a_person_needs(true_project):
    for name in clip_names()[:3]:
        rows = find_suspicions(true_project(recorded_clip(name)).document, 1)
        assert rows
        likely = [row.confidence for row in rows if row.confidence >= 0.03]
        assert [row.confidence for row in rows[: len(likely)]] == sorted(likely, reverse=True)
        assert len({row.key for row in rows}) == len(rows)
        for row in rows:
            assert row.reason
            assert not row.reason.endswith(".")
            assert (row.proposal is None) == (row.proposal_text == "")
            assert row.before_frame is None or row.before_frame < row.frame_index


def test_keys_stay_when_something_else_is_mended(true_project):
    project = true_project(plant(made_up_clip(1, noise=0.3), 1, ("switch", "fragment")))
    before = find_suspicions(project.document, 1)
    first = before[0]
    project.history.do(first.proposal)
    after = {row.key: row for row in find_suspicions(project.document, 1)}
    assert first.key not in after
    elsewhere = [
        row
        for row in before
        if abs(row.frame_index - first.frame_index) > 30 or not {*row.track_ids} & {*first.track_ids}
    ]
    assert elsewhere
    assert {row.key for row in elsewhere} <= {*after}


def test_a_proposal_undone_brings_back_the_same_rows(true_project):
    project = true_project(plant(made_up_clip(2, noise=0.3), 2, ("switch", "duplicate")))
    before = find_suspicions(project.document, 1)
    project.history.do(before[0].proposal)
    project.history.undo()
    assert find_suspicions(project.document, 1) == before


def test_a_dismissed_row_stays_away_until_it_is_suspected_again(opened):
    document, history = opened(two_crossing(track_of=swapped_from(30)))
    row = find_suspicions(document, 1)[0]
    history.do(DismissSuspicion(1, row.key))
    near = [r for r in find_suspicions(document, 1) if r.track_ids == (1, 2) and abs(r.frame_index - 30) <= 5]
    assert near == []
    history.undo()
    assert find_suspicions(document, 1)[0] == row


def test_unlikely_rows_show_first_what_no_row_before_them_has_shown(true_project):
    def new_tracks(rows: list[Suspicion], looked_at: list[Suspicion]) -> list[int]:
        seen, counts = [(t, row.frame_index) for row in looked_at for t in row.track_ids], []
        for row in rows:
            is_new = [all(other != t or abs(f - row.frame_index) > 5 for other, f in seen) for t in row.track_ids]
            seen += [(t, row.frame_index) for t in row.track_ids]
            counts.append(sum(is_new))
        return counts

    project = true_project(recorded_clip("dogs-1"))
    rows = find_suspicions(project.document, 1)
    likely = [row for row in rows if row.confidence >= 0.03]
    counts = new_tracks(rows[len(likely) :], likely)
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 3
    # A dismissed row has been looked at, too.
    project.history.do(DismissSuspicion(1, likely[0].key))
    left = [row for row in find_suspicions(project.document, 1) if row.confidence < 0.03]
    assert new_tracks(left, likely) == sorted(new_tracks(left, likely), reverse=True)


def test_confirmed_content_is_left_out(opened):
    document, history = opened(two_crossing(track_of=swapped_from(30)))
    history.do(Confirm(1, None, FrameRange(0, None)))
    assert find_suspicions(document, 1) == []


def test_no_proposal_would_touch_confirmed_or_locked_content(opened):
    document, history = opened(two_crossing(track_of=swapped_from(30)))
    history.do(Confirm(1, 2, FrameRange(45, 50)))
    row = find_suspicions(document, 1)[0]
    assert (row.frame_index, row.proposal, row.proposal_text) == (30, None, "")
    history.undo()
    history.do(SetLocked(1, (1,), True))
    assert find_suspicions(document, 1)[0].proposal is None


def test_only_moments_of_the_frames_asked_for(opened):
    document, _ = opened(two_crossing(track_of=swapped_from(30)))
    assert any(row.frame_index == 30 for row in find_suspicions(document, 1, FrameRange(25, 35)))
    assert all(row.frame_index < 20 for row in find_suspicions(document, 1, FrameRange(0, 19)))


def test_a_check_stops_the_search(opened):
    document, _ = opened(two_crossing())

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_suspicions(document, 1, check=stop)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_of_one_or_two_frames_has_nothing_sure(opened, frames):
    document, _ = opened(two_crossing(frames=frames))
    assert sure(document) == []


def test_a_video_without_tracks_has_no_rows(opened):
    document, _ = opened(Scene([]))
    assert find_suspicions(document, 1) == []


def test_a_video_that_no_run_has_seen_has_no_rows(tmp_path):
    document = Document.create(tmp_path / "new.visolo")
    History(document, "tester").do(AddVideo(Video(1, "new", "new.mp4", 60, HEIGHT, WIDTH, 25.0)))
    assert find_suspicions(document, 1) == []
    document.close()


def test_imported_tracks_without_evidence_are_judged_by_where_they_are(opened):
    document, history = opened(Scene([]))
    results = two_crossing(track_of=swapped_from(12)).results()
    masks = [{i.track_id: i.rle for i in result.instances} for result in results]
    tracks = tuple(ImportedTrack(1, k + 1, 0.9, [frame.get(k) for frame in masks]) for k in range(3))
    history.do(ImportTracks("Import", (), document.categories(), tracks))
    row = find_suspicions(document, 1)[0]
    assert (row.kind, row.frame_index, row.track_ids) == (SuspicionKind.POSSIBLE_SWITCH, 12, (1, 2))
    history.do(row.proposal)
    assert sure(document) == []


def two_runs(folder: Path, weights: tuple[str, str]) -> tuple[Document, History]:
    """Frames 0 to 29 by one run, the others by another one that goes on with the same tracks, switched."""
    document = Document.create(folder / "runs.visolo")
    history = History(document, "tester")
    history.do(AddVideo(Video(1, "scene", "scene.mp4", 60, HEIGHT, WIDTH, 25.0)))
    results = two_crossing(track_of=swapped_from(30)).results()
    for first, name in ((0, weights[0]), (30, weights[1])):
        settings = {"model": "made up", "weights_id": name, "similarity": SIMILARITY}
        run = begin_run(history, 1, settings, LABELS, first)
        run.track_ids.update({0: 1, 1: 2, 2: 3} if first else {})
        run.add(results[first : first + 30])
        run.finish("done")
    return document, history


@pytest.mark.parametrize("weights", [("a", "a"), ("a", "b")])
def test_a_switch_where_one_run_ends_and_another_begins(tmp_path, weights):
    """Vectors of different weights are not comparable; classes and motion are."""
    document, history = two_runs(tmp_path, weights)
    row = find_suspicions(document, 1)[0]
    assert row.proposal == SwapTracks(1, 1, 2, FROM_30)
    history.do(row.proposal)
    assert sure(document) == []
    document.close()


def any_edit(project: TrueProject, generator: np.random.Generator) -> Change | None:
    """Some edit of a person, or an undo; None when it was refused."""
    frame = int(generator.integers(1, 59))
    frames = FrameRange(frame, None) if generator.random() < 0.5 else FrameRange(frame, min(59, frame + 4))
    ids = sorted(project.tracks())
    one, two = (int(t) for t in generator.permutation(ids)[:2])
    edits = [
        SwapTracks(1, one, two, frames),
        ReassignTrack(1, one, two, frames),
        MergeTracks(1, one, two),
        SplitTrack(1, one, frame, project.document.next_track_id(1)),
        RemoveInstances(1, one, FrameRange(frame, frame)),
        Confirm(1, two, FrameRange(50, 59)),
        None,
    ]
    edit = edits[int(generator.integers(len(edits)))]
    try:
        if edit is not None:
            return project.history.do(edit)
        return None if project.history.undo_text.startswith("Run") else project.history.undo()
    except EditRefused:
        return None


@pytest.mark.parametrize("seed", range(3))
def test_an_index_that_is_updated_says_what_a_new_one_says(true_project, monkeypatch, seed):
    monkeypatch.setattr("app.document.review.links._CHUNK", 16)  # so that most of a short video is remembered
    project = true_project(plant(made_up_clip(seed), seed, ("switch", "fragment", "duplicate", "switch")))
    generator = np.random.default_rng(seed)
    index = SuspicionIndex(project.document, 1)
    for _ in range(8):
        assert index.suspicions(project.document) == find_suspicions(project.document, 1)
        change = any_edit(project, generator)
        if change is not None:
            index.update(project.document, change)
    for row in index.suspicions(project.document)[:1]:
        project.history.do(DismissSuspicion(1, row.key))
    assert index.suspicions(project.document) == find_suspicions(project.document, 1)


def test_an_index_grows_with_the_head_of_a_run(tmp_path):
    document = Document.create(tmp_path / "run.visolo")
    history = History(document, "tester")
    history.do(AddVideo(Video(1, "scene", "scene.mp4", 60, HEIGHT, WIDTH, 25.0)))
    index = SuspicionIndex(document, 1)
    run = begin_run(history, 1, {"model": "m", "weights_id": "w", "similarity": SIMILARITY}, LABELS)
    results = two_crossing(track_of=swapped_from(25)).results()
    for first in range(0, 60, 7):
        change: Change = run.add(results[first : first + 7])
        index.update(document, change)
        assert index.suspicions(document) == find_suspicions(document, 1)
        if first >= 28:
            assert index.suspicions(document)[0].frame_index == 25
    run.finish("done")
    document.close()
