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

from document_data import (
    FRAMES,
    HEIGHT,
    WIDTH,
    add_video,
    lanes,
    mask,
    masks_of,
    new_project,
    pixels,
    project_with_run,
    raw_content,
)

from app.document.document import Document
from app.document.edits import (
    AddCategory,
    AddVideo,
    DeleteTrack,
    EditRefused,
    RenameCategory,
    SetCategory,
    SetMask,
    SwapTracks,
)
from app.document.exchange import (
    ExportOptions,
    export_dataset,
    import_dataset,
    import_results,
    read_dataset_import,
)
from app.document.history import History
from app.document.records import FrameRange, Origin
from visolo import rle
from visolo.categories import load_label_set
from visolo.errors import AnnotationError, ConfigError, MediaError, OutputError, ProjectError
from visolo.io.ytvis import read_dataset


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def write_images(folder: Path, count: int = FRAMES, names=None) -> Path:
    folder.mkdir(parents=True)
    for i in range(count):
        image = np.full((HEIGHT, WIDTH, 3), 20 * i % 256, dtype=np.uint8)
        Image.fromarray(image).save(folder / (names[i] if names else f"{i:05d}.png"))
    return folder


def export(document, target: Path, **options):
    return list(export_dataset(document, ExportOptions(target, **options)))


def tracks_of(document: Document) -> list[tuple]:
    """Every track as files carry it: video size and length, class name, masks by frame."""
    names = {c.category_id: c.name for c in document.categories()}
    found = []
    for video in document.videos():
        for s in document.tracks(video.video_id):
            masks = masks_of(document, s.track.track_id, video.video_id)
            found.append((video.name, video.frame_count, names[s.track.category_id], sorted(masks.items())))
    return found


def test_exported_file_says_what_the_project_holds(project, tmp_path):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(5, None)))
    history.do(SetMask(1, 3, 4, None))
    progress = export(document, tmp_path / "out.json")
    table = json.loads((tmp_path / "out.json").read_text())
    assert table["videos"] == [
        {
            "id": 1,
            "width": WIDTH,
            "height": HEIGHT,
            "length": FRAMES,
            "file_names": [f"video 1/{i:05d}.jpg" for i in range(FRAMES)],
            "source": str(tmp_path / "v1.mp4"),
        }
    ]
    assert [c["name"] for c in table["categories"]] == ["person", "dog", "car"]
    assert len(table["annotations"]) == 3
    for annotation, track_id in zip(table["annotations"], (1, 2, 3), strict=True):
        masks = masks_of(document, track_id)
        assert (annotation["iscrowd"], annotation["height"], annotation["width"]) == (0, HEIGHT, WIDTH)
        assert annotation["length"] == FRAMES == len(annotation["segmentations"])
        for i in range(FRAMES):
            parts = [annotation[key][i] for key in ("segmentations", "bboxes", "areas")]
            if i not in masks:
                assert parts == [None, None, None]
                continue
            segmentation, box, area = parts
            rows, columns = np.nonzero(pixels(segmentation["counts"]))
            assert segmentation == {"size": [HEIGHT, WIDTH], "counts": masks[i]}
            assert area == len(rows)
            assert box == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert table["annotations"][2]["segmentations"][4] is None
    assert table["info"]["models"] == ["lite"]
    assert table["info"]["label_set"] == "project"
    assert "all tracks" in table["info"]["policy"]
    assert progress[-1].done == progress[-1].total
    assert [p.done for p in progress] == sorted(p.done for p in progress)


def test_exported_file_passes_our_strict_reader_and_an_independent_one(project, tmp_path):
    document, _ = project
    export(document, tmp_path / "out.json")
    assert len(read_dataset(tmp_path / "out.json").annotations) == 3
    # The youtubevos API's needs, by its notes: ids, sizes, and per-frame RLE whose runs fill the frame.
    table = json.loads((tmp_path / "out.json").read_text())
    categories = {c["id"] for c in table["categories"]}
    assert len({a["id"] for a in table["annotations"]}) == 3
    assert min(a["id"] for a in table["annotations"]) >= 1  # the official metric takes a match with id 0 for none
    for annotation in table["annotations"]:
        assert annotation["category_id"] in categories
        for segmentation, area in zip(annotation["segmentations"], annotation["areas"], strict=True):
            runs = rle.run_lengths(segmentation["counts"])
            assert runs.sum() == HEIGHT * WIDTH
            assert runs[1::2].sum() == area > 0


