"""What is written is read back the same, by ourselves and by the other reading of the rules."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo import rle
from visolo.errors import AnnotationError, OutputError
from visolo.io.ytvis import (
    Dataset,
    ResultEntry,
    Video,
    read_dataset,
    read_results,
    write_dataset,
    write_results,
)

sys.path.insert(0, str(Path(__file__).parent))

from ytvis_data import dataset_problems, datasets, mask_rle, results_for, results_problems


@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_round_trip(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    dataset = data.draw(datasets())
    entries = data.draw(results_for(dataset))
    write_dataset(folder / "gt.json", dataset)
    write_results(folder / "r.json", iter(entries))
    if not all(v.file_names or v.length for v in dataset.videos):
        return
    assert read_dataset(folder / "gt.json") == dataset
    assert read_results(folder / "r.json", read_dataset(folder / "gt.json")) == entries
    assert dataset_problems(folder / "gt.json") == []
    assert results_problems(folder / "r.json", folder / "gt.json") == []


def test_numbers_stay_numbers_and_names_readable(tmp_path):
    write_results(tmp_path / "r.json", [ResultEntry(1, 2, 0.1 + 0.2, (mask_rle(0), None))])
    (entry,) = json.loads((tmp_path / "r.json").read_text())
    assert entry["score"] == 0.1 + 0.2
    assert entry["segmentations"] == [rle.to_json(mask_rle(0)), None]
    assert list(entry) == ["video_id", "score", "category_id", "segmentations"]


def test_a_failing_generator_leaves_the_old_file(tmp_path):
    path = tmp_path / "r.json"
    write_results(path, [])

    def entries():
        yield ResultEntry(1, 2, 0.5, (mask_rle(0),))
        raise AnnotationError("half way")

    with pytest.raises(AnnotationError, match="half way"):
        write_results(path, entries())
    assert read_results(path) == []
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_file_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write there"):
        write_results(tmp_path / "file" / "r.json", [])
    with pytest.raises(OutputError, match="cannot write there"):
        write_dataset(tmp_path / "none" / "gt.json", Dataset((Video(1, 2, 2, 1),), ()))
