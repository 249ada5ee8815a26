"""The online engine: frames in, tracked instances of the same frame out."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from visolo.config import InferenceConfig
from visolo.inference.linking import LinkConstraints, LinkState, Similarity
from visolo.inference.maps import MapPredictor
from visolo.inference.tracker import InstanceTracker
from visolo.model.visolo import Visolo
from visolo.results import FrameResult, TrackResult


class OnlineSegmenter:
    """Segments and tracks one video, frame by frame, without delay.

    Time per frame does not grow with the length of the video (beyond the frames in memory, which are limited), and
    nothing is kept of old frames but RLE and one sum per track. Departs from official: there the result of a frame
    comes one frame late and videos of one and two frames fail.
    """

    def __init__(
        self,
        model: Visolo,
        config: InferenceConfig,
        output_size: tuple[int, int] | None = None,
        *,
        links_by_evidence: bool = False,
    ) -> None:
        """Start with the first frame.

        Args:
            model: on any device, in any float dtype, in evaluation mode.
            config: rules from maps to tracks.
            output_size: (height, width) in px of the masks; None for the size of the first frame.
            links_by_evidence: see `InstanceTracker`; for results whose association will be run again, as a project's.
        """
        self._model = model
        self._config = config
        self._wanted_size = output_size
        self._links_by_evidence = links_by_evidence
        self._similarity = model_similarity(model)
        self._size = output_size
        self.reset()

    @property
    def frame_index(self) -> int:
        """Of the frame that `step` takes next."""
        return self._frame_index

    @property
    def memory_frames(self) -> tuple[int, ...]:
        """Indices of the frames that the next one reads, ascending."""
        return self._predictor.memory.frames

    @property
    def state(self) -> LinkState:
        """What association knows; with it `prime` goes on from here later."""
        return self._tracker.state

    def step(self, frame: NDArray[np.uint8]) -> FrameResult:
        """Segment the next frame.

        Args:
            frame: (H, W, 3) uint8 RGB or (H, W) uint8 grey, of any size.

        Raises:
            ValueError: the array is not such a frame.
        """
        _check_frame(frame)
        if self._size is None:
            self._size = (int(frame.shape[0]), int(frame.shape[1]))
        maps = self._predictor.predict(self._frame_index, frame)
        result = self._tracker.step(self._frame_index, maps, self._size)
        self._frame_index += 1
        return result

    def tracks(self) -> list[TrackResult]:
        """Class, score and masks of every track over the frames since the start or the last `prime`, by track id."""
        return self._tracker.tracks()

    def reset(self) -> None:
        """Forget the video; the next frame is frame 0 of another one."""
        self._frame_index = 0
        self._size = self._wanted_size
        self._predictor = MapPredictor(self._model, self._config)
        self._tracker = InstanceTracker(self._config, self._similarity, links_by_evidence=self._links_by_evidence)

    def prime(
        self,
        frame_index: int,
        frames: Iterable[tuple[int, NDArray[np.uint8]]],
        state: LinkState,
        constraints: LinkConstraints | None = None,
    ) -> None:
        """Go on at a frame in the middle of a video as if all frames before had been seen.

        With the frames that `visolo.inference.memory.memory_frames` names and the state after the frame before, all
        that follows is what an uninterrupted run gives. Pinned and dropped frames stay so.

        Args:
            frame_index: of the next `step`.
            frames: (index, frame) of earlier frames to remember, ascending; they are encoded, not segmented.
            state: known tracks, from an earlier `state` or `visolo.inference.linking.link_state`; new track ids
                begin at its `next_track_id`.
            constraints: identities in later frames that are decided already.

        Raises:
            ValueError: a frame to remember is out of order or not before `frame_index`.
        """
        self._frame_index = frame_index
        self._tracker = InstanceTracker(self._config, self._similarity, constraints, state, self._links_by_evidence)
        self._predictor.memory.restart()
        for index, frame in frames:
            if index >= frame_index:
                raise ValueError(f"frame {index} cannot be remembered before frame {frame_index}")
            _check_frame(frame)
            self._predictor.remember(index, frame)

    def pin_memory(self, frame_index: int) -> None:
        """Keep a frame in memory to the end of the video: it is in memory now, or yet to come.

        Raises:
            ValueError: the frame was let go already.
        """
        self._predictor.memory.pin(frame_index)

    def drop_memory(self, frame_index: int) -> None:
        """Never read a frame (again)."""
        self._predictor.memory.drop(frame_index)


def model_similarity(model: Visolo) -> Similarity:
    """The similarity that a network has learnt to link with, for use without the network."""
    if not model.matching.learnt:
        return Similarity()
    return Similarity(float(model.matching.scale.detach()), float(model.matching.bias.detach()))


def _check_frame(frame: NDArray[np.uint8]) -> None:
    is_colour = frame.ndim == 3 and frame.shape[2] == 3
    if frame.dtype != np.uint8 or not (is_colour or frame.ndim == 2) or not frame.size:
        raise ValueError(f"a frame is (H, W, 3) or (H, W) uint8, not {frame.shape} {frame.dtype}")
