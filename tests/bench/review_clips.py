"""Records clips with known truth for the review list: python tests/bench/review_clips.py [--only NAME].

Objects of DAVIS sequences are cut out and moved over frames of another one, so that they cross, cover each other, leave
and come back; the bundled model tracks them, and what it found is kept together with which object each detection really
is: masks at a small size, class scores, q, r. `tests/document/review_truth.py` makes projects of these files.

`--others N --into FOLDER` makes clips of the same kinds by chance, every fourth a longer one, to check the list on what
no weight of it was fitted to.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from visolo import rle
from visolo.config import load_preset
from visolo.inference.segmenter import OnlineSegmenter, model_similarity
from visolo.io.ytvis import read_dataset
from visolo.model.checkpoint import load_weights
from visolo.resources import resource_path
from visolo.results import FrameResult

ROOT = Path(__file__).parents[2]
DAVIS = ROOT.parent / "shared" / "data" / "davis6"
CLIPS = ROOT / "tests" / "document" / "review_clips"
SIZE = (270, 480)  # height, width of the frames in px
STORED = (68, 120)  # of the masks in the files
SAME_IOU = 0.4
LITE = {"dog": "dog", "cows": "cow", "car-shadow": "car", "car-roundabout": "car", "parkour": "person"}


class Cutout(NamedTuple):
    """An object of one frame: (h, w, 3) uint8 pixels and (h, w) bool, cropped to its box."""

    pixels: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Actor:
    """How an object moves.

    Attributes:
        sequence: where it is cut out.
        height: in px of the clip.
        start, end: (x, y) of its middle in the first and last frame, as shares of the width and height.
        wave: amplitude of a sideways swing, share of the width.
        frames: first and last frame in which it is there, as shares of the clip.
        speed: frames of its sequence per frame of the clip.
    """

    sequence: str
    height: float
    start: tuple[float, float]
    end: tuple[float, float]
    wave: float = 0.0
    frames: tuple[float, float] = (0.0, 1.0)
    speed: float = 1.0


@dataclass(frozen=True)
class Clip:
    """A background and what moves in front of it, the furthest first; the background's own object counts, too."""

    name: str
    background: str
    actors: tuple[Actor, ...]
    length: int = 48


def actors_at_random(seed: int, sequences: tuple[str, ...]) -> tuple[Actor, ...]:
    """Objects that move through each other's ways."""
    generator = np.random.default_rng(seed)
    actors = []
    for index, sequence in enumerate(sequences):
        left = bool((index + seed) % 2)
        ends = generator.uniform(0.1, 0.25), generator.uniform(0.75, 0.9)
        start, end = ends if left else ends[::-1]
        row = np.clip(0.3 + 0.45 * (index + generator.uniform(0, 1, 2)) / len(sequences), 0.3, 0.75)
        presence = [(0.0, 1.0), (0.0, 1.0), (0.1, 0.9)][int(generator.integers(3))]
        actors.append(
            Actor(
                sequence,
                float(generator.uniform(95, 150)),
                (float(start), float(row[0])),
                (float(end), float(row[1])),
                float(generator.uniform(0, 0.12)),
                presence,
                float(generator.choice([0.5, 1.0])),
            )
        )
    return tuple(actors)


CLIPS_TO_MAKE = (
    Clip("cars-1", "cows", actors_at_random(1, ("car-shadow", "car-roundabout"))),
    Clip("cars-2", "parkour", actors_at_random(2, ("car-roundabout", "car-shadow", "car-roundabout"))),
    Clip("dogs-1", "car-shadow", actors_at_random(3, ("dog", "dog", "cows"))),
    Clip("dogs-2", "parkour", actors_at_random(4, ("dog", "cows", "dog"))),
    Clip("mixed-1", "cows", actors_at_random(5, ("dog", "car-shadow", "parkour", "car-roundabout"))),
    Clip("mixed-2", "dog", actors_at_random(6, ("cows", "car-roundabout", "car-shadow", "dog"))),
    Clip("mixed-3", "car-roundabout", actors_at_random(7, ("dog", "parkour", "cows", "car-shadow"))),
    Clip("people-1", "cows", actors_at_random(8, ("parkour", "parkour", "dog"))),
    Clip("people-2", "dog", actors_at_random(9, ("parkour", "car-shadow", "parkour"))),
)

