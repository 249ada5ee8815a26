"""Colours and synonyms of classes between projects and files: they travel, and names of files find their class."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, WIDTH, mask, new_project, project_with_run

from app.document.class_edits import ReviseCategories
from app.document.exchange import ExportOptions, export_dataset, import_dataset
from visolo.categories import Category
from visolo.formats.catalogue import read_any
from visolo.io.ytvis import Annotation, Dataset, Video, read_dataset, write_dataset

DOG = Category(7, "dog", "#56b4e9", ("hound", "puppy"))


@pytest.fixture
def project(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def write_file(folder: Path, name: str, categories: tuple[Category, ...]) -> Path:
    """A dataset of one video of images, with a track of each class."""
    (folder / name).mkdir(parents=True)
    for index in range(FRAMES):
        Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(folder / name / f"{index:05d}.png")
    names = tuple(f"{name}/{index:05d}.png" for index in range(FRAMES))
    tracks = tuple(
        Annotation.of_masks(number, 1, category.category_id, (mask(number),) * FRAMES)
        for number, category in enumerate(categories, start=1)
    )
    write_dataset(folder / f"{name}.json", Dataset((Video(1, WIDTH, HEIGHT, FRAMES, names),), categories, tracks))
    return folder / f"{name}.json"


def export(document, target: Path, **options) -> Path:
    list(export_dataset(document, ExportOptions(target, **options)))
    return target


def test_what_a_file_says_of_a_class_comes_along_and_goes_out_again(tmp_path):
    document, history = new_project(tmp_path / "q.visolo")
    with document:
        import_dataset(history, write_file(tmp_path, "first", (DOG, Category(9, "cat"))))
        assert document.categories() == (DOG, Category(9, "cat"))
        target = export(document, tmp_path / "out.json")
        assert read_dataset(target).categories == (DOG, Category(9, "cat"))
        target = export(document, tmp_path / "out.xml", format="cvat")
        assert {c.name: c.color for c in read_any(target).dataset.categories} == {"dog": DOG.color, "cat": None}


def test_names_of_another_file_find_the_class_that_knows_them(tmp_path):
    document, history = new_project(tmp_path / "q.visolo")
    with document:
        import_dataset(history, write_file(tmp_path, "first", (DOG,)))
        others = (Category(1, "Puppy", "#000000"), Category(2, "hyena", None, ("wild", "hound")))
        import_dataset(history, write_file(tmp_path, "second", others))
        assert document.categories() == (DOG,)  # a class that is called hound, too, is taken for a dog
        assert [summary.track.category_id for summary in document.tracks(2)] == [7, 7]


def test_a_label_set_takes_classes_by_their_synonyms(project, tmp_path):
    document, history = project
    names = ((1, "rider"), (2, "Pferd"))
    history.do(ReviseCategories(named=names, described=((1, None, ("person",)), (2, "#102030", ("horse",)))))
    target = export(document, tmp_path / "out.json", label_set="ytvis2021")
    found = read_dataset(target)
    assert {found.category_by_id[a.category_id].name for a in found.annotations} == {"person", "horse", "car"}


def test_a_dataset_without_colours_is_written_as_ever(tmp_path):
    path = write_file(tmp_path, "first", (replace(DOG, color=None, synonyms=()),))
    assert '{"id":7,"name":"dog","supercategory":"object"}' in path.read_text()
