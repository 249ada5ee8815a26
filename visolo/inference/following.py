"""One object followed from a box or a mask in one frame through the frames after it, or before it.

Every grid cell has a kernel, so every cell can draw a mask, also where no class is seen. The cell whose mask fits the
prompt best is the object; in each next frame it is the cell most similar to it by q . r (paper 4.4) whose mask lies
where the object was. The network looks at a window around the object, so that small objects get more cells. Knows no
tracks and no project.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from visolo import rle
from visolo.config import InferenceConfig
from visolo.errors import NothingThereError
from visolo.inference.decoding import MASK_STRIDE, make_masks
from visolo.inference.linking import Embeddings
from visolo.inference.maps import FrameMaps, MapPredictor
from visolo.inference.resizing import resize_mask
from visolo.inference.segmenter import model_similarity
from visolo.model.visolo import Visolo
from visolo.rle import Box, Rle

LEAST_FIT = 0.4
"""From so much overlap with the prompt on, a cell's mask is what was meant."""
PATIENCE = 10
"""After so many frames in a row without the object it counts as lost."""

_WINDOW = 2.0  # sides of the window, in sides of the object's box
_LEAST_WINDOW = 0.5  # of the network's input: beyond that there is nothing more to see in a larger picture
_LEAST_OVERLAP = 0.1  # of the masks in two frames, while the object is in sight
_FOUND_AGAIN = 0.5  # least similarity to the prompt's cell of an object that was out of sight
_LEAST_AREA = 3  # mask features; less is noise
_USUAL_SHARE = 0.5  # least similarity, in what it usually was: some objects are like themselves more than others
_USUAL_PACE = 0.2
_FIRST_WEIGHT = 0.3
_CLASS_WEIGHT = 0.3
_LEAST_CLASS_SHARE = 0.05  # of the prompt's class score: a cell that sees nothing is not the object


class Sight(NamedTuple):
    """The object in one frame.

    Attributes:
        mask: at the frame's size, not empty.
        similarity: to the object in the frame before, in [0, 1]; in the first frame how well it fits the prompt.
        category_index: the class that its cell votes for.
    """

    mask: Rle
    similarity: float
    category_index: int


class _Window(NamedTuple):
    """Part of a frame that the network looks at: first and end columns and rows in px."""

    left: int
    top: int
    right: int
    bottom: int


class _Reference(NamedTuple):
    """The object as it was seen: (E,) query of its cell, class score in [0, 1]."""

    query: Embeddings
    class_score: float


