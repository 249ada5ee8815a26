"""Validation while training: the weights of the moment track annotated videos and are scored by the official metric.

Nothing of the training changes: another network is filled with the weights, and no random number is drawn.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visolo.config import InferenceConfig, ModelConfig
from visolo.distributed import any_process, gathered, rank, world_size
from visolo.errors import MediaError
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.frame_places import read_places
from visolo.io.ytvis_types import ResultEntry
from visolo.model.visolo import Visolo, empty_model
from visolo.results import FrameResult
from visolo.training.preview import PreviewSample
from visolo.training.validation_data import ValidationData, ValidationVideo

_SAMPLES = 4  # frames of a preview


@dataclass(frozen=True)
class ValidationProgress:
    """How far a validation is: frames done by this process, of how many."""

    frame: int
    frames: int


@dataclass(frozen=True)
class ValidationScores:
    """What a validation found: numbers of the official metric, each in [0, 1].

    Attributes:
        step: steps done before it.
        AP: mean over IoU 0.50 to 0.95.
        AP50: at IoU 0.50.
        AR10: recall with ten predictions per video and class.
        seconds: duration.
    """

    step: int
    AP: float
    AP50: float
    AR10: float
    seconds: float


class Validator:
    """Tracks the validation videos with given weights. Several processes share the videos.

    Attributes:
        data: what is validated on.
        scores: of the latest validation that came to its end.
        samples: frames of it to look at; those of this process's videos.
    """

    def __init__(self, data: ValidationData, model: ModelConfig, inference: InferenceConfig, device: str) -> None:
        self.data = data
        self.scores: ValidationScores | None = None
        self.samples: tuple[PreviewSample, ...] = ()
        self._model, self._inference, self._device = model, inference, device
        self._videos = data.videos[rank() :: world_size()]

    def run(
        self, step: int, weights: Mapping[str, Tensor], is_canceled: Callable[[], bool]
    ) -> Iterator[ValidationProgress]:
        """Validate; `scores` is None again until it is done, and stays so when it was canceled.

        Args:
            step: steps done.
            weights: of the network.
            is_canceled: asked before every frame; one process's yes ends the validation of all.

        Raises:
            MediaError: a frame cannot be read.
        """
        self.scores, self.samples = None, ()
        started = time.perf_counter()
        model = self._filled(weights)
        frames = sum(len(video.paths) for video in self._videos)
        done, entries, samples = 0, list[ResultEntry](), list[PreviewSample]()
        shown = self._shown()
        for video in self._videos:
            segmenter = OnlineSegmenter(model, self._inference, video.size)
            for frame_index, frame in enumerate(_frames(video)):
                if is_canceled():
                    break
                result = segmenter.step(frame)
                done += 1
                if (video.video_id, frame_index) in shown:
                    samples.append(self._sample(video, frame, result))
                yield ValidationProgress(done, frames)
            entries += self._entries(video, segmenter)
        if any_process(is_canceled()):
            return
        results = [entry for part in gathered(entries) for entry in part]
        metrics = evaluate(self.data.truth, results)
        self.samples = tuple(samples)
        self.scores = ValidationScores(step, metrics.AP, metrics.AP50, metrics.AR10, time.perf_counter() - started)

    def _filled(self, weights: Mapping[str, Tensor]) -> Visolo:
        model = empty_model(self._model)
        model.load_state_dict(dict(weights))
        return model.optimize_for_inference().to(torch.device(self._device))

    def _shown(self) -> set[tuple[int, int]]:
        """Video id and frame index of the frames to look at: middles of evenly chosen videos."""
        count = min(_SAMPLES, len(self._videos))
        chosen = [self._videos[int((i + 0.5) * len(self._videos) / count)] for i in range(count)]
        return {(video.video_id, len(video.paths) // 2) for video in chosen}

    def _sample(self, video: ValidationVideo, frame: NDArray[np.uint8], result: FrameResult) -> PreviewSample:
        categories = self.data.truth.categories
        annotations = [item for item in self.data.truth.annotations if item.video_id == video.video_id]
        names = self.data.truth.category_by_id
        return PreviewSample.of(
            frame,
            [(i.track_id + 1, f"{categories[i.category_index].name} {i.score:.2f}", i.rle) for i in result.instances],
            [
                (number, names[item.category_id].name, item.segmentations[result.frame_index])
                for number, item in enumerate(annotations, start=1)
            ],
        )

    def _entries(self, video: ValidationVideo, segmenter: OnlineSegmenter) -> Iterator[ResultEntry]:
        categories = self.data.truth.categories
        for track in segmenter.tracks():
            masks = tuple(track.rles.get(index) for index in range(len(video.paths)))
            yield ResultEntry(video.video_id, categories[track.category_index].category_id, track.score, masks)


def _frames(video: ValidationVideo) -> Iterator[NDArray[np.uint8]]:
    for place, frame in zip(video.paths, read_places(video.paths), strict=True):
        if frame.shape[:2] != video.size:
            raise MediaError(
                f"{place}: is {frame.shape[1]} x {frame.shape[0]} px, its record says "
                f"{video.size[1]} x {video.size[0]}; restore the image the masks were drawn on"
            )
        yield frame
