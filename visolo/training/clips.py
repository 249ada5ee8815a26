"""Training clips: frames drawn from videos, or made from stills that are moved, recoloured and pasted into."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from visolo import rle
from visolo.distributed import rank, world_size
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
from visolo.training.targets import ClipBatch

_LEAST_AREA_PX = 24  # less of an object than this in a view of the input size is not asked for
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
        chances = np.concatenate(
            [
                np.full(len(source.videos), 1.0 if weights is None else weights[i] / max(1, len(source.videos)))
                for i, source in enumerate(data)
            ]
        )
        self._backgrounds = [still for source in data for still in source.backgrounds]
        self._output, self._config = output, config
        self._store = FrameStore(2 * max(output))
        self._objects = self._find_objects()
        if not self._objects:
            paths = ", ".join(str(source.path) for source in data)
            raise AnnotationError(f"{paths}: no object has a mask in any frame; annotate some")
        self._chances = self._object_chances(chances)
        self._classes = np.array([item.video.classes[item.index] for item in self._objects])
        self._pasteable = np.array([i for i, item in enumerate(self._objects) if _is_pasteable(item)], dtype=int)

    def draw(self, rng: np.random.Generator, length: int) -> Clip:
        """A random clip.

        Args:
            rng: decides everything; the same state gives the same clip.
            length: number of frames.
        """
        chosen = self._draw_object(rng)
        frames = self._draw_frames(rng, chosen, length)
        focus = _box_of(frames[0].labels, chosen.index)
        height, width = frames[0].labels.shape
        if self._config.augmentation == "official":
            views = official_views(rng, (height, width), self._output, length)
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

    def _draw_object(self, rng: np.random.Generator) -> _Object:
        """What the clip is about; for a background an object that is nowhere."""
        if self._backgrounds and rng.random() < self._config.background_share:
            return _Object(self._backgrounds[int(rng.integers(len(self._backgrounds)))], 0)
        return self._objects[int(rng.choice(len(self._objects), p=self._chances))]

    def _draw_frames(self, rng: np.random.Generator, chosen: _Object, length: int) -> list[LabelledFrame]:
        video = chosen.video
        if video.is_still:
            return [self._store.load(video, 0)] * length
        shown = [i for i, masks in enumerate(video.masks) if masks[chosen.index] is not None]
        reference = int(rng.choice(shown))
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


class ClipSteps(Dataset[ClipBatch]):
    """The batch of every step, decided by the seed and the step alone, so that a resumed run sees the same data.

    Args:
        maker: draws the clips.
        config: seed, batch size, clip length, share of steps with clips of one frame.
        steps: number of steps.
    """

    def __init__(self, maker: ClipMaker, config: TrainingConfig, steps: range) -> None:
        self._maker, self._config, self._steps = maker, config, steps

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> ClipBatch:
        step = self._steps[index]
        alone = np.random.default_rng((self._config.seed, step)).random() < self._config.self_read_share
        length = 1 if alone else self._config.clip_length
        count = self._config.batch_size * self._config.clip_length // length
        # A generator for each clip: processes that share a batch draw their own clips only.
        return collate(
            [
                self._maker.draw(np.random.default_rng((self._config.seed, step, number)), length)
                for number in range(rank(), count, world_size())
            ]
        )


def collate(clips: Sequence[Clip]) -> ClipBatch:
    """Batch clips of the same length and size; objects that no frame shows are left out."""
    visible = [_visible_labels(clip) for clip in clips]
    most = max(1, *(len(labels) for labels in visible))
    length, height, width = clips[0].labels.shape
    masks = torch.zeros(len(clips), length, most, height, width, dtype=torch.bool)
    classes = torch.zeros(len(clips), most, dtype=torch.int64)
    for i, (clip, labels) in enumerate(zip(clips, visible, strict=True)):
        label_map = torch.from_numpy(clip.labels)
        for slot, label in enumerate(labels):
            mask = label_map == label
            areas = mask.sum((1, 2))
            masks[i, :, slot] = mask & (areas >= _LEAST_AREA_PX)[:, None, None]
            classes[i, slot] = clip.classes[label - 1]
    images = torch.from_numpy(np.stack([clip.images for clip in clips])).permute(0, 1, 4, 2, 3)
    return ClipBatch(images.contiguous(), masks, classes)


def _visible_labels(clip: Clip) -> list[int]:
    counts = [np.bincount(frame.ravel(), minlength=256) for frame in clip.labels]
    shown = (np.stack(counts) >= _LEAST_AREA_PX).any(0)
    return [int(label) for label in np.flatnonzero(shown) if label > 0]


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
