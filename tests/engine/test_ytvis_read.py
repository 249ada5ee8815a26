"""What the strict reader accepts, and the one sentence that everything else gets."""

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo import rle
from visolo.errors import AnnotationError
from visolo.io.ytvis import read_dataset, read_results
from visolo.rle import Rle
from visolo.rle_check import checked_all

sys.path.insert(0, str(Path(__file__).parent))

from ytvis_data import HEIGHT, WIDTH, dataset_problems, dataset_table, mask_rle, results_table, video_table


def written(tmp_path, table, name="gt.json"):
    path = tmp_path / name
    path.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    return path


def refusal(path, read=read_dataset, *args):
    with pytest.raises(AnnotationError) as caught:
        read(path, *args)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def changed(table, *path, to):
    """A copy with the value at a path of keys replaced; an exception as value deletes it."""
    table = copy.deepcopy(table)
    place = table
    for key in path[:-1]:
        place = place[key]
    if to is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return table


class TestAcceptedFiles:
    def test_everything_is_read(self, tmp_path):
        dataset = read_dataset(written(tmp_path, dataset_table()))
        (video,) = dataset.videos
        assert (video.video_id, video.size, video.length) == (7, (HEIGHT, WIDTH), 3)
        assert video.file_names == ("v7/00000.jpg", "v7/00001.jpg", "v7/00002.jpg")
        assert [(c.category_id, c.name) for c in dataset.categories] == [(2, "dog"), (5, "cat")]
        (annotation,) = dataset.annotations
        assert annotation.segmentations == (mask_rle(0), None, mask_rle(1))
        assert not annotation.iscrowd
        assert dataset.info == {"description": "made for a test"}

    @pytest.mark.parametrize("to", [KeyError, None])
    def test_test_sets_without_annotations(self, tmp_path, to):
        dataset = read_dataset(written(tmp_path, changed(dataset_table(), "annotations", to=to)))
        assert dataset.annotations == ()

    @pytest.mark.parametrize("to", [KeyError, None])
    def test_areas_and_boxes_are_computed_where_missing(self, tmp_path, to):
        table = dataset_table()
        for key in ("areas", "bboxes", "iscrowd"):
            table = changed(table, "annotations", 0, key, to=to)
        (annotation,) = read_dataset(written(tmp_path, table)).annotations
        assert annotation.areas == (rle.area(mask_rle(0)), None, rle.area(mask_rle(1)))
        assert annotation.bboxes == (tuple(map(float, rle.bounding_box(mask_rle(0)))), None, annotation.bboxes[2])
        assert annotation.iscrowd is False

    def test_areas_of_the_file_are_kept(self, tmp_path):
        table = changed(dataset_table(), "annotations", 0, "areas", to=[20000.5, None, 0])
        assert read_dataset(written(tmp_path, table)).annotations[0].areas == (20000.5, None, 0)

    def test_uncompressed_rle_and_polygons(self, tmp_path):
        polygon = [[1.0, 1.0, 6.0, 1.0, 6.0, 5.0, 1.0, 5.0]]
        masks = [{"size": [HEIGHT, WIDTH], "counts": [10, 5, 33]}, polygon, []]
        (annotation,) = read_dataset(
            written(tmp_path, changed(dataset_table(), "annotations", 0, "segmentations", to=masks))
        ).annotations
        first, second, third = annotation.segmentations
        assert rle.run_lengths(first.counts).tolist() == [10, 5, 33]
        assert rle.area(second) == 20
        assert third is None

    def test_length_from_annotations_when_nothing_else_says_it(self, tmp_path):
        table = changed(dataset_table(), "videos", 0, "length", to=KeyError)
        table = changed(table, "videos", 0, "file_names", to=KeyError)
        assert read_dataset(written(tmp_path, table)).videos[0].length == 3

    def test_annotations_before_videos_byte_order_mark_and_spaces(self, tmp_path):
        table = dataset_table()
        reordered = {"annotations": table.pop("annotations"), **table}
        path = written(tmp_path, "\ufeff \n" + json.dumps(reordered, indent=3) + "\n\n")
        assert len(read_dataset(path).annotations) == 1

    def test_empty_runs_inside_a_mask_are_taken_out(self, tmp_path):
        counts = [4, 2, 0, 3, 39]
        table = changed(
            dataset_table(), "annotations", 0, "segmentations", 0, to={"size": [HEIGHT, WIDTH], "counts": counts}
        )
        mask = read_dataset(written(tmp_path, table)).annotations[0].segmentations[0]
        assert rle.run_lengths(mask.counts).tolist() == [4, 5, 39]

    def test_results_without_and_with_their_dataset(self, tmp_path):
        dataset = read_dataset(written(tmp_path, dataset_table()))
        path = written(tmp_path, results_table(), "r.json")
        for entries in (read_results(path), read_results(path, dataset)):
            (entry,) = entries
            assert (entry.video_id, entry.category_id, entry.score) == (7, 5, 0.5)
            assert entry.segmentations == (mask_rle(2), None, None)
            assert entry.counted_areas.tolist() == [rle.area(mask_rle(2)), 0, 0]

    def test_polygons_in_results_are_filled_at_the_size_of_their_video(self, tmp_path):
        square = [[1.0, 1.0, 6.0, 1.0, 6.0, 5.0, 1.0, 5.0]]
        path = written(tmp_path, changed(results_table(), 0, "segmentations", 2, to=square), "r.json")
        dataset = read_dataset(written(tmp_path, dataset_table()))
        for entries in (read_results(path, dataset), read_results(path, polygon_size=(HEIGHT, WIDTH))):
            filled = entries[0].segmentations[2]
            assert filled.size == (HEIGHT, WIDTH)
            assert rle.decode(filled).nonzero()[0].tolist() == [row for row in range(1, 5) for _ in range(5)]
            assert entries[0].counted_areas.tolist() == [rle.area(mask_rle(2)), 0, 20]
        with pytest.raises(
            AnnotationError, match=r"entry \[0\].segmentations\[2\]: is a polygon, which needs the size"
        ):
            read_results(path)

    def test_no_predictions(self, tmp_path):
        assert read_results(written(tmp_path, [], "r.json")) == []


