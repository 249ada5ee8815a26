"""Time of `visolo evaluate` against the official evaluation semantics through pycocotools calls, in one run.

    python tests/bench/evaluate.py --profiles                   the four of ../shared/ytvis_eval/timing.json
    python tests/bench/evaluate.py [--gt GT.json --results R.json] [--videos 100] [--predictions 10] [--categories 40]

Without files it makes a synthetic dataset of moving discs. The reference below is written from the published semantics
of YTVOSeval the way that code works: one pycocotools area and box per mask at loading, two merges and two areas per
pair of masks, and the same Python loops over thresholds, predictions and annotations. Both sides start from the files
on disk and end with twelve numbers, which must agree; the product also checks every run length, the reference nothing.
Two ratios are printed: of the evaluation alone (after json.loads there, after strict reading here), and from files to
numbers. Times are CPU seconds, the least of several rounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco

from visolo import rle as rle_module
from visolo.categories import Category
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.ytvis import (
    Annotation,
    Dataset,
    ResultEntry,
    Video,
    read_dataset,
    read_results,
    write_dataset,
    write_results,
)

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
RANGES = ((0, 1e10), (0, 128**2), (128**2, 256**2), (256**2, 1e10))
MAX_DETS = (1, 10, 100)


# The reference ------------------------------------------------------------------------------------------------------
def reference(gt_path, dt_path):
    """The twelve numbers by the official way of computing."""
    return reference_numbers(*reference_read(gt_path, dt_path))


def reference_read(gt_path, dt_path):
    return json.loads(Path(gt_path).read_text()), json.loads(Path(dt_path).read_text())


def reference_numbers(gt, dt):
    sizes = {v["id"]: (v["height"], v["width"]) for v in gt["videos"]}
    gts, dts = defaultdict(list), defaultdict(list)
    for index, entry in enumerate(dt):
        entry["id"] = index + 1
        entry["areas"] = [coco.area(s) if s else None for s in entry["segmentations"]]
        entry["bboxes"] = [coco.toBbox(s) if s else None for s in entry["segmentations"]]
        entry["area"] = mean_area(entry["areas"])
        dts[entry["video_id"], entry["category_id"]].append(entry)
    for entry in gt["annotations"]:
        entry["segmentations"] = [to_rle(s, sizes[entry["video_id"]]) for s in entry["segmentations"]]
        entry["area"] = mean_area(entry["areas"])
        gts[entry["video_id"], entry["category_id"]].append(entry)
    videos, categories = sorted(sizes), sorted(c["id"] for c in gt["categories"])
    ious = {(v, c): compute_ious(dts[v, c], gts[v, c]) for v in videos for c in categories}
    cells = {
        (c, a, v): evaluate_video(dts[v, c], gts[v, c], ious[v, c], RANGES[a])
        for c in categories
        for a in range(4)
        for v in videos
    }
    return accumulate(cells, videos, categories)


def to_rle(segmentation, size):
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        return coco.merge(coco.frPyObjects(segmentation, *size))
    return coco.frPyObjects(segmentation, *size) if isinstance(segmentation["counts"], list) else segmentation


def mean_area(areas):
    counted = [a for a in areas if a]
    return float(np.mean(counted)) if counted else 0


def compute_ious(dts, gts):
    dts = [dts[i] for i in np.argsort([-d["score"] for d in dts], kind="mergesort")][: MAX_DETS[-1]]
    return np.array([[iou(d["segmentations"], g["segmentations"]) for g in gts] for d in dts])


def iou(masks, others):
    intersection, union = 0.0, 0.0
    for mask, other in zip(masks, others, strict=False):
        if mask and other:
            intersection += coco.area(coco.merge([mask, other], True))
            union += coco.area(coco.merge([mask, other], False))
        elif mask or other:
            union += coco.area(mask or other)
    return intersection / union if union else 0.0


def evaluate_video(dts, gts, ious, area_range):
    if not dts and not gts:
        return None
    low, high = area_range
    ignore = [bool(g["iscrowd"]) or not low <= g["area"] <= high for g in gts]
    order = np.argsort(ignore, kind="mergesort")
    gts, ignore = [gts[i] for i in order], [ignore[i] for i in order]
    dts = [dts[i] for i in np.argsort([-d["score"] for d in dts], kind="mergesort")][: MAX_DETS[-1]]
    ious = ious[:, order] if len(ious) and gts else ious
    taken = np.zeros((len(THRESHOLDS), len(gts)))
    matched = np.zeros((len(THRESHOLDS), len(dts)))
    ignored = np.zeros((len(THRESHOLDS), len(dts)))
    if len(dts) and gts:
        for t, threshold in enumerate(THRESHOLDS):
            for d, detection in enumerate(dts):
                best, match = min(threshold, 1 - 1e-10), -1
                for g, truth in enumerate(gts):
                    if taken[t, g] > 0 and not truth["iscrowd"]:
                        continue
                    if match > -1 and not ignore[match] and ignore[g]:
                        break
                    if ious[d, g] < best:
                        continue
                    best, match = ious[d, g], g
                if match == -1:
                    continue
                ignored[t, d] = ignore[match]
                matched[t, d] = gts[match]["id"]
                taken[t, match] = detection["id"]
    outside = np.array([not low <= d["area"] <= high for d in dts]).reshape(1, len(dts))
    ignored = np.logical_or(ignored, np.logical_and(matched == 0, np.repeat(outside, len(THRESHOLDS), 0)))
    return {"scores": [d["score"] for d in dts], "matched": matched, "ignored": ignored, "gt_ignored": ignore}


def accumulate(cells, videos, categories):
    shape = (len(THRESHOLDS), len(categories), len(RANGES), len(MAX_DETS))
    precision, recall = -np.ones((len(RECALLS), *shape)), -np.ones(shape)
    for k, category in enumerate(categories):
        for a in range(len(RANGES)):
            found = [e for e in (cells[category, a, v] for v in videos) if e is not None]
            if not found:
                continue
            for m, most in enumerate(MAX_DETS):
                scores = np.concatenate([e["scores"][:most] for e in found])
                order = np.argsort(-scores, kind="mergesort")
                matched = np.concatenate([e["matched"][:, :most] for e in found], axis=1)[:, order]
                ignored = np.concatenate([e["ignored"][:, :most] for e in found], axis=1)[:, order]
                positives = np.count_nonzero(np.concatenate([e["gt_ignored"] for e in found]) == 0)
                if positives == 0:
                    continue
                right = np.cumsum(np.logical_and(matched, np.logical_not(ignored)), axis=1).astype(float)
                wrong = np.cumsum(np.logical_and(np.logical_not(matched), np.logical_not(ignored)), axis=1).astype(
                    float
                )
                for t, (tp, fp) in enumerate(zip(right, wrong, strict=True)):
                    reached = tp / positives
                    precise = (tp / (fp + tp + np.spacing(1))).tolist()
                    recall[t, k, a, m] = reached[-1] if len(tp) else 0
                    for i in range(len(tp) - 1, 0, -1):
                        precise[i - 1] = max(precise[i - 1], precise[i])
                    sampled = np.zeros(len(RECALLS))
                    for r, position in enumerate(np.searchsorted(reached, RECALLS, side="left")):
                        if position < len(tp):
                            sampled[r] = precise[position]
                    precision[:, t, k, a, m] = sampled
    return summarise(precision, recall)


def summarise(precision, recall):
    def mean(values):
        return float(np.mean(values[values > -1])) if (values > -1).any() else -1.0

    aps = [precision[..., 0, 2], precision[:, 0, :, 0, 2], precision[:, 5, :, 0, 2]]
    aps += [precision[..., a, 2] for a in (1, 2, 3)]
    ars = [recall[..., 0, m] for m in (0, 1, 2)] + [recall[..., a, 2] for a in (1, 2, 3)]
    return dict(zip(NAMES, map(mean, aps + ars), strict=True))


# The product --------------------------------------------------------------------------------------------------------
def product(gt_path, dt_path):
    """The twelve numbers as the command line computes them: strict reading and all."""
    return product_numbers(*product_read(gt_path, dt_path))


def product_read(gt_path, dt_path):
    dataset = read_dataset(gt_path)
    return dataset, read_results(dt_path, dataset, allow_unknown_categories=True)


def product_numbers(dataset, results):
    metrics = evaluate(dataset, results)
    return {name: getattr(metrics, name) for name in NAMES}


# The data -----------------------------------------------------------------------------------------------------------
def make_files(folder, options):
    """A dataset of moving discs with ragged edges, and predictions that are nearly right."""
    rng = np.random.default_rng(0)
    height, width, frames = options.height, options.height * 16 // 9, options.frames
    videos, annotations, entries = [], [], []
    for video_id in range(1, options.videos + 1):
        videos.append(Video(video_id, width, height, frames))
        tracks = []
        for _ in range(3):
            category_id = int(rng.integers(1, options.categories + 1))
            tracks.append((category_id, path := disc_path(rng, height, width, frames)))
            masks = tuple(disc(height, width, *place, rng, 0) for place in path)
            annotations.append(Annotation.of_masks(len(annotations) + 1, video_id, category_id, masks))
        for index in range(options.predictions):
            category_id, path = tracks[index % 3]
            if rng.random() < 0.4:
                category_id = int(rng.integers(1, options.categories + 1))
            noise = height * float(rng.choice([0.0, 0.005, 0.01, 0.02, 0.05]))
            masks = tuple(disc(height, width, *place, rng, noise) for place in path)
            entries.append(ResultEntry(video_id, category_id, round(float(rng.uniform(0.05, 1)), 4), masks))
    categories = tuple(Category(i + 1, f"class {i + 1}") for i in range(options.categories))
    write_dataset(folder / "gt.json", Dataset(tuple(videos), categories, tuple(annotations)))
    write_results(folder / "dt.json", entries)
    return folder / "gt.json", folder / "dt.json"


def disc_path(rng, height, width, frames):
    radius = rng.uniform(height / 18, height / 5)
    start, step = rng.uniform((0, 0), (height, width)), rng.uniform(-height / 40, height / 40, 2)
    return [(*(start + step * t), radius) for t in range(frames)]


def disc(height, width, y, x, radius, rng, noise):
    if rng.random() < 0.05:
        return None
    dy, dx = rng.normal(0, noise, 2) if noise else (0, 0)
    columns = np.arange(max(0, int(x + dx - radius)), min(width, int(x + dx + radius) + 1))
    half = np.sqrt(np.maximum(radius**2 - (columns - x - dx) ** 2, 0)) + rng.integers(0, 3, columns.size)
    top = np.clip(np.rint(y + dy - half), 0, height).astype(int)
    bottom = np.clip(np.rint(y + dy + half), 0, height).astype(int)
    keep = bottom > top
    if not keep.any():
        return None
    edges = np.stack([columns * height + top, columns * height + bottom], 1)[keep].ravel()
    runs = np.diff(np.concatenate([[0], edges, [height * width]])).tolist()
    return rle_module.from_run_lengths((height, width), runs if runs[-1] else runs[:-1])


class Times(NamedTuple):
    """CPU seconds of one side: reading, then evaluating."""

    read: float
    count: float

    @property
    def total(self):
        return self.read + self.count


def measure(paths, rounds):
    """The least times of the reference and of the product, and the AP on which they agree."""
    ways = ((reference_read, reference_numbers), (product_read, product_numbers))
    times = {way: [] for way in ways}
    for _ in range(rounds):
        numbers = []
        for read, count in ways:
            start = time.process_time()
            files = read(*paths)
            middle = time.process_time()
            numbers.append(count(*files))
            times[read, count].append(Times(middle - start, time.process_time() - middle))
        difference = max(abs(numbers[0][name] - numbers[1][name]) for name in NAMES)
        if difference > 1e-9:
            raise SystemExit(f"the numbers differ by {difference}")
    slow, fast = (Times(*map(min, zip(*times[way], strict=True))) for way in ways)
    return slow, fast, numbers[1]["AP"]


def report(name, slow, fast, ap):
    ratios = slow.count / fast.count, slow.total / fast.total
    print(f"{name:<8}{slow.count:9.3f}{fast.count:9.3f}{ratios[0]:8.2f}", end="")
    print(f"{slow.total:12.3f}{fast.total:9.3f}{ratios[1]:8.2f}{ap:11.4f}", flush=True)


def make_profile(folder, name):
    """One of the data sets that the official code was timed on."""
    shared = Path(os.environ.get("VISOLO_SHARED", Path(__file__).parents[3] / "shared"))
    script = shared / "ytvis_eval" / "make_cases.py"
    subprocess.run([sys.executable, script, "--timing", folder, "--profile", name], check=True, capture_output=True)
    return folder / "gt.json", folder / "dt.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", action="store_true")
    parser.add_argument("--gt", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--predictions", type=int, default=10)
    parser.add_argument("--categories", type=int, default=40)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("        evaluation: reference, visolo, ratio; from files: reference, visolo, ratio; AP on both sides")
    with tempfile.TemporaryDirectory() as folder:
        if options.profiles:
            for name in "ABCD":
                report(name, *measure(make_profile(Path(folder), name), options.rounds))
        else:
            paths = (options.gt, options.results) if options.gt else make_files(Path(folder), options)
            report("files" if options.gt else "discs", *measure(paths, options.rounds))


if __name__ == "__main__":
    main()
