"""Which frames leave a project as ground truth, as what, and into which file."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, add_video, frame, mask, masks_of, new_project, project_with_run

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddCategory, Confirm, EditRefused, RemoveInstances, SetMask, SwapTracks
from app.document.exchange import ExportOptions, export_dataset, import_dataset, read_dataset_import
from app.document.export_plan import dataset_of, plan_export
from app.document.records import FrameRange
from visolo import rle
from visolo.cli import main
from visolo.errors import AnnotationError, ConfigError, OutputError
from visolo.formats.catalogue import read_any
from visolo.formats.names import FORMAT_NAMES, write_names
from visolo.io.images import images_in_folder
from visolo.io.ytvis import read_dataset, read_results

EMPTY = rle.encode(np.zeros((HEIGHT, WIDTH), dtype=bool))


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def export(document, target: Path, **options):
    return list(export_dataset(document, ExportOptions(target, **options)))


def numbers(video) -> list[int]:
    return [int(Path(name).stem) for name in video.file_names]


def test_every_confirmed_range_becomes_a_video_of_its_own(project, tmp_path):
    document, history = project
    with pytest.raises(OutputError, match="No frame of these videos is wholly confirmed"):
        export(document, tmp_path / "out.json", frames="confirmed-ranges")
    history.do(RemoveInstances(1, 3, FrameRange(3, 8)))
    history.do(Confirm(1, 3, FrameRange(0, None)))
    history.do(Confirm(1, None, FrameRange(4, 5)))
    history.do(Confirm(1, None, FrameRange(8, 8)))
    export(document, tmp_path / "out.json", frames="confirmed-ranges")
    dataset = read_dataset(tmp_path / "out.json")
    assert [(v.video_id, v.length, numbers(v)) for v in dataset.videos] == [(1, 2, [4, 5]), (2, 1, [8])]
    masks = [(a.video_id, [one.counts for one in a.segmentations]) for a in dataset.annotations]
    expected = [
        (v, [masks_of(document, t)[i] for i in frames]) for v, frames in ((1, (4, 5)), (2, (8,))) for t in (1, 2)
    ]
    assert masks == expected  # track 3 is nowhere in these
    assert dataset.info["policy"].startswith("wholly confirmed frames")


def test_only_videos_confirmed_to_their_ends_are_exported_when_so_chosen(project, tmp_path):
    document, history = project
    add_video(history, 2)
    history.do(Confirm(1, None, FrameRange(0, FRAMES - 2)))
    with pytest.raises(OutputError, match="No video is wholly confirmed"):
        export(document, tmp_path / "out.json", frames="confirmed-videos")
    history.do(Confirm(2, None, FrameRange(0, None)))
    for track_id in (1, 2, 3):  # one by one is as good as whole
        history.do(Confirm(1, track_id, FrameRange(FRAMES - 1, FRAMES - 1)))
    export(document, tmp_path / "out.json", frames="confirmed-videos")
    dataset = read_dataset(tmp_path / "out.json")
    assert [(v.video_id, v.length) for v in dataset.videos] == [(1, FRAMES), (2, FRAMES)]
    assert dataset.info["policy"].startswith("wholly confirmed videos")


def test_an_empty_mask_is_null(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, frame_count=2)
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
        run.add([replace(frame(0, [0]), instances=(replace(frame(0, [0]).instances[0], rle=EMPTY),)), frame(1, [0])])
        run.finish("done")
        export(document, tmp_path / "out.json")
        (annotation,) = json.loads((tmp_path / "out.json").read_text())["annotations"]
        assert annotation["segmentations"][0] is annotation["areas"][0] is annotation["bboxes"][0] is None
        assert annotation["areas"][1] > 0


@pytest.fixture
def images(tmp_path):
    """A project of an image folder whose frames 2 to 4 and 7 are confirmed."""
    folder = tmp_path / "media" / "clip"
    folder.mkdir(parents=True)
    for i in range(FRAMES):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 20 * i, dtype=np.uint8)).save(folder / f"{i:05d}.png")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, source="media/clip")
        history.do(AddCategory(1, "person"))
        for i in range(FRAMES):
            history.do(SetMask(1, 1, i, mask(i), category_id=1))
        history.do(Confirm(1, None, FrameRange(2, 4)))
        history.do(Confirm(1, None, FrameRange(7, 7)))
        (tmp_path / "out").mkdir()
        yield document, folder


@pytest.mark.parametrize("links", [False, True])
def test_clips_get_folders_of_their_own_that_can_be_imported_again(images, tmp_path, links):
    document, folder = images
    target = tmp_path / "out" / "gt.json"
    export(document, target, frames="confirmed-ranges", with_frames=True, link_images=links)
    dataset = read_dataset(target)
    suffix = "png" if links else "jpg"
    assert [v.file_names for v in dataset.videos] == [
        tuple(f"video 1_00002-00004/{i:05d}.{suffix}" for i in (2, 3, 4)),
        (f"video 1_00007-00007/00007.{suffix}",),
    ]
    for video in dataset.videos:
        for name in video.file_names:
            path = tmp_path / "out" / "JPEGImages" / name
            assert abs(int(np.asarray(Image.open(path))[5, 5, 0]) - 20 * int(path.stem)) <= 2
            assert path.is_symlink() is links
            assert not links or path.resolve() == folder / path.name
    again, history = new_project(tmp_path / "again.visolo")
    with again:
        import_dataset(history, target)
        assert [(v.name, v.frame_count) for v in again.videos()] == [
            ("video 1_00002-00004", 3),
            ("video 1_00007-00007", 1),
        ]
        assert masks_of(again, 1, 1) == {i - 2: mask(i).counts for i in (2, 3, 4)}


def test_without_images_of_their_own_clips_name_those_of_the_folder(images, tmp_path):
    document, folder = images
    export(document, tmp_path / "out" / "gt.json", frames="confirmed-ranges")
    videos = read_dataset(tmp_path / "out" / "gt.json").videos
    assert [v.file_names for v in videos] == [tuple(f"clip/{i:05d}.png" for i in (2, 3, 4)), ("clip/00007.png",)]
    assert {v.source for v in videos} == {str(folder)}


def test_clips_without_images_come_back_to_the_frames_they_were_cut_from(images, tmp_path):
    document, folder = images
    target = tmp_path / "out" / "gt.json"
    export(document, target, frames="confirmed-ranges")
    clips = {i: mask(i).counts for i in (2, 3, 4)}, {7: mask(7).counts}
    again, history = new_project(tmp_path / "again.visolo")
    with again:
        edit = read_dataset_import(again, target)
        assert edit.notes == (
            "2 clips of 1 video came to the frames that they were cut from; tracks of different clips stay apart.",
        )
        history.do(edit)
        assert [(v.video_id, v.name, v.frame_count) for v in again.videos()] == [(1, "clip", FRAMES)]
        assert Path(again.video(1).source) == folder
        assert [masks_of(again, track) for track in (1, 2)] == list(clips)
        history.do(read_dataset_import(again, target))  # the video is there already: they come beside
        assert len(again.videos()) == 1
        assert [masks_of(again, track) for track in (3, 4)] == list(clips)
        history.undo()
        assert len(again.tracks(1)) == 2


def test_clips_that_do_not_fit_the_video_of_the_project_are_refused(images, tmp_path):
    document, folder = images
    target = tmp_path / "out" / "gt.json"
    export(document, target, frames="confirmed-ranges")
    short, history = new_project(tmp_path / "short.visolo")
    with short:
        add_video(history, 1, 6, source=str(folder))
        with pytest.raises(AnnotationError, match=r"video 2 is frames 7 to 7 of .*; video 1 has 6 frames of 20 x 16"):
            read_dataset_import(short, target)
    table = json.loads(target.read_text())
    assert [(v["source_first"], v["source_length"]) for v in table["videos"]] == [(2, FRAMES), (7, FRAMES)]
    table["videos"][1]["source_first"] = FRAMES
    target.write_text(json.dumps(table))
    with pytest.raises(AnnotationError, match=r"videos\[1\]: ends behind the 12 frames of its source"):
        read_dataset(target)


def test_a_clip_of_a_video_that_is_gone_can_be_located_later(images, tmp_path):
    document, folder = images
    target = tmp_path / "out" / "gt.json"
    export(document, target, frames="confirmed-ranges")
    folder.rename(folder.with_name("elsewhere"))
    again, history = new_project(tmp_path / "again.visolo")
    with again:
        import_dataset(history, target)
        assert [(v.name, v.source, v.frame_count) for v in again.videos()] == [("clip", str(folder), FRAMES)]


def test_videos_are_split_into_two_files_by_seed(project, tmp_path):
    document, history = project
    for video_id in range(2, 6):
        add_video(history, video_id)
        history.do(Confirm(video_id, None, FrameRange(0, 1)))
        history.do(Confirm(video_id, None, FrameRange(4, 5)))
    options = {"frames": "confirmed-ranges", "validation_share": 0.25}
    parts = set()
    for seed in range(6):
        steps = export(document, tmp_path / "out.json", seed=seed, **options)
        train, val = (read_dataset(tmp_path / f"out-{part}.json") for part in ("train", "val"))
        assert (len(train.videos), len(val.videos)) == (6, 2)
        assert not {v.source for v in train.videos} & {v.source for v in val.videos}  # clips of a video stay together
        assert "train part of a split by video, 25% val" in train.info["policy"]
        assert steps[-1].text.endswith("out-val.json: 2 videos, 0 tracks")
        parts.add(val.videos[0].source)
        before = (tmp_path / "out-val.json").read_text().split("date_created")[1][40:]
        export(document, tmp_path / "out.json", seed=seed, **options)
        assert (tmp_path / "out-val.json").read_text().split("date_created")[1][40:] == before
    assert len(parts) > 1
    assert not (tmp_path / "out.json").exists()
    with pytest.raises(ConfigError, match="too few videos"):
        export(document, tmp_path / "out.json", video_ids=(1,), validation_share=0.5)


def test_a_file_that_cannot_be_placed_leaves_all_as_it_was(images, tmp_path, monkeypatch):
    document, _ = images
    target = tmp_path / "out" / "gt.json"
    export(document, target, frames="confirmed-ranges", with_frames=True)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    import os

    replace = os.replace

    def fails(source, place):
        if Path(place) == target and "replaced" not in str(source):
            raise OSError(1, "Operation not permitted")
        replace(source, place)

    monkeypatch.setattr("os.replace", fails)
    with pytest.raises(OutputError, match="nothing was changed"):
        export(document, target, with_frames=True, jpeg_quality=40)
    monkeypatch.setattr("os.replace", replace)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", [name for name in write_names() if name != "ytvis"])
def test_every_format_carries_the_policy(images, tmp_path, name):
    document, _ = images
    target = tmp_path / "out" / f"x{'.json' if FORMAT_NAMES[name].suffix == '.json' else ''}"
    *_, last = export(document, target, format=name, frames="confirmed-ranges")
    assert last.notes
    assert sorted(p.name for p in target.parent.iterdir()) == [target.name]
    if name == "results":
        assert [len(entry.segmentations) for entry in read_results(target)] == [3, 1]
        return
    found = read_any(target, name).dataset
    assert sorted(video.length for video in found.videos) == [1, 3]
    masks = sorted(rle.decode(one).tobytes() for a in found.annotations for one in a.segmentations if one)
    assert masks == sorted(rle.decode(mask(i)).tobytes() for i in (2, 3, 4, 7))


@pytest.mark.parametrize("is_linked", [False, True])
@pytest.mark.parametrize("name", [name for name in write_names() if not FORMAT_NAMES[name].suffix.endswith("json")])
def test_folders_of_a_format_hold_the_frames(images, tmp_path, name, is_linked):
    """Every video's frames lie where readers of the format look for them, in order, and are those of the range."""
    document, _ = images
    target = tmp_path / "out" / "x"
    export(document, target, format=name, frames="confirmed-ranges", with_frames=True, link_images=is_linked)
    assert [p.name for p in target.parent.iterdir()] == ["x"]
    imported = read_any(target)
    source = images_in_folder(document.source_path(1))
    shown = []
    for video in imported.dataset.videos:
        for file_name in video.file_names:
            assert (imported.images / file_name).is_symlink() == is_linked
            with Image.open(imported.images / file_name) as found:
                levels = [abs(np.asarray(found, float) - np.asarray(Image.open(path), float)).mean() for path in source]
            shown.append(int(np.argmin(levels)))
    assert sorted(shown) == [2, 3, 4, 7]


