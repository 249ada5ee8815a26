"""Fits the weights of the review list: python tests/bench/review_weights.py [--seeds 6].

Logistic regression on the moments of some sets of clips, held near the present weights and to their signs; printed are
the weights for `app/document/review/weights.py` and the average precision of the moments on the sets left out.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "document"))

from review_cost import clip_sets
from review_errors import Error, errors_of
from review_truth import Recording, open_recording

from app.document.review import weights
from app.document.review.links import PairFinder, find_links
from app.document.review.moments import (
    BREAK_FEATURES,
    JOIN_FEATURES,
    SWITCH_FEATURES,
    Moments,
    breaks,
    joins,
    switches,
)
from app.document.review.observations import Observations

FITTED_ON = ("cars", "dogs", "made up, clear", "as tracked cars", "as tracked dogs")
_HOLD = 20.0  # how strongly the present weights hold, in moments


class Kind(NamedTuple):
    """Moments that one table of weights ranks; `mistake` is what they show."""

    mistake: str
    features: tuple[str, ...]
    present: weights.Weights


KINDS = {
    "SWITCH": Kind("switch", SWITCH_FEATURES, weights.SWITCH),
    "JOIN": Kind("broken", JOIN_FEATURES, weights.JOIN),
    "BREAK": Kind("two objects", BREAK_FEATURES, weights.BREAK),
}


class Examples(NamedTuple):
    """Features (k, F) and whether the moment is a mistake (k,)."""

    features: NDArray[np.float64]
    mistakes: NDArray[np.bool_]


def examples_of(clips: list[Recording]) -> dict[str, Examples]:
    """All moments of the clips, by the name of their weights."""
    found: dict[str, list[tuple[NDArray[np.float32], bool]]] = {name: [] for name in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for number, clip in enumerate(clips):
            project = open_recording(clip, Path(folder) / f"{number}.visolo")
            errors, seen = errors_of(project), Observations(project.document, 1)
            project.document.close()
            links = find_links(seen)
            moments = {"SWITCH": switches(seen, links, PairFinder().find(seen)), "JOIN": joins(seen)}
            moments["BREAK"] = breaks(seen, links)
            for name, some in moments.items():
                found[name] += _labelled(some, [e for e in errors if e.kind == KINDS[name].mistake])
    return {
        name: Examples(np.array([x for x, _ in rows], np.float64), np.array([y for _, y in rows], bool))
        for name, rows in found.items()
    }


def _labelled(moments: Moments, errors: list[Error]) -> list[tuple[NDArray[np.float32], bool]]:
    columns = (moments.frames.tolist(), moments.tracks.tolist(), moments.others.tolist(), moments.features)
    return [
        (features, any(abs(e.frames[0] - frame) <= 1 and set(e.track_ids) == {track, other} - {0} for e in errors))
        for frame, track, other, features in zip(*columns, strict=True)
        if not np.isnan(features).all()
    ]


def fit(examples: Examples, present: weights.Weights) -> NDArray[np.float64]:
    """(F + 1,) factors and the intercept."""
    start = np.array([w.factor for w in present.features] + [present.intercept])
    inputs = _inputs(examples.features, present)
    spread = np.maximum(inputs.std(0) ** 2, 1e-6)
    spread[-1] = 1
    fitted = start.copy()
    for _ in range(200):
        likely = 1 / (1 + np.exp(-inputs @ fitted))
        slope = inputs.T @ (likely - examples.mistakes) + _HOLD * spread * (fitted - start)
        curvature = (inputs * (likely * (1 - likely))[:, None]).T @ inputs + _HOLD * np.diag(spread)
        fitted -= 0.3 * np.linalg.solve(curvature, slope)
        turned = np.sign(fitted[:-1]) == -np.sign(start[:-1])
        fitted[:-1][turned] = 0
    return fitted


def _inputs(features: NDArray[np.float64], present: weights.Weights) -> NDArray[np.float64]:
    usual = np.array([w.usual for w in present.features])
    return np.c_[np.where(np.isnan(features), usual, features), np.ones(len(features))]


def average_precision(scores: NDArray[np.float64], mistakes: NDArray[np.bool_]) -> float:
    """Of moments ranked by their scores."""
    ranked = mistakes[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="plantings of each clip")
    sets = {name: examples_of(clips) for name, clips in clip_sets(parser.parse_args().seeds).items()}
    for name, kind in KINDS.items():
        chosen = [sets[s][name] for s in FITTED_ON if len(sets[s][name].mistakes)]
        fitted = fit(Examples(*(np.concatenate(column) for column in zip(*chosen, strict=True))), kind.present)
        figures = ", ".join(f"{f} {v:.2f}" for f, v in zip((*kind.features, "intercept"), fitted, strict=True))
        print(f"{name}: {figures}")
        start = np.array([w.factor for w in kind.present.features] + [kind.present.intercept])
        for set_name, examples in ((s, found[name]) for s, found in sets.items() if s not in FITTED_ON):
            if examples.mistakes.any():
                inputs = _inputs(examples.features, kind.present)
                before, after = (average_precision(inputs @ w, examples.mistakes) for w in (start, fitted))
                print(f"  left out: {set_name:<18} AP {before:.3f} before, {after:.3f} fitted")


if __name__ == "__main__":
    main()
