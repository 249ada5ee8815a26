"""Association: equal to the official tracker written down plainly, obedient to constraints, resumable anywhere."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo.config import InferenceConfig
from visolo.inference.linking import (
    LinkConstraints,
    LinkState,
    Sighting,
    Similarity,
    TrackLinker,
    link_state,
)

CONFIG = InferenceConfig()
OFFICIAL = InferenceConfig(official_quirks=True)
SIMILARITY = Similarity(scale=1.0, bias=-4.0)
CELLS, EMBEDDING, OBJECTS = 20, 6, 7


class Video:
    """Objects that move over a grid, hide and resemble each other: q and r of all cells, and the detected ones."""

    def __init__(self, seed, length):
        rng = np.random.default_rng(seed)
        looks = rng.standard_normal((OBJECTS, EMBEDDING))
        looks *= 2.4 / np.linalg.norm(looks, axis=1, keepdims=True)
        looks[1] = looks[0]
        hidden = rng.choice([0.1, 0.4, 0.7])
        self.queries = (0.5 * rng.standard_normal((length, CELLS, EMBEDDING))).astype(np.float32)
        self.references = (0.5 * rng.standard_normal((length, CELLS, EMBEDDING))).astype(np.float32)
        self.cells = []
        for t in range(length):
            cells = rng.permutation(CELLS)[:OBJECTS]
            shown = rng.permutation(np.flatnonzero(rng.random(OBJECTS) > hidden))
            for values in (self.queries, self.references):
                values[t, cells[shown]] += looks[shown].astype(np.float32)
            self.cells.append(cells[shown])

    def detections(self, t):
        return self.queries[t, self.cells[t]], self.references[t, self.cells[t]]

    def similarity(self, earlier, later):
        """(CELLS, CELLS) of all cells of two frames, as the official code computes it."""
        return SIMILARITY.scores(self.queries[earlier], self.references[later])


class OfficialTracker:
    """Source: official.md, section 7, written down as it is told, with the similarity of all cells of two frames."""

    def __init__(self, video):
        self.video, self.next_id, self.previous, self.candidates = video, 0, None, []

    def step(self, t):
        ids = [None] * len(self.video.cells[t])
        if self.previous is not None:
            self.search(self.previous, t, ids)
        for candidate in reversed(self.candidates):
            used = self.search(candidate, t, ids) if None in ids else set()
            keep_only(candidate, [j for j in range(len(candidate["ids"])) if j not in used])
        self.candidates = [c for c in self.candidates if c["ids"]]
        for i in range(len(ids)):
            if ids[i] is None:
                ids[i], self.next_id = self.next_id, self.next_id + 1
        if self.previous is not None:
            keep_only(self.previous, [j for j, track_id in enumerate(self.previous["ids"]) if track_id not in ids])
            self.candidates += [self.previous] if self.previous["ids"] else []
        self.previous = {"frame": t, "cells": self.video.cells[t], "ids": list(ids)} if ids else None
        return ids

    def search(self, earlier, t, ids):
        """Give unmatched detections, in order, their most similar free instance; returns the rows used."""
        scores, used = self.video.similarity(earlier["frame"], t)[earlier["cells"]], set()
        for i, cell in enumerate(self.video.cells[t]):
            alike = [j for j in np.argsort(-scores[:, cell], kind="stable") if scores[j, cell] >= np.float32(0.1)]
            free = [j for j in alike if j not in used]
            if ids[i] is None and free:
                used.add(free[0])
                ids[i] = earlier["ids"][free[0]]
        return used


def keep_only(earlier, rows):
    earlier["cells"], earlier["ids"] = earlier["cells"][rows], [earlier["ids"][j] for j in rows]


def official_track_ids(video):
    """Track ids of every frame's detections."""
    tracker = OfficialTracker(video)
    return [tracker.step(t) for t in range(len(video.cells))]


def track_ids(video, linker, first=0, last=None):
    frames = range(first, len(video.cells) if last is None else last)
    return [linker.link(t, *video.detections(t)).tolist() for t in frames]


def linker(config=CONFIG, **more):
    return TrackLinker(config, SIMILARITY, **more)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_detected_cells_suffice_to_equal_the_official_tracker(seed):
    video = Video(seed, 25)
    expected = official_track_ids(video)
    assert track_ids(video, linker(OFFICIAL)) == expected
    assert track_ids(video, linker()) == expected


def test_those_videos_lose_and_find_tracks_again():
    refound = 0
    for seed in range(20):
        ids = official_track_ids(Video(seed, 25))
        for t in range(2, 25):
            known = {i for earlier in ids[: t - 1] for i in earlier}
            refound += len(known.intersection(ids[t]).difference(ids[t - 1]))
    assert refound > 100


def alike(*objects):
    """Detections of the given objects, whose looks are orthogonal: similarity 0.98 to themselves and 0.02 to others."""
    looks = np.eye(8, dtype=np.float32)[list(objects)].reshape(-1, 8) * np.sqrt(8)
    return looks, looks


