"""The frames of the clips that the bundled model was trained on, cut out of their videos, and some as stills.

The masks are in `resources/models/training_clips.json`; the videos are in the shared media (`VISOLO_SHARED`).

    python tests/bench/training_clips.py ../shared/media out/clips

Writes out/clips/instances.json with JPEGImages beside it, and out/clips/stills/instances.json with images: frames in
which objects can be cut out for pasting.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from visolo.io.frames import open_frames
from visolo.resources import resource_path

STILLS = {"dog": 28, "parking": 7, "table": 4}  # of one clip


def main() -> None:
    """Write both sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path, help="folder with the videos")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    table = json.loads(resource_path("models", "training_clips.json").read_text(encoding="utf-8"))
    for video in table["videos"]:
        write_frames(video, args.media, args.out / "JPEGImages")
    (args.out / "instances.json").write_text(json.dumps(table), encoding="utf-8")
    count = write_stills(table, args.out)
    print(f"{args.out}: {len(table['videos'])} clips, {count} stills")


def write_frames(video: dict[str, Any], media: Path, folder: Path) -> None:
    """The frames of one clip, shrunk to the size of its masks."""
    size = (video["width"], video["height"])
    with open_frames(media / video["source"]) as frames:
        for name, index in zip(video["file_names"], video["source_frames"], strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            bgr = cv2.resize(frames[index], size, interpolation=cv2.INTER_AREA)[..., ::-1]
            assert cv2.imwrite(str(folder / name), bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])


def write_stills(table: dict[str, Any], out: Path) -> int:
    """COCO instances JSON of some frames of every clip; returns how many."""
    (out / "stills" / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for video in table["videos"]:
        tracks = [a for a in table["annotations"] if a["video_id"] == video["id"]]
        for index in still_frames(video, tracks):
            name = video["file_names"][index].replace("/", "_")
            (out / "stills" / "images" / name).write_bytes(
                (out / "JPEGImages" / video["file_names"][index]).read_bytes()
            )
            image_id = len(images) + 1
            images.append({"id": image_id, "file_name": name, "width": video["width"], "height": video["height"]})
            for track in tracks:
                if track["segmentations"][index]:
                    annotations.append(
                        {
                            "id": len(annotations) + 1,
                            "image_id": image_id,
                            "category_id": track["category_id"],
                            "iscrowd": 0,
                            "segmentation": track["segmentations"][index],
                            "area": track["areas"][index],
                        }
                    )
    stills = {"images": images, "annotations": annotations, "categories": table["categories"]}
    (out / "stills" / "instances.json").write_text(json.dumps(stills), encoding="utf-8")
    return len(images)


def still_frames(video: dict[str, Any], tracks: list[dict[str, Any]]) -> list[int]:
    """Evenly spaced frames that show the rarest thing of the clip."""
    animals = [track for track in tracks if track["category_id"] != 26] or tracks
    shown = [i for i in range(video["length"]) if any(track["segmentations"][i] for track in animals)]
    kind = video["file_names"][0].split("_", maxsplit=1)[0]
    return [shown[i] for i in np.linspace(0, len(shown) - 1, STILLS[kind]).astype(int)]


if __name__ == "__main__":
    main()
