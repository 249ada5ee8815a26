"""Small annotated pictures for the training tests."""

import json

import cv2
import numpy as np

from visolo import rle

HEIGHT, WIDTH = 60, 80
COCO_CATEGORIES = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}, {"id": 62, "name": "chair"}]
OWN_CATEGORIES = [{"id": 26, "name": "person"}, {"id": 5, "name": "car"}]


def write_stills(folder, count=4, categories=COCO_CATEGORIES, category_id=1):
    """COCO instances JSON of `count` pictures with one bright box each; ids from 1. Returns its path."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for image_id in range(1, count + 1):
        name = f"{image_id:03d}.png"
        left, top = 10 + 3 * image_id, 12
        _write_picture(folder / "images" / name, left, top)
        images.append({"id": image_id, "file_name": name, "height": HEIGHT, "width": WIDTH})
        corners = [left, top, left + 30, top, left + 30, top + 24, left, top + 24]
        annotations.append(
            {"id": image_id, "image_id": image_id, "category_id": category_id, "iscrowd": 0, "segmentation": [corners]}
        )
    return _write_json(folder / "instances.json", images=images, annotations=annotations, categories=categories)


def write_video(folder, length=5, categories=OWN_CATEGORIES, category_id=5):
    """YouTube-VIS JSON of one video whose box moves right and is absent in the last frame. Returns its path."""
    (folder / "JPEGImages" / "v").mkdir(parents=True, exist_ok=True)
    names, masks = [], []
    for frame_index in range(length):
        names.append(f"v/{frame_index:05d}.png")
        left = 5 + 6 * frame_index
        _write_picture(folder / "JPEGImages" / names[-1], left, 12)
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
        mask[12:36, left : left + 30] = True
        masks.append(rle.to_json(rle.encode(mask)) if frame_index < length - 1 else None)
    video = {"id": 1, "file_names": names, "height": HEIGHT, "width": WIDTH, "length": length}
    annotation = {"id": 1, "video_id": 1, "category_id": category_id, "iscrowd": 0, "segmentations": masks}
    return _write_json(folder / "instances.json", videos=[video], annotations=[annotation], categories=categories)


def _write_picture(path, left, top):
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[top : top + 24, left : left + 30] = (30, 200, 240)
    assert cv2.imwrite(str(path), picture)


def _write_json(path, **table):
    path.write_text(json.dumps(table), encoding="utf-8")
    return path