ANNOTATION = ("annotations", 0)
BROKEN_DATASETS = [
    ((*ANNOTATION, "segmentations"), [None] * 2, "annotations[0] has 2 segmentations, video 7 has 3 frames"),
    ((*ANNOTATION, "segmentations", 0, "size"), [8, 6], "annotations[0].segmentations[0]: the mask is 8 x 6"),
    ((*ANNOTATION, "segmentations", 0, "size"), [6.0, 8], "size must be [height, width]"),
    ((*ANNOTATION, "segmentations", 0, "size"), [10**6, 10**6], "larger than any frame"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "", "segmentations[0]: RLE counts cover 0 pixels"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "11", "RLE counts cover 2 pixels, size 6 x 8 needs 48"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "`1`1", "RLE counts cover 96 pixels"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "O11a1", "negative run"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "1é", "is not an RLE character"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "1~", "is not an RLE character"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "o", "ends inside a number"),
    ((*ANNOTATION, "segmentations", 0, "counts"), "o" * 40 + "1", "run length is too large"),
    ((*ANNOTATION, "segmentations", 0, "counts"), [48, -5, 5], "negative run"),
    ((*ANNOTATION, "segmentations", 0, "counts"), [47.5], "whole numbers"),
    ((*ANNOTATION, "segmentations", 0, "counts"), [10**30], "whole numbers"),
    ((*ANNOTATION, "segmentations", 0, "counts"), 48, "must be a string or a list"),
    ((*ANNOTATION, "segmentations", 0), "abc", "expected an RLE object"),
    ((*ANNOTATION, "segmentations", 0), {}, "expected an RLE object"),
    ((*ANNOTATION, "segmentations", 0), [1, 2, 3, 4, 5, 6], "expected an RLE object or polygons"),
    ((*ANNOTATION, "segmentations", 0), [[1, 2, 3, 4]], "three or more corners"),
    ((*ANNOTATION, "segmentations", 0), [[1, 2, 3, 4, 5, 6, 7]], "three or more corners"),
    ((*ANNOTATION, "segmentations", 0), [[1, 2, 3, 4, 5, 1e9]], "far outside"),
    ((*ANNOTATION, "segmentations"), {}, "'segmentations' must be a list, not an object"),
    ((*ANNOTATION, "segmentations"), KeyError, "has no 'segmentations'"),
    ((*ANNOTATION, "areas"), [1], "has 1 areas, but 3 segmentations"),
    ((*ANNOTATION, "areas", 0), -1, "areas[0] must be a number of 0 or more, not -1"),
    ((*ANNOTATION, "areas", 0), True, "areas[0] must be"),
    ((*ANNOTATION, "bboxes", 0), [1, 2, 3], "bboxes[0] must be [x, y, width, height]"),
    ((*ANNOTATION, "iscrowd"), 2, "'iscrowd' must be 0 or 1"),
    ((*ANNOTATION, "id"), KeyError, "annotations[0]: has no 'id'"),
    ((*ANNOTATION, "id"), 10**30, "'id' must be a whole number"),
    ((*ANNOTATION, "video_id"), 8, "video_id 8 is not among the file's videos"),
    ((*ANNOTATION, "category_id"), 3, "category_id 3 is not among the file's categories"),
    ((*ANNOTATION, "category_id"), "5", "'category_id' must be a whole number from 0, not '5'"),
    (ANNOTATION, None, "annotations[0]: expected an object in braces, not null"),
    (ANNOTATION, {"segmentation": []}, "COCO image 'segmentation'"),
    (("annotations",), {}, "'annotations' must be a list, not an object"),
    (("videos", 0, "height"), 0, "'height' must be a whole number from 1, not 0"),
    (("videos", 0, "width"), KeyError, "videos[0]: has no 'width'"),
    (("videos", 0, "length"), 4, "names 3 files, but its 'length' is 4"),
    (("videos", 0, "file_names", 1), 5, "one file name per frame"),
    (("videos", 0), video_table(8, 3), "video_id 7 is not among"),
    (("videos",), [video_table(7, 3), video_table(7, 3)], "videos[1] has the id 7 of videos[0]"),
    (("videos",), 5, "'videos' must be a list, not 5"),
    (("categories",), [{"id": 5, "name": "a"}, {"id": 5, "name": "b"}], "categories[1] has the id 5"),
    (("categories", 0, "name"), 3, "'name' must be a text"),
    (("categories",), KeyError, "has no 'categories'"),
]


