"""The twelve numbers against the recorded ones of the official code."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo import rle
from visolo.categories import Category
from visolo.evaluation.video_iou import TrackMasks, video_ious
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.ytvis import (
    Annotation,
    Dataset,
    ResultEntry,
    Video,
    read_dataset,
    read_results,
    write_dataset,
    write_results,
)
from visolo.io.ytvis_types import mask_areas

sys.path.insert(0, str(Path(__file__).parent))

from ytvis_data import datasets, results_for

CASES = Path(__file__).parents[1] / "eval_cases"
EXPECTED = json.loads((CASES / "expected.json").read_text())
NAMES = EXPECTED["names"]


def metrics_of(name, *, quirks=False):
    dataset = read_dataset(CASES / name / "gt.json")
    results = read_results(CASES / name / "dt.json", dataset, allow_unknown_categories=True, allow_misfits=quirks)
    return evaluate(dataset, results, official_quirks=quirks)


@pytest.mark.parametrize("name", [n for n, case in EXPECTED["cases"].items() if case["kind"] in ("core", "error")])
@pytest.mark.parametrize("quirks", [False, True])
def test_numbers_equal_the_official_ones(name, quirks):
    metrics = metrics_of(name, quirks=quirks)
    expected = EXPECTED["cases"][name]
    assert [getattr(metrics, n) for n in NAMES] == pytest.approx(expected["stats"], abs=1e-9)
    for category in metrics.per_category:
        for key, value in expected["per_category"][str(category.category_id)].items():
            assert getattr(category, key) == (pytest.approx(value, abs=1e-9) if key != "name" else value)


@pytest.mark.parametrize("name", [n for n, case in EXPECTED["cases"].items() if case["kind"] == "quirk"])
def test_quirks_are_reproduced_when_asked_for(name):
    metrics = metrics_of(name, quirks=True)
    assert [getattr(metrics, n) for n in NAMES] == pytest.approx(EXPECTED["cases"][name]["stats"], abs=1e-9)


def test_misfits_are_punished_by_default():
    """A prediction that stops early, or whose masks have another size, must not gain by it."""
    for name in ("12_quirk_lengths", "13_quirk_sizes"):
        dataset = read_dataset(CASES / name / "gt.json")
        results = read_results(CASES / name / "dt.json", dataset, allow_misfits=True)
        assert evaluate(dataset, results).AP < evaluate(dataset, results, official_quirks=True).AP


def test_an_annotation_with_id_0_counts_by_default():
    metrics = metrics_of("14_quirk_gt_id_zero")
    assert pytest.approx(1.0) == metrics.AP


def test_json_has_the_official_names():
    table = metrics_of("01_perfect").to_json()
    assert list(table) == [*NAMES, "per_category"]
    assert table["per_category"]["1"]["name"] == "person"
    assert json.loads(json.dumps(table)) == table


def test_nothing_to_score():
    video = Video(1, 4, 4, 1)
    empty = evaluate(Dataset((video,), (Category(1, "a"),)), [])
    assert {getattr(empty, name) for name in NAMES} == {-1.0}
    assert {getattr(evaluate(Dataset((video,), ()), []), name) for name in NAMES} == {-1.0}


def test_results_of_unknown_videos_are_left_out():
    mask = rle.encode(np.ones((4, 4), dtype=bool))
    annotation = Annotation.of_masks(1, 1, 1, (mask,))
    dataset = Dataset((Video(1, 4, 4, 1),), (Category(1, "a"),), (annotation,))
    right, stray = ResultEntry(1, 1, 0.5, (mask,)), ResultEntry(9, 1, 0.9, (mask,))
    assert pytest.approx(1.0) == evaluate(dataset, [stray, right]).AP


def bitmap_iou(track, other, *, quirks):
    """Overlap by the definition, on bitmaps."""
    common = both = 0
    length = (min if quirks else max)(len(track), len(other))
    for t in range(length):
        mask, mask_of_other = (masks[t] if t < len(masks) else None for masks in (track, other))
        if mask is not None and mask_of_other is not None and mask.shape != mask_of_other.shape:
            both += 0 if quirks else mask.sum() + mask_of_other.sum()
            continue
        shape = next((m.shape for m in (mask, mask_of_other) if m is not None), (0, 0))
        a, b = (np.zeros(shape, dtype=bool) if m is None else m for m in (mask, mask_of_other))
        common += (a & b).sum()
        both += (a | b).sum()
    return common / both if both else 0.0


@settings(max_examples=60, deadline=None, database=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    sizes=st.sampled_from([[(5, 7)], [(5, 7), (7, 5), (5, 8)]]),
    quirks=st.booleans(),
)
def test_video_overlap_equals_that_of_bitmaps(seed, lengths, sizes, quirks):
    rng = np.random.default_rng(seed)

    def track(length):
        sizes_drawn = [sizes[rng.integers(len(sizes))] for _ in range(length)]
        return [rng.random(size) < rng.random() if rng.random() < 0.8 else None for size in sizes_drawn]

    bitmaps = [track(length) for length in lengths]
    rles = [tuple(None if m is None else rle.encode(m) for m in masks) for masks in bitmaps]
    tracks = [TrackMasks(masks, mask_areas(ResultEntry(1, 1, 1.0, masks))) for masks in rles]
    found = video_ious(tracks[:1], tracks[1:], official_quirks=quirks)
    assert found.tolist() == [[bitmap_iou(bitmaps[0], other, quirks=quirks) for other in bitmaps[1:]]]


@settings(max_examples=40, deadline=None, database=None)
@given(data=st.data())
def test_numbers_equal_those_of_plain_loops(tmp_path_factory, data):
    """Against the reference of the benchmark, which works as the official code does, on random small files."""
    folder = tmp_path_factory.getbasetemp()
    dataset = data.draw(datasets())
    write_dataset(folder / "gt.json", dataset)
    write_results(folder / "dt.json", data.draw(results_for(dataset)))
    expected = BENCH.reference(folder / "gt.json", folder / "dt.json")
    assert BENCH.product(folder / "gt.json", folder / "dt.json") == pytest.approx(expected, abs=1e-12)


def load_bench():
    path = Path(__file__).parents[1] / "bench" / "evaluate.py"
    spec = importlib.util.spec_from_file_location("bench_evaluate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCH = load_bench()
