"""The statistics report: its numbers are those of the project, and it needs nothing but itself."""

import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, add_video, frame, new_project, project_with_run

from app.document.adopt import begin_run
from app.document.edits import Confirm, DeleteTrack, RejectVideo, RemoveInstances, SetCategory, SetMask
from app.document.records import FrameRange
from app.document.statistics import collect_statistics
from app.document.statistics_plots import draw_plots
from app.document.statistics_report import write_report
from visolo import rle
from visolo.cli import main
from visolo.errors import OutputError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two videos, three corrections a minute apart in the first one, a third of its frames confirmed."""
    now = [1000.0]
    monkeypatch.setattr("app.document.history.time.time", lambda: now[0])
    document, history = project_with_run(tmp_path / "p<1>.visolo")
    add_video(history, 2)
    run = begin_run(history, 2, {"model": "lite"}, LABELS, 0)
    run.add([frame(index, [1], seed=1) for index in range(FRAMES)])
    run.finish("done")
    half = np.zeros((HEIGHT, WIDTH), dtype=bool)
    half[: HEIGHT // 2] = True
    for edit in (
        DeleteTrack(1, 3),
        RemoveInstances(1, 2, FrameRange(4, None)),
        SetMask(1, 1, 0, rle.encode(half)),
        Confirm(1, None, FrameRange(0, 3)),
    ):
        now[0] += 60
        history.do(edit)
    with document:
        yield document, history


class Page(HTMLParser):
    """What a page says: facts, tables, plots, and whatever it would load."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.rows, self.facts, self.plots, self.loads = [], [], 0, []
        self._in = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self._in = tag
        self.plots += tag == "svg"
        self.loads += [v for k, v in attrs if k in {"src", "href", "xlink:href"} and not v.startswith("#")]
        self.loads += [tag] if tag in {"script", "link", "iframe"} else []
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self._in in {"td", "th"} and data.strip():
            self.rows[-1].append(data)
        if self._in in {"dt", "dd"} and data.strip():
            self.facts.append(data)

    def handle_endtag(self, tag):
        self._in = ""


def test_numbers_are_those_of_the_project(project):
    document, _ = project
    *_, found = collect_statistics(document)
    masks = [i for v in (1, 2) for f in range(FRAMES) for i in document.instances(v, f)]
    first, second = found.videos
    assert (first.tracks, first.masks, first.edited_masks) == (2, FRAMES + 4, 1)
    assert (second.tracks, second.masks, second.confirmed_masks) == (1, FRAMES, 0)
    assert (first.confirmed_frames, first.confirmed_masks) == (4, 8)
    assert found.confirmed_share == pytest.approx(4 / (2 * FRAMES))
    assert {c.name: (c.tracks, c.masks) for c in found.classes} == {
        "person": (1, FRAMES),
        "dog": (2, 4 + FRAMES),
        "car": (0, 0),
    }
    assert sorted(found.track_lengths) == [4, FRAMES, FRAMES]
    assert sorted(found.mask_sizes) == pytest.approx(sorted((i.area / (HEIGHT * WIDTH)) ** 0.5 for i in masks))
    assert found.mask_sizes.max() == pytest.approx(0.5**0.5)
    assert first.effort.corrections == {"delete a track": 1, "delete masks": 1, "mask": 1}
    assert (first.effort.seconds, second.effort.seconds) == (240, 0)
    assert found.work_minutes.tolist() == [1, 2, 3]  # confirming took the fourth, but is no correction


def test_the_page_says_them_and_loads_nothing(project, tmp_path):
    document, _ = project
    target = tmp_path / "s.html"
    steps = list(write_report(document, target))
    page = Page(target)
    assert page.loads == []
    assert page.plots == 8
    facts = dict(zip(page.facts[::2], page.facts[1::2], strict=True))
    assert facts["masks"] == str(2 * FRAMES + 4)
    assert facts["frames confirmed"] == f"{100 * 4 / (2 * FRAMES):.1f} %"
    assert (facts["edits"], facts["minutes"], facts["edits per minute"]) == ("3", "4.0", "0.8")
    assert page.rows[1] == ["video 1", "12", "2", "16", "1", "33.3 %", "50.0 %", "3", "4.0", "0.8"]
    assert ["dog", "2", "16"] in page.rows
    text = target.read_text(encoding="utf-8")
    assert "<h1>p&lt;1&gt;</h1>" in text
    assert "person</text>" in text  # the plots' words can be searched
    assert steps[-1].text == f"{target}: 8 plots of 2 videos"
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert steps[-1].done == steps[-1].total