class Follower:
    """Follows one object; frames come in the order of the film, or all in the opposite one."""

    def __init__(self, model: Visolo, config: InferenceConfig) -> None:
        """Start without an object.

        Args:
            model: on any device, in evaluation mode.
            config: its memory rule and link threshold are obeyed.
        """
        self._model, self._config = model, config
        self._similarity = model_similarity(model)
        self._predictor = MapPredictor(model, config)
        self._steps = 0
        self._window = _Window(0, 0, 0, 0)
        self._box, self._mask = Box(0, 0, 0, 0), np.zeros((0, 0), np.bool_)
        self._first = self._last = _Reference(np.zeros(0, np.float32), 0.0)
        self._usual = 0.0
        self.missed = 0

    @property
    def is_lost(self) -> bool:
        """The object was not there in so many frames that looking on makes no sense."""
        return self.missed >= PATIENCE

    def start(self, frame: NDArray[np.uint8], prompt: Box | Rle) -> Sight:
        """Find what is meant.

        Args:
            frame: (H, W, 3) uint8 RGB or (H, W) grey.
            prompt: a box in px of the frame, or a mask of its size.

        Raises:
            NothingThereError: no cell's mask fits the prompt.
            ValueError: the prompt is empty, or a mask of another size.
        """
        self._box = prompt if isinstance(prompt, Box) else rle.bounding_box(prompt)
        if self._box.width <= 0 or self._box.height <= 0:
            raise ValueError("a prompt has an extent")
        if isinstance(prompt, Rle):
            self._mask = rle.decode(prompt)
            if self._mask.shape != frame.shape[:2]:
                raise ValueError(f"the prompt is {self._mask.shape}, the frame {frame.shape[:2]}")
        maps = self._look(frame)
        logits = _logits_of_all(maps)
        fits = _box_fits(logits > 0, self._box_in_map()) if isinstance(prompt, Box) else self._overlaps(logits > 0)
        scores = _class_scores(maps)
        cell = int((fits + _CLASS_WEIGHT * scores).argmax())
        sight = self._see(maps, cell, float(fits[cell]), frame.shape[:2]) if fits[cell] >= LEAST_FIT else None
        if sight is None:
            raise NothingThereError(
                "The model sees no object of its own there; draw the box closer around it, or draw the mask by hand"
            )
        self._first = self._last
        return sight

    def step(self, frame: NDArray[np.uint8]) -> Sight | None:
        """Find the object in the next frame; None where it is not seen."""
        was_missed = self.missed > 0
        maps = self._look(frame, is_wide=was_missed)
        logits = _logits_of_all(maps)
        references = maps.reference.float().cpu().numpy()
        queries = np.stack([self._last.query, self._first.query])
        to_last, to_first = self._similarity.scores(queries, references)
        overlaps, classes = self._overlaps(logits > 0), _class_scores(maps)
        able = to_last >= max(self._config.link_threshold, _USUAL_SHARE * self._usual)
        able &= (logits > 0).sum((1, 2)).numpy() >= _LEAST_AREA
        able &= classes >= _LEAST_CLASS_SHARE * self._first.class_score
        able &= (to_first >= _FOUND_AGAIN) if was_missed else (overlaps >= _LEAST_OVERLAP)
        sight = None
        if able.any():
            scores = to_last + _FIRST_WEIGHT * to_first + overlaps + _CLASS_WEIGHT * classes
            cell = int(np.where(able, scores, -1).argmax())
            self._usual += (_USUAL_PACE if self._usual else 1) * (float(to_last[cell]) - self._usual)
            sight = self._see(maps, cell, float(to_last[cell]), frame.shape[:2])
        self.missed = 0 if sight is not None else self.missed + 1
        return sight

    def _look(self, frame: NDArray[np.uint8], is_wide: bool = False) -> FrameMaps:
        """Maps of the window around the object, or of the whole frame."""
        height, width = frame.shape[:2]
        self._window = window = _Window(0, 0, width, height) if is_wide else self._window_around(height, width)
        part = frame[window.top : window.bottom, window.left : window.right]
        maps = self._predictor.predict(self._steps, np.ascontiguousarray(part))
        self._steps += 1
        return maps

    def _window_around(self, height: int, width: int) -> _Window:
        """Of the frame's proportions, because the network has learnt on whole frames squashed to its input."""
        box = self._box
        across = _WINDOW * max(box.width, box.height * width / height)
        across = min(max(across, _LEAST_WINDOW * self._model.config.input_size[1]), width)
        down = min(across * height / width, height)
        left = min(max(box.x + box.width / 2 - across / 2, 0), width - across)
        top = min(max(box.y + box.height / 2 - down / 2, 0), height - down)
        return _Window(round(left), round(top), round(left + across), round(top + down))

    def _see(self, maps: FrameMaps, cell: int, similarity: float, size: tuple[int, int]) -> Sight | None:
        """Take a cell for the object; None where its mask vanishes."""
        masks, _ = make_masks(maps.kernels[:, [cell]], maps.mask_features)
        window = self._window
        mask = np.zeros(size, np.bool_)
        inside = resize_mask(masks[0], (window.bottom - window.top, window.right - window.left))
        mask[window.top : window.bottom, window.left : window.right] = inside
        if not mask.any():
            return None
        encoded = rle.encode(mask)
        self._mask, self._box = mask, rle.bounding_box(encoded)
        scores = maps.category_scores[:, cell].float().cpu().numpy()
        self._last = _Reference(maps.query[cell].float().cpu().numpy(), float(scores.max()))
        return Sight(encoded, similarity, int(scores.argmax()))

    def _overlaps(self, positive: torch.Tensor) -> NDArray[np.float32]:
        """(G,) IoU of all cells' masks with the object's mask as it was last, at the size of the mask features."""
        window = self._window
        before = self._mask[window.top : window.bottom, window.left : window.right]
        small = torch.from_numpy(resize_mask(before, (positive.shape[1], positive.shape[2])).copy())
        shared = (positive & small).sum((1, 2))
        union = positive.sum((1, 2)) + small.sum() - shared
        overlaps: NDArray[np.float32] = (shared / union.clamp(min=1)).numpy()
        return overlaps

    def _box_in_map(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the object's box in px of the mask features."""
        height, width = (side / MASK_STRIDE for side in self._model.config.input_size)
        window, box = self._window, self._box
        across, down = width / (window.right - window.left), height / (window.bottom - window.top)
        left, top = (box.x - window.left) * across, (box.y - window.top) * down
        return left, top, left + box.width * across, top + box.height * down


def follow(
    model: Visolo, config: InferenceConfig, frames: Iterable[NDArray[np.uint8]], prompt: Box | Rle
) -> Iterator[Sight | None]:
    """Follow an object: what is seen of it in each frame, until it is lost or the frames end.

    Args:
        model: see `Follower`.
        config: see `Follower`.
        frames: the first is that of the prompt.
        prompt: a box in px, or a mask.

    Raises:
        NothingThereError: no object is where the prompt is.
    """
    follower = Follower(model, config)
    for index, frame in enumerate(frames):
        yield follower.step(frame) if index else follower.start(frame, prompt)
        if follower.is_lost:
            return


def _logits_of_all(maps: FrameMaps) -> torch.Tensor:
    """(G, h, w) float32 mask logits of every cell, on the CPU."""
    features = maps.mask_features.float()
    logits = maps.kernels.float().T @ features.flatten(1)
    return logits.view(-1, *features.shape[1:]).cpu()


def _class_scores(maps: FrameMaps) -> NDArray[np.float32]:
    """(G,) best class score of every cell."""
    scores: NDArray[np.float32] = maps.category_scores.amax(0).float().cpu().numpy()
    return scores


def _box_fits(positive: torch.Tensor, box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """(G,) IoU of the boxes of all cells' masks with a box; 0 for cells without a mask."""
    rows, columns = positive.any(2), positive.any(1)  # (G, h), (G, w)
    top, left = rows.int().argmax(1), columns.int().argmax(1)
    bottom = rows.shape[1] - rows.flip(1).int().argmax(1)
    right = columns.shape[1] - columns.flip(1).int().argmax(1)
    across = (right.clamp(max=box[2]) - left.clamp(min=box[0])).clamp(min=0)
    down = (bottom.clamp(max=box[3]) - top.clamp(min=box[1])).clamp(min=0)
    shared = across * down
    union = (right - left) * (bottom - top) + (box[2] - box[0]) * (box[3] - box[1]) - shared
    fits: NDArray[np.float32] = torch.where(rows.any(1), shared / union, 0.0).numpy()
    return fits
