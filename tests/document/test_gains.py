"""What corrections bought: the scores are those of the evaluation, the effort is that of the history."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, LABELS, add_video, frame, new_project, project_with_run

from app.document.adopt import begin_run
from app.document.edits import (
    Confirm,
    DeleteTrack,
    MergeTracks,
    RemoveInstances,
    SetCategory,
    SwapTracks,
)
from app.document.effort import AWAY_S, LONGEST_PAUSE_S, effort_by_video, work_steps
from app.document.exchange import ExportOptions, export_dataset, import_results
from app.document.gain_table import VIDEO_HEADS, summary, video_rows
from app.document.gains import measure_gains
from app.document.history import History
from app.document.predictions import file_predictions, kept_predictions
from app.document.records import FrameRange
from visolo.categories import Category, LabelSet
from visolo.cli import main
from visolo.errors import AnnotationError, ProjectError
from visolo.evaluation.tracking_metrics import evaluate_tracking
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.ytvis import ResultEntry, read_dataset, write_results


class Clock:
    """Stands in for the time of the history; every edit is made a chosen time after the one before."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1_000_000.0
        monkeypatch.setattr("app.document.history.time.time", lambda: self.now)

    def do(self, history: History, edit, after: float) -> None:
        self.now += after
        history.do(edit)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def project(tmp_path, clock):
    document, history = project_with_run(tmp_path / "p.visolo")
    with document:
        yield document, history


def predicted(first: int = 0, end: int = FRAMES) -> list[ResultEntry]:
    """What the run of `project_with_run` found, cut to some frames: class and mean score of every track."""
    found = [frame(index, [0, 1, 2]).instances for index in range(first, end)]
    return [
        ResultEntry(1, LABELS.categories[t].category_id, 0.25 + t / 16, tuple(here[t].rle for here in found))
        for t in range(3)
    ]


def test_scores_are_those_of_the_evaluation_on_the_export(project, tmp_path):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(6, None)))
    history.do(RemoveInstances(1, 3, FrameRange(8, 9)))
    history.do(Confirm(1, None, FrameRange(3, 10)))
    gains = measure_gains(document)
    list(export_dataset(document, ExportOptions(tmp_path / "gt.json", frames="confirmed-ranges")))
    truth = read_dataset(tmp_path / "gt.json")
    entries = predicted(3, 11)
    metrics, tracking = evaluate(truth, entries), evaluate_tracking(truth, entries)
    (row,) = gains.videos
    assert (row.frame_count, row.scores.predicted_tracks, row.scores.tracks) == (8, 3, 3)
    for scores in (row.scores, gains.total.scores):
        assert scores.ap == pytest.approx(metrics.AP, abs=1e-12)
        assert scores.hota == pytest.approx(tracking.combined.HOTA, abs=1e-12)
        assert scores.idf1 == pytest.approx(tracking.combined.IDF1, abs=1e-12)
        assert scores.id_switches == tracking.combined.id_switches
    assert row.scores.hota < 1
    by_class = {c.category_id: (c.AP, tracking.per_category[c.category_id]) for c in metrics.per_category}
    expected = {key: (ap, found.HOTA if found.tracks else -1) for key, (ap, found) in by_class.items()}
    assert {c.category_id: (c.scores.ap, c.scores.hota) for c in gains.classes} == expected


def test_where_nothing_was_wrong_nothing_was_bought(project):
    document, history = project
    history.do(Confirm(1, None, FrameRange(0, None)))
    gains = measure_gains(document)
    scores = gains.total.scores
    assert (scores.ap, scores.hota, scores.idf1, scores.id_switches) == pytest.approx((1, 1, 1, 0))
    assert gains.total.effort.edit_count == 0


def test_several_videos_are_scored_apart_and_together(project, clock):
    document, history = project
    add_video(history, 2)
    run = begin_run(history, 2, {"model": "lite"}, LABELS, 0)
    run.add([frame(index, [0], seed=1) for index in range(FRAMES)])
    run.finish("done")
    add_video(history, 3)
    clock.do(history, DeleteTrack(1, 3), 30)
    clock.do(history, SetCategory(2, (1,), 2), 60)
    history.do(Confirm(1, None, FrameRange(0, None)))
    history.do(Confirm(2, None, FrameRange(0, 3)))
    gains = measure_gains(document)
    assert [row.scores is None for row in gains.videos] == [False, False, True]
    assert gains.videos[2].words == "nothing was predicted for it"
    assert gains.videos[1].scores.ap == 0  # the class was wrong
    assert [row.effort.corrections for row in gains.videos] == [{"delete a track": 1}, {"class": 1}, {}]
    assert gains.total.frame_count == FRAMES + 4
    assert (gains.total.effort.edit_count, gains.total.effort.seconds) == (2, 90)
    assert gains.total.scores.tracks == 3
    assert len(video_rows(gains)) == 4
    assert summary(gains).startswith("2 edits in 1.5 min brought HOTA 0.")
    assert "of 2 of 3 videos" in summary(gains)


