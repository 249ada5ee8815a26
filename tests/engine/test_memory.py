"""Which frames are remembered, and that reading gives exactly what was put in."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visolo.config import InferenceConfig
from visolo.inference.memory import FrameMemory, FrameSelection, memory_frames
from visolo.model.visolo import FrameFeatures

CELLS, WIDTH, EMBEDDING = 6, 3, 4


def config(memory="every-5", limit=0, **more):
    return InferenceConfig(memory=memory, memory_limit=limit, **more)


def features(frame_index):
    """Features that say which frame they are of."""
    generator = torch.Generator().manual_seed(frame_index)
    grid = torch.zeros(1, WIDTH, 2, 3)
    reference = torch.randn(1, CELLS, EMBEDDING, generator=generator)
    category_value, kernel_value = torch.randn(2, 1, WIDTH, CELLS, generator=generator)
    return FrameFeatures(grid, grid, grid, grid, reference, reference, category_value, kernel_value)


def selection_before(frame_index, rules):
    selection = FrameSelection(rules)
    for earlier in range(frame_index):
        selection.add(earlier)
    return selection


def official_frames(n):
    """Source: official.md, section 4."""
    return list(range(n)) if n < 3 else [*range(0, n - 2, 5), n - 2, n - 1]


@pytest.mark.parametrize("n", [*range(30), 101, 102])
def test_every_fifth_frame_is_read_as_the_official_code_does(n):
    assert list(selection_before(n, config()).frames) == official_frames(n)


@pytest.mark.parametrize(("rule", "count"), [("last-2", 2), ("last-10", 10), ("last-20", 20)])
def test_last_n_reads_the_n_previous_frames(rule, count):
    for n in (0, 1, 2, 9, 11, 21, 40):
        assert list(selection_before(n, config(rule)).frames) == list(range(max(0, n - count), n))


@pytest.mark.parametrize("limit", [1, 3, 4, 9, 20])
def test_a_limit_keeps_the_first_and_the_last_two_and_spreads_the_rest_evenly(limit):
    selection = FrameSelection(config(limit=limit))
    for n in range(1500):
        selection.add(n)
        frames = selection.frames
        assert len(frames) <= max(limit, 3)
        assert {0, max(0, n - 1), n} <= set(frames)
        old = [f for f in frames if f < n - 1]
        gaps = [b - a for a, b in pairwise(old)]
        *settled, _growing = gaps or [0]
        assert not settled or max(settled) <= 2.5 * min(settled)
    assert len(selection.frames) >= max(limit, 3) - 1


def test_a_limit_that_is_not_reached_changes_nothing():
    for n in (3, 50, 100):
        assert selection_before(n, config(limit=128)).frames == selection_before(n, config()).frames


def test_official_quirks_have_no_limit():
    assert len(selection_before(100, config(limit=5, official_quirks=True)).frames) == 22


def test_a_pinned_frame_stays_beyond_the_limit_and_a_dropped_one_goes_for_good():
    selection = FrameSelection(config(limit=6))
    selection.pin(7)
    selection.drop(10)
    for n in range(200):
        selection.add(n)
        assert (7 in selection.frames) == (n >= 7)
        assert 10 not in selection.frames
    selection.pin(199)
    selection.drop(7)
    for n in range(200, 300):
        selection.add(n)
    assert 199 in selection.frames
    assert 7 not in selection.frames
    assert len(selection.frames) == 6


def test_a_pinned_frame_counts_for_last_n_too():
    selection = FrameSelection(config("last-2"))
    selection.pin(3)
    for n in range(10):
        selection.add(n)
    assert selection.frames == (3, 8, 9)


def test_dropping_every_frame_leaves_nothing():
    selection = selection_before(2, config())
    selection.drop(0)
    selection.drop(1)
    assert selection.frames == ()
    assert selection.weighting_frames("official") == ()


def test_a_frame_that_was_let_go_cannot_be_pinned():
    with pytest.raises(ValueError, match="frame 3 is not in memory any more"):
        selection_before(10, config()).pin(3)


def test_frames_come_in_order():
    with pytest.raises(ValueError, match="frame 4 comes after frame 4"):
        selection_before(5, config()).add(4)


def test_official_weights_come_from_the_newest_and_the_latest_kept_frame():
    for t, frames in {1: (0,), 2: (1, 0), 3: (2, 0), 6: (5, 0), 7: (6, 5), 8: (7, 5), 12: (11, 10)}.items():
        assert selection_before(t, config()).weighting_frames("official") == frames


@pytest.mark.parametrize("rule", ["last-2", "every-5", "last-10"])
def test_weights_of_the_paper_come_from_the_two_previous_frames(rule):
    for t in (2, 3, 7, 30):
        assert selection_before(t, config(rule)).weighting_frames("last-2") == (t - 1, t - 2)


def test_memory_frames_are_those_of_a_run_from_the_first_frame():
    rules = config(limit=7)
    assert memory_frames(0, rules) == ()
    assert memory_frames(83, rules) == selection_before(83, rules).frames
    assert set(memory_frames(83, rules, pinned=[31], dropped=[0])) >= {31, 81, 82}
    assert 0 not in memory_frames(83, rules, dropped=[0])


def test_remembering_only_the_memory_frames_gives_the_same_selection():
    for rules in (config(), config(limit=9), config("last-10")):
        selection = FrameSelection(rules)
        for frame_index in memory_frames(230, rules):
            selection.add(frame_index)
        for frame_index in range(230, 300):
            selection.add(frame_index)
        assert selection.frames == selection_before(300, rules).frames


def read(memory):
    """References and values by frame, as the network gets to see them."""
    references, values = memory.references(), memory.values()
    return {f: (references[:, memory.cells(f)], values[:, :, memory.cells(f)]) for f in memory.frames}


@settings(max_examples=30, deadline=None)
@given(
    rule=st.sampled_from(["every-5", "last-2", "last-10", "last-20"]),
    limit=st.sampled_from([0, 3, 5, 12]),
    drops=st.dictionaries(st.integers(0, 69), st.integers(0, 69), max_size=5),
)
def test_what_is_read_is_what_was_put_in(rule, limit, drops):
    memory = FrameMemory(config(rule, limit))
    for n in range(70):
        memory.add(n, features(n))
        if n in drops:
            memory.drop(drops[n])
        if not len(memory):
            continue
        made = read(memory)
        assert memory.references().shape == (1, len(memory.frames) * CELLS, EMBEDDING)
        assert memory.values().shape == (1, 2 * WIDTH, len(memory.frames) * CELLS)
        for frame_index, (reference, value) in made.items():
            expected = features(frame_index)
            assert torch.equal(reference, expected.reference)
            assert torch.equal(value, torch.cat([expected.category_value, expected.kernel_value], 1))


def test_reading_copies_nothing():
    memory = FrameMemory(config())
    for n in range(60):
        memory.add(n, features(n))
    first, again = (memory.references(), memory.values()), (memory.references(), memory.values())
    for a, b in zip(first, again, strict=True):
        assert a.data_ptr() == b.data_ptr()
        assert a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def test_restarting_forgets_frames_but_not_pins():
    memory = FrameMemory(config())
    memory.pin(7)
    for n in range(20):
        memory.add(n, features(n))
    memory.restart()
    assert len(memory) == 0
    assert memory.frames == ()
    for n in (0, 5, 7, 10, 11):
        memory.add(n, features(n))
    assert memory.frames == (0, 5, 7, 10, 11)
    assert torch.equal(read(memory)[7][0], features(7).reference)
