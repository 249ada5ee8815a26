"""Training clips: frames drawn from videos, or made from stills that are moved, recoloured and pasted into."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visolo import rle
from visolo.errors import AnnotationError
from visolo.training.augmentation import (
    ColourChange,
    Focus,
    Image,
    Matrix,
    Size,
    official_views,
    pasted_views,
    warp,
    warp_labels,
    zoom_views,
)
from visolo.training.config import TrainingConfig
from visolo.training.datasets import LabelledVideo, TrainingData
from visolo.training.frames import FrameStore, LabelledFrame

_PASTE_AREA_SHARE = 0.01
_PASTE_CHANCES = (0.25, 0.4, 0.35)  # of no, one and two pasted objects
_SAME_CLASS_SHARE = 0.4


@dataclass(frozen=True, eq=False)
class Clip:
    """One training clip.

    Attributes:
        images: (T, H, W, 3) uint8 RGB.
        labels: (T, H, W) uint8 position in `classes` plus 1; 0 is background.
        classes: class index of each object.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    classes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Object:
    video: LabelledVideo
    index: int


class _Pool:
    """Objects to draw from, and the stills without any.

    Args:
        objects: at least one.
        chances: (objects,) of each, in any unit.
        backgrounds: may be empty.
    """

    def __init__(
        self, objects: Sequence[_Object], chances: NDArray[np.float64], backgrounds: Sequence[LabelledVideo]
    ) -> None:
        self._objects, self._backgrounds = objects, backgrounds
        cumulative = chances.cumsum()
        self._cumulative = cumulative / cumulative[-1]

    def draw(self, rng: np.random.Generator, background_share: float) -> _Object:
        """What a clip is about; for a background an object that is nowhere."""
        if self._backgrounds and rng.random() < background_share:
            return _Object(self._backgrounds[int(rng.integers(len(self._backgrounds)))], 0)
        return self._objects[int(self._cumulative.searchsorted(rng.random(), side="right"))]


