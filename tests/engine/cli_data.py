"""A tiny network, a short video and ways to run the command line, for the tests of `python -m visolo`."""

import os
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from visolo.categories import Category, LabelSet
from visolo.config import ModelConfig
from visolo.model.checkpoint import save_weights
from visolo.model.visolo import build_model

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH, FRAMES = 45, 60, 6  # an odd height: H.264 wants even ones
LABELS = LabelSet("toys", (Category(3, "ball"), Category(8, "brick")))
TINY = ModelConfig(
    backbone="resnet18",
    bottleneck_width=8,
    num_classes=2,
    label_set="toys",
    grid=(3, 4),
    width=16,
    embedding=8,
    norm_groups=4,
    input_size=(48, 64),
)


def run_cli(*args, **options):
    """`python -m visolo ARGS` as a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "visolo", *map(str, args)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False, **options
    )


def sentence_of(done, code=2):
    """The one line on stderr of a command that failed as it should."""
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("visolo: error: ")
    assert done.stdout == ""
    return line.removeprefix("visolo: error: ")


def save_tiny_weights(path, seed=0):
    torch.manual_seed(seed)
    save_weights(build_model(TINY), path, {"note": "random"}, LABELS)
    return path


def picture(index):
    """(H, W, 3) uint8: a square that moves over a gradient."""
    frame = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    frame[..., 0] = np.arange(WIDTH) * 4
    frame[..., 1] = np.arange(HEIGHT)[:, None] * 5
    frame[10:25, 5 + 4 * index : 20 + 4 * index] = (250, 40, 90)
    return frame


def write_images(folder, count=FRAMES):
    folder.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(picture(index)).save(folder / f"{index:05d}.png")
    return folder


def write_clip(path, count=FRAMES):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return path


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def write_malicious(path):
    """A checkpoint, and beside it a bare pickle, that run code when they are unpickled."""
    torch.save({"model": Evil()}, path)
    path.with_suffix(".pkl").write_bytes(pickle.dumps({"model": Evil()}))
    return path