def test_classes_are_mapped_to_the_label_set_by_name(project, tmp_path):
    document, history = project
    history.do(DeleteTrack(1, 3))  # the car
    export(document, tmp_path / "out.json", label_set="ytvis2021")
    table = json.loads((tmp_path / "out.json").read_text())
    names = {c["id"]: c["name"] for c in table["categories"]}
    assert len(names) == 40
    assert [names[a["category_id"]] for a in table["annotations"]] == ["person", "dog"]
    ids = {c.name: c.category_id for c in load_label_set("ytvis2021").categories}
    assert [a["category_id"] for a in table["annotations"]] == [ids["person"], ids["dog"]]


def test_classes_outside_the_label_set_are_refused_dropped_or_kept(project, tmp_path):
    document, history = project
    history.do(AddCategory(9, "otter"))
    history.do(SetCategory(1, (2,), 9))
    history.do(RenameCategory(3, "Giant-Panda"))
    target = tmp_path / "out.json"
    with pytest.raises(OutputError, match="ytvis2021 has no class otter"):
        export(document, target, label_set="ytvis2021")
    assert not target.exists()
    export(document, target, label_set="ytvis2021", unknown_classes="drop")
    table = json.loads(target.read_text())
    assert len(table["annotations"]) == 2
    assert "1 tracks of classes outside ytvis2021 left out" in table["info"]["policy"]
    export(document, target, label_set="ytvis2021", unknown_classes="keep")
    table = json.loads(target.read_text())
    assert table["categories"][-1]["name"] == "otter"
    assert [a["category_id"] for a in table["annotations"]][1] == 41


def test_only_chosen_videos_are_exported(project, tmp_path):
    document, history = project
    add_video(history, 2)
    export(document, tmp_path / "out.json", video_ids=(2,))
    table = json.loads((tmp_path / "out.json").read_text())
    assert [v["id"] for v in table["videos"]] == [2]
    assert table["annotations"] == []
    with pytest.raises(OutputError, match="no video to export"):
        export(document, tmp_path / "none.json", video_ids=())
    with pytest.raises(ConfigError, match="no label set is called"):
        export(document, tmp_path / "none.json", label_set="nonsense")


def test_frames_are_written_beside_the_file(tmp_path):
    source = write_images(tmp_path / "media" / "clip")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, source="media/clip")
        history.do(AddCategory(1, "person"))
        history.do(SetMask(1, 1, 0, mask(3), category_id=1))
        (tmp_path / "out").mkdir()
        export(document, tmp_path / "out" / "train.json", with_frames=True)
        table = json.loads((tmp_path / "out" / "train.json").read_text())
        names = table["videos"][0]["file_names"]
        assert names[:2] == ["video 1/00000.jpg", "video 1/00001.jpg"]
        for i, name in enumerate(names):
            image = np.asarray(Image.open(tmp_path / "out" / "JPEGImages" / name))
            assert image.shape == (HEIGHT, WIDTH, 3)
            assert abs(int(image[5, 5, 0]) - 20 * i) <= 2
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["JPEGImages", "train.json"]
        export(document, tmp_path / "out" / "train.json", with_frames=True, jpeg_quality=50)  # replaces both
        assert sorted(p.name for p in (tmp_path / "out" / "JPEGImages").iterdir()) == ["video 1"]
        export(document, tmp_path / "without.json")
        table = json.loads((tmp_path / "without.json").read_text())
        assert table["videos"][0]["file_names"] == [f"clip/{p.name}" for p in sorted(source.iterdir())]


def test_frames_of_another_video_are_refused(tmp_path):
    write_images(tmp_path / "clip", count=5)
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, source="clip")
        with pytest.raises(MediaError, match=r"has 5 frames .* the project expects 12"):
            export(document, tmp_path / "out.json", with_frames=True)
        add_video(history, 2, source="gone.mp4")
        with pytest.raises(MediaError, match="gone"):
            export(document, tmp_path / "out.json", with_frames=True, video_ids=(2,))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip", "p.visolo"]


