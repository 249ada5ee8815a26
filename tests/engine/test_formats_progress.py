"""What holds for reading every format: progress rises to the end, and whoever hears of it can stop the work."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from formats_data import plain_dataset
from test_formats_coco import burst_table, coco_table

from visolo.formats.catalogue import read_any, write_any
from visolo.formats.names import FORMAT_NAMES, read_names


class Enough(Exception):  # noqa: N818
    """Raised by whoever hears of the progress."""


def example(name: str, folder: Path) -> Path:
    """A small dataset in the format."""
    path = folder / f"example{'' if FORMAT_NAMES[name].is_per_video else FORMAT_NAMES[name].suffix}"
    if name == "burst":
        path.write_text(json.dumps(burst_table()))
    elif name == "coco-stills":
        path.write_text(json.dumps({key: value for key, value in coco_table().items() if key != "videos"}))
    else:
        write_any(path, plain_dataset(), name)
    return path


@pytest.mark.parametrize("name", read_names())
def test_reading_tells_how_far_it_is_and_stops_when_told(name, tmp_path):
    path = example(name, tmp_path)
    heard: list[float] = []
    read_any(path, name, progress=heard.append)
    assert heard == sorted(heard)
    assert 0 <= heard[0] < heard[-1] == 1.0
    for stop in range(len(heard)):
        left = iter(range(stop))

        def hear(_share, left=left):
            if next(left, None) is None:
                raise Enough

        with pytest.raises(Enough):
            read_any(path, name, progress=hear)
