"""COCO files of images as one of the formats: every image for itself, or the images of videos with their tracks."""

from pathlib import Path

from visolo.formats.exchange import Imported, Progress
from visolo.formats.ytvis_files import image_root
from visolo.io.coco_stills import read_coco_stills
from visolo.io.dataset_images import image_roots


def read_stills(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a COCO instances file, every image as a video of one frame; see `read_coco_stills`."""
    dataset = read_coco_stills(path)
    progress(1.0)
    return Imported(dataset, image_root(dataset, image_roots(path, images)))