def test_cancelled_export_leaves_nothing_behind(tmp_path):
    write_images(tmp_path / "clip", count=40)
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, source="clip", frame_count=40)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "train.json").write_text("old")
        for steps in range(5):
            iterator = export_dataset(document, ExportOptions(tmp_path / "out" / "train.json", with_frames=True))
            for _ in range(steps):
                next(iterator)
            iterator.close()
            assert [p.name for p in (tmp_path / "out").iterdir()] == ["train.json"]
            assert (tmp_path / "out" / "train.json").read_text() == "old"


def test_export_to_a_missing_folder_or_a_full_disk_is_a_sentence(project, tmp_path, monkeypatch):
    document, _ = project
    with pytest.raises(OutputError, match="cannot write there"):
        export(document, tmp_path / "none" / "out.json")

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"writing failed \(No space left on device\); nothing was changed"):
        export(document, tmp_path / "out.json")
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []


def test_file_that_cannot_be_read_back_is_not_put_in_place(project, tmp_path, monkeypatch):
    document, _ = project
    monkeypatch.setattr("visolo.rle.to_json", lambda one: {"size": list(one.size), "counts": one.counts[:-1]})
    with pytest.raises(OutputError, match=r"out\.json: what was written could not be read back"):
        export(document, tmp_path / "out.json")
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []


def test_edits_made_while_an_export_runs_do_not_show_in_it(project, tmp_path):
    document, history = project
    iterator = export_dataset(document, ExportOptions(tmp_path / "out.json"))
    next(iterator)
    expected = masks_of(document, 3)
    history.do(DeleteTrack(1, 3))
    list(iterator)
    last = read_dataset(tmp_path / "out.json").annotations[2]
    assert {i: r.counts for i, r in enumerate(last.segmentations) if r} == expected


def test_videos_of_one_name_get_folders_of_their_own(project, tmp_path):
    document, history = project
    for video_id in (2, 3):
        history.do(AddVideo(replace(document.video(1), video_id=video_id, name="a/b: c", source=f"{video_id}.mp4")))
    export(document, tmp_path / "out.json")
    table = json.loads((tmp_path / "out.json").read_text())
    folders = [v["file_names"][0].split("/")[0] for v in table["videos"]]
    assert folders == ["video 1", "a_b_ c", "a_b_ c_3"]


# Import


def write_dataset(folder: Path, **changes) -> Path:
    """A dataset of two videos and three tracks with its images."""
    for name in ("one", "two"):
        write_images(folder / "JPEGImages" / name, 4)
    masks = [rle.to_json(mask(i)) for i in range(12)]
    table = {
        "info": {},
        "videos": [
            {
                "id": 7 + v,
                "width": WIDTH,
                "height": HEIGHT,
                "length": 4,
                "file_names": [f"{name}/{i:05d}.png" for i in range(4)],
            }
            for v, name in enumerate(("one", "two"))
        ],
        "categories": [{"id": 26, "name": "person"}, {"id": 3, "name": "otter"}],
        "annotations": [
            annotation(1, 7, 26, [masks[0], None, masks[1], masks[2]]),
            annotation(2, 7, 3, [None, masks[3], None, None], iscrowd=1),
            annotation(3, 8, 3, [masks[4], masks[5], masks[6], masks[7]]),
        ],
    }
    (folder / "gt.json").write_text(json.dumps(table | changes))
    return folder / "gt.json"


def annotation(annotation_id, video_id, category_id, segmentations, **more):
    return {
        "id": annotation_id,
        "video_id": video_id,
        "category_id": category_id,
        "segmentations": segmentations,
    } | more


def test_dataset_becomes_videos_and_tracks_in_one_entry(tmp_path):
    path = write_dataset(tmp_path / "data")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        empty = raw_content(document)
        change = import_dataset(history, path)
        assert change.videos
        assert change.categories
        assert [(v.video_id, v.name, v.frame_count) for v in document.videos()] == [(7, "one", 4), (8, "two", 4)]
        assert Path(document.video(7).source) == (tmp_path / "data" / "JPEGImages" / "one").resolve()
        assert [c.name for c in document.categories()] == ["otter", "person"]
        assert lanes(document, 7) == {1: [0, 2, 3], 2: [1]}
        assert masks_of(document, 1, 8) == {i: mask(4 + i).counts for i in range(4)}
        assert document.instance(7, 1, 0).origin is Origin.IMPORTED
        assert not document.track(7, 1).category_set
        assert history.undo_text == "Import gt.json: 2 videos, 3 tracks; 1 crowd annotation became plain"
        history.undo()
        assert raw_content(document) == empty
        history.redo()
        assert lanes(document, 7) == {1: [0, 2, 3], 2: [1]}


