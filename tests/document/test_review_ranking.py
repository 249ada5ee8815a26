"""Following the review list mends mistakes sooner and with fewer keys than following motion or chance."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from review_errors import errors_of
from review_mistakes import plant
from review_truth import Recording, clip_names, made_up_clip, open_recording, recorded_clip, truly_tracked
from simulated_reviewer import RANKINGS, Session, review, score_ranking

MIXTURE = ("merge", "switch", "fragment", "duplicate", "flip", "switch")
KEYS = 50


def clips(name: str) -> list[Recording]:
    if name == "made up":
        return [plant(made_up_clip(seed), seed, MIXTURE) for seed in range(3)]
    chosen = [clip for clip in clip_names() if clip.startswith(name)]
    return [plant(truly_tracked(recorded_clip(clip)), seed, MIXTURE) for seed, clip in enumerate(chosen)]


def follow(recordings: list[Recording], ranking: str, folder: Path) -> tuple[list[float], list[Session]]:
    """Average precision of the first list and the whole session, clip by clip."""
    precisions, sessions = [], []
    for number, recording in enumerate(recordings):
        project = open_recording(recording, folder / f"{ranking}-{number}.visolo")
        rows = RANKINGS[ranking](project.document)
        precisions.append(score_ranking(rows, errors_of(project)).average_precision)
        sessions.append(review(project, RANKINGS[ranking], KEYS))
        project.document.close()
    return precisions, sessions


@pytest.mark.parametrize("name", ["cars", "dogs", "mixed", "people", "made up"])
def test_the_list_beats_velocity_and_chance(tmp_path, name):
    recordings = clips(name)
    ours, our_sessions = follow(recordings, "ours", tmp_path)
    for other in ("velocity", "random"):
        theirs, their_sessions = follow(recordings, other, tmp_path)
        assert sum(ours) > sum(theirs)
        assert sum(s.area(KEYS) for s in our_sessions) > sum(s.area(KEYS) for s in their_sessions)
        assert keys_per_fix(our_sessions) < keys_per_fix(their_sessions)


@pytest.mark.parametrize("name", ["cars", "dogs", "mixed", "people"])
def test_the_first_twenty_rows_show_as_much_of_a_models_mistakes_as_velocity(tmp_path, name):
    """Here so much is wrong that looking everywhere finds it, which the end of the list has to do as well."""
    shown = dict.fromkeys(("ours", "velocity"), 0.0)
    for clip in (clip for clip in clip_names() if clip.startswith(name)):
        project = open_recording(recorded_clip(clip), tmp_path / f"{clip}.visolo")
        errors = errors_of(project)
        for ranking in shown:
            shown[ranking] += score_ranking(RANKINGS[ranking](project.document), errors).recall_at_20
        project.document.close()
    assert shown["ours"] >= shown["velocity"]


def keys_per_fix(sessions: list[Session]) -> float:
    return sum(s.keys for s in sessions) / sum(s.fixed for s in sessions)


def test_tracks_that_a_model_made_are_mended_with_fewer_keys(tmp_path):
    """Here nearly every moment is a mistake, so that only the proposals make a difference."""
    recordings = [recorded_clip(name) for name in clip_names()]
    _, ours = follow(recordings, "ours", tmp_path)
    _, theirs = follow(recordings, "velocity", tmp_path)
    assert sum(s.accepted for s in ours) > 0
    assert keys_per_fix(ours) < keys_per_fix(theirs)
    assert sum(s.area(KEYS) for s in ours) > sum(s.area(KEYS) for s in theirs)
