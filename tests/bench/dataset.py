"""Time and peak memory of the `dataset` command on a generated dataset of the size of YouTube-VIS 2021 train.

    python tests/bench/dataset.py [--videos 2985] [--frames 36] [--tracks 2] [--images] [--uncompressed]
        [--formats davis cvat ...]

Each command runs in a process of its own, whose peak memory is read when it ends. `--images` lays a JPEG under every
frame's name, so that headers are read, too; `--uncompressed` writes run lengths as lists, as the official files do.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from visolo import rle as rle_module
from visolo.categories import Category
from visolo.formats.names import FORMAT_NAMES, write_names
from visolo.io.ytvis import Annotation, Dataset, Video, write_dataset

HEIGHT, WIDTH = 720, 1280
CONVERTED = [name for name in write_names() if name not in ("ytvis", "results")]


def make_dataset(path, options):
    """Moving discs with ragged edges, two a video."""
    rng = np.random.default_rng(0)
    videos, annotations = [], []
    for video_id in range(1, options.videos + 1):
        names = tuple(f"{video_id:04d}/{t:05d}.jpg" for t in range(options.frames))
        videos.append(Video(video_id, WIDTH, HEIGHT, options.frames, names))
        for _ in range(options.tracks):
            place, step, radius = rng.uniform((0, 0), (HEIGHT, WIDTH)), rng.uniform(-9, 9, 2), rng.uniform(30, 130)
            masks = tuple(disc(*(place + step * t), radius, rng) for t in range(options.frames))
            annotations.append(Annotation.of_masks(len(annotations) + 1, video_id, int(rng.integers(1, 41)), masks))
    categories = tuple(Category(i, f"class {i}") for i in range(1, 41))
    write_dataset(path, Dataset(tuple(videos), categories, tuple(annotations)))
    if options.uncompressed:
        uncompress(path)
    if options.images:
        lay_images(path.parent, videos)


def disc(y, x, radius, rng):
    columns = np.arange(max(0, int(x - radius)), min(WIDTH, int(x + radius) + 1))
    half = np.sqrt(np.maximum(radius**2 - (columns - x) ** 2, 0)) + rng.integers(0, 3, columns.size)
    top, bottom = (np.clip(np.rint(y + sign * half), 0, HEIGHT).astype(int) for sign in (-1, 1))
    keep = bottom > top
    if not keep.any() or rng.random() < 0.05:
        return None
    edges = np.stack([columns * HEIGHT + top, columns * HEIGHT + bottom], 1)[keep].ravel()
    runs = np.diff(np.concatenate([[0], edges, [HEIGHT * WIDTH]])).tolist()
    return rle_module.from_run_lengths((HEIGHT, WIDTH), runs if runs[-1] else runs[:-1])


def uncompress(path):
    table = json.loads(path.read_text())
    for annotation in table["annotations"]:
        for mask in filter(None, annotation["segmentations"]):
            mask["counts"] = rle_module.run_lengths(mask["counts"]).tolist()
    path.write_text(json.dumps(table))


def lay_images(folder, videos):
    """One JPEG per video under the names of all its frames: looking at a header costs the same."""
    for video in videos:
        first, *others = (folder / name for name in video.file_names)
        first.parent.mkdir()
        Image.new("RGB", (WIDTH, HEIGHT)).save(first)
        for path in others:
            os.link(first, path)


def run(*args):
    """Seconds and peak megabytes of one command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "visolo", "dataset", *map(str, args)]
    quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, args
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def conversions(folder, path, formats):
    """Formats, written and read."""
    found = {}
    for form in formats:
        written = folder / f"{form}{FORMAT_NAMES[form].suffix if form == 'coco' else ''}"
        found[f"to {form}"] = ["convert", path, written, "--to", form]
        found[f"from {form}"] = ["convert", written, folder / f"back-{form}.json"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=2985)
    parser.add_argument("--frames", type=int, default=36)
    parser.add_argument("--tracks", type=int, default=2)
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--uncompressed", action="store_true")
    parser.add_argument("--formats", nargs="*", choices=CONVERTED, default=CONVERTED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name, "train.json"), Path(name, "out.json")
        # Elsewhere: a command's peak memory counts from that of the process which starts it.
        maker = multiprocessing.get_context("spawn").Process(target=make_dataset, args=(path, options))
        maker.start()
        maker.join()
        assert maker.exitcode == 0
        size = path.stat().st_size / 2**20
        print(f"{options.videos} videos, {options.videos * options.frames} frames, {size:.0f} MiB of JSON")
        parts = [f"{out}=80", f"{Path(name, 'valid.json')}=20"]
        for label, args in {
            "validate": ["validate", path],
            "validate --fix": ["validate", path, "--no-images", "--fix", out],
            "info": ["info", path],
            "split": ["split", path, *parts],
            "merge": ["merge", out, path, path],
            **conversions(Path(name), path, options.formats),
        }.items():
            seconds, peak = run(*args)
            print(f"{label:18} {seconds:6.1f} s  {peak:6.0f} MiB peak", flush=True)


if __name__ == "__main__":
    main()