@pytest.mark.parametrize(("path", "to", "words"), BROKEN_DATASETS)
def test_broken_datasets(tmp_path, path, to, words):
    assert words in refusal(written(tmp_path, changed(dataset_table(), *path, to=to)))


def test_repeated_annotation_id(tmp_path):
    table = dataset_table()
    table["annotations"] *= 2
    assert "annotations[1] has the id 1 of annotations[0]" in refusal(written(tmp_path, table))


BROKEN_RESULTS = [
    ((0, "video_id"), 8, "entry [0]: video_id 8 is not in the dataset"),
    ((0, "category_id"), 77, "category_id 77 is not among the dataset's categories"),
    ((0, "score"), -0.1, "'score' must be a number of 0 or more, not -0.1"),
    ((0, "score"), "0.5", "'score' must be a number"),
    ((0, "score"), None, "'score' must be a number of 0 or more, not null"),
    ((0, "segmentations"), [None], "entry [0] has 1 segmentations, video 7 has 3 frames"),
    ((0, "segmentations", 1), {"size": [3, 4], "counts": "<"}, "segmentations[1]: the mask is 3 x 4"),
    ((0, "segmentations", 0, "counts"), "11", "entry [0].segmentations[0]: RLE counts cover 2 pixels"),
    ((0,), [], "entry [0]: expected an object in braces, not a list of 0"),
]


@pytest.mark.parametrize(("path", "to", "words"), BROKEN_RESULTS)
def test_broken_results(tmp_path, path, to, words):
    dataset = read_dataset(written(tmp_path, dataset_table()))
    broken = written(tmp_path, changed(results_table(), *path, to=to), "r.json")
    assert words in refusal(broken, read_results, dataset)


def test_masks_of_different_sizes_are_refused_without_a_dataset_too(tmp_path):
    table = changed(results_table(), 0, "segmentations", 1, to={"size": [3, 4], "counts": "<"})
    path = written(tmp_path, table, "r.json")
    assert "the masks before it are 6 x 8" in refusal(path, read_results)
    assert len(read_results(path, allow_misfits=True)) == 1


NO_DATASETS = [
    ("", "the file is empty"),
    (" \n", "the file is empty"),
    ("hello", "not valid JSON at line 1, column 1"),
    ("7", "holds 7; a dataset has videos"),
    ("[1, 2]", "is a list; a dataset has videos"),
    ('[{"score": 1}]', "is a results file"),
    ("{}", "is not a YouTube-VIS file"),
    ('{"images": [], "annotations": [{"segmentation": []}]}', "is a COCO image file"),
    ('{"videos": [], "categories": []} x', "line 1, column 34 (something follows the end"),
    ('{"videos": [NaN]}', "holds NaN"),
    ('{"videos": [}', "line 1, column 13"),
    ('{"annotations": [] "videos"', "line 1, column 20 (Expecting ',' delimiter)"),
    ("{3: 4}", "Expecting property name enclosed in double quotes"),
    ("[" * 100_000, "brackets nested too deeply"),
    ('{"videos": ' + "9" * 5000 + "}", "a number is too long"),
]


@pytest.mark.parametrize(("text", "words"), NO_DATASETS)
def test_files_that_are_no_datasets(tmp_path, text, words):
    assert words in refusal(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "words"), [("{}", "is not a YouTube-VIS file"), ('{"videos": 1}', "is a dataset file")]
)
def test_files_that_are_no_results(tmp_path, text, words):
    assert words in refusal(written(tmp_path, text), read_results)


