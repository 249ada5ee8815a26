"""`evaluate`, `dataset`, `weights`, `bench` and `train`: what they print and write when all is well."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import HEIGHT, WIDTH, run_cli, save_tiny_weights, sentence_of, write_images
from ytvis_data import dataset_table

from visolo import __version__, cli, rle
from visolo.categories import Category
from visolo.io.ytvis import Annotation, Dataset, ResultEntry, Video, read_dataset, write_dataset, write_results

CASES = Path(__file__).parents[1] / "eval_cases"
EXPECTED = json.loads((CASES / "expected.json").read_text())


@pytest.fixture
def main(monkeypatch, capsys):
    """The command line in this process."""
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*args):
        code = cli.main([str(arg) for arg in args])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said

    return run


def test_version_and_help():
    assert run_cli("--version").stdout == f"VISOLO Review {__version__}\n"
    done = run_cli("track", "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout


def test_evaluate_prints_one_object(main):
    name = "09_category_without_gt"
    said = main("evaluate", CASES / name / "gt.json", CASES / name / "dt.json", "--json")
    table = json.loads(said.out)
    expected = EXPECTED["cases"][name]
    assert [table[key] for key in EXPECTED["names"]] == pytest.approx(expected["stats"], abs=1e-9)
    assert table["per_category"]["2"]["AP"] == expected["per_category"]["2"]["AP"]
    assert "6 predictions of classes that" in said.err
    assert "(77) are left out" in said.err


def test_evaluate_prints_a_table(main):
    said = main("evaluate", CASES / "01_perfect" / "gt.json", CASES / "01_perfect" / "dt.json")
    assert said.out.startswith("AP      1.0000   mean over IoU 0.50 to 0.95, all sizes\n")
    assert "1 person  1.0000  1.0000  1.0000  1.0000  1.0000" in said.out


def test_evaluate_with_official_quirks(main):
    name = "13_quirk_sizes"
    said = main("evaluate", CASES / name / "gt.json", CASES / name / "dt.json", "--json", "--official-quirks")
    assert json.loads(said.out)["AP"] == pytest.approx(EXPECTED["cases"][name]["stats"][0], abs=1e-9)


def test_evaluate_takes_polygons_as_results(main, tmp_path):
    """Whole pixels from row 1 and column 1 on, which a polygon and an RLE say alike."""
    square = [[1.0, 1.0, 6.0, 1.0, 6.0, 5.0, 1.0, 5.0]]
    table = dataset_table()
    mask = np.zeros((table["videos"][0]["height"], table["videos"][0]["width"]), dtype=bool)
    mask[1:5, 1:6] = True
    table["annotations"][0] |= {"segmentations": [rle.to_json(rle.encode(mask))] * 3, "areas": [20] * 3}
    entry = {"video_id": 7, "category_id": 5, "score": 0.5, "segmentations": [square, square, square]}
    (tmp_path / "gt.json").write_text(json.dumps(table))
    (tmp_path / "dt.json").write_text(json.dumps([entry]))
    found = json.loads(main("evaluate", tmp_path / "gt.json", tmp_path / "dt.json", "--json", "--tracking").out)
    assert (found["AP"], found["AR1"], found["tracking"]["IDF1"]) == pytest.approx((1, 1, 1))
    (tmp_path / "dt.json").write_text(json.dumps([entry | {"segmentations": [square, square, None]}]))
    found = json.loads(main("evaluate", tmp_path / "gt.json", tmp_path / "dt.json", "--json").out)
    assert (found["AP50"], found["AP75"]) == pytest.approx((1, 0))  # two thirds of the track


def test_evaluate_tracking_adds_to_the_official_numbers(main):
    case = CASES / "01_perfect"
    table = json.loads(main("evaluate", case / "gt.json", case / "dt.json", "--json", "--tracking", "--by", "size").out)
    assert list(table) == [*EXPECTED["names"], "per_category", "tracking"]
    tracking = table["tracking"]
    assert (tracking["HOTA"], tracking["IDF1"], tracking["MOTA"]) == pytest.approx((1, 1, 1))
    assert sum(kind["tracks"] for kind in tracking["strata"].values()) == tracking["tracks"]
    said = main("evaluate", case / "gt.json", case / "dt.json", "--tracking", "--by", "length", "--class-agnostic")
    assert "all classes  1.0000" in said.out
    assert "annotated tracks" in said.out


def test_evaluate_draws_curves(main, tmp_path):
    """The mean curves are violet to yellow; a perfect result leaves the plot's lower half to its grid."""
    pictures = {}
    for name in ("01_perfect", "04_mixed"):
        path = tmp_path / f"{name}.png"
        said = main("evaluate", CASES / name / "gt.json", CASES / name / "dt.json", "--pr", path)
        assert said.out.startswith("AP ")
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        height, width = pixels.shape[:2]
        middle = pixels[height * 6 // 10 : height * 8 // 10, width // 8 : width // 2 - 120]
        pictures[name] = np.ptp(middle, axis=2).max()  # how colourful
    assert pictures["04_mixed"] > 100 > pictures["01_perfect"]


def test_evaluate_draws_curves_as_vectors(main, tmp_path):
    case = CASES / "04_mixed"
    main("evaluate", case / "gt.json", case / "dt.json", "--pr", tmp_path / "pr.svg")
    assert "<svg" in (tmp_path / "pr.svg").read_text()


def test_evaluate_tracking_leaves_out_doubtful_tracks(main):
    case = CASES / "01_perfect"
    said = main("evaluate", case / "gt.json", case / "dt.json", "--json", "--tracking", "--min-score", "1.5")
    assert json.loads(said.out)["tracking"]["predicted_masks"] == 0


def test_info(main, tmp_path):
    (tmp_path / "gt.json").write_text(json.dumps(dataset_table()))
    table = json.loads(main("dataset", "info", tmp_path / "gt.json", "--json").out)
    assert (table["videos"], table["frames"], table["masks"]) == (1, 3, 2)
    assert table["categories"][1] == {"id": 5, "name": "cat", "tracks": 1, "masks": 2}
    assert "5 cat       1      2" in main("dataset", "info", tmp_path / "gt.json").out


def labelled_images(folder, name="cat"):
    """A dataset of one video of two frames whose images lie in JPEGImages/ beside it."""
    write_images(folder / "JPEGImages" / "v", 2)
    mask = rle.from_run_lengths((HEIGHT, WIDTH), [5, HEIGHT * WIDTH - 5])
    names = ("v/00000.png", "v/00001.png")
    dataset = Dataset(
        (Video(1, WIDTH, HEIGHT, 2, names),), (Category(1, name),), (Annotation.of_masks(1, 1, 1, (mask, None)),)
    )
    write_dataset(folder / "gt.json", dataset)
    return folder / "gt.json"


def test_merge_and_split_keep_the_images_in_reach(main, tmp_path):
    first, second = labelled_images(tmp_path / "a"), labelled_images(tmp_path / "b", "dog")
    (tmp_path / "out").mkdir()
    main("dataset", "merge", tmp_path / "all.json", first, second)
    main("dataset", "split", tmp_path / "all.json", f"{tmp_path}/out/x.json=1", f"{tmp_path}/y.json=1")
    for path in (tmp_path / "all.json", tmp_path / "out" / "x.json", tmp_path / "y.json"):
        for video in read_dataset(path).videos:
            assert all((path.parent / name).is_file() for name in video.file_names)
    assert [c.name for c in read_dataset(tmp_path / "all.json").categories] == ["cat", "dog"]


def test_convert_coco_to_a_label_set(main, tmp_path):
    table = {
        "images": [{"id": 4, "width": 8, "height": 6, "file_name": "4.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 4, "category_id": 3, "iscrowd": 0, "segmentation": [[1, 1, 6, 1, 6, 5]]},
            {"id": 2, "image_id": 4, "category_id": 13, "iscrowd": 0, "segmentation": [[1, 1, 6, 1, 6, 5]]},
        ],
        "categories": [{"id": 3, "name": "car"}, {"id": 13, "name": "stop sign"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(table))
    said = main("dataset", "convert", tmp_path / "coco.json", tmp_path / "out.json", "--labels", "ytvis2019")
    dataset = read_dataset(tmp_path / "out.json")
    (annotation,) = dataset.annotations
    assert dataset.category_by_id[annotation.category_id].name == "sedan"
    assert len(dataset.categories) == 40
    assert "left out: stop sign" in said.err


def test_convert_and_merge_map_classes_by_a_file_or_pairs(main, tmp_path):
    path, own = tmp_path / "a.json", tmp_path / "own.json"
    path.write_text(json.dumps(dataset_table()))
    (tmp_path / "map.json").write_text(json.dumps({"cat": "tiger", "Dog": ""}))
    main("dataset", "convert", path, tmp_path / "mapped.json", "--map", tmp_path / "map.json")
    mapped = json.loads((tmp_path / "mapped.json").read_text())
    assert [(c["id"], c["name"]) for c in mapped["categories"]] == [(5, "tiger")]
    main("dataset", "merge", tmp_path / "joined.json", path, tmp_path / "mapped.json", "--map", "tiger=cat")
    joined = json.loads((tmp_path / "joined.json").read_text())
    assert [c["name"] for c in joined["categories"]] == ["dog", "cat"]
    assert [a["category_id"] for a in joined["annotations"]] == [5, 5]
    own.write_text(json.dumps([{"name": "feline", "synonyms": ["cat"], "color": [1, 2, 3]}]))
    main("dataset", "convert", path, tmp_path / "relabelled.json", "--labels", own)
    relabelled = json.loads((tmp_path / "relabelled.json").read_text())
    assert relabelled["categories"][0]["color"] == [1, 2, 3]
    assert [a["category_id"] for a in relabelled["annotations"]] == [1]
    assert cli.main(["dataset", "convert", str(path), str(tmp_path / "no.json"), "--map", "cow=ox"]) == 2
    assert not (tmp_path / "no.json").exists()


@pytest.mark.parametrize("form", ["davis", "mots-txt", "mots-png", "cvat", "labelme"])
def test_convert_to_a_folder_and_back(main, tmp_path, form):
    """The images are found from the new file; what a format can't carry is said on stderr."""
    source = labelled_images(tmp_path / "data", "car")
    said = main("dataset", "convert", source, tmp_path / "out", "--to", form)
    assert said.out == f"{tmp_path / 'out'}: 1 video, 1 track, 1 class\n"
    assert f"visolo: note: {tmp_path / 'out'}: Ids are numbered anew" in said.err
    images = tmp_path / "data" / "JPEGImages"
    main("dataset", "convert", tmp_path / "out", tmp_path / "back.json", "--images", images)
    before, after = read_dataset(source), read_dataset(tmp_path / "back.json")
    assert after.annotations[0].segmentations == before.annotations[0].segmentations
    assert [c.name for c in after.categories] == ["car"]
    assert all((tmp_path / name).is_file() for name in after.videos[0].file_names)


def test_results_become_tracks_of_their_dataset(main, tmp_path):
    source = labelled_images(tmp_path / "data", "car")
    mask = rle.from_run_lengths((HEIGHT, WIDTH), [9, HEIGHT * WIDTH - 9])
    write_results(
        tmp_path / "results.json", [ResultEntry(1, 1, 0.9, (mask, None)), ResultEntry(1, 1, 0.1, (None, mask))]
    )
    of_it = ("--dataset", source, "--min-score", 0.5)
    said = main("dataset", "convert", tmp_path / "results.json", tmp_path / "out.json", *of_it)
    assert "The scores of 1 prediction are left out" in said.err
    assert "1 prediction with a lower score left out" in said.err
    made = read_dataset(tmp_path / "out.json")
    assert [a.segmentations for a in made.annotations] == [(mask, None)]
    assert all((tmp_path / name).is_file() for name in made.videos[0].file_names)
    main("dataset", "convert", tmp_path / "results.json", tmp_path / "davis", "--to", "davis", *of_it)
    assert (tmp_path / "davis" / "Annotations" / "v" / "00001.png").is_file()
    counts = json.loads(main("dataset", "info", tmp_path / "results.json", "--dataset", source, "--json").out)
    assert (counts["tracks"], counts["masks"]) == (2, 2)


def test_results_without_their_dataset_are_refused(tmp_path):
    write_results(tmp_path / "r.json", [])
    refused = sentence_of(run_cli("dataset", "convert", tmp_path / "r.json", tmp_path / "out.json"))
    assert "is a results file, which tells nothing of videos; name their dataset with --dataset" in refused
    refused = sentence_of(run_cli("dataset", "convert", tmp_path / "r.json", tmp_path / "o", "--to", "results"))
    assert "is a results file already" in refused
    source = labelled_images(tmp_path / "data", "car")
    refused = sentence_of(run_cli("dataset", "info", source, "--dataset", source))
    assert "--dataset goes with results, and this is YouTube-VIS" in refused


def test_weights_convert_and_info(main, tmp_path):
    weights = save_tiny_weights(tmp_path / "tiny.safetensors")
    main("weights", "convert", weights, tmp_path / "half.safetensors", "--half")
    assert (tmp_path / "half.safetensors").stat().st_size < weights.stat().st_size
    said = main("weights", "info", tmp_path / "half.safetensors")
    assert "VISOLO Review" in said.out
    assert "classes  2 (toys)" in said.out
    table = json.loads(main("weights", "info", weights, "--json").out)
    assert {"category_id": 3, "name": "ball"}.items() <= table["header"]["labels"]["categories"][0].items()


def test_bench_measures_every_stage(main, tmp_path):
    weights = save_tiny_weights(tmp_path / "tiny.safetensors")
    args = ["bench", "--weights", weights, "--frames", 4, "--size", 60, 80, "--device", "cpu"]
    table = json.loads(main(*args, "--json").out)
    assert set(table["stages_ms"]) == {"encode", "read", "decode", "link", "other"}
    assert all(ms > 0 for ms in table["stages_ms"].values())
    assert table["fps"] > 0
    assert table["instances"] > 0
    assert table["memory_mb"] > 50
    assert "frames per second" in main(*args).out


# pycocotools decodes masks with an array protocol that numpy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_train_writes_weights_that_track(main, tmp_path):
    dataset = labelled_images(tmp_path / "data", "person")
    args = ["train", "--data", dataset, "--out", tmp_path / "run", "--steps", 1, "--batch-size", 1, "--device", "cpu"]
    said = main(*args)
    assert f"{tmp_path / 'run' / 'weights.safetensors'}: step 1 of 1" in said.out
    images = tmp_path / "data" / "JPEGImages" / "v"
    main("track", images, "--weights", tmp_path / "run" / "weights.safetensors", "--out", tmp_path / "r.json")
    assert (tmp_path / "r.json").is_file()
