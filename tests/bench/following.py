"""How well an object is followed from its box in the first frame: python tests/bench/following.py DATASET.json IMAGES.

For every object the mean IoU with the true masks from its first frame on, beside what two baselines give: the first
true mask left where it is, and the true box of the first frame, filled. Frames where the object is not count 1 when
nothing is found there and 0 otherwise. Last, the frames in which something is found after a cut to another video, where
nothing should be.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from visolo import rle
from visolo.config import load_preset
from visolo.errors import NothingThereError
from visolo.inference.following import follow
from visolo.io.images import ImageFrames
from visolo.io.ytvis import read_dataset
from visolo.model.checkpoint import load_weights
from visolo.resources import resource_path
from visolo.rle import Rle
from visolo.rle_box import encode_in_box


def scores_of(found: list[Rle | None], truth: list[Rle | None]) -> float:
    """Mean IoU over the frames."""
    ious = [
        float(rle.iou([mask], [true])[0, 0]) if mask and true else float(mask is None and true is None)
        for mask, true in zip(found, truth, strict=True)
    ]
    return float(np.mean(ious))


def followed(follower: Iterator[Rle | None], count: int) -> list[Rle | None]:
    """Masks of all frames; None from where the object is lost."""
    found = list(itertools.islice(follower, count))
    return found + [None] * (count - len(found))


def filled(box: rle.Box, size: tuple[int, int]) -> Rle:
    """A box as a mask."""
    return encode_in_box(np.ones((box.height, box.width), np.bool_), box.x, box.y, size)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("images", type=Path)
    args = parser.parse_args()
    preset = load_preset("lite")
    model = load_weights(resource_path("models", "visolo-lite.safetensors"), "lite")
    dataset = read_dataset(args.dataset)
    videos = {video.video_id: video for video in dataset.videos}
    first_frames = [args.images / video.file_names[0] for video in dataset.videos]

    def masks(frames: Iterator[NDArray[np.uint8]], prompt: rle.Box) -> Iterator[Rle | None]:
        try:
            for sight in follow(model, preset.inference, frames, prompt):
                yield sight and sight.mask
        except NothingThereError:
            return

    print(f"{'object':24}{'frames':>7}{'followed':>10}{'mask stays':>12}{'box stays':>11}{'after cut':>11}{'ms':>6}")
    means = []
    for annotation in dataset.annotations:
        video = videos[annotation.video_id]
        first = next(index for index, mask in enumerate(annotation.segmentations) if mask)
        truth = list(annotation.segmentations[first:])
        paths = [args.images / name for name in video.file_names[first:]]
        begin = truth[0]
        assert begin is not None
        prompt = rle.bounding_box(begin)
        start = time.perf_counter()
        found = followed(masks((read_rgb(path) for path in paths), prompt), len(truth))
        ms = 1000 * (time.perf_counter() - start) / len(truth)
        stays = [begin] * len(truth), [filled(prompt, video.size)] * len(truth)
        row = [scores_of(masks_, truth) for masks_ in (found, *stays)]
        others = [path for path in first_frames if path.parent.name != Path(video.file_names[0]).parent.name]
        cut = (read_rgb(path) for path in [*paths[:5], *others])
        wrong = sum(mask is not None for mask in followed(masks(cut, prompt), 5 + len(others))[5:])
        name = f"{Path(video.file_names[0]).parent.name} {annotation.annotation_id}"
        means.append(row)
        print(
            f"{name:24}{len(truth):7}{row[0]:10.3f}{row[1]:12.3f}{row[2]:11.3f}{wrong:8}/{len(others)}{ms:6.0f}",
            flush=True,
        )
    mean = np.mean(means, axis=0)
    print(f"{'mean':31}{mean[0]:10.3f}{mean[1]:12.3f}{mean[2]:11.3f}")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An image (H, W, 3) uint8."""
    return ImageFrames(path.parent, [path])[0]


if __name__ == "__main__":
    main()
