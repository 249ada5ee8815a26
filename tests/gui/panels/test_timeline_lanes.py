"""What a lane shows per pixel equals counting its frames one by one; landed frames only patch it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor

from app.document.records import Change, FrameRange, Lane, Origin
from app.panels.timeline_bars import bar_image, mark_starts
from app.panels.timeline_lanes import LaneColumns, LaneStore
from app.panels.timeline_scale import TimelineScale

lanes = st.lists(
    st.tuples(st.integers(0, 299), st.floats(0, 1, width=32), st.sampled_from(list(Origin)), st.booleans()),
    unique_by=lambda row: row[0],
).map(lambda rows: _lane(sorted(rows)))


def _lane(rows) -> Lane:
    return Lane(
        np.array([r[0] for r in rows], np.int32),
        np.array([r[1] for r in rows], np.float32),
        np.array([int(r[2]) for r in rows], np.uint8),
        np.array([r[3] for r in rows], np.bool_),
    )


def _scale(zoom, first) -> TimelineScale:
    scale = TimelineScale()
    scale.set_width(120)
    scale.set_video(300)
    scale.zoom(zoom, 0)
    scale.scroll_to(first)
    return scale


@settings(max_examples=40, deadline=None)
@given(lanes, st.floats(1, 60), st.floats(0, 299))
def test_pixels_equal_counting_frames(lane, zoom, first):
    edges = _scale(zoom, first).pixel_edges(1.0)
    row = LaneColumns(lane).row(edges)
    for pixel in range(len(edges) - 1):
        begin, end = edges[pixel], max(edges[pixel + 1], edges[pixel] + 1)
        inside = (lane.frame_indices >= begin) & (lane.frame_indices < end)
        assert row.present[pixel] == inside.any()
        assert row.edited[pixel] == lane.edited[inside].any()
        expected = lane.scores[inside].mean() if inside.any() else 0.0
        assert row.scores[pixel] == pytest.approx(expected, abs=1e-5)
        is_gap = not inside.any() and (lane.frame_indices < begin).any() and (lane.frame_indices >= end).any()
        assert row.gap[pixel] == is_gap


@settings(max_examples=40, deadline=None)
@given(lanes, st.integers(0, 299))
def test_the_run_around_a_frame_is_unbroken_and_maximal(lane, frame):
    run = LaneColumns(lane).run_around(frame)
    present = set(lane.frame_indices.tolist())
    if frame not in present:
        assert run is None
        return
    first, last = run
    assert set(range(first, last + 1)) <= present
    assert first - 1 not in present
    assert last + 1 not in present


@settings(max_examples=40, deadline=None)
@given(lanes, lanes, st.integers(0, 299), st.integers(0, 60))
def test_a_patched_lane_is_the_lane_read_again(lane, other, first, length):
    def within(source, keep):
        chosen = keep(source.frame_indices)
        return [values[chosen] for values in (source.frame_indices, source.scores, source.origins, source.edited)]

    last = first + length
    part = Lane(*within(other, lambda f: (f >= first) & (f <= last)))
    patched = LaneColumns(lane).patched(first, last, part).lane
    outside = within(lane, lambda f: (f < first) | (f > last))
    inside = [part.frame_indices, part.scores, part.origins, part.edited]
    order = np.argsort(np.concatenate([outside[0], inside[0]]), kind="stable")
    for got, a, b in zip(
        (patched.frame_indices, patched.scores, patched.origins, patched.edited), outside, inside, strict=True
    ):
        np.testing.assert_array_equal(got, np.concatenate([a, b])[order])


class CountingDocument:
    """Says which lanes were read, and answers from a real document."""

    def __init__(self, document):
        self._document = document
        self.read = []

    def lane(self, video_id, track_id):
        self.read.append(track_id)
        return self._document.lane(video_id, track_id)

    def instances(self, video_id, frame_index):
        return self._document.instances(video_id, frame_index)


def test_landed_frames_patch_lanes_without_reading_them_again(make_project, landing_run):
    project = make_project(run_to=0)
    run = landing_run(project)
    changes = []
    project.session.document_changed.connect(changes.append)
    for index in range(20):
        run.land(index)
    document, store = CountingDocument(project.document), LaneStore()
    store.show(document, 1)
    store.load([1, 2], 1.0)
    del changes[:]
    for index in range(20, 35):
        run.land(index)
    for change in changes:
        store.changed(change)
    store.load([1, 2], 1.0)
    assert document.read == [1, 2]
    for track_id in (1, 2):
        expected = project.document.lane(1, track_id)
        np.testing.assert_array_equal(store.get(track_id).frame_indices, expected.frame_indices)
        np.testing.assert_allclose(store.get(track_id).lane.scores, expected.scores)
    run.finish()


def test_a_wide_change_reads_only_the_tracks_it_names(project):
    document, store = CountingDocument(project.document), LaneStore()
    store.show(document, 1)
    store.load([1, 2, 3], 1.0)
    store.changed(Change(frozenset({1}), frozenset({2}), FrameRange(0, None)))
    store.changed(Change(frozenset({7}), frozenset({1}), FrameRange(0, None)))
    store.load([1, 2, 3], 1.0)
    assert document.read == [1, 2, 3, 2]


def test_loading_stops_when_the_time_is_up(project):
    store = LaneStore()
    store.show(project.document, 1)
    assert not store.load([1, 2, 3], -1.0)
    assert [store.get(t) is not None for t in (1, 2, 3)] == [True, False, False]
    assert not store.load([1, 2, 3], -1.0)
    assert store.load([1, 2, 3], -1.0)


def test_a_bar_is_drawn_where_the_track_is():
    lane = _lane([(f, 0.9, Origin.MODEL, f >= 40) for f in [*range(10, 20), *range(40, 50)]])
    edges = np.arange(61)
    image = bar_image(LaneColumns(lane).row(edges), QColor("#56b4e9"), QColor("#ffffff"), 14)
    middle = [image.pixelColor(x, 5).alpha() > 0 for x in range(60)]
    assert [x for x in range(60) if middle[x]] == [*range(10, 20), *range(40, 50)]
    assert image.pixelColor(30, 7).alpha() > 0, "a thin line joins the parts of a track"
    assert image.pixelColor(15, 13).name() != "#ffffff"
    assert image.pixelColor(45, 13).name() == "#ffffff", "edited frames are underlined"
    assert image.pixelColor(10, 0).alpha() == 0, "corners are round"


def test_a_low_score_is_paler():
    lane = _lane([(0, 0.9, Origin.MODEL, False), (1, 0.2, Origin.MODEL, False)])
    image = bar_image(LaneColumns(lane).row(np.arange(0, 60) // 30), QColor("#56b4e9"), QColor("#ffffff"), 14)
    assert image.pixelColor(45, 7).alpha() < image.pixelColor(10, 7).alpha()


def test_edit_marks_keep_a_distance():
    lane = _lane([(f, 0.9, Origin.PERSON, f % 2 == 0) for f in range(60)])
    starts = mark_starts(LaneColumns(lane).row(np.arange(61)), 14)
    assert starts == [0, 14, 28, 42, 56]