def test_a_format_is_not_written_over_a_folder_or_with_frames_it_has_no_place_for(images, tmp_path):
    document, _ = images
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        export(document, tmp_path / "out", format="davis")
    with pytest.raises(OutputError, match="frames go with a folder of CVAT XML only"):
        export(document, tmp_path / "out" / "x.xml", format="cvat", with_frames=True)
    with pytest.raises(OutputError, match="a file for every video, and there are 2; name a folder"):
        export(document, tmp_path / "out" / "x.xml", format="cvat", frames="confirmed-ranges")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_another_format_is_cancelled_by_whoever_hears(images, tmp_path):
    document, _ = images

    class Enough(Exception):  # noqa: N818
        pass

    def hear(share):
        if share > 0.3:
            raise Enough

    with pytest.raises(Enough):
        list(export_dataset(document, ExportOptions(tmp_path / "out" / "x", format="mots-png"), hear))
    assert list((tmp_path / "out").iterdir()) == []


# Any project

FRAME = st.integers(0, FRAMES - 1)
RANGE = st.builds(lambda a, b: FrameRange(min(a, b), max(a, b)), FRAME, FRAME)
EDIT = st.one_of(
    st.builds(Confirm, st.integers(1, 3), st.none() | st.integers(1, 4), RANGE, st.sampled_from([True, True, False])),
    st.builds(RemoveInstances, st.integers(1, 3), st.integers(1, 4), RANGE, st.booleans()),
    st.builds(SwapTracks, st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), RANGE),
    st.builds(SetMask, st.integers(1, 3), st.integers(1, 4), FRAME, st.integers(8000, 8100).map(mask)),
)


