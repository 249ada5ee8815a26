"""What a review costs: python tests/bench/review_cost.py [--seeds 4] [--keys 60] [--clips FOLDER] [--json].

Mistakes are planted into clips with known truth (`tests/document/review_truth.py`), and a simulated person follows the
review list, a list by velocity, one by jumps, and one in random order. Printed per set of clips and list: average
precision and recall at 20 of the list as it is first shown; keys per mended mistake and the area under "share mended"
over keys of the whole session, and the same area where every correction costs one key, proposal or not.

`--clips` takes recordings that nothing was fitted to: python tests/bench/review_clips.py --others 16 --into FOLDER.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "document"))

from review_errors import errors_of
from review_mistakes import plant
from review_truth import CLIPS, Recording, clip_names, made_up_clip, open_recording, recorded_clip, truly_tracked
from simulated_reviewer import RANKINGS, Session, review, score_ranking

MIXTURE = ("merge", "switch", "fragment", "duplicate", "flip", "switch", "fragment")


class Figures(NamedTuple):
    """Of one set and one list; means over its clips, except for the keys, which are summed first."""

    average_precision: float
    recall_at_20: float
    keys_per_fix: float
    area: float
    area_one_key: float
    errors: int
    fixed: int
    accepted: int


def clip_sets(seeds: int, folder: Path = CLIPS) -> dict[str, list[Recording]]:
    """Sets of clips with mistakes, by name."""
    sets: dict[str, list[Recording]] = {}
    for name in clip_names(folder):
        clean = truly_tracked(recorded_clip(name, folder))
        sets.setdefault(name.split("-")[0], []).extend(plant(clean, seed, MIXTURE) for seed in range(seeds))
    for noise, label in ((0.3, "made up, clear"), (0.8, "made up, noisy")):
        clean_clips = [made_up_clip(seed, noise=noise) for seed in range(2 * seeds)]
        sets[label] = [plant(clip, seed, MIXTURE) for seed, clip in enumerate(clean_clips)]
    for name in clip_names(folder):
        sets.setdefault(f"as tracked {name.split('-')[0]}", []).append(recorded_clip(name, folder))
    return sets


def measure(clips: list[Recording], ranking: str, keys: int) -> Figures:
    """Review all clips of a set with one list."""
    scores, sessions, even = [], list[Session](), list[Session]()
    with tempfile.TemporaryDirectory() as folder:
        for number, clip in enumerate(clips):
            project = open_recording(clip, Path(folder) / f"{number}.visolo")
            scores.append(score_ranking(RANKINGS[ranking](project.document), errors_of(project)))
            sessions.append(review(project, RANKINGS[ranking], keys))
            project.document.close()
            again = open_recording(clip, Path(folder) / f"{number}-again.visolo")
            even.append(review(again, RANKINGS[ranking], keys, by_hand=1))
            again.document.close()
    fixed = sum(session.fixed for session in sessions)
    return Figures(
        float(np.mean([score.average_precision for score in scores])),
        float(np.mean([score.recall_at_20 for score in scores])),
        sum(session.keys for session in sessions) / max(1, fixed),
        float(np.mean([session.area(keys) for session in sessions])),
        float(np.mean([session.area(keys) for session in even])),
        sum(score.errors for score in scores),
        fixed,
        sum(session.accepted for session in sessions),
    )


def all_figures(sets: dict[str, list[Recording]], keys: int) -> Iterator[tuple[str, str, Figures]]:
    """Set, list, figures."""
    for name, clips in sets.items():
        for ranking in RANKINGS:
            yield name, ranking, measure(clips, ranking, keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="plantings of each clip")
    parser.add_argument("--keys", type=int, default=60, help="most keys of a session")
    parser.add_argument("--clips", type=Path, default=CLIPS, help="folder of recorded clips")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.json:
        print(f"{'set':<20}{'list':<10}{'AP':>6}{'R@20':>6}{'keys/fix':>10}{'area':>6}{'one key':>9}", end="")
        print(f"{'mended':>10}{'by proposal':>13}")
    for name, ranking, f in all_figures(clip_sets(options.seeds, options.clips), options.keys):
        if options.json:
            print(json.dumps({"set": name, "list": ranking, **f._asdict()}), flush=True)
            continue
        print(
            f"{name:<20}{ranking:<10}{f.average_precision:6.2f}{f.recall_at_20:6.2f}{f.keys_per_fix:10.1f}{f.area:6.2f}"
            f"{f.area_one_key:9.2f}{f.fixed:>6}/{f.errors:<4}{f.accepted:>11}",
            flush=True,
        )


if __name__ == "__main__":
    main()
