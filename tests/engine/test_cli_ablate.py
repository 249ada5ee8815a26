"""`evaluate --ablate`: the paper's two tables from a tiny network, stopped and gone on with, and what it refuses."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cli_data import FRAMES, HEIGHT, WIDTH, save_tiny_weights, write_images

from visolo import cli, rle
from visolo.categories import Category
from visolo.evaluation.ablation import TABLE_3, TABLE_4
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.ytvis import Annotation, Dataset, Video, read_dataset, read_results, write_dataset

HALF = rle.from_run_lengths((HEIGHT, WIDTH), [0, HEIGHT * WIDTH // 2, HEIGHT * WIDTH - HEIGHT * WIDTH // 2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights and a dataset of two annotated videos with ids of its own."""
    folder = tmp_path_factory.mktemp("ablate")
    save_tiny_weights(folder / "tiny.safetensors")
    videos, annotations = [], []
    for video_id, length in ((5, FRAMES), (2, 3)):
        write_images(folder / "JPEGImages" / f"v{video_id}", length)
        names = tuple(f"v{video_id}/{t:05d}.png" for t in range(length))
        videos.append(Video(video_id, WIDTH, HEIGHT, length, names))
        annotations.append(Annotation.of_masks(len(videos), video_id, 1, (HALF,) * length))
    annotations.append(Annotation.of_masks(9, 2, 2, (HALF, None, None)))
    categories = (Category(1, "brick"), Category(2, "tree"), Category(3, "cloud"))
    write_dataset(folder / "gt.json", Dataset(tuple(videos), categories, tuple(annotations)))
    return folder


@pytest.fixture
def main(monkeypatch, capsys, folder):
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*options, dataset=folder / "gt.json"):
        code = cli.main([str(arg) for arg in ("evaluate", dataset, *options)])
        return code, capsys.readouterr()

    return run


@pytest.fixture
def ablate(main, folder):
    return lambda *options: main("--ablate", "--weights", folder / "tiny.safetensors", *options)


def test_every_row_is_tracked_by_its_own_rules_and_scored(ablate, folder, tmp_path, monkeypatch):
    seen = []

    class Spy(OnlineSegmenter):
        def __init__(self, model, config, *args, **options):
            seen.append((config.score_reweighting, config.temporal_category, config.temporal_mask, config.memory))
            super().__init__(model, config, *args, **options)

    monkeypatch.setattr("visolo.inference.segmenter.OnlineSegmenter", Spy)
    code, said = ablate("--json", "--out", tmp_path / "rows")
    assert code == 0, said.err
    assert "the model does not know tree; annotations of these are not found" in said.err
    tables = json.loads(said.out)
    assert [(r["score_reweighting"], r["temporal_category"], r["temporal_mask"]) for r in tables["table3"]] == [
        (False, False, False),
        (True, False, False),
        (False, True, False),
        (True, True, False),
        (True, True, True),
    ]
    assert [row["memory"] for row in tables["table4"]] == ["last-2", "last-10", "last-20", "every-5"]
    assert tables["table3"][-1] == tables["table4"][-1]
    assert len(set(seen)) == 8
    assert all(row["FPS"] > 0 for row in tables["table3"])
    dataset = read_dataset(folder / "gt.json")
    for row, numbers in zip((*TABLE_3, *TABLE_4), (*tables["table3"], *tables["table4"]), strict=True):
        metrics = evaluate(dataset, read_results(tmp_path / "rows" / f"{row.name}.json", dataset))
        assert (numbers["AP"], numbers["AR10"]) == (metrics.AP, metrics.AR10)


def test_a_stopped_ablation_goes_on_with_the_next_row(ablate, tmp_path, monkeypatch):
    step, steps = OnlineSegmenter.step, []

    def stopping(segmenter, frame):
        steps.append(segmenter)
        if len(steps) == 40:
            raise KeyboardInterrupt
        return step(segmenter, frame)

    with monkeypatch.context() as patch:
        patch.setattr(OnlineSegmenter, "step", stopping)
        assert ablate("--out", tmp_path)[0] == 130
    kept = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert 0 < len(kept) < 8
    code, said = ablate("--out", tmp_path, "--json")
    assert code == 0
    assert f"{len(kept)} rows of 8 in {tmp_path} are finished already" in said.err
    first = json.loads(said.out)["table3"][0]
    assert first["FPS"] == kept[TABLE_3[0].name]["FPS"]
    code, said = ablate("--out", tmp_path)
    assert "SR   TA category  TA mask" in said.out
    assert said.out.count("every-5") == 1


def test_rows_of_other_weights_are_not_mixed(ablate, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "ablation.json").write_text('{"settings": {"weights": "other"}, "rows": {}}')
    code, said = ablate("--out", tmp_path / "rows")
    assert code == 2
    assert "holds rows of other weights, data or device; choose another --out" in said.err
    (tmp_path / "rows" / "ablation.json").write_text("[]")
    assert "is no record of an ablation" in ablate("--out", tmp_path / "rows")[1].err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "RESULTS.json is missing"),
        (["r.json", "--ablate"], "leave out r.json"),
        (["r.json", "--weights", "w.pth"], "--weights is about tracking; give --ablate too"),
        (["--ablate", "--tracking"], "--tracking is about a results file"),
    ],
)
def test_options_that_contradict_each_other(main, options, sentence):
    code, said = main(*options)
    assert code == 2
    assert sentence in said.err


def test_nothing_to_score(main, tmp_path, folder):
    table = json.loads((folder / "gt.json").read_text()) | {"annotations": []}
    (tmp_path / "gt.json").write_text(json.dumps(table))
    code, said = main("--ablate", "--images", folder / "JPEGImages", dataset=tmp_path / "gt.json")
    assert code == 2
    assert "has no annotations to score against" in said.err