def is_corrected(document: Document, video_id: int, frame_index: int) -> bool:
    """Whether all of a frame is confirmed, from the table itself."""
    rows = document.connection.execute("SELECT * FROM confirmed WHERE video_id = ?", (video_id,)).fetchall()
    confirmed = {track_id for _, track_id, first, last in rows if first <= frame_index <= last}
    present = {
        row[0] for row in document.connection.execute("SELECT track_id FROM cells WHERE video_id = ?", (video_id,))
    }
    return 0 in confirmed or (bool(present) and present <= confirmed)


@given(st.lists(EDIT, max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_partly_corrected_frame_is_never_exported_as_confirmed(tmp_path_factory, edits):
    folder = tmp_path_factory.mktemp("p")
    document, history = project_with_run(folder / "p.visolo")
    with document:
        add_video(history, 2)
        run = begin_run(history, 2, {"model": "lite"}, LABELS, 0)
        run.add([frame(i, [0, 1], seed=1) for i in range(FRAMES)])
        run.finish("done")
        add_video(history, 3)
        for edit in edits:
            try:
                history.do(edit)
            except EditRefused:
                continue
        corrected = {(v, i) for v in (1, 2, 3) for i in range(FRAMES) if is_corrected(document, v, i)}
        whole = {(v, i) for v, i in corrected if all((v, j) in corrected for j in range(FRAMES))}
        for frames, allowed in (("confirmed-ranges", corrected), ("confirmed-videos", whole)):
            target = folder / f"{frames}.json"
            if not allowed:
                with pytest.raises(OutputError):
                    export(document, target, frames=frames)
                continue
            export(document, target, frames=frames)
            check_exported(document, target, allowed)
            options = ExportOptions(target, frames=frames)
            value = dataset_of(document, options, plan_export(document, options))
            assert (value.videos, value.annotations) == (read_dataset(target).videos, read_dataset(target).annotations)


def check_exported(document: Document, target: Path, allowed: set[tuple[int, int]]) -> None:
    """The file holds exactly these frames, each once, each with all its masks, and null where there is none."""
    table = json.loads(target.read_text())
    found = []
    for video in table["videos"]:
        source = int(Path(video["source"]).stem[1:])
        frames = [int(Path(name).stem) for name in video["file_names"]]
        assert frames == list(range(frames[0], frames[0] + video["length"]))  # no gap
        annotations = [a for a in table["annotations"] if a["video_id"] == video["id"]]
        for position, index in enumerate(frames):
            masks = [a["segmentations"][position] for a in annotations]
            here = [i.rle.counts for i in document.instances(source, index)]
            assert sorted(m["counts"] for m in masks if m is not None) == sorted(here)
            assert all(a["areas"][position] for a, m in zip(annotations, masks, strict=True) if m is not None)
        assert all(any(a["segmentations"]) for a in annotations)
        found += [(source, index) for index in frames]
    assert sorted(found) == sorted(allowed)


# From the command line


def test_the_command_exports_by_a_policy(project, tmp_path, capsys):
    document, history = project
    history.do(Confirm(1, None, FrameRange(2, 4)))
    document.close()
    path, out = tmp_path / "p.visolo", tmp_path / "out.json"
    assert main(["project", "export", str(path), str(out), "--policy", "confirmed-ranges"]) == 0
    assert capsys.readouterr().out == f"{out}: 1 video, 3 tracks\n"
    assert [numbers(v) for v in read_dataset(out).videos] == [[2, 3, 4]]


def test_the_command_writes_other_formats(project, tmp_path, capsys):
    project[0].close()
    path, out = tmp_path / "p.visolo", tmp_path / "cvat"
    assert main(["project", "export", str(path), str(out), "--format", "cvat"]) == 0
    assert capsys.readouterr().out == f"{out}: 1 video, 3 tracks\n"
    assert len(read_any(out).dataset.annotations) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--policy", "confirmed-videos"], "No video is wholly confirmed"),
        (["--video", "7"], "there is no video 7 in this project; it holds: 1 video 1"),
        (["--val", "100"], "--val 100 is no share"),
        (["--val", "20"], "too few videos"),
        (["--labels", "nonsense"], "no label set is called"),
        (["--format", "results", "--images", "jpeg"], "no frames are written with YouTube-VIS results"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(project, tmp_path, capsys, options, words):
    project[0].close()
    assert main(["project", "export", str(tmp_path / "p.visolo"), str(tmp_path / "out.json"), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.json"))


def test_a_project_that_is_open_elsewhere_can_be_exported_and_is_not_overwritten(project, tmp_path, capsys):
    path = str(tmp_path / "p.visolo")
    assert main(["project", "export", path, str(tmp_path / "out.json")]) == 0
    assert main(["project", "export", path, path]) == 2
    assert "this is the project" in capsys.readouterr().err
    assert main(["project", "export", str(tmp_path / "none.visolo"), str(tmp_path / "out.json")]) == 2
    assert "there is no such project" in capsys.readouterr().err
