"""Who an instance may be: found again among all tracks, on what the bundled network saw in composed clips."""

import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from review_scenes import LABELS, Scene, Thing, open_scene, straight
from review_truth import clip_names, open_recording, recorded_clip, truly_tracked

from app.document.adopt import begin_run
from app.document.edits import Confirm, SetLocked, SetMask, SplitTrack, SwapTracks
from app.document.merging import link_edit
from app.document.proposals import identity_proposals, link_suggestions
from app.document.records import FrameRange
from visolo import rle


def reappearances(true_project):
    """(track, first frame after a gap) of every track, one object each."""
    for track_id, sightings in true_project.tracks().items():
        frames = np.array([frame for frame, _ in sightings])
        for frame in frames[1:][np.diff(frames) > 1].tolist():
            yield track_id, frame


def test_a_returned_object_is_among_the_first_three_and_mostly_the_first_link(tmp_path):
    places, links = [], []
    for name in clip_names():
        true_project = open_recording(truly_tracked(recorded_clip(name)), tmp_path / f"{name}.visolo")
        with true_project.document as document:
            for track_id, frame in list(reappearances(true_project)):
                born = document.next_track_id(1)
                true_project.history.do(SplitTrack(1, track_id, frame, born))
                proposed = [p.track_id for p in identity_proposals(document, 1, born, frame)]
                places.append(track_id in proposed)
                links.append([p.track_id for p in link_suggestions(document, 1, born)][:1] == [track_id])
                true_project.history.undo()
    assert len(places) > 100
    assert np.mean(places) >= 0.95
    assert np.mean(links) >= 0.9


def test_after_a_switch_the_true_track_is_among_the_first_three(tmp_path):
    places = []
    generator = np.random.default_rng(0)
    for name in clip_names():
        true_project = open_recording(truly_tracked(recorded_clip(name)), tmp_path / f"{name}.visolo")
        with true_project.document as document:
            frames = {t: [f for f, _ in seen] for t, seen in true_project.tracks().items() if len(seen) > 1}
            for one, other in generator.permuted(np.array(list(permutations(frames, 2))))[:12].tolist():
                both = sorted(set(frames[one][1:]) & set(frames[other][1:]))
                if one != other and both:
                    frame = both[len(both) // 2]
                    true_project.history.do(SwapTracks(1, one, other, FrameRange(frame, None)))
                    places.append(other in [p.track_id for p in identity_proposals(document, 1, one, frame)])
                    true_project.history.undo()
    assert len(places) > 50
    assert np.mean(places) >= 0.95


@pytest.fixture
def broken(tmp_path):
    """Track 1 is lost in frames 20-29 and goes on as 3; track 2 is there all the time."""
    there = [*range(20), *range(30, 60)]
    scene = Scene(
        [Thing(0, straight((10, 10), (90, 10), there), 1), Thing(1, straight((10, 50), (90, 50)), 5)], noise=0
    )
    document, history = open_scene(scene, tmp_path)
    with document:
        history.do(SplitTrack(1, 1, 30, 3))
        yield document, history


def test_a_proposal_says_where_the_track_was_seen(broken):
    document, history = broken
    first, second = identity_proposals(document, 1, 3, 30)
    assert (first.track_id, first.last_seen, first.next_seen, first.seen_at) == (1, 19, None, 19)
    assert (second.track_id, second.last_seen, second.next_seen, second.seen_at) == (2, 29, 31, 29)
    assert first.similarity > 0.8
    assert second.similarity < 0.2
    assert second.margin < 0
    (link,) = link_suggestions(document, 1, 3)
    assert link == first
    history.do(link_edit(document, 1, 3, link.track_id))
    assert document.lane(1, 1).frame_indices.tolist() == [*range(20), *range(30, 60)]
    assert link_suggestions(document, 1, 1) == link_suggestions(document, 1, 9) == []
    assert len(identity_proposals(document, 1, 2, 5, limit=1)) == 1


def test_a_track_seen_later_only_is_compared_with_what_comes(broken):
    document, _ = broken
    proposal = next(p for p in identity_proposals(document, 1, 1, 10) if p.track_id == 3)
    assert (proposal.last_seen, proposal.next_seen, proposal.seen_at) == (None, 30, 30)
    assert proposal.similarity > 0.9


def test_what_may_not_be_edited_is_not_proposed(broken):
    document, history = broken
    history.do(Confirm(1, 2, FrameRange(30, 30)))
    assert [p.track_id for p in identity_proposals(document, 1, 3, 30)] == [1]
    assert [p.track_id for p in identity_proposals(document, 1, 3, 31)] == [1, 2]
    assert identity_proposals(document, 1, 2, 30) == []
    history.do(SetLocked(1, (1,), locked=True))
    assert identity_proposals(document, 1, 3, 30) == link_suggestions(document, 1, 3) == []
    history.undo()
    history.do(Confirm(1, 3, FrameRange(40, 40)))
    assert link_suggestions(document, 1, 3) == []


def test_an_instance_that_no_model_saw_has_no_proposals(broken):
    document, history = broken
    history.do(SetMask(1, 1, 25, rle.encode(np.ones((60, 100), bool)), None))
    assert identity_proposals(document, 1, 1, 25) == []
    assert identity_proposals(document, 1, 1, 26) == []


def test_vectors_of_other_weights_are_not_compared(broken):
    document, history = broken
    results = Scene([Thing(0, straight((90, 30), (10, 30)), 1)], noise=0).results()
    run = begin_run(history, 1, {"model": "other", "weights_id": "other"}, LABELS, 40)
    run.add(results[40:])
    run.finish("done")
    (track_id,) = {t.track.track_id for t in document.tracks(1)} - {1, 2, 3}
    assert identity_proposals(document, 1, track_id, 40) == []
