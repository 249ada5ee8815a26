"""IDF1, switches, fragmentations, MOTA and HOTA: equal to TrackEval's numbers, and right where it says nothing."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo import rle
from visolo.categories import Category
from visolo.evaluation.track_strata import STRATIFICATIONS
from visolo.evaluation.tracking_metrics import evaluate_tracking
from visolo.io.ytvis import Annotation, Dataset, ResultEntry, Video
from visolo.io.ytvis_types import mask_areas

sys.path.insert(0, str(Path(__file__).parent))

from ytvis_data import datasets, results_for

H, W = 8, 12
VIDEO = Video(1, W, H, 6)
CATEGORIES = (Category(1, "cat"), Category(2, "dog"))


def box(x, y=0, width=4, height=4):
    mask = np.zeros((H, W), dtype=bool)
    mask[y : y + height, x : x + width] = True
    return rle.encode(mask)


def track(*xs, category_id=1):
    return ResultEntry(1, category_id, 0.9, tuple(None if x is None else box(x) for x in xs))


def dataset_of(*tracks, crowds=()):
    annotations = [
        Annotation.of_masks(i + 1, 1, t.category_id, t.segmentations, iscrowd=i in crowds) for i, t in enumerate(tracks)
    ]
    return Dataset((VIDEO,), CATEGORIES, tuple(annotations))


def trackeval_numbers(dataset, results, category_id):
    """What TrackEval says of one class, from bitmaps of its own decoding."""
    metrics = pytest.importorskip("trackeval.metrics", reason="TrackEval is not installed")
    quiet = {"PRINT_CONFIG": False}
    answer = {}
    for metric in (metrics.HOTA(), metrics.CLEAR(quiet), metrics.Identity(quiet)):
        per_video = {
            str(v.video_id): metric.eval_sequence(trackeval_data(dataset, results, v, category_id))
            for v in dataset.videos
        }
        answer |= metric.combine_sequences(per_video)
    return answer


def trackeval_data(dataset, results, video, category_id):
    of_class = {"video_id": video.video_id, "category_id": category_id}
    sides = [
        [
            t.segmentations
            for t in source
            if all(getattr(t, key) == value for key, value in of_class.items()) and mask_areas(t).any()
        ]
        for source in (dataset.annotations, results)
    ]
    ids, scores = [[], []], []
    for t in range(video.length):
        here = [[i for i, masks in enumerate(side) if masks[t] is not None and rle.area(masks[t])] for side in sides]
        maps = [[rle.decode(side[i][t]) for i in present] for side, present in zip(sides, here, strict=True)]
        for side_ids, present in zip(ids, here, strict=True):
            side_ids.append(np.array(present, dtype=int))
        pairs = [(a & b).sum() / (a | b).sum() for a in maps[0] for b in maps[1]]
        scores.append(np.array(pairs, dtype=float).reshape(len(maps[0]), len(maps[1])))
    return {
        "gt_ids": ids[0],
        "tracker_ids": ids[1],
        "similarity_scores": scores,
        "num_gt_ids": len(sides[0]),
        "num_tracker_ids": len(sides[1]),
        "num_gt_dets": sum(map(len, ids[0])),
        "num_tracker_dets": sum(map(len, ids[1])),
        "num_timesteps": video.length,
    }


@st.composite
def moving_boxes(draw):
    """Objects that cross, and predictions that follow them with jumps, gaps and exchanged identities."""
    length, count = draw(st.integers(1, 8)), draw(st.integers(0, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    video = Video(1, 20, 8, length)
    starts, speeds = random.integers(0, 16, count), random.integers(-2, 3, count)
    places = np.clip(starts + np.outer(np.arange(length), speeds), 0, 16)  # (T, N)

    def mask_at(x):
        mask = np.zeros((8, 20), dtype=bool)
        mask[2:6, x : x + 4] = random.random((4, 4)) < 0.95
        return rle.encode(mask)

    def masks(columns, presence):
        return tuple(mask_at(x) if random.random() < presence else None for x in columns)

    annotations, results = [], []
    for n in range(count):
        annotations.append(Annotation.of_masks(n + 1, 1, 1, masks(places[:, n], 0.9)))
    for n in range(count + draw(st.integers(0, 2))):
        owner = np.where(np.arange(length) < random.integers(0, length + 1), n, n + 1) % max(count, 1)
        columns = places[np.arange(length), owner] if count else random.integers(0, 16, length)
        columns = np.clip(columns + random.integers(-1, 2, length), 0, 16)
        results.append(ResultEntry(1, 1, 0.5, masks(columns, 0.8)))
    return Dataset((video,), CATEGORIES, tuple(annotations)), results


def assert_equal_to_trackeval(scores, numbers):
    ours = [scores.HOTA, scores.DetA, scores.AssA, scores.LocA, scores.MOTA, scores.IDF1, scores.IDP, scores.IDR]
    names = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "IDF1", "IDP", "IDR")
    assert ours == pytest.approx([float(np.mean(numbers[name])) for name in names], abs=1e-6)
    assert (scores.id_switches, scores.fragmentations) == (numbers["IDSW"], numbers["Frag"])


@given(case=moving_boxes())
@settings(max_examples=60, deadline=None)
def test_numbers_equal_trackevals(case):
    dataset, results = case
    assert_equal_to_trackeval(evaluate_tracking(dataset, results).combined, trackeval_numbers(dataset, results, 1))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_each_class_equals_trackevals_over_several_videos(data):
    dataset = data.draw(datasets())
    dataset = replace(dataset, annotations=tuple(replace(a, iscrowd=False) for a in dataset.annotations))
    results = data.draw(results_for(dataset))
    for category_id, scores in evaluate_tracking(dataset, results).per_category.items():
        assert_equal_to_trackeval(scores, trackeval_numbers(dataset, results, category_id))


def test_a_perfect_result_has_perfect_numbers():
    tracks = (track(0, 1, 2, 3, 4, 5), track(8, 8, None, None, 8, 8, category_id=2))
    scores = evaluate_tracking(dataset_of(*tracks), tracks).combined
    ratios = (scores.HOTA, scores.DetA, scores.AssA, scores.LocA, scores.IDF1, scores.IDP, scores.IDR, scores.MOTA)
    assert ratios == pytest.approx([1.0] * 8)
    assert (scores.id_switches, scores.tracks, scores.masks, scores.predicted_masks) == (0, 2, 10, 10)


def test_exchanged_identities_cost_identity_and_not_detection():
    truth = dataset_of(track(0, 0, 0, 0, 0, 0), track(8, 8, 8, 8, 8, 8))
    scores = evaluate_tracking(truth, [track(0, 0, 0, 8, 8, 8), track(8, 8, 8, 0, 0, 0)]).combined
    assert pytest.approx(1.0) == scores.DetA
    assert (scores.id_switches, scores.IDF1, scores.MOTA) == (2, 0.5, pytest.approx(10 / 12))
    assert pytest.approx(1 / 3) == scores.AssA


def test_a_gap_that_others_fill_is_a_fragmentation():
    truth = dataset_of(track(0, 0, 0, 0, 0, 0), track(8, 8, 8, 8, 8, 8))
    results = [track(0, 0, None, None, 0, 0), track(8, 8, 8, 8, 8, 8)]
    scores = evaluate_tracking(truth, results).combined
    assert (scores.fragmentations, scores.id_switches) == (1, 0)


def test_a_wrong_class_is_forgiven_only_when_asked():
    truth, results = dataset_of(track(0, 0, 0, 0, 0, 0)), [track(0, 0, 0, 0, 0, 0, category_id=2)]
    metrics = evaluate_tracking(truth, results)
    assert metrics.combined.IDF1 == 0
    assert set(metrics.per_category) == {1, 2}
    agnostic = evaluate_tracking(truth, results, is_class_agnostic=True)
    assert agnostic.combined.IDF1 == 1
    assert agnostic.per_category == {}


def test_a_prediction_on_a_crowd_counts_neither_way():
    mine, crowd = track(0, 0, 0, 0, 0, 0), track(8, 8, 8, 8, 8, 8)
    truth = dataset_of(mine, crowd, crowds=(1,))
    scores = evaluate_tracking(truth, [mine, crowd]).combined
    assert (scores.MOTA, scores.IDF1, scores.masks, scores.predicted_masks) == (1, 1, 6, 6)
    stray = track(4, 4, 4, 4, 4, 4)
    assert evaluate_tracking(truth, [mine, stray]).combined.IDP == 0.5


def test_strata_tell_tracks_apart():
    hidden, neighbour, short = track(0, 0, None, None, 0, 0), track(7, 7, 7, 7, 7, 7), track(None, 6, 6)
    truth = dataset_of(hidden, neighbour, replace(short, segmentations=(*short.segmentations, None, None, None)))
    strata = evaluate_tracking(truth, [neighbour], by=STRATIFICATIONS["occlusion"]).strata
    assert {name: (s.tracks, s.recall, s.IDR) for name, s in strata.items()} == {
        "partly hidden": (2, pytest.approx(6 / 10), pytest.approx(6 / 10)),
        "mostly hidden": (1, 0, 0),
    }


@pytest.mark.parametrize("by", STRATIFICATIONS)
def test_strata_add_up_to_all_tracks(by):
    tracks = [track(0, 1, 2, 3, 4, 5), track(8, 8, None, None, 8, 8, category_id=2), track(4, 4, 4, 4, 4, 4)]
    metrics = evaluate_tracking(dataset_of(*tracks), tracks[1:], by=STRATIFICATIONS[by])
    for name in ("tracks", "masks", "id_switches", "fragmentations"):
        assert sum(getattr(s, name) for s in metrics.strata.values()) == getattr(metrics.combined, name)


def test_lists_of_another_length_and_nothing_at_all_are_no_error():
    short = replace(track(0, 0), segmentations=(box(0), box(0)))
    scores = evaluate_tracking(dataset_of(track(0, 0, 0, 0, 0, 0)), [short]).combined
    assert pytest.approx(2 / 6) == scores.IDR
    assert evaluate_tracking(Dataset((VIDEO,), CATEGORIES), []).combined.IDF1 == 0
