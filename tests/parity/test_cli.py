"""`python -m visolo track` on recorded clips gives the recorded tracks: classes, order, scores and masks."""

import json

import pytest
from PIL import Image

from visolo import cli, rle
from visolo.io.ytvis import read_results
from visolo.rle import Rle


@pytest.mark.parametrize(("name", "quirks"), [("c3", []), ("c3", ["--official-quirks"]), ("c8", [])])
def test_tracks_equal_the_recorded_ones(name, quirks, recorded, seeded_checkpoint, tmp_path, monkeypatch):
    golden = recorded("check_golden").load(f"golden_inference_{name}")
    size = tuple(int(side) for side in golden["size"])
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(recorded("clips").make_clip(name)):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{index:05d}.png")
    monkeypatch.setattr(cli, "_stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    out = tmp_path / "r.json"
    args = ["track", tmp_path / "frames", "--weights", seeded_checkpoint, "--preset", "ytvis2019-r50", *quirks]
    args += ["--precision", "fp32", "--device", "cpu", "--size", *size, "--out", out, "--quiet"]
    assert cli.main([str(arg) for arg in args]) == 0
    entries = read_results(out)
    assert [entry.category_id - 1 for entry in entries] == golden["pred_labels"].tolist()
    assert [entry.score for entry in entries] == pytest.approx(golden["pred_scores"].tolist(), abs=5e-4)
    for entry, counts in zip(entries, json.loads(golden["rle_json"].tobytes()), strict=True):
        assert [mask is not None for mask in entry.segmentations] == [text is not None for text in counts]
        for mask, text in zip(entry.segmentations, counts, strict=True):
            if mask is not None:
                assert rle.iou([mask], [Rle(size, text)])[0, 0] >= 0.999
