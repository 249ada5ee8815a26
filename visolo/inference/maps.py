"""One frame through the network: encode, read memory, predict. What comes out is maps; no thresholds, no tracks."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visolo.config import InferenceConfig
from visolo.inference.decoding import score_weights
from visolo.inference.memory import FrameMemory
from visolo.inference.resizing import resize_frame, resize_frame_on_device
from visolo.model.visolo import FrameFeatures, Visolo


@dataclass(frozen=True)
class FrameMaps:
    """All that post-processing needs of one frame; G = R * K cells.

    Attributes:
        category_scores: (C, G) float32 in [0, 1].
        kernels: (D, G).
        mask_features: (D, h, w).
        query: (G, E).
        reference: (G, E).
        weights: (G,) float32 in [0, 1] by which scores are multiplied; None for a first frame or without reweighting.
    """

    category_scores: Tensor
    kernels: Tensor
    mask_features: Tensor
    query: Tensor
    reference: Tensor
    weights: Tensor | None


class MapPredictor:
    """The network and its memory: takes the frames of one video in order, gives the maps of each at once."""

    def __init__(self, model: Visolo, config: InferenceConfig) -> None:
        """Start without memory.

        Args:
            model: used as it is, on its device and in its dtype; put it in evaluation mode before.
            config: memory rule and what is read.
        """
        self._model = model
        self._config = config
        self.memory = FrameMemory(config)

    @torch.inference_mode()
    def predict(self, frame_index: int, frame: NDArray[np.uint8]) -> FrameMaps:
        """Maps of a frame, which is remembered for the frames after it.

        Args:
            frame_index: greater than that of all frames before.
            frame: (H, W, 3) uint8 RGB of any size.
        """
        features = self._encode(frame)
        category, kernel, affinity = features.category, features.kernel, None
        if self._config.temporal_category or self._config.temporal_mask:
            category, kernel, affinity = self._read(features)
        weights = self._weights(features.query, affinity)
        prediction = self._model.predict(category, kernel)
        self.memory.add(frame_index, features)
        return FrameMaps(
            category_scores=prediction.category_logits[0].flatten(1).float().sigmoid(),
            kernels=prediction.kernels[0].flatten(1),
            mask_features=features.mask[0],
            query=features.query[0],
            reference=features.reference[0],
            weights=weights,
        )

    @torch.inference_mode()
    def remember(self, frame_index: int, frame: NDArray[np.uint8]) -> None:
        """Put an earlier frame into memory without predicting anything; frames come in order here, too."""
        self.memory.add(frame_index, self._encode(frame))

    def _encode(self, frame: NDArray[np.uint8]) -> FrameFeatures:
        size, device = self._model.config.input_size, self._model.device
        if device.type == "cuda":
            image = resize_frame_on_device(
                torch.from_numpy(np.require(frame, requirements=("C", "W"))).to(device), size
            )
        else:
            image = torch.from_numpy(resize_frame(frame, size)).to(device)
        return self._model.encode(image.permute(2, 0, 1)[None])

    def _read(self, features: FrameFeatures) -> tuple[Tensor, Tensor, Tensor]:
        """Category and kernel feature after reading memory, and the (1, G, P) similarity logits to all its cells."""
        if len(self.memory):
            references, values = self.memory.references(), self.memory.values()
        else:
            # A frame with no other to read reads itself, as the official code does.
            references = features.reference
            values = torch.cat([features.category_value, features.kernel_value], dim=1)
        affinity = self._model.similarity_logits(features.query, references)
        # Both features are read at once because the softmax over memory is the same.
        width = features.category.shape[1]
        first, last = int(not self._config.temporal_category), 1 + int(self._config.temporal_mask)
        channels = slice(first * width, last * width)
        both = torch.cat([features.category, features.kernel], dim=1)
        both[:, channels] = self._model.read(both[:, channels], affinity, values[:, channels])
        return both[:, :width], both[:, width:], affinity

    def _weights(self, query: Tensor, affinity: Tensor | None) -> Tensor | None:
        frames = self.memory.weighting_frames(self._config.reweight_references)
        if not frames or not self._config.score_reweighting:
            return None
        cells = [self.memory.cells(frame) for frame in frames]
        if affinity is not None:
            return score_weights([affinity[0, :, columns] for columns in cells])
        references = self.memory.references()
        return score_weights([self._model.similarity_logits(query, references[:, c])[0] for c in cells])
