"""Tracks in the colours of their classes: on canvas, trails, timeline, table and legend; as edited, and back."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction

from app.document.class_edits import ReviseCategories
from app.document.edits import SetCategory
from app.legend import digit_legend
from app.panels.timeline import Timeline
from app.panels.track_model import COLOR_ROLE, Column
from app.panels.track_table import TrackTable
from app.settings import COLOR_BY, Settings
from app.theme import track_color
from visolo.palette import class_rgb


def shown(window) -> dict[str, dict[int, str]]:
    """Colour by track in every view that draws tracks."""
    model = window.findChild(TrackTable).view.model()
    cells = [model.index(row, Column.COLOUR) for row in range(model.rowCount())]
    ids = [int(model.index(row, Column.ID).data()) for row in range(model.rowCount())]
    heads = window.findChild(Timeline).model.scene.heads
    legend = digit_legend(window.session)
    return {
        "canvas": {d.track_id: d.color.name() for d in window.workspace.canvas.scene.instances},
        "timeline": {head.track_id: head.color.name() for head in heads},
        "table": {i: cell.data(COLOR_ROLE).name() for i, cell in zip(ids, cells, strict=True)},
        "legend": {int(entry.text.split()[0]): entry.color.name() for entry in legend.entries},
    }


def wanted(window, color_of) -> dict[str, dict[int, str]]:
    tracks = {s.track.track_id: color_of(s.track) for s in window.session.tracks()}
    return dict.fromkeys(("canvas", "timeline", "table", "legend"), tracks)


def by_class(window):
    colors = {c.category_id: c.color for c in window.session.document.categories()}

    def color_of(track) -> str:
        return "#" + bytes(class_rgb(track.category_id, colors[track.category_id])).hex()

    return color_of


def choose(window, kind: str) -> None:
    window.findChild(QAction, f"color.{kind}").trigger()


def test_tracks_have_the_colours_of_their_classes_when_asked_for(tracked, qtbot):
    own = wanted(tracked, lambda track: track_color(track.track_id).name())
    assert shown(tracked) == own
    choose(tracked, "class")
    assert Settings().get(COLOR_BY) == "class"
    assert shown(tracked) == wanted(tracked, by_class(tracked))
    assert shown(tracked) != own
    choose(tracked, "track")
    assert shown(tracked) == own


def test_they_follow_the_colour_and_the_class_and_undo(tracked, qtbot, press):
    choose(tracked, "class")
    first, other, *_ = (s.track for s in tracked.session.tracks())
    before = shown(tracked)
    tracked.session.do(ReviseCategories(described=((first.category_id, "#102030", ()),)))
    assert shown(tracked)["table"][first.track_id] == "#102030"
    assert shown(tracked) == wanted(tracked, by_class(tracked))
    tracked.session.do(SetCategory(1, (other.track_id,), first.category_id))
    assert shown(tracked)["canvas"][other.track_id] == "#102030"
    assert shown(tracked) == wanted(tracked, by_class(tracked))
    press(tracked, "Ctrl+Z", "Ctrl+Z")
    assert shown(tracked) == before


def test_bars_and_masks_are_painted_so(tracked, qtbot):
    choose(tracked, "class")
    tracked.session.do(
        ReviseCategories(
            described=tuple((c, "#ff0000", ()) for c in {s.track.category_id for s in tracked.session.tracks()})
        )
    )
    timeline = tracked.findChild(Timeline)
    qtbot.waitUntil(lambda: not timeline.is_loading)
    picture = timeline.viewport().grab().toImage()
    pixels = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(0, picture.height(), 2)}
    assert "#ff0000" in pixels
    assert track_color(1).name() not in pixels
    view, drawn = tracked.workspace.canvas.view, tracked.workspace.canvas.scene.instances[0]
    box = drawn.instance.box
    middle = view.view.to_widget(QPointF(box.x + box.width / 2, box.y + box.height / 2)).toPoint()
    seen = view.grab().toImage().pixelColor(middle)
    assert seen.red() > seen.green() + 60
