"""The formats by name, for the command line and dialogs, which should not load what reads and writes them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FormatName:
    """One format.

    Attributes:
        name: on the command line.
        title: for people.
        suffix: of the file that is written; empty for a folder.
        is_per_video: one file holds one video, so a folder of them is written, too.
        is_read: datasets can be made of it.
        is_written: datasets can be written so.
        images: folder in the written one, or beside the file, where readers look for images; "" for beside the labels.
    """

    name: str
    title: str
    suffix: str
    is_per_video: bool = False
    is_read: bool = True
    is_written: bool = True
    images: str = "JPEGImages"

    def is_file(self, path: Path) -> bool:
        """Whether a dataset is written to this path as a file, not as a folder."""
        return bool(self.suffix) and (not self.is_per_video or path.suffix.lower() == self.suffix)


FORMAT_NAMES = {
    entry.name: entry
    for entry in (
        FormatName("ytvis", "YouTube-VIS 2019, 2021 or OVIS", ".json"),
        FormatName("results", "YouTube-VIS results", ".json", is_read=False),
        FormatName("coco", "COCO per frame with track ids, COCO-video or TAO", ".json"),
        FormatName("coco-stills", "COCO images, each a video of one frame", ".json", is_written=False),
        FormatName("burst", "BURST", ".json", is_written=False),
        FormatName("davis", "DAVIS indexed PNGs", ""),
        FormatName("mots-txt", "MOTS text files", "", images="images"),
        FormatName("mots-png", "MOTS PNGs", "", images="images"),
        FormatName("cvat", "CVAT XML", ".xml", is_per_video=True, images="images"),
        FormatName("labelme", "labelme or X-AnyLabeling", "", images=""),
    )
}


ARCHIVE_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
"""Of files that tools hand datasets out in, and that are to be unpacked first."""


def read_names() -> list[str]:
    """Names of the formats that can be read."""
    return [entry.name for entry in FORMAT_NAMES.values() if entry.is_read]


def write_names() -> list[str]:
    """Names of the formats that can be written."""
    return [entry.name for entry in FORMAT_NAMES.values() if entry.is_written]
