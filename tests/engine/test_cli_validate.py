"""`dataset validate`: every rule is found with its place, and what needs no guess is mended."""

import copy
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import run_cli
from ytvis_data import HEIGHT, WIDTH, dataset_problems, dataset_table, datasets, mask_rle, results_table

from visolo import cli, rle
from visolo.io.validation.report import RULES
from visolo.io.ytvis import read_dataset, write_dataset


@pytest.fixture
def validate(monkeypatch, capsys, tmp_path):
    """`dataset validate` in this process: exit code, the --json table or the text, stderr."""
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(table, *args):
        path = tmp_path / "gt.json"
        path.write_text(json.dumps(table))
        code = cli.main(["dataset", "validate", str(path), *map(str, args)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def changed(path, value):
    """`dataset_table` with the value at a path of keys replaced; an exception deletes it."""
    table = dataset_table()
    place = table
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return table


def with_second(**fields):
    """`dataset_table` with a second annotation that differs from the first in its masks and in these fields."""
    table = dataset_table()
    second = copy.deepcopy(table["annotations"][0])
    masks = [None, mask_rle(7), None]
    second |= {"id": 2, "segmentations": [m and rle.to_json(m) for m in masks]}
    second |= {"areas": [m and rle.area(m) for m in masks], "bboxes": [None, list(rle.bounding_box(masks[1])), None]}
    table["annotations"].append(second | fields)
    return table


def many_videos():
    table = dataset_table()
    table["videos"].append({**table["videos"][0], "id": 8})
    return table


def repeated():
    table = dataset_table()
    table["annotations"].append({**table["annotations"][0], "id": 2})
    return table


A = ("annotations", 0)
EMPTY = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
POLYGON = [[1.0, 1.0, 6.0, 1.0, 6.0, 50.0]]
CASES = [  # table, rule, place, is it mended
    (changed(("videos", 0), 5), "structure", "videos[0]", False),
    (changed(("videos", 0, "id"), "7"), "video-id", "videos[0]", False),
    (changed(("videos", 0, "width"), 0), "video-size", "videos[0]", False),
    (changed(("videos", 0, "length"), KeyError), "video-size", "videos[0]", True),
    (changed(("videos", 0, "file_names"), ["a", "b"]), "file-names", "videos[0]", False),
    (changed(("videos", 0, "file_names"), ["a", "b", 3]), "file-names", "videos[0]", False),
    (changed(("videos", 0, "file_names"), ["a", "b", "a"]), "file-names", "videos[0]", False),
    (many_videos(), "file-names", "videos[1].file_names[0]", False),
    (changed(("videos",), dataset_table()["videos"] * 2), "video-id", "videos[1]", False),
    (changed(("categories", 0, "id"), None), "category", "categories[0]", False),
    (changed(("categories", 0, "id"), 5), "category", "categories[1]", False),
    (changed(("categories",), dataset_table()["categories"] * 2), "category", "categories[2]", True),
    (changed(("categories", 0, "name"), "cat"), "category-name", "categories[1]", False),
    (changed(A, None), "structure", "annotations[0]", False),
    (with_second(id=1), "annotation-id", "annotations[1]", True),
    (with_second(id="x"), "annotation-id", "annotations[1]", True),
    (changed((*A, "video_id"), 9), "unknown-video", "annotations[0]", False),
    (changed((*A, "category_id"), 9), "unknown-category", "annotations[0]", False),
    (changed((*A, "iscrowd"), True), "iscrowd", "annotations[0]", True),
    (changed((*A, "iscrowd"), 2), "iscrowd", "annotations[0]", False),
    (changed((*A, "segmentations"), KeyError), "length", "annotations[0]", False),
    (changed((*A, "segmentations"), [None, None]), "length", "annotations[0]", False),
    (changed((*A, "segmentations", 2, "counts"), "11"), "mask", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2, "counts"), [1, 2]), "mask", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2), 3), "mask", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2), [3]), "mask", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2), [[1, 2]]), "mask", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2, "size"), [WIDTH, HEIGHT]), "mask-size", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2), POLYGON), "outside", "annotations[0].segmentations[2]", False),
    (changed((*A, "segmentations", 2), EMPTY), "empty-mask", "annotations[0].segmentations[2]", True),
    (changed((*A, "segmentations"), [None] * 3), "no-mask", "annotations[0]", False),
    (changed((*A, "width"), 99), "size-fields", "annotations[0]", True),
    (changed((*A, "areas"), [1]), "areas", "annotations[0]", True),
    (changed((*A, "areas", 0), -1), "areas", "annotations[0].areas[0]", True),
    (changed((*A, "areas", 1), 5), "areas-differ", "annotations[0].areas[1]", True),
    (changed((*A, "bboxes"), [1]), "bboxes", "annotations[0]", True),
    (changed((*A, "bboxes", 0), [1, 2]), "bboxes", "annotations[0].bboxes[0]", True),
    (changed((*A, "bboxes", 2), [0, 0, 8, 3]), "bboxes-differ", "annotations[0].bboxes[2]", True),
    (changed((*A, "bboxes", 1), [0, 0, 2, 2]), "bboxes-differ", "annotations[0].bboxes[1]", True),
    (repeated(), "repeated-track", "annotations[1]", True),
]