class ClipMaker:
    """Draws random clips from annotation files.

    Args:
        data: the files.
        weights: share of the clips drawn from each file; None draws in proportion to their videos.
        output: (height, width) of the clips, in px.
        config: augmentation, balance, sampling window.

    Raises:
        AnnotationError: no object of the files has a mask.
    """

    def __init__(
        self, data: Sequence[TrainingData], weights: Sequence[float] | None, output: Size, config: TrainingConfig
    ) -> None:
        self._videos = [video for source in data for video in source.videos]
        source_of = {id(video): i for i, source in enumerate(data) for video in source.videos}
        chances = np.concatenate(
            [
                np.full(len(source.videos), 1.0 if weights is None else weights[i] / max(1, len(source.videos)))
                for i, source in enumerate(data)
            ]
        )
        self._output, self._config = output, config
        self._store = FrameStore(2 * max(output))
        self._objects = self._find_objects()
        if not self._objects:
            paths = ", ".join(str(source.path) for source in data)
            raise AnnotationError(f"{paths}: no object has a mask in any frame; annotate some")
        self._chances = self._object_chances(chances)
        self._classes = np.array([item.video.classes[item.index] for item in self._objects])
        sources = np.array([source_of[id(item.video)] for item in self._objects])
        self._source_chances = np.bincount(sources, self._chances)
        self._pool = _Pool(self._objects, self._chances, [still for source in data for still in source.backgrounds])
        self._pools = {
            i: _Pool(
                [item for item, source in zip(self._objects, sources, strict=True) if source == i],
                self._chances[sources == i],
                data[i].backgrounds,
            )
            for i in map(int, self._source_chances.nonzero()[0])
        }
        self._pasteable = np.array([i for i, item in enumerate(self._objects) if _is_pasteable(item)], dtype=int)

    def draw_source(self, rng: np.random.Generator) -> int:
        """Position of a random file, by its share of the clips."""
        return int(rng.choice(len(self._source_chances), p=self._source_chances / self._source_chances.sum()))

    def draw(self, rng: np.random.Generator, length: int, source: int | None = None) -> Clip:
        """A random clip.

        Args:
            rng: decides everything; the same state gives the same clip.
            length: number of frames.
            source: position of the file it comes from; None takes any.
        """
        pool = self._pool if source is None else self._pools[source]
        chosen = pool.draw(rng, self._config.background_share)
        frames = self._draw_frames(rng, chosen, length)
        focus = _box_of(frames[0].labels, chosen.index)
        height, width = frames[0].labels.shape
        if self._config.augmentation == "official":
            views = official_views(
                rng, (height, width), self._output, length, self._config.shorter_sides, self._config.flip
            )
        else:
            views = zoom_views(rng, (height, width), self._output, length, focus)
        images = [warp(f.image, view, self._output) for f, view in zip(frames, views, strict=True)]
        labels = [warp_labels(f.labels, view, self._output) for f, view in zip(frames, views, strict=True)]
        classes = list(chosen.video.classes)
        if self._config.augmentation == "zoom":
            self._paste(rng, images, labels, classes)
            colours = ColourChange.draw(rng)
            images = [colours.apply(image) for image in images]
        return Clip(np.stack(images), np.stack(labels), tuple(classes))

    def _draw_frames(self, rng: np.random.Generator, chosen: _Object, length: int) -> list[LabelledFrame]:
        video = chosen.video
        if video.is_still:
            return [self._store.load(video, 0)] * length
        if self._config.augmentation == "official":
            reference = int(rng.integers(len(video.paths)))
        else:
            reference = int(rng.choice([i for i, masks in enumerate(video.masks) if masks[chosen.index] is not None]))
        window = self._config.sampling_window
        low, high = max(0, reference - window), min(len(video.paths), reference + window)
        return [self._store.load(video, int(i)) for i in rng.integers(low, high, length)]

    def _paste(self, rng: np.random.Generator, images: list[Image], labels: list[Image], classes: list[int]) -> None:
        """Paste up to two objects of other stills in front of everything."""
        for _ in range(int(rng.choice((0, 1, 2), p=_PASTE_CHANCES))):
            if not len(self._pasteable) or len(classes) >= 255:
                return
            item = self._draw_pasteable(rng, classes)
            frame = self._store.load(item.video, 0)
            box = _box_of(frame.labels, item.index)
            if box is None:
                continue
            classes.append(item.video.classes[item.index])
            mask = np.asarray(frame.labels == item.index + 1, np.uint8) * 255
            for t, view in enumerate(pasted_views(rng, box, self._output, len(images))):
                _blend(images[t], labels[t], (frame.image, mask), view, len(classes))

    def _draw_pasteable(self, rng: np.random.Generator, classes: list[int]) -> _Object:
        """An object to paste, often of a class that is there already: neighbours must be told apart."""
        pool = self._pasteable
        if classes and rng.random() < _SAME_CLASS_SHARE:
            wanted = classes[int(rng.integers(len(classes)))]
            same = pool[self._classes[pool] == wanted]
            pool = same if len(same) else pool
        chances = self._chances[pool]
        pick = int(rng.choice(pool, p=chances / chances.sum()))
        return self._objects[pick]

    def _find_objects(self) -> list[_Object]:
        return [
            _Object(video, index)
            for video in self._videos
            for index in range(min(255, len(video.classes)))
            if any(masks[index] is not None for masks in video.masks)
        ]

    def _object_chances(self, video_chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance of every object: its file's, shared within its video, then balanced over classes."""
        chance_of = {id(video): chance for video, chance in zip(self._videos, video_chances, strict=True)}
        sizes = np.array([np.sqrt(_area_share(item)) for item in self._objects])
        # Large objects are what a clip should be about; a speck in a crowd seldom is.
        sizes = np.minimum(sizes, 0.3) + 0.01
        totals: dict[int, float] = {}
        for item, size in zip(self._objects, sizes, strict=True):
            totals[id(item.video)] = totals.get(id(item.video), 0.0) + float(size)
        chances = np.array(
            [
                chance_of[id(item.video)] * size / totals[id(item.video)]
                for item, size in zip(self._objects, sizes, strict=True)
            ]
        )
        classes = np.array([item.video.classes[item.index] for item in self._objects])
        for class_index in np.unique(classes):
            chances[classes == class_index] /= chances[classes == class_index].sum() ** self._config.balance
        return np.asarray(chances / chances.sum(), np.float64)


def _box_of(labels: Image, index: int) -> Focus | None:
    mask = np.asarray(labels == index + 1, np.uint8)
    x, y, width, height = cv2.boundingRect(mask)
    return Focus(x, y, width, height) if width and height else None


def _area_share(item: _Object) -> float:
    height, width = item.video.size
    mask = item.video.masks[0][item.index]
    return 0.0 if mask is None else rle.area(mask) / (height * width)


def _is_pasteable(item: _Object) -> bool:
    return item.video.is_still and _area_share(item) >= _PASTE_AREA_SHARE


def _blend(image: Image, labels: Image, item: tuple[Image, Image], view: Matrix, label: int) -> None:
    """Draw an object with a soft edge over an image and its labels, in place."""
    size = (labels.shape[0], labels.shape[1])
    pixels, mask = item
    warped = warp(pixels, view, size)
    # The alpha is resampled as a grey image so that its edge is as soft as the image is sharp.
    alpha = warp(np.repeat(mask[..., None], 3, 2), view, size)[..., :1].astype(np.float32)
    inside = cv2.warpAffine(np.ones(mask.shape, np.uint8), view, (size[1], size[0]), flags=cv2.INTER_NEAREST)
    alpha *= inside[..., None] / np.float32(255)
    image[:] = (image + alpha * (warped.astype(np.float32) - image)).astype(np.uint8)
    labels[alpha[..., 0] > 0.5] = label