def test_all_frames_count_when_so_chosen(project):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(6, None)))
    assert measure_gains(document).total.scores is None
    assert "Nothing can be scored yet" in summary(measure_gains(document))
    row = measure_gains(document, "all").videos[0]
    assert row.frame_count == FRAMES
    assert row.scores.hota == pytest.approx(_hota_of_swap(document))


def _hota_of_swap(document) -> float:
    """Of the run against tracks that are as the document has them, from the export."""
    path = document.path.with_name("all.json")
    list(export_dataset(document, ExportOptions(path)))
    return evaluate_tracking(read_dataset(path), predicted()).combined.HOTA


def test_objects_that_changed_their_identity_are_counted(tmp_path):
    document, history = project_with_run(tmp_path / "p.visolo", tracks=(0, 3))  # of one class
    with document:
        history.do(SwapTracks(1, 1, 2, FrameRange(6, None)))
        assert measure_gains(document, "all").total.scores.id_switches == 2


def test_the_run_that_saw_most_is_scored_and_in_its_frames_only(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history)
        for seed, first, end in ((0, 0, 3), (1, 2, 10), (2, 2, 10)):
            run = begin_run(history, 1, {"model": f"m{seed}"}, LABELS, first)
            run.add([frame(index, [0, 1], seed=seed) for index in range(first, end)])
            run.finish("stopped")
        found = kept_predictions(document, 1)
        assert found.frames == FrameRange(2, 9)
        assert found.words.startswith("m1, ")
        assert found.tracks[1].rles == {i: frame(i, [0, 1], seed=1).instances[1].rle for i in range(2, 10)}
        assert measure_gains(document, "all").videos[0].frame_count == 8


def test_a_run_that_went_on_where_one_was_stopped_counts_with_it(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history)
        settings = {"model": "m", "weights_id": "w"}
        run = begin_run(history, 1, settings, LABELS, 0)
        run.add([frame(index, [5, 0]) for index in range(4)])  # tracks 1 and 2 of the project
        run.finish("stopped")
        history.do(SwapTracks(1, 1, 2, FrameRange(0, None)))  # what was corrected before is not the model's word
        run = begin_run(history, 1, settings, LABELS, 4, {1: 1, 2: 2})
        run.add([frame(index, [2, 1, 3]) for index in range(4, FRAMES)])
        run.finish("done")
        found = kept_predictions(document, 1)
        assert found.frames == FrameRange(0, FRAMES - 1)
        where = [sorted(track.rles) for track in found.tracks]
        assert where == [list(range(FRAMES)), list(range(FRAMES)), list(range(4, FRAMES))]
        first = [frame(0, [5, 0]).instances[k].rle for k in (0, 1)]
        assert [track.rles[0] for track in found.tracks[:2]] == first
        assert [track.rles[5] for track in found.tracks] == [frame(5, [1, 2, 3]).instances[k].rle for k in (0, 1, 2)]
        other = begin_run(history, 1, {"model": "n", "weights_id": "other"}, LABELS, FRAMES - 1)
        other.add([frame(FRAMES - 1, [0])])
        other.finish("done")
        assert len(kept_predictions(document, 1).tracks) == 3  # other weights do not go on


def test_imported_tracks_are_the_predictions_where_no_model_ran(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history)
        write_results(tmp_path / "r.json", predicted())
        import_results(history, tmp_path / "r.json", video_id=1, label_set=LABELS)
        before = kept_predictions(document, 1)
        assert [(t.category_id, t.score) for t in before.tracks] == [(1, 0.25), (2, 0.3125), (3, 0.375)]
        assert before.words == "Import r.json"
        history.do(MergeTracks(1, 1, 2))
        history.do(Confirm(1, None, FrameRange(0, None)))
        after = kept_predictions(document, 1)
        assert [t.rles for t in after.tracks] == [t.rles for t in before.tracks]
        scores = measure_gains(document).total.scores
        assert (scores.predicted_tracks, scores.tracks) == (3, 2)


