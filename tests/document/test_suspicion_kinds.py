"""Every kind of suspicious moment: a scene in which it happens, the row that says so, the proposal that mends it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from review_errors import errors_of
from review_scenes import Place, Scene, Thing, straight, two_crossing
from review_truth import open_recording, scene_recording

from app.document.edits import DeleteTrack, MergeTracks, SetCategory, SplitTrack, SwapTracks
from app.document.records import FrameRange
from app.document.suspicions import SuspicionKind, find_suspicions

K = SuspicionKind
DOG, CAR = 1, 2
FAMILY = 7  # things of it look much alike
APART = Thing(0, straight((20, 52), (80, 52)), look=3)
ACROSS = straight((10, 20), (90, 20))
FIRST_HALF, SECOND_HALF = (straight((10, 20), (90, 20), frames) for frames in (range(30), range(30, 60)))


def switched(thing: int, frame: int) -> int:
    """Things 0 and 1 have each other's tracks from frame 30 on."""
    return thing if thing > 1 or frame < 30 else 1 - thing


def two_dogs(**options) -> Scene:
    """Two that look much alike cross and are switched."""
    ways = straight((10, 20), (90, 30)), straight((90, 20), (10, 30))
    dogs = [Thing(DOG, way, look, family=FAMILY) for look, way in enumerate(ways, 1)]
    return Scene([*dogs, APART], track_of=switched, noise=0.3, **options)


def in_one_track(first: Thing, second: Thing, **options) -> Scene:
    """Two things, one after the other, that the model takes for one."""
    return Scene([first, second, APART], track_of=lambda thing, _: (0, 0, 1)[thing], **options)


def seen_in(frames: list[int]) -> Place:
    return straight((70, 8), (70, 8), frames)


def with_phantom(frames: list[int]) -> Scene:
    """Something that is no object is seen in some frames."""
    return Scene([Thing(DOG, ACROSS, look=1), APART, Thing(CAR, seen_in(frames), look=5, is_real=False, score=0.3)])


SCENES = {
    K.POSSIBLE_SWITCH: (
        two_crossing(track_of=switched, class_of=lambda thing, frame, true: true if thing != 1 or frame < 50 else DOG),
        SwapTracks(1, 1, 2, FrameRange(30, None)),
    ),
    K.NOT_OPTIMAL: (two_dogs(), SwapTracks(1, 1, 2, FrameRange(30, None))),
    K.NARROW_MARGIN: (
        two_dogs(strength_of=lambda _, frame: 0.2 if 24 < frame < 36 else 1.0),
        SwapTracks(1, 1, 2, FrameRange(30, None)),
    ),
    K.WEAK_LINK: (
        in_one_track(
            Thing(DOG, FIRST_HALF, 1, family=FAMILY),
            Thing(CAR, SECOND_HALF, 2, family=FAMILY),
            strength_of=lambda thing, frame: 0.3 if thing < 2 and 25 <= frame < 35 else 1.0,
        ),
        SplitTrack(1, 1, 30, 3),
    ),
    K.CHIMERA: (in_one_track(Thing(DOG, FIRST_HALF, 1), Thing(CAR, SECOND_HALF, 2)), SplitTrack(1, 1, 30, 3)),
    K.MASK_JUMP: (
        in_one_track(
            Thing(DOG, straight((10, 20), (50, 20), range(30)), 1, family=FAMILY),
            Thing(CAR, straight((90, 10), (80, 40), range(30, 60)), 2, family=FAMILY),
        ),
        SplitTrack(1, 1, 30, 3),
    ),
    K.AREA_JUMP: (
        in_one_track(
            Thing(DOG, FIRST_HALF, 1, side=8, family=FAMILY), Thing(CAR, SECOND_HALF, 2, side=26, family=FAMILY)
        ),
        SplitTrack(1, 1, 30, 3),
    ),
    K.BORN_WHERE_ANOTHER_ENDED: (
        Scene(
            [Thing(DOG, ACROSS, look=1), APART],
            track_of=lambda thing, frame: thing if thing or frame < 30 else (2 if frame > 31 else None),
        ),
        MergeTracks(1, 1, 3),
    ),
    K.DUPLICATE: (
        Scene([Thing(DOG, ACROSS, look=1), APART], twice={0: (2, range(20, 40))}),
        MergeTracks(1, 1, 3),
    ),
    K.CLASS_FLIP: (
        two_crossing(class_of=lambda thing, frame, true: CAR if thing == 0 and frame % 3 else true),
        SetCategory(1, (1,), 2),
    ),
    K.LOW_SUPPORT: (with_phantom([5, 6, 12, 19, 20, 27, 33, 34, 41, 48, 49, 55]), DeleteTrack(1, 3)),
    K.SHORT_TRACK: (with_phantom([25, 26]), DeleteTrack(1, 3)),
}


def test_there_is_a_scene_of_every_kind():
    assert set(SCENES) == set(SuspicionKind)


@pytest.mark.parametrize("kind", SCENES, ids=str)
def test_it_comes_first_and_its_proposal_mends_it(kind, tmp_path):
    scene, mend = SCENES[kind]
    project = open_recording(scene_recording(scene), tmp_path / "p.visolo")
    with project.document as document:
        assert errors_of(project)
        row = find_suspicions(document, 1)[0]
        assert (row.kind, row.proposal) == (kind, mend)
        assert row.confidence > 0.1
        project.history.do(row.proposal)
        assert errors_of(project) == []
        assert all(r.kind != kind or r.confidence < row.confidence / 2 for r in find_suspicions(document, 1))
