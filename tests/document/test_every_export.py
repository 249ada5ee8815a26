"""What holds for every export: progress, nothing left of a cancelled one, and what was there stays till the new is."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, add_video, frame, new_project

from app.document.adopt import begin_run
from app.document.export import Progress, export_dataset
from app.document.export_pictures import (
    PictureOptions,
    export_mask_images,
    export_overlay_images,
    export_overlay_video,
)
from app.document.export_plan import ExportOptions, has_images
from app.document.export_tracks import export_tracks
from app.document.queries import Queries
from app.document.statistics_report import write_report
from visolo.formats.names import FORMAT_NAMES, write_names

Export = Callable[[Queries, Path], Iterator[Progress]]


def dataset_export(document: Queries, target: Path, hear=lambda _: None, **options) -> Iterator[Progress]:
    return export_dataset(document, ExportOptions(target, **options), hear)


def picture_export(write, document: Queries, target: Path) -> Iterator[Progress]:
    return write(document, PictureOptions(target, 1))


EXPORTS: dict[str, tuple[str, Export]] = {
    "overlay video": ("out.mp4", partial(picture_export, export_overlay_video)),
    "overlay pictures": ("out", partial(picture_export, export_overlay_images)),
    "mask pictures": ("out", partial(picture_export, export_mask_images)),
    "table of tracks": ("out.csv", export_tracks),
    "statistics report": ("out.html", write_report),
}
for name in write_names():
    suffix = "" if FORMAT_NAMES[name].is_per_video else FORMAT_NAMES[name].suffix
    EXPORTS[name] = (f"out{suffix}", partial(dataset_export, format=name))
    if has_images(name):
        EXPORTS[f"{name} with frames"] = (f"out{suffix}", partial(dataset_export, format=name, with_frames=True))


@pytest.fixture
def project(tmp_path):
    """Two videos of images with two tracks each; exports go to an empty folder of their own."""
    document, history = new_project(tmp_path / "p.visolo")
    (tmp_path / "out").mkdir()
    with document:
        for video_id in (1, 2):
            folder = tmp_path / "media" / f"clip{video_id}"
            folder.mkdir(parents=True)
            for i in range(FRAMES):
                Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)).save(folder / f"{i:05d}.png")
            add_video(history, video_id, source=f"media/clip{video_id}")
            run = begin_run(history, video_id, {"model": "lite"}, LABELS, 0)
            run.add([frame(i, [0, 1]) for i in range(FRAMES)])
            run.finish("done")
        yield document


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", EXPORTS)
def test_progress_rises_to_the_end_and_only_the_target_is_left(project, tmp_path, name):
    target, export = EXPORTS[name]
    steps = list(export(project, tmp_path / "out" / target))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert steps[-1].done == steps[-1].total
    assert len(steps) > 2
    assert all(step.text for step in steps)
    beside = ["JPEGImages"] if (tmp_path / "out" / "JPEGImages").exists() else []
    assert names(tmp_path / "out") == [*beside, target]


@pytest.mark.parametrize("name", EXPORTS)
def test_cancelled_at_any_step_it_leaves_what_was_there(project, tmp_path, name):
    target, export = EXPORTS[name]
    place = tmp_path / "out" / target
    is_file = bool(place.suffix)
    if is_file:
        place.write_text("old")
    taken, is_over = 0, False
    while not is_over:
        iterator = export(project, place)
        steps = [step for _, step in zip(range(taken), iterator, strict=False)]
        is_over = bool(steps) and steps[-1].done == steps[-1].total
        iterator.close()
        if not is_over:
            assert names(tmp_path / "out") == ([target] if is_file else [])
            assert not is_file or place.read_text() == "old"
        taken += 1
    assert taken > 3


class Enough(Exception):  # noqa: N818
    """Raised by whoever hears of the progress."""


@pytest.mark.parametrize("name", [name for name in write_names() if name != "ytvis"])
def test_whoever_hears_of_a_format_can_cancel_at_any_moment(project, tmp_path, name):
    target, export = EXPORTS[name]
    heard: list[float] = []
    list(export(project, tmp_path / "out" / target, hear=heard.append))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    for stop in range(len(heard)):
        left = iter(range(stop))

        def hear(_share: float, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Enough

        with pytest.raises(Enough):
            list(export(project, tmp_path / "out" / f"new-{target}", hear=hear))
        assert names(tmp_path / "out") == [target]
