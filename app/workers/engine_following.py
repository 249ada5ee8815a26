"""Following one object in the model's process: frames of a video in, what is seen of it out."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.workers.engine_messages import Followed, FollowRequest
from visolo.categories import Category, LabelSet

if TYPE_CHECKING:
    from visolo.model.visolo import Visolo


def follow_frames(
    request: FollowRequest,
    model: "Visolo",
    labels: LabelSet,
    frames: Iterator[tuple[int, NDArray[np.uint8]]],
    obey: Callable[[], object],
) -> Iterator[Followed]:
    """One message a frame, until the object is lost or the frames end.

    Args:
        request: what is asked for.
        model: loaded, on its device.
        labels: its classes.
        frames: index and picture, the prompt's first.
        obey: called after every frame; raises to end it.

    Raises:
        NothingThereError: no object is where the prompt is.
    """
    from visolo.device import device_errors
    from visolo.inference.following import Follower

    follower = Follower(model, request.choice.inference)
    for frame_index, frame in frames:
        is_first = frame_index == request.frames[0]
        with device_errors():
            sight = follower.start(frame, request.prompt) if is_first else follower.step(frame)
        category = labels.categories[sight.category_index] if sight else Category(1, "object")
        mask, score = (sight.mask, sight.similarity) if sight else (None, 0.0)
        yield Followed(request.number, frame_index, mask, score, category)
        if follower.is_lost:
            return
        obey()