def test_the_page_says_who_did_how_much(project, tmp_path):
    document, history = project
    first = history.author
    history.author = "A & <B>"
    history.do(SetCategory(2, (1,), 1))
    list(write_report(document, tmp_path / "s.html"))
    rows = Page(tmp_path / "s.html").rows
    assert rows[-3:] == [
        ["person", "edits", "minutes", "edits per minute"],
        [first, "3", "4.0", "0.8"],
        ["A & <B>", "1", "0.0", "–"],
    ]
    history.undo()
    list(write_report(document, tmp_path / "s.html"))
    assert Page(tmp_path / "s.html").rows[-1] == ["A & <B>", "0", "0.0", "–"]


def test_rejected_videos_are_left_out_and_counted(project, tmp_path):
    document, history = project
    history.do(RejectVideo(1, "blurred"))
    list(write_report(document, tmp_path / "s.html"))
    page = Page(tmp_path / "s.html")
    facts = dict(zip(page.facts[::2], page.facts[1::2], strict=True))
    assert (facts["videos"], facts["rejected, left out"], facts["edits"]) == ("1", "1", "0")
    assert facts["masks"] == str(FRAMES)
    assert "video 1" not in [row[0] for row in page.rows]
    history.do(RejectVideo(2, ""))
    with pytest.raises(OutputError, match="take a rejected one back"):
        list(write_report(document, tmp_path / "s.html"))


def test_an_untouched_video_has_a_page_without_edits(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        with pytest.raises(OutputError, match="There is no video to count"):
            list(write_report(document, tmp_path / "s.html"))
        add_video(history)
        list(write_report(document, tmp_path / "s.html"))
        page = Page(tmp_path / "s.html")
        assert page.plots == 1
        assert page.rows[1] == ["video 1", "12", "0", "0", "0", "0.0 %", "0.0 %", "0", "0.0", "–"]


def test_a_cancelled_report_leaves_nothing(project, tmp_path):
    document, _ = project
    (tmp_path / "s.html").write_text("old")
    for steps in range(1, 4):
        iterator = write_report(document, tmp_path / "s.html")
        for _ in range(steps):
            next(iterator)
        iterator.close()
    assert (tmp_path / "s.html").read_text() == "old"
    assert list(tmp_path.glob(".s-*")) == []
    with pytest.raises(OutputError, match="cannot write there"):
        list(write_report(document, tmp_path / "none" / "s.html"))


def test_many_videos_and_hours_still_fit_into_the_plots(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        for video_id in range(1, 61):
            add_video(history, video_id, frame_count=2)
        *_, found = collect_statistics(document)
        assert "(the first 30 of 60)" in draw_plots(found)["Confirmed frames of each video"]
        found.videos[0].effort.corrections["class"] = 3
        found.work_minutes = np.array([1.0, 500.0, 40_000.0])
        assert "in stretches of 120" in draw_plots(found)["Edits per minute in the course of the work"]


def test_the_page_takes_the_colours_that_the_reader_likes(project, tmp_path):
    document, _ = project
    list(write_report(document, tmp_path / "s.html"))
    page = (tmp_path / "s.html").read_text()
    assert "prefers-color-scheme: dark" in page
    plots = page[page.index("<svg") : page.rindex("</svg>")]
    assert "currentColor" in plots
    assert "#000000" not in plots
    assert "#ffffff" not in plots


def test_the_command_writes_it(project, tmp_path, capsys):
    document, history = project
    history.do(SetCategory(2, (1,), 1))
    path = document.path
    document.close()
    target = tmp_path / "s.html"
    assert main(["project", "report", str(path), str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: 8 plots of 2 videos\n"
    assert main(["project", "report", str(path), str(path)]) == 2
    assert "this is the project" in capsys.readouterr().err
