"""The inspector: votes, facts of the frame, setting a class."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton

from app.document.edits import SetMask
from app.document.records import ClassVotes
from app.panels.inspector import Inspector
from app.panels.votes import summarise, vote_colors, vote_sentence
from app.theme import color


@pytest.fixture
def inspector(project, qtbot) -> Inspector:
    inspector = Inspector(project.session)
    qtbot.addWidget(inspector)
    inspector.resize(360, 320)
    inspector.show()
    return inspector


def text(inspector, name) -> str:
    return inspector.findChild(QLabel, name).text()


def buttons(inspector) -> list[str]:
    QApplication.processEvents()
    found = inspector.findChildren(QPushButton)
    return [b.text() for b in found if b.isVisible() and b.objectName().startswith("setCategory")]


def test_without_a_selection_it_says_what_to_do(inspector):
    assert inspector.findChild(QLabel, "inspectorEmpty").isVisible()
    assert not inspector.bar.isVisible()


def test_votes_of_the_selected_track(inspector, project):
    project.session.select({2})
    assert text(inspector, "inspectorHeading") == "TRACK 2 · CLASS VOTES"
    votes = project.document.class_votes(1, 2)
    means = dict(zip(votes.category_ids.tolist(), votes.class_scores.mean(axis=0).tolist(), strict=True))
    dog = project.document.track(1, 2).category_id
    assert text(inspector, "voteSentence").startswith(f"dog {means[dog]:.2f} · person ")
    assert text(inspector, "voteSentence").endswith("4 of 25 frames disagree")
    assert buttons(inspector)[:2] == ["dog", "person"]
    assert buttons(inspector)[-1] == "Other…"


def test_a_click_on_a_class_sets_it(inspector, project, qtbot):
    project.session.select({2})
    person = next(c.category_id for c in project.document.categories() if c.name == "person")
    qtbot.mouseClick(inspector.findChild(QPushButton, f"setCategory_{person}"), Qt.MouseButton.LeftButton)
    assert project.document.track(1, 2).category_id == person
    assert text(inspector, "fact_class") == "person (set by a person)"
    project.session.undo()
    assert text(inspector, "fact_class") == "dog"


def test_other_asks_for_a_class(inspector, project, qtbot):
    project.session.select({2})
    qtbot.mouseClick(inspector.findChild(QPushButton, "setCategory_other"), Qt.MouseButton.LeftButton)
    assert inspector.findChild(QDialog, "categoryDialog").isVisible()


def test_facts_follow_the_frame(inspector, project):
    project.session.select({2})
    project.session.show_frame(12)
    assert text(inspector, "fact_score") == "0.80"
    assert text(inspector, "fact_area") == "64 px"
    assert text(inspector, "fact_mask") == "by the model"
    project.session.show_frame(35)
    assert text(inspector, "fact_score") == "—"
    assert text(inspector, "fact_mask") == "absent in frame 35"


def test_a_drawn_mask_is_said_to_be_drawn(inspector, project):
    project.session.select({2})
    project.session.show_frame(12)
    rle = project.document.instance(1, 1, 12).rle
    project.session.do(SetMask(1, 2, 12, rle))
    assert text(inspector, "fact_mask") == "drawn by a person"


def test_a_drawn_track_has_no_votes_but_a_class_button(inspector, project):
    rle = project.document.instance(1, 1, 12).rle
    dog = project.document.track(1, 2).category_id
    project.session.do(SetMask(1, 9, 12, rle, dog))
    project.session.select({9})
    assert "No model has voted" in text(inspector, "voteSentence")
    assert buttons(inspector) == ["Set class…"]
    assert not inspector.strip.isVisible()


def test_several_tracks_show_what_they_share(inspector, project):
    project.session.select({2, 3})
    assert text(inspector, "inspectorHeading") == "2 TRACKS"
    assert text(inspector, "fact_class") == "dog"
    assert text(inspector, "fact_lock") == "no"


def test_a_click_on_the_strip_goes_to_the_frame(inspector, project, qtbot):
    project.session.select({2})
    x = round((11 + 0.5) / 40 * inspector.strip.width())
    qtbot.mouseClick(inspector.strip, Qt.MouseButton.LeftButton, pos=QPoint(x, 4))
    assert project.session.frame_index == 11


def test_the_strip_shows_frames_that_flip(inspector, project):
    project.session.select({2})
    project.session.show_frame(39)
    image = inspector.strip.grab().toImage()

    def shade(frame):
        return image.pixelColor(round((frame + 0.5) / 40 * image.width()), 4).name()

    colors = [value.name() for value in vote_colors(summarise(project.document.class_votes(1, 2))).values()]
    assert [shade(f) for f in (6, 9, 14, 28)] == [colors[0]] * 4
    assert [shade(f) for f in (10, 13)] == [colors[1]] * 2
    assert shade(2) == color("raised").name()


def votes(scores) -> ClassVotes:
    table = np.array(scores, dtype=np.float32)
    return ClassVotes(np.arange(len(table), dtype=np.int32), table, np.array([3, 5, 8], dtype=np.int32))


def test_a_summary_orders_classes_by_mean_and_counts_the_rest():
    summary = summarise(votes([[0.1, 0.8, 0.0], [0.7, 0.6, 0.0], [0.2, 0.9, 0.1]]))
    assert summary.category_ids == (5, 3, 8)
    assert summary.means == pytest.approx([2.3 / 3, 1 / 3, 0.1 / 3])
    assert summary.winners.tolist() == [5, 3, 5]
    assert summary.disagreeing == 1
    names = {3: "cat", 5: "dog", 8: "fox"}
    assert vote_sentence(summary, names, summary.shown) == "dog 0.77 · cat 0.33 · fox 0.03 — 1 of 3 frames disagree"


def test_agreeing_frames_are_said_to_agree():
    summary = summarise(votes([[0.9, 0.0, 0.0], [0.8, 0.0, 0.0]]))
    assert vote_sentence(summary, {3: "cat"}, summary.shown) == "cat 0.85 — all 2 frames agree"


def test_no_votes_no_summary():
    assert summarise(None) is None