def test_classes_are_matched_by_name_with_the_projects(project, tmp_path):
    document, history = project
    import_dataset(history, write_dataset(tmp_path / "data"))
    assert [(c.category_id, c.name) for c in document.categories()] == [
        (1, "person"),
        (2, "dog"),
        (3, "car"),
        (4, "otter"),
    ]
    assert document.track(7, 1).category_id == 1
    assert document.track(8, 1).category_id == 4


def test_video_ids_that_are_taken_are_replaced(project, tmp_path):
    document, history = project
    for video_id in range(2, 9):
        add_video(history, video_id)
    import_dataset(history, write_dataset(tmp_path / "data"))
    assert [v.name for v in document.videos()][-2:] == ["one", "two"]
    assert [v.video_id for v in document.videos()][-2:] == [9, 10]
    assert lanes(document, 9) == {1: [0, 2, 3], 2: [1]}


def test_empty_masks_of_a_file_mean_absent(tmp_path):
    empty = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
    tracks = [
        annotation(1, 7, 26, [empty, rle.to_json(mask(1)), empty, None]),
        annotation(2, 7, 26, [empty, None, None, None]),
    ]
    path = write_dataset(tmp_path / "data", annotations=tracks)
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_dataset(history, path)
        assert lanes(document, 7) == {1: [1]}


def test_same_dataset_twice_is_refused(tmp_path):
    path = write_dataset(tmp_path / "data")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_dataset(history, path)
        with pytest.raises(EditRefused, match="in the project already"):
            import_dataset(history, path)


def test_dataset_without_its_images_can_be_opened(tmp_path):
    path = write_dataset(tmp_path / "data")
    path = path.rename(tmp_path / "moved.json")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_dataset(history, path)
        assert Path(document.video(7).source) == tmp_path / "JPEGImages" / "one"
        import_dataset(history, write_dataset(tmp_path / "again"), tmp_path / "data" / "JPEGImages")
        assert Path(document.videos()[-1].source) == tmp_path / "data" / "JPEGImages" / "two"


def test_export_without_frames_finds_its_video_beside_it(tmp_path):
    path = write_dataset(tmp_path / "data")
    video = tmp_path / "one"
    video.write_bytes(b"frames")
    path = path.rename(tmp_path / "corrected.json")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_dataset(history, path)
        assert [Path(v.source) for v in document.videos()] == [video, tmp_path / "JPEGImages" / "two"]
        with pytest.raises(EditRefused, match="in the project already"):
            import_dataset(history, path)


def test_folder_with_other_images_than_named_is_refused(tmp_path):
    path = write_dataset(tmp_path / "data")
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "data" / "JPEGImages" / "one" / "00004.png")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        with pytest.raises(MediaError, match=r"holds 5 images, gt\.json names 4 for video 7"):
            import_dataset(history, path)
        assert document.videos() == []


def write_results(path: Path, entries) -> Path:
    path.write_text(json.dumps(entries))
    return path


def result(video_id, category_id, score, segmentations):
    return {"video_id": video_id, "category_id": category_id, "score": score, "segmentations": segmentations}


def test_results_of_a_model_are_opened_with_their_dataset(tmp_path):
    dataset = write_dataset(tmp_path / "data")
    masks = [rle.to_json(mask(i)) for i in range(4)]
    results = write_results(tmp_path / "r.json", [result(8, 26, 0.75, [masks[0], None, masks[1], None])])
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_results(history, results, dataset=dataset)
        assert [v.video_id for v in document.videos()] == [7, 8]
        (summary,) = document.tracks(8)
        assert summary.score == 0.75
        assert lanes(document, 8) == {1: [0, 2]}
        history.undo()
        assert document.videos() == []


def test_results_are_added_to_a_video(project, tmp_path):
    document, history = project
    masks = [rle.to_json(mask(i)) for i in range(FRAMES)]
    results = write_results(tmp_path / "r.json", [result(1, 2, 0.5, masks), result(1, 1, 0.25, [None] * FRAMES)])
    import_results(history, results, video_id=1)
    assert set(lanes(document)) == {1, 2, 3, 4}
    assert document.track(1, 4).category_id == 2
    labels = load_label_set("ytvis2021")
    import_results(history, results, video_id=1, label_set=labels)
    assert [c.name for c in document.categories()][-1] == labels.categories[1].name
    assert set(lanes(document)) == {1, 2, 3, 4, 5}