def problems_of(report_text, rule):
    return [p for p in json.loads(report_text)[0]["problems"] if p["rule"] == rule]


@pytest.mark.parametrize(("table", "rule", "place", "is_mended"), CASES)
def test_every_rule_names_the_place_and_is_mended_where_no_guess_is_needed(
    validate, tmp_path, table, rule, place, is_mended
):
    code, out, _ = validate(table, "--no-images", "--json")
    problem = next(p for p in problems_of(out, rule) if p["place"] == place)
    assert problem["severity"] == RULES[rule].severity
    assert problem["text"].startswith(place)
    assert (problem["fix"] is not None) is is_mended
    assert code == (2 if any(p["severity"] == "error" for p in json.loads(out)[0]["problems"]) else 0)
    validate(table, "--no-images", "--fix", tmp_path / "fixed.json")
    fixed = json.loads((tmp_path / "fixed.json").read_text())
    _, out, _ = validate(fixed, "--no-images", "--json")
    assert (not problems_of(out, rule)) is is_mended


def test_a_sound_file_is_valid_and_mending_changes_nothing(validate, tmp_path):
    code, out, err = validate(dataset_table(), "--fix", tmp_path / "fixed.json")
    assert (code, err) == (0, "")
    assert "valid dataset, 1 video, 3 frames, 1 track, 2 masks; 1 warning" in out
    assert "warning: no-images: 1 times" in out
    assert "none of the 3 images was found" in out
    assert "nothing could be mended" in out
    assert json.loads((tmp_path / "fixed.json").read_text()) == dataset_table()


def test_results_beside_their_dataset(validate, tmp_path):
    table = results_table()
    (tmp_path / "r.json").write_text(json.dumps(table))
    code, out, _ = validate(dataset_table(), "--no-images", "--results", tmp_path / "r.json")
    assert code == 0
    assert "r.json: valid results, 1 prediction\n" in out
    table += [{**table[0], "video_id": 8}, {**table[0], "score": -1}, {**table[0], "segmentations": []}]
    (tmp_path / "r.json").write_text(json.dumps(table))
    code, out, err = validate(dataset_table(), "--no-images", "--results", tmp_path / "r.json")
    assert code == 2
    assert "entry [1]: video_id 8 is not among the dataset's videos" in out
    assert "entry [2]: 'score' must be" in out
    assert "entry [3]: has 0 segmentations, video 7 has 3 frames" in out
    assert err.count("\n") == 1
    code, out, _ = validate(results_table())
    assert (code, out.endswith("valid results, 1 prediction\n")) == (0, True)


def test_images_that_are_missing_or_of_another_size(validate, tmp_path):
    (tmp_path / "v7").mkdir()
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "v7" / "00000.jpg")
    Image.new("RGB", (WIDTH, HEIGHT + 1)).save(tmp_path / "v7" / "00002.jpg")
    code, out, _ = validate(dataset_table())
    assert code == 2
    assert "video 7, frame 1: there is no image" in out
    assert "00002.jpg is 8x7 pixels, the video 8x6" in out
    (tmp_path / "v7" / "00002.jpg").write_text("no image")
    assert "it is not an image" in validate(dataset_table())[1]


def test_many_problems_are_summed_up(validate):
    table = dataset_table()
    table["annotations"][0]["areas"] = [1, None, 1]
    table["annotations"] = [{**table["annotations"][0], "id": i, "video_id": 9} for i in range(40)]
    code, out, err = validate(table, "--no-images", "--limit", "3")
    assert code == 2
    assert "error: unknown-video: 40 times not so" in out
    assert out.count("video_id 9 is not") == 3
    assert "... and 37 more" in out
    assert err == f"visolo: error: {out.splitlines()[-1].split(':')[0]} has 40 errors; see above\n"
    assert validate(table, "--no-images", "--json")[1].count("video_id 9 is not") == 40