KINDS = {
    "cars": ("car-shadow", "car-roundabout"),
    "dogs": ("dog", "cows"),
    "mixed": ("dog", "car-shadow", "parkour", "car-roundabout", "cows"),
    "people": ("parkour", "dog"),
}


def other_clips(count: int, first_seed: int) -> Iterator[Clip]:
    """Clips that are not among `CLIPS_TO_MAKE`, of each kind in turn."""
    for number in range(count):
        seed = first_seed + number
        kind, turn = list(KINDS)[number % len(KINDS)], number // len(KINDS)
        generator = np.random.default_rng(seed)
        actors = tuple(generator.choice(KINDS[kind], 3 + turn % 2).tolist())
        background = str(generator.choice([name for name in LITE if name not in actors]))
        yield Clip(f"{kind}-{turn}", background, actors_at_random(seed, actors), 120 if turn % 4 == 3 else 48)


class Davis:
    """Frames and masks of the sequences, at the clip's size."""

    def __init__(self) -> None:
        dataset = read_dataset(DAVIS / "instances.json")
        self._videos = {video.file_names[0].split("/")[0]: video for video in dataset.videos}
        self._masks = {a.video_id: a.segmentations for a in dataset.annotations}
        self._frames: dict[tuple[str, int], np.ndarray] = {}

    def frame(self, sequence: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 and (H, W) bool; frames are played there and back for as long as it takes."""
        video = self._videos[sequence]
        index %= 2 * len(video.file_names) - 2
        index = min(index, 2 * len(video.file_names) - 2 - index)
        if (sequence, index) not in self._frames:
            pixels = cv2.imread(str(DAVIS / "JPEGImages" / video.file_names[index]))[..., ::-1]
            self._frames[sequence, index] = cv2.resize(pixels, SIZE[::-1], interpolation=cv2.INTER_AREA)
        segmentation = self._masks[video.video_id][index]
        mask = np.zeros(SIZE, bool)
        if segmentation is not None:
            whole = rle.decode(segmentation).astype(np.uint8)
            mask = cv2.resize(whole, SIZE[::-1], interpolation=cv2.INTER_NEAREST) > 0
        return self._frames[sequence, index], mask

    def cutout(self, actor: Actor, index: int) -> Cutout | None:
        """The actor as it looks in a frame; None where its sequence does not show it."""
        pixels, mask = self.frame(actor.sequence, int(index * actor.speed))
        if not mask.any():
            return None
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        crop = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = actor.height / max(len(pixels[crop]), 0.7 * pixels[crop].shape[1])
        size = tuple(max(2, round(side * scale)) for side in pixels[crop].shape[1::-1])
        area = cv2.resize(mask[crop].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        return Cutout(cv2.resize(pixels[crop], size, interpolation=cv2.INTER_AREA), area)


def compose(clip: Clip, davis: Davis) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Frames (H, W, 3) uint8 and what is visible of each object, (H, W) bool; the background's own comes first."""
    for index in range(clip.length):
        background, own = davis.frame(clip.background, index)
        frame, visible = background.copy(), [own.copy()]
        share = index / (clip.length - 1)
        for actor in clip.actors:
            area = np.zeros(SIZE, bool)
            inside = actor.frames[0] <= share <= actor.frames[1]
            if inside and (cutout := davis.cutout(actor, index)) is not None:
                _paste(frame, area, cutout, _place(actor, share))
            visible = [mask & ~area for mask in visible]
            visible.append(area)
        yield frame, visible


def _place(actor: Actor, share: float) -> tuple[int, int]:
    x, y = (a + (b - a) * share for a, b in zip(actor.start, actor.end, strict=True))
    return round((x + actor.wave * np.sin(2 * np.pi * share)) * SIZE[1]), round(y * SIZE[0])


def _paste(frame: np.ndarray, area: np.ndarray, cutout: Cutout, middle: tuple[int, int]) -> None:
    height, width = cutout.mask.shape
    left, top = middle[0] - width // 2, middle[1] - height // 2
    rows = slice(max(0, top), min(SIZE[0], top + height))
    columns = slice(max(0, left), min(SIZE[1], left + width))
    part = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    area[rows, columns] = cutout.mask[part]
    frame[rows, columns][cutout.mask[part]] = cutout.pixels[part][cutout.mask[part]]


def owner_of(mask: np.ndarray, visible: list[np.ndarray]) -> int:
    """Which object a detection is, from 1; 0 for none."""
    overlaps = [np.count_nonzero(mask & other) / max(1, np.count_nonzero(mask | other)) for other in visible]
    best = int(np.argmax(overlaps))
    return best + 1 if overlaps[best] >= SAME_IOU else 0


def record(clip: Clip, davis: Davis, segmenter: OnlineSegmenter) -> dict[str, np.ndarray]:
    """What the model finds in a clip, and the truth, as arrays."""
    segmenter.reset()
    columns: dict[str, list] = {name: [] for name in ("frame", "track", "score", "object", "cell", "counts")}
    vectors: dict[str, list] = {name: [] for name in ("class_scores", "query", "reference")}
    for frame, visible in compose(clip, davis):
        result: FrameResult = segmenter.step(frame)
        for instance in result.instances:
            mask = rle.decode(instance.rle)
            small = cv2.resize(mask.astype(np.uint8), STORED[::-1], interpolation=cv2.INTER_AREA) > 0
            if not small.any():
                continue
            known = (result.frame_index, instance.track_id, instance.score, owner_of(mask, visible))
            for name, value in zip(columns, (*known, instance.cell_index, rle.encode(small).counts), strict=True):
                columns[name].append(value)
            for name, values in vectors.items():
                values.append(np.asarray(getattr(instance, name), np.float16))
    classes = [clip.background, *(actor.sequence for actor in clip.actors)]
    return {
        "length": np.array(clip.length),
        "frame": np.array(columns["frame"], np.int16),
        "track": np.array(columns["track"], np.int16),
        "score": np.array(columns["score"], np.float16),
        "object": np.array(columns["object"], np.int8),
        "cell": np.array(columns["cell"], np.int16),
        "counts": np.array("\n".join(columns["counts"])),
        "classes": np.array([LITE[name] for name in classes]),
        **{name: to_bytes(np.array(values, np.float32)) for name, values in vectors.items()},
        **{f"{name}_step": np.array(np.abs(values).max() / 127, np.float32) for name, values in vectors.items()},
    }


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Rounded to 127 steps on each side of 0, which keeps the files small."""
    return np.round(values / (np.abs(values).max() / 127)).astype(np.int8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="make this clip only")
    parser.add_argument("--show", type=Path, help="write every eighth frame there, with the objects' outlines")
    parser.add_argument("--others", type=int, default=0, help="make so many others instead")
    parser.add_argument("--first-seed", type=int, default=1000, help="of the others, which are that many seeds")
    parser.add_argument("--into", type=Path, default=CLIPS, help="folder of the recordings")
    options = parser.parse_args()
    if options.others and options.into == CLIPS:
        parser.error("--others needs --into FOLDER, so that the recordings of the tests stay")
    options.into.mkdir(parents=True, exist_ok=True)
    model = load_weights(resource_path("models", "visolo-lite.safetensors")).optimize_for_inference()
    similarity = model_similarity(model)
    config = load_preset("lite").inference
    segmenter = OnlineSegmenter(model, config, links_by_evidence=True)
    davis = Davis()
    for clip in other_clips(options.others, options.first_seed) if options.others else CLIPS_TO_MAKE:
        if options.only in (None, clip.name):
            if options.show:
                show(clip, davis, options.show)
            arrays = record(clip, davis, segmenter)
            arrays["similarity"] = np.array([similarity.scale, similarity.bias])
            np.savez_compressed(options.into / f"{clip.name}.npz", **arrays)
            tracks = len(np.unique(arrays["track"]))
            print(f"{clip.name}: {len(arrays['frame'])} detections, {tracks} tracks, {len(clip.actors) + 1} objects")


def show(clip: Clip, davis: Davis, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, (frame, visible) in enumerate(compose(clip, davis)):
        if index % 8 == 0:
            picture = np.ascontiguousarray(frame[..., ::-1])
            for number, mask in enumerate(visible):
                contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
                cv2.drawContours(picture, contours, -1, (80 * number % 256, 255 - 60 * number % 256, 255), 1)
            cv2.imwrite(str(folder / f"{clip.name}-{index:03}.png"), picture)


if __name__ == "__main__":
    main()
