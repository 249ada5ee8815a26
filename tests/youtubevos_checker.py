"""A second reading of the rules of YouTube-VIS files, as the youtubevos API depends on them.

Shares no code with the product: plain JSON and its own decoder. Tests run what the product writes through it, and what
the product accepts must pass here, too.
"""

import json
import math
from pathlib import Path


def dataset_problems(path) -> list[str]:
    """Sentences on what the API, or code that follows the published format, would stumble over."""
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(table, dict) or "videos" not in table or "categories" not in table:
        return ["not an object with videos and categories"]
    if "annotations" in table and table["annotations"] is None:
        return ["annotations is null"]
    problems = []
    videos = {}
    for video in table["videos"]:
        if not all(type(video.get(key)) is int for key in ("id", "height", "width")):
            problems.append(f"video {video.get('id')}: id, height or width")
            continue
        if video["id"] in videos:
            problems.append(f"video {video['id']} is there twice")
        names = video.get("file_names", [])
        if names and len(names) != video.get("length", len(names)):
            problems.append(f"video {video['id']}: length and file_names")
        videos[video["id"]] = video
    categories = [category.get("id") for category in table["categories"]]
    if len(set(categories)) != len(categories) or not all(type(c) is int for c in categories):
        problems.append("category ids")
    seen = set()
    for annotation in table.get("annotations", []):
        problems += annotation_problems(annotation, videos, set(categories))
        if annotation.get("id") in seen:
            problems.append(f"annotation {annotation['id']} is there twice")
        seen.add(annotation.get("id"))
    return problems


def annotation_problems(annotation, videos, categories):
    name = f"annotation {annotation.get('id')}"
    needed = ("id", "video_id", "category_id", "iscrowd", "areas", "segmentations")
    missing = [key for key in needed if key not in annotation]
    if missing:
        return [f"{name}: no {missing}"]
    video = videos.get(annotation["video_id"])
    if video is None or annotation["category_id"] not in categories:
        return [f"{name}: video or category unknown"]
    problems = []
    if annotation["iscrowd"] not in (0, 1):
        problems.append(f"{name}: iscrowd")
    masks, areas = annotation["segmentations"], annotation["areas"]
    boxes = annotation.get("bboxes", [None] * len(masks))
    if not len(masks) == len(areas) == len(boxes) == video.get("length", len(masks)):
        return [*problems, f"{name}: lists of {len(masks)}, {len(areas)}, {len(boxes)}"]
    for mask, area, box in zip(masks, areas, boxes, strict=True):
        problems += mask_problems(name, mask, video, compressed_only=False)
        if area is not None and not (type(area) in (int, float) and math.isfinite(area) and area >= 0):
            problems.append(f"{name}: area {area}")
        if box is not None and not (len(box) == 4 and all(math.isfinite(v) for v in box)):
            problems.append(f"{name}: box {box}")
    return problems


def results_problems(path, dataset_path) -> list[str]:
    """Sentences on what `loadRes` and the evaluation would stumble over."""
    videos = {v["id"]: v for v in json.loads(Path(dataset_path).read_text(encoding="utf-8"))["videos"]}
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(entries, list):
        return ["not a list"]
    problems = []
    for index, entry in enumerate(entries):
        name = f"entry {index}"
        if not all(key in entry for key in ("video_id", "category_id", "score", "segmentations")):
            problems.append(f"{name}: a key is missing")
            continue
        video = videos.get(entry["video_id"])
        if video is None or type(entry["category_id"]) is not int:
            problems.append(f"{name}: video or category")
            continue
        if type(entry["score"]) not in (int, float) or not math.isfinite(entry["score"]):
            problems.append(f"{name}: score {entry['score']}")
        if len(entry["segmentations"]) != video["length"]:
            problems.append(f"{name}: {len(entry['segmentations'])} masks for {video['length']} frames")
        for mask in entry["segmentations"]:
            problems += mask_problems(name, mask, video, compressed_only=True)
    return problems


def mask_problems(name, mask, video, *, compressed_only):
    if mask is None:
        return []
    if isinstance(mask, list):
        is_fine = not compressed_only and all(len(p) >= 6 and len(p) % 2 == 0 for p in mask)
        return [] if is_fine else [f"{name}: polygon"]
    if mask["size"] != [video["height"], video["width"]]:
        return [f"{name}: size {mask['size']}"]
    counts = mask["counts"]
    if isinstance(counts, str):
        counts = decode(counts)
    elif compressed_only:
        return [f"{name}: uncompressed"]
    if not counts or min(counts) < 0 or sum(counts) != video["height"] * video["width"]:
        return [f"{name}: counts cover {sum(counts)} pixels"]
    return []


def decode(text: str) -> list[int]:
    """Run lengths of a counts string, number by number as the C code reads them."""
    counts: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            char = ord(text[position]) - 48
            value |= (char & 0x1F) << (5 * shift)
            more = bool(char & 0x20)
            position += 1
            shift += 1
            if not more and char & 0x10:
                value |= -1 << (5 * shift)
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