def test_polygons_in_results_are_filled_at_the_size_of_the_video(project, tmp_path):
    document, history = project
    square = [[2.0, 3.0, 12.0, 3.0, 12.0, 8.0, 2.0, 8.0]]
    results = write_results(tmp_path / "r.json", [result(1, 2, 0.5, [None, square] + [None] * (FRAMES - 2))])
    import_results(history, results, video_id=1)
    mask_of_square = document.instance(1, 4, 1).rle
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[3:8, 2:12] = True
    assert np.array_equal(rle.decode(mask_of_square), expected)
    history.undo()
    assert set(lanes(document)) == {1, 2, 3}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([result(1, 2, 0.5, [None] * 11)], "has 11 masks, video 1 has 12 frames"),
        ([result(1, 2, 0.5, [rle.to_json(rle.from_run_lengths((4, 4), [8, 8]))] * 12)], "4 x 4, video 1 is 16 x 20"),
        ([result(1, 9, 0.5, [None] * 12)], "class 9, which is not among the classes of this project"),
        ([result(1, 2, 0.5, [None] * 12), result(2, 2, 0.5, [None] * 12)], "results of several videos"),
        ({"videos": []}, "dataset"),
    ],
)
def test_results_that_do_not_fit_are_refused(project, tmp_path, entries, sentence):
    document, history = project
    before = raw_content(document)
    with pytest.raises(AnnotationError, match=sentence):
        import_results(history, write_results(tmp_path / "r.json", entries), video_id=1)
    assert raw_content(document) == before


def test_results_without_any_mask_are_refused(project, tmp_path):
    _, history = project
    results = write_results(tmp_path / "r.json", [result(1, 2, 0.5, [None] * 12)])
    with pytest.raises(EditRefused, match="no mask"):
        import_results(history, results, video_id=1)
    with pytest.raises(ValueError, match="dataset or the video"):
        import_results(history, results)


def test_import_that_cannot_be_read_changes_nothing(project, tmp_path):
    document, history = project
    with pytest.raises(AnnotationError):
        import_dataset(history, write_dataset(tmp_path / "data", annotations=[annotation(1, 99, 26, [None] * 4)]))
    assert len(document.videos()) == 1


MASKS = st.lists(st.none() | st.integers(0, 15_000).map(mask), min_size=4, max_size=4).filter(any)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2, 3]), MASKS), max_size=5))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_export_and_import_give_the_same_tracks_back(tmp_path_factory, tracks):
    folder = tmp_path_factory.mktemp("p")
    document, history = new_project(folder / "p.visolo")
    with document:
        for video_id in (1, 2):
            add_video(history, video_id, frame_count=4)
        for category_id, name in ((1, "person"), (2, "flying disc"), (3, "Müller's otter")):
            history.do(AddCategory(category_id, name))
        for video_id, category_id, masks in tracks:
            track_id = document.next_track_id(video_id)
            for frame_index, one in enumerate(masks):
                if one is not None:
                    history.do(SetMask(video_id, track_id, frame_index, one, category_id=category_id))
        export(document, folder / "out.json")
        before = tracks_of(document)
    document, history = new_project(folder / "again.visolo")
    with document:
        import_dataset(history, folder / "out.json")
        assert tracks_of(document) == before
        export(document, folder / "again.json")
    first, again = (json.loads((folder / name).read_text()) for name in ("out.json", "again.json"))
    assert first["annotations"] == again["annotations"]
    for video in first["videos"] + again["videos"]:
        del video["source"]  # there is no such video: the second project looks for it beside the file
    assert first["videos"] == again["videos"]


def test_reading_an_import_needs_no_open_project(tmp_path):
    path = write_dataset(tmp_path / "data")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        edit = read_dataset_import(document, path)
        assert document.videos() == []
        history.do(edit)
        assert len(document.videos()) == 2
    with Document.open(tmp_path / "p.visolo") as document:
        History(document).undo()
        assert document.videos() == []


def test_export_of_a_missing_project_is_a_sentence(project, tmp_path):
    document, _ = project
    document.close()
    document.path.unlink()
    with pytest.raises(ProjectError):
        export(document, tmp_path / "out.json")
