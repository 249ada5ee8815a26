"""Classes in files: of every kind, with colours and synonyms, there and back."""

import json

import pytest

from visolo.categories import Category
from visolo.errors import AnnotationError
from visolo.io.label_sets import read_label_set, write_label_set

CLASSES = (
    Category(3, "otter", "#56b4e9", ("sea otter", "Fischotter")),
    Category(9, "beaver"),
    Category(4, "Käfer", "#000000"),
)


def test_classes_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "classes.json"
    write_label_set(path, CLASSES)
    assert read_label_set(path) == CLASSES
    assert json.loads(path.read_text(encoding="utf-8"))["categories"][0] == {
        "id": 3,
        "name": "otter",
        "supercategory": "object",
        "color": [0x56, 0xB4, 0xE9],
        "synonyms": ["sea otter", "Fischotter"],
    }


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"categories": [{"id": 3, "name": "otter"}, {"id": 9, "name": "beaver"}]}),
        json.dumps([{"name": "otter"}, {"name": "beaver"}, {"name": " "}]),
        json.dumps(["otter", "beaver", "otter"]),
        json.dumps({"names": {"0": "otter", "1": "beaver"}}),
        "\ufeffotter\n\nbeaver\n",
    ],
)
def test_names_are_read_from_files_of_every_kind(tmp_path, text):
    path = tmp_path / "classes.json"
    path.write_text(text, encoding="utf-8")
    assert [category.name for category in read_label_set(path)] == ["otter", "beaver"]
    ids = [category.category_id for category in read_label_set(path)]
    assert ids == ([3, 9] if '"id"' in text else [1, 2])


def test_what_cannot_be_used_of_colours_and_synonyms_is_left_out(tmp_path):
    path = tmp_path / "classes.json"
    colors = ["#56B4E9", [1, 2, 3], "red", [1, 2], [1, 2, 300], None, 7]
    classes = [{"name": f"class {number}", "color": color} for number, color in enumerate(colors)]
    classes += [{"name": "dog", "synonyms": ["DOG", "hound", "cat", 3, ""]}, {"name": "cat", "synonyms": "kitten"}]
    path.write_text(json.dumps(classes), encoding="utf-8")
    *colored, dog, cat = read_label_set(path)
    assert [category.color for category in colored] == ["#56b4e9", "#010203", None, None, None, None, None]
    assert dog.synonyms == ("hound",)
    assert cat.synonyms == ()


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"categories": 3}', "{", '{"names": null}', "[[1]]"])
def test_a_file_without_classes_is_a_clear_error(tmp_path, text):
    path = tmp_path / "classes.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"classes\.json: (holds no classes|cannot be read as classes)"):
        read_label_set(path)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_label_set(tmp_path / "missing.json")
