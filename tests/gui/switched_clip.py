"""Results in which a model took two objects for each other from one frame on, for the clip of the window's tests."""

import numpy as np

from app.document.adopt import RunWriter, begin_run
from app.document.history import History
from app.document.records import Change
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult
from visolo.rle import encode

FRAMES, SWITCH = 40, 20
SIZE = (64, 96)


def plant_switch(history: History, size: tuple[int, int] = SIZE) -> Change:
    """Run over the first frames of video 1, which is of this (height, width)."""
    writer = begin_switched(history)
    change = writer.add([switched_frame(index, size) for index in range(FRAMES)])
    writer.finish("done")
    return change


def begin_switched(history: History) -> RunWriter:
    """A run over video 1 that `switched_frame` can be added to."""
    settings = {"model": "test", "similarity": {"scale": 1.0, "bias": -4.0}}
    return begin_run(history, 1, settings, load_label_set("ytvis2021"), 0)


def switched_frame(index: int, size: tuple[int, int] = SIZE) -> FrameResult:
    """What the model finds in a frame."""
    return FrameResult(index, tuple(_instance(k, index, size) for k in range(3)))


def _instance(thing: int, index: int, size: tuple[int, int]) -> InstanceResult:
    """A square that stays where it is and looks like itself; two of the three swap tracks at one frame."""
    track = 1 - thing if index >= SWITCH and thing < 2 else thing
    vector = np.zeros(8, dtype=np.float16)
    vector[thing] = 3
    scores = np.full(40, 0.01, dtype=np.float32)
    scores[25] = 0.9
    mask = np.zeros(size, dtype=np.bool_)
    side = size[0] // 4
    left = (6 + 30 * thing) * size[1] // 96
    mask[20 * size[0] // 64 :, left:][:side, :side] = True
    return InstanceResult(track, 25, 0.8, encode(mask), thing, scores, vector, vector)