def test_warnings_count_when_asked(validate):
    table = changed((*A, "areas", 1), 5)
    assert validate(table, "--no-images")[0] == 0
    assert validate(table, "--no-images", "--strict")[0] == 2


def test_annotations_before_videos(validate):
    table = changed((*A, "video_id"), 9)
    reordered = {"annotations": table.pop("annotations"), **table}
    assert "annotations[0]: video_id 9 is not" in validate(reordered, "--no-images")[1]


def test_mending_keeps_what_no_rule_is_about(validate, tmp_path):
    table = changed((*A, "areas", 1), 5)
    table["annotations"][0]["note"] = "é"
    table["more"] = {"a": 1}
    _, out, _ = validate(table, "--no-images", "--fix", tmp_path / "fixed.json")
    assert "counted areas anew from the masks (1)" in out
    fixed = json.loads((tmp_path / "fixed.json").read_text())
    assert fixed["annotations"][0]["note"] == "é"
    assert fixed["more"] == {"a": 1}
    assert fixed["annotations"][0]["areas"] == dataset_table()["annotations"][0]["areas"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cut off"),
        ("3", "this is none"),
        ('{"images": []}', "is COCO images, each a video of one frame"),
        ('{"videos": 3}', "'videos' must"),
    ],
)
def test_what_is_no_dataset_gets_one_sentence(tmp_path, text, words):
    (tmp_path / "x.json").write_text(text)
    done = run_cli("dataset", "validate", tmp_path / "x.json", "--fix", tmp_path / "y.json")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words in line
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dataset=datasets(), data=st.data())
def test_what_is_written_is_valid_and_what_is_mended_is_read(validate, tmp_path, dataset, data):
    path = tmp_path / "written.json"
    write_dataset(path, dataset)
    table = json.loads(path.read_text())
    code, out, _ = validate(table, "--no-images", "--json")
    assert code == 0, out
    for annotation in table["annotations"]:
        key = data.draw(st.sampled_from(["areas", "bboxes", "id", "height"]))
        annotation[key] = data.draw(st.sampled_from([[], 1, "x", [None]]))
    code, out, _ = validate(table, "--no-images", "--fix", tmp_path / "mended.json")
    assert not dataset_problems(tmp_path / "mended.json")
    mended = read_dataset(tmp_path / "mended.json")
    kept = [a.segmentations for a in mended.annotations]
    for annotation in dataset.annotations:
        nulled = tuple(m if m is not None and rle.area(m) else None for m in annotation.segmentations)
        assert nulled in kept


def test_other_formats_are_read_to_the_first_mistake(tmp_path):
    """By what they look like, or as --from says; the exit code tells."""
    mask = mask_rle(0)
    line = f"0 1001 1 {HEIGHT} {WIDTH} {mask.counts}"
    (tmp_path / "0001.txt").write_text(line)
    done = run_cli("dataset", "validate", tmp_path / "0001.txt")
    assert done.stdout == f"{tmp_path / '0001.txt'}: valid MOTS text files, 1 video, 1 frame, 1 track, 1 mask\n"
    assert "MOTS names its classes by numbers only" in done.stderr
    assert "1 car       1      1" in run_cli("dataset", "info", tmp_path).stdout
    (tmp_path / "0001.txt").write_text(line + "1")
    done = run_cli("dataset", "validate", tmp_path, "--from", "mots-txt")
    assert done.returncode == 2
    assert f"{tmp_path / '0001.txt'}: line 1: " in done.stderr
    done = run_cli("dataset", "validate", tmp_path, "--fix", tmp_path / "new.json")
    assert "is MOTS text files; --fix is for YouTube-VIS files, so convert this first" in done.stderr


def test_json_of_other_formats_is_recognised(validate):
    table = {
        "images": [{"id": 4, "width": 8, "height": 6, "file_name": "v/4.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 4, "category_id": 3, "track_id": 2, "segmentation": [[1, 1, 6, 1, 6, 5]]}
        ],
        "categories": [{"id": 3, "name": "car"}],
    }
    code, out, _ = validate(table)
    assert code == 0
    assert "valid COCO per frame with track ids, COCO-video or TAO, 1 video, 1 frame, 1 track, 1 mask" in out
    table["annotations"][0]["category_id"] = 9
    code, _, err = validate(table)
    assert code == 2
    assert "annotations[0]: category_id 9 is not among the file's categories" in err
