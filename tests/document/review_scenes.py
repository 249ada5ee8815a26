"""Made-up videos for the review list: boxes that move, with q, r and class scores of their object and some noise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from visolo import rle
from visolo.categories import Category, LabelSet
from visolo.results import FrameResult, InstanceResult

HEIGHT, WIDTH, FRAMES = 60, 100, 60
LABELS = LabelSet("three", (Category(1, "person"), Category(2, "dog"), Category(3, "car")))
EMBEDDING = 8
SIMILARITY = {"scale": 1.0, "bias": -4.0}

Place = Callable[[int], tuple[float, float] | None]
"""(x, y) of an object's middle in px by frame; None where it is not there."""


@dataclass(frozen=True)
class Thing:
    """One true object, or something that is none.

    Attributes:
        look: seed of how it looks.
        side: in px.
        family: seed of what it has in common with others that look much like it.
        is_real: it is an object.
        score: of its detections.
    """

    category_index: int
    place: Place
    look: int
    side: int = 14
    family: int | None = None
    is_real: bool = True
    score: float = 0.8

    def looks(self) -> np.ndarray:
        """(E,) q and r without noise."""
        look = np.random.default_rng(self.look).standard_normal(EMBEDDING)
        if self.family is not None:
            look = 0.4 * look + np.random.default_rng(self.family).standard_normal(EMBEDDING)
        return look * (2.5 / np.linalg.norm(look))


def straight(start: tuple[float, float], end: tuple[float, float], frames: Iterable[int] = range(FRAMES)) -> Place:
    """Moves evenly over the video and is there in some frames."""
    there = set(frames)

    def place(frame: int) -> tuple[float, float] | None:
        share = frame / (FRAMES - 1)
        return tuple(a + (b - a) * share for a, b in zip(start, end, strict=True)) if frame in there else None

    return place


def wandering(seed: int) -> Place:
    """Moves along a smooth path through the picture and is always there."""
    generator = np.random.default_rng(seed)
    phases, speeds = generator.uniform(0, 2 * np.pi, 2), generator.uniform(0.04, 0.12, 2)

    def place(frame: int) -> tuple[float, float]:
        x, y = np.sin(phases + speeds * frame)
        return float(WIDTH / 2 + x * (WIDTH / 2 - 12)), float(HEIGHT / 2 + y * (HEIGHT / 2 - 12))

    return place


@dataclass
class Scene:
    """Things, and the track that the model gave each of them, frame by frame.

    Attributes:
        track_of: segmenter's track of a thing in a frame; None when it was not found there.
        class_of: class index that the model saw.
        strength_of: how clearly it saw a thing in a frame, from 0, as a factor of q and r.
    """

    things: list[Thing]
    track_of: Callable[[int, int], int | None] = lambda thing, _: thing
    class_of: Callable[[int, int, int], int] = lambda _thing, _frame, truth: truth
    strength_of: Callable[[int, int], float] = lambda _thing, _frame: 1.0
    twice: dict[int, tuple[int, range]] = field(default_factory=dict)
    noise: float = 0.25
    frames: int = FRAMES

    def results(self) -> list[FrameResult]:
        generator = np.random.default_rng(0)
        return [self._frame(index, generator) for index in range(self.frames)]

    def found_in(self, index: int) -> list[tuple[int, Thing]]:
        """Number and thing of each detection of a frame, in their order."""
        found = []
        for number, thing in enumerate(self.things):
            if thing.place(index) is not None:
                found += [(number, thing)] * (self.track_of(number, index) is not None)
                found += [(number, thing)] * (index in self.twice.get(number, (0, range(0)))[1])
        return found

    def _frame(self, index: int, generator: np.random.Generator) -> FrameResult:
        found = []
        for number, thing in enumerate(self.things):
            track, place = self.track_of(number, index), thing.place(index)
            if place is not None and track is not None:
                found.append(self._instance(number, track, index, place, generator))
            again, frames = self.twice.get(number, (0, range(0)))
            if place is not None and index in frames:
                found.append(self._instance(number, again, index, (place[0] + 1, place[1]), generator))
        return FrameResult(index, tuple(found))

    def _instance(
        self, number: int, track: int, frame: int, place: tuple[float, float], generator: np.random.Generator
    ) -> InstanceResult:
        thing = self.things[number]
        category_index = self.class_of(number, frame, thing.category_index)
        look = thing.looks() * self.strength_of(number, frame)
        vectors = look + self.noise * generator.standard_normal((2, EMBEDDING))
        scores = 0.1 + 0.05 * generator.random(3)
        scores[category_index] = 0.8
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        left, top = (max(0, round(v) - thing.side // 2) for v in place)
        pixels[top : top + thing.side, left : left + thing.side] = True
        vectors = vectors.astype(np.float16)
        return InstanceResult(
            track,
            category_index,
            thing.score,
            rle.encode(pixels),
            0,
            scores.astype(np.float32),
            vectors[0],
            vectors[1],
        )


def two_crossing(**options: object) -> Scene:
    """A dog and a car that pass through each other in the middle of the video, and a person apart from them."""
    things = [
        Thing(1, straight((10, 20), (90, 30)), look=1),
        Thing(2, straight((90, 20), (10, 30)), look=2),
        Thing(0, straight((20, 52), (80, 52)), look=3),
    ]
    return Scene(things, **options)  # type: ignore[arg-type]


def open_scene(scene: Scene, folder: Path) -> tuple[Document, History]:
    """A project with the scene's results as one finished run over video 1; segmenter track t becomes some track."""
    document = Document.create(folder / "scene.visolo")
    history = History(document, "tester")
    history.do(AddVideo(Video(1, "scene", "scene.mp4", scene.frames, HEIGHT, WIDTH, 25.0)))
    run = begin_run(history, 1, {"model": "made up", "weights_id": "w", "similarity": SIMILARITY}, LABELS)
    run.add(scene.results())
    run.finish("done")
    return document, history
