"""The twelve numbers against the recorded ones of the official code."""

import json
from pathlib import Path

import pytest

from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.ytvis import read_dataset, read_results

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