def test_binary_missing_and_folder(tmp_path):
    (tmp_path / "gt.json").write_bytes(b"\x89PNG\r\n\xff\xfe\x00")
    assert "is not a text file" in refusal(tmp_path / "gt.json")
    assert "there is no such file" in refusal(tmp_path / "none.json")
    assert "is a folder" in refusal(tmp_path)


def test_every_cut_of_a_file_is_refused(tmp_path):
    text = json.dumps(dataset_table())
    for end in range(1, len(text)):
        assert "cut off" in refusal(written(tmp_path, text[:end])), text[:end][-20:]


@settings(max_examples=200, deadline=None, database=None)
@given(data=st.data())
def test_what_is_accepted_passes_the_independent_checker(tmp_path_factory, data):
    """Damage a file anywhere: it is refused in words, or the other reading of the rules accepts it as well."""
    table = dataset_table()
    places = list(paths_in(table))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places))
        junk = st.sampled_from([None, 0, 1, -1, 2, 7.5, "", "1", "`1", [], {}, [None], KeyError, 10**12, [[0] * 6]])
        try:
            table = changed(table, *path, to=data.draw(junk))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage removed the place
    path = written(tmp_path_factory.getbasetemp(), table, "fuzz.json")
    try:
        dataset = read_dataset(path)
    except AnnotationError:
        return
    for annotation in table.get("annotations") or []:  # what the product computes, the official code needs
        annotation.setdefault("iscrowd", 0)
        annotation["iscrowd"] = annotation["iscrowd"] or 0
        for key in ("areas", "bboxes"):
            if annotation.get(key) is None:
                annotation[key] = [None] * len(annotation["segmentations"])
    for video, read in zip(table["videos"], dataset.videos, strict=True):
        video["length"] = read.length
        video["file_names"] = list(read.file_names)
    table["annotations"] = table.get("annotations") or []
    assert dataset_problems(written(tmp_path_factory.getbasetemp(), table, "fuzz.json")) == []


def paths_in(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths_in(inner, (*path, key))


@settings(max_examples=200, deadline=None, database=None)
@given(
    lengths=st.lists(st.sampled_from([0, 1, 2, 3, 40, 700, 20_000]), min_size=1, max_size=6),
    spoil=st.none() | st.tuples(st.integers(0, 30), st.sampled_from("01?OPo~é")),
)
def test_checking_many_masks_decides_as_checking_one(lengths, spoil):
    size = (1, max(1, sum(lengths)))
    lengths = lengths if sum(lengths) else [1]
    counts = compressed(lengths)
    if spoil is not None:
        position, char = spoil
        counts = counts[:position] + char + counts[position + 1 :]
    sound = mask_rle(0)
    alone, complaint = checked_alone(Rle(size, counts), "mask 1")
    if alone is None:
        with pytest.raises(AnnotationError) as caught:
            checked_all([sound, Rle(size, counts), sound], lambda index: f"mask {index}")
        assert str(caught.value) == complaint
        return
    result = checked_all([sound, Rle(size, counts), sound], str)
    assert result.rles == [sound, alone, sound]
    assert result.areas.tolist() == [rle.area(mask) for mask in result.rles]


def checked_alone(mask, where):
    try:
        return rle.checked(mask, where), ""
    except AnnotationError as error:
        return None, str(error)


def compressed(lengths):
    """Counts string of run lengths, empty runs and all."""
    text = ""
    for index, length in enumerate(lengths):
        value = length - lengths[index - 2] if index > 2 else length
        more = True
        while more:
            low = value & 0x1F
            value >>= 5
            more = value != (-1 if low & 0x10 else 0)
            text += chr((low | (0x20 if more else 0)) + 48)
    return text


def test_many_large_masks_are_checked_in_batches():
    rng = np.random.default_rng(0)
    masks = [rle.encode(rng.random((64, 128)) < share) for share in rng.random(60)]
    result = checked_all(masks, str)
    assert result.rles == masks
    assert result.areas.tolist() == [rle.area(mask) for mask in masks]
    masks[37] = Rle((64, 127), masks[37].counts)
    with pytest.raises(AnnotationError, match=r"mask 37: RLE counts cover 8192 pixels"):
        checked_all(masks, lambda index: f"mask {index}")


def test_runs_whose_sum_only_seems_right_in_32_bits_are_refused():
    lengths = [104, *[2**29 - 1] * 8]
    assert sum(lengths) == 2**32 + 96
    with pytest.raises(AnnotationError, match="mask 1: RLE counts cover 4294967392 pixels, size 1 x 96 needs 96"):
        checked_all([mask_rle(0), Rle((1, 96), compressed(lengths))], lambda index: f"mask {index}")
