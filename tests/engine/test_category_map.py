"""Names of classes: of files of every kind, and what they are called in another set."""

import json

import pytest

from visolo.categories import load_label_set, mapped_names, read_class_names
from visolo.errors import AnnotationError


def names_of(label_set: str) -> list[str]:
    return [category.name for category in load_label_set(label_set).categories]


def test_names_of_another_set_are_found_where_it_is_clear():
    to_ytvis = mapped_names(["Person", "motorcycle", "toaster", "giant panda"], names_of("ytvis2021"))
    assert to_ytvis == {"Person": "person", "motorcycle": "motorbike", "giant panda": "giant_panda"}
    to_coco = mapped_names(["motorbike", "dog"], names_of("coco"))
    assert to_coco == {"dog": "dog"}  # a motorbike may be a bicycle there


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
    assert read_class_names(path) == ["otter", "beaver"]


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"categories": 3}', "{", '{"names": null}'])
def test_a_file_without_classes_is_a_clear_error(tmp_path, text):
    path = tmp_path / "classes.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"classes\.json: (holds no classes|cannot be read as classes)"):
        read_class_names(path)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_class_names(tmp_path / "missing.json")