def run(frames, **more):
    made = linker(**more)
    return [made.link(t, *alike(*objects)).tolist() for t, objects in enumerate(frames)], made


def test_the_threshold_is_inclusive():
    similarity = Similarity(0.0, float(np.log(0.25 / 0.75)))
    exactly = similarity.scores(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32))[0, 0]
    for threshold, expected in ((float(exactly), 0), (float(np.nextafter(exactly, np.float32(1))), 1)):
        made = TrackLinker(replace(CONFIG, link_threshold=threshold), similarity)
        made.link(0, *alike(0))
        assert made.link(1, *alike(0)).tolist() == [expected]


def test_similarity_far_from_zero_has_no_warning_and_the_right_value():
    queries, references = np.array([[-200.0], [200.0]], np.float32), np.array([[1.0]], np.float32)
    assert Similarity().scores(queries, references)[:, 0].tolist() == [0.0, 1.0]


def test_of_equal_matches_the_better_scored_track_is_taken():
    made = linker()
    made.link(0, *alike(3, 3))
    assert made.link(1, *alike(3, 3, 3)).tolist() == [0, 1, 2]


def test_a_track_is_found_again_after_frames_without_detections():
    ids, made = run([(0, 1), (), (), (1, 2, 0)])
    assert ids == [[0, 1], [], [], [1, 2, 0]]
    assert made.state.lost == ()


def test_the_newest_loss_is_looked_at_first():
    ids, _ = run([(0,), (1,), (0,), (), (0,)])
    assert ids == [[0], [1], [0], [], [0]]
    # Two tracks of the same looks, lost one after the other.
    ids, _ = run([(0, 0), (0,), (2,), (2, 0), (2, 0, 0)])
    assert ids == [[0, 1], [0], [2], [2, 0], [2, 0, 1]]


def test_lost_tracks_beyond_the_limit_are_forgotten_except_with_official_quirks():
    frames = [(n,) for n in range(6)] + [(0,)]
    assert run(frames)[0][-1] == [0]
    assert run(frames, config=replace(CONFIG, lost_limit=3))[0][-1] == [6]
    assert run(frames, config=replace(CONFIG, lost_limit=3, official_quirks=True))[0][-1] == [0]
    assert len(run(frames, config=replace(CONFIG, lost_limit=3))[1].state.lost) == 3


def test_a_lost_limit_of_zero_is_no_limit():
    frames = [(n % 7,) for n in range(7)] + [(0,)]
    assert run(frames, config=replace(CONFIG, lost_limit=0))[0][-1] == [0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), cut=st.integers(0, 24))
def test_going_on_from_a_kept_state_changes_nothing(seed, cut):
    video = Video(seed, 25)
    whole = linker()
    head = track_ids(video, whole, last=cut)
    state = whole.state
    tail = track_ids(video, whole, first=cut)
    assert track_ids(video, linker(state=state), first=cut) == tail
    assert [*head, *tail] == official_track_ids(video)


def last_seen(video, ids, cut):
    seen = {}
    for t in range(cut):
        for index, track_id in enumerate(ids[t]):
            seen[track_id] = (t, index)
    order = sorted(seen.items(), key=lambda item: item[1])
    return [Sighting(t, track_id, video.detections(t)[0][index]) for track_id, (t, index) in order]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), cut=st.integers(0, 24))
def test_going_on_from_where_tracks_were_last_seen_changes_nothing(seed, cut):
    video = Video(seed, 25)
    ids = official_track_ids(video)
    state = link_state(cut, last_seen(video, ids, cut))
    assert track_ids(video, linker(state=state), first=cut) == ids[cut:]


def test_new_tracks_never_get_the_id_of_a_known_one():
    state = link_state(5, [Sighting(4, 40, alike(0)[0][0]), Sighting(2, 7, alike(1)[0][0])], next_track_id=12)
    made = linker(state=state)
    assert made.link(5, *alike(1, 2, 0, 3)).tolist() == [7, 41, 40, 42]
    assert linker(state=LinkState(next_track_id=12)).link(0, *alike(0)).tolist() == [12]


def test_a_track_is_last_seen_once_and_before_the_next_frame():
    query = alike(0)[0][0]
    with pytest.raises(ValueError, match="one sighting for every track"):
        link_state(5, [Sighting(4, 1, query), Sighting(3, 1, query)])
    with pytest.raises(ValueError, match="frame 5 is next, a track seen in frame 5"):
        link_state(5, [Sighting(5, 1, query)])


def forced(frames, decisions):
    return run(frames, constraints=LinkConstraints(forced=decisions))


def test_a_forced_track_goes_on_from_where_it_was_forced():
    frames = [(0, 1), (0, 1), (0, 1), (1, 0)]
    ids, _ = forced(frames, {(2, 0): 1, (2, 1): 0})
    assert ids == [[0, 1], [0, 1], [1, 0], [0, 1]]