def test_predictions_can_come_from_a_file(project, tmp_path):
    document, history = project
    history.do(Confirm(1, None, FrameRange(0, None)))
    write_results(tmp_path / "r.json", predicted()[:2])
    found = file_predictions(document, tmp_path / "r.json")
    row = measure_gains(document, given=found).videos[0]
    assert (row.words, row.scores.predicted_tracks, row.scores.tracks) == ("r.json", 2, 3)
    assert row.scores.ap == pytest.approx(2 / 3)
    add_video(history, 2)
    history.do(Confirm(2, None, FrameRange(0, None)))
    gains = measure_gains(document, given=found)
    assert (gains.videos[0], gains.videos[1].scores) == (row, None)  # the file says nothing of the other video
    other = LabelSet("other", (Category(8, "dog"), Category(9, "person"), Category(1, "eel")))
    write_results(tmp_path / "o.json", [replace(e, category_id={1: 9, 2: 8}[e.category_id]) for e in predicted()[:2]])
    found = file_predictions(document, tmp_path / "o.json", other)
    assert measure_gains(document, given=found).videos[0].scores == row.scores
    (tmp_path / "bad.json").write_text(json.dumps([{"video_id": 9, "category_id": 1, "score": 1, "segmentations": []}]))
    with pytest.raises(AnnotationError, match="video"):
        file_predictions(document, tmp_path / "bad.json")


def test_a_project_without_videos_is_said(tmp_path):
    with new_project(tmp_path / "p.visolo")[0] as document, pytest.raises(ProjectError, match="no video"):
        measure_gains(document)


def test_minutes_are_those_between_edits_and_breaks_count_little(project, clock):
    document, history = project
    start = effort_by_video(work_steps(document)).get(1)
    assert start is None or start.seconds == 0
    clock.do(history, SwapTracks(1, 1, 2, FrameRange(3, None)), 20)
    clock.do(history, Confirm(1, 1, FrameRange(0, 2)), 40)
    clock.do(history, SetCategory(1, (3,), 1), AWAY_S)
    clock.do(history, Confirm(1, 3, FrameRange(0, 2)), 40_000)  # the next day
    effort = effort_by_video(work_steps(document))[1]
    assert effort.seconds == 20 + 40 + LONGEST_PAUSE_S
    assert effort.corrections == {"swap": 1, "class": 1}  # confirming is none
    assert effort.edits_per_minute == pytest.approx(2 / 3)
    history.undo()
    history.undo()
    assert effort_by_video(work_steps(document))[1].corrections == {"swap": 1}
    assert effort_by_video(work_steps(document))[1].seconds == effort.seconds  # it was spent all the same


def test_people_are_timed_apart(project, clock):
    document, history = project
    clock.do(history, SetCategory(1, (1,), 2), 10)
    other = History(document, "another")
    clock.do(other, SetCategory(1, (2,), 3), 10)
    clock.do(history, SetCategory(1, (3,), 1), 10)
    assert effort_by_video(work_steps(document))[1].seconds == 10 + 0 + 20


# From the command line


def test_the_command_prints_tables_and_draws(project, tmp_path, capsys):
    document, history = project
    history.do(SwapTracks(1, 1, 2, FrameRange(6, None)))
    history.do(Confirm(1, None, FrameRange(3, 10)))
    expected = measure_gains(document)
    document.close()
    picture = tmp_path / "gains.svg"
    assert main(["project", "gains", str(tmp_path / "p.visolo"), "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == " ".join(VIDEO_HEADS).split()
    assert out.splitlines()[1].split() == " ".join(video_rows(expected)[0]).split()
    assert summary(expected) in out
    assert picture.read_text().lstrip().startswith("<?xml")
    assert main(["project", "gains", str(tmp_path / "p.visolo"), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["videos"][0]["scores"]["hota"] == expected.videos[0].scores.hota
    assert table["videos"][0]["effort"]["corrections"] == {"swap": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--results", "none.json"], "none.json"),
        (["--plot", "gains.txt"], "choose such a name"),
        (["--labels", "lite"], "give --results too"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(project, tmp_path, capsys, monkeypatch, options, words):
    project[0].close()
    monkeypatch.chdir(tmp_path)
    assert main(["project", "gains", "p.visolo", *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