def test_a_forced_track_is_taken_from_whom_it_would_have_gone_to():
    ids, _ = forced([(0, 1), (0, 1), (0, 1)], {(1, 1): 0})
    # Detection 0 may not be track 0 any more and finds nothing else; track 1 is lost.
    assert ids[1] == [2, 0]
    assert ids[2] == [2, 0]


def test_a_forced_track_leaves_the_lost_ones():
    ids, made = forced([(0, 1), (1,), (1, 2), (1, 2, 0)], {(2, 1): 0})
    assert ids == [[0, 1], [1], [1, 0], [1, 0, 2]]
    assert made.state.lost == ()


def test_a_forced_new_track_is_not_given_out_again():
    ids, made = forced([(0,), (0, 1, 2)], {(1, 1): 9})
    assert ids == [[0], [0, 9, 10]]
    assert made.state.next_track_id == 11


def test_forcing_what_happens_anyway_changes_nothing():
    video = Video(11, 25)
    ids = official_track_ids(video)
    decisions = {(t, index): track_id for t in range(0, 25, 3) for index, track_id in enumerate(ids[t])}
    assert track_ids(video, linker(constraints=LinkConstraints(forced=decisions))) == ids


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), choices=st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_constraints_hold_and_no_track_is_twice_in_a_frame(seed, choices):
    video = Video(seed, 20)
    places = [(t, index) for t in range(20) for index in range(len(video.cells[t]))]
    decided = {places[c % len(places)]: c % 9 for c in choices}
    used = set()
    decided = {p: i for p, i in decided.items() if (p[0], i) not in used and not used.add((p[0], i))}
    banned = frozenset((*places[c % len(places)], track_id) for c in choices for track_id in range(0, 9, 2))
    banned = frozenset(b for b in banned if b[:2] not in decided)
    ids = track_ids(video, linker(constraints=LinkConstraints(decided, banned)))
    for (t, index), track_id in decided.items():
        assert ids[t][index] == track_id
    for frame in ids:
        assert len(set(frame)) == len(frame)
    for t, index, track_id in banned:
        born = all(track_id not in ids[earlier] for earlier in range(t))
        assert born or ids[t][index] != track_id


def test_a_forbidden_link_goes_to_the_next_best_or_starts_a_track():
    banned = LinkConstraints(forbidden=frozenset({(1, 0, 0)}))
    ids, _ = run([(0, 0), (0,), (0, 0)], constraints=banned)
    assert ids == [[0, 1], [1], [1, 0]]
    ids, made = run([(0,), (0,), (0,)], constraints=banned)
    assert ids == [[0], [1], [1]]
    assert [seen.track_ids.tolist() for seen in made.state.lost] == [[0]]


def test_a_forbidden_lost_track_is_not_found_again():
    ids, _ = run([(0,), (), (0,)], constraints=LinkConstraints(forbidden=frozenset({(2, 0, 0)})))
    assert ids == [[0], [], [1]]


def test_an_excluded_track_waits_until_the_next_frame():
    excluded = LinkConstraints(excluded={1: frozenset({0})})
    ids, _ = run([(0, 1), (0, 1), (0, 1)], constraints=excluded)
    assert ids == [[0, 1], [2, 1], [2, 1]]
    ids, made = run([(0, 1), (1,), (0, 1), (0, 1)], constraints=LinkConstraints(excluded={2: frozenset({0})}))
    assert ids == [[0, 1], [1], [2, 1], [2, 1]]
    assert [seen.track_ids.tolist() for seen in made.state.lost] == [[0]]
    both = LinkConstraints(forced={(1, 0): 0}, excluded={1: frozenset({0})})
    assert run([(0,), (0,)], constraints=both)[0] == [[0], [0]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), cut=st.integers(0, 24), limit=st.sampled_from([0, 2, 128]))
def test_following_known_identities_leads_to_the_same_state(seed, cut, limit):
    video = Video(seed, 25)
    config = replace(CONFIG, lost_limit=limit)
    whole, follower = linker(config), linker(config)
    for t, ids in enumerate(track_ids(video, whole, last=cut)):
        follower.follow(t, np.array(ids, dtype=np.int64), video.detections(t)[0])
    assert track_ids(video, follower, first=cut) == track_ids(video, whole, first=cut)


def test_constraints_that_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="frame 1 has 1 detections, none has the index 3"):
        forced([(0,), (0,)], {(1, 3): 0})
    with pytest.raises(ValueError, match="frame 1: one track is forced on two detections"):
        forced([(0,), (0, 1)], {(1, 0): 4, (1, 1): 4})


def test_what_link_returns_can_be_changed_without_harm():
    made = linker()
    made.link(0, *alike(0))[:] = 77
    assert made.link(1, *alike(0)).tolist() == [0]
