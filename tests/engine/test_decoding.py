"""From maps to instances: every rule against the plainest way to write it down."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from visolo.config import InferenceConfig
from visolo.inference.choosing import MaskStatistics, best_first, choose, ever_chosen, matrix_nms, uncovered
from visolo.inference.decoding import (
    decode_instances,
    decode_with_evidence,
    make_masks,
    score_weights,
    select_cells,
)

CONFIG = InferenceConfig()
CLASSES, CELLS = 3, 12


def random_masks(count, seed, size=(7, 9)):
    """Smooth random masks of all sizes, one of them empty, and what they are made of."""
    generator = torch.Generator().manual_seed(seed)
    features = F.interpolate(torch.randn(1, 5, 3, 4, generator=generator), size=size, mode="bilinear")[0]
    features[0] = 1
    kernels = torch.randn(5, count, generator=generator)
    kernels[0] -= 1
    if count > 2:
        kernels[:, 1] = torch.tensor([-9.0, 0, 0, 0, 0])
    return kernels, features


def full_size_scores(kernels, features):
    logits = torch.einsum("dn,dhw->nhw", kernels, features)[None]
    return F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)[0].sigmoid()


@pytest.mark.parametrize("size", [(7, 9), (8, 16), (5, 3)])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_masks_made_only_where_they_are_equal_masks_made_everywhere(count, size):
    for seed in range(8):
        kernels, features = random_masks(count, seed, size)
        scores = full_size_scores(kernels, features)
        masks, statistics = make_masks(kernels, features)
        expected = scores > 0.5
        assert np.array_equal(masks, expected.numpy())
        flat = expected.flatten(1).double()
        assert statistics.intersections.tolist() == (flat @ flat.T).tolist()
        assert statistics.areas.tolist() == flat.sum(1).tolist()
        maskness = (scores.flatten(1) * flat).sum(1) / flat.sum(1)
        assert np.allclose(statistics.maskness, maskness.numpy(), atol=1e-6, equal_nan=True)


def test_some_of_those_masks_are_empty_and_some_touch_every_border():
    made = [make_masks(*random_masks(6, seed)) for seed in range(8)]
    assert all(np.isnan(statistics.maskness).any() for _, statistics in made)
    masks = np.concatenate([masks for masks, _ in made])
    for border in (masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]):
        assert border.any()


def test_half_precision_maps_give_masks():
    kernels, features = random_masks(6, 1)
    masks, _ = make_masks(kernels.bfloat16(), features.bfloat16())
    exact, _ = make_masks(kernels, features)
    assert (masks == exact).mean() > 0.98


def test_score_weights_are_the_mean_of_the_best_matches():
    logits = torch.randn(2, 5, 7)
    expected = [sum(max(1 / (1 + math.exp(-v)) for v in row) for row in rows) / 2 for rows in zip(*logits, strict=True)]
    assert score_weights(list(logits)).tolist() == pytest.approx(expected, abs=1e-6)


def scores_of(**cells):
    scores = torch.full((CLASSES, CELLS), 0.01)
    for cell, (category_index, score) in cells.items():
        scores[category_index, int(cell[1:])] = score
    return scores


def test_the_threshold_is_inclusive_and_weights_lower_scores_but_not_classes():
    scores = scores_of(c3=(2, 0.1), c5=(1, 0.0999), c7=(0, 0.9), c8=(0, 0.9))
    weights = torch.ones(CELLS)
    weights[7], weights[8] = 0.5, 0.1
    candidates = select_cells(scores, CONFIG, weights)
    assert candidates.cells.tolist() == [3, 7]
    assert candidates.category_indices.tolist() == [2, 0]
    assert candidates.scores.tolist() == pytest.approx([0.1, 0.45])
    assert candidates.class_scores[1].tolist() == pytest.approx([0.9, 0.01, 0.01])


def test_a_threshold_of_zero_does_not_take_cells_without_score():
    scores = torch.zeros(CLASSES, CELLS)
    scores[1, 4] = 0.2
    assert select_cells(scores, replace(CONFIG, score_threshold=0)).cells.tolist() == [4]


def test_cells_without_a_number_for_a_score_are_no_candidates():
    scores = scores_of(c3=(0, 0.5), c4=(0, math.nan))
    assert select_cells(scores, CONFIG).cells.tolist() == [3]


def test_best_first_puts_nan_first_and_keeps_the_order_of_ties():
    assert best_first(np.array([0.2, 0.5, np.nan, 0.5, 0.9], np.float32)).tolist() == [2, 4, 1, 3, 0]


def plain_matrix_nms(ious, labels, scores, sigma):
    """Source: official.md, section 6, number 5."""
    n = len(scores)
    overlap = [[ious[i][j] if i < j and labels[i] == labels[j] else 0.0 for j in range(n)] for i in range(n)]
    worst = [max(overlap[i][j] for i in range(n)) for j in range(n)]
    decay = [
        min(math.exp(-sigma * overlap[i][j] ** 2) / math.exp(-sigma * worst[i] ** 2) for i in range(n))
        for j in range(n)
    ]
    return [score * d for score, d in zip(scores, decay, strict=True)]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 12), seed=st.integers(0, 10_000), sigma=st.sampled_from([0.5, 2.0]))
def test_matrix_nms_is_the_formula(count, seed, sigma):
    rng = np.random.default_rng(seed)
    ious = rng.random((count, count)).astype(np.float32)
    ious = np.maximum(ious, ious.T)
    labels = rng.integers(0, 3, count)
    scores = np.sort(rng.random(count).astype(np.float32))[::-1]
    expected = plain_matrix_nms(ious, labels, scores, sigma)
    assert matrix_nms(ious, labels, scores, sigma).tolist() == pytest.approx(expected, abs=1e-6)


def plain_uncovered(masks, threshold):
    """Source: official.md, section 6, number 8: masks are emptied one after the other."""
    masks = masks.copy()
    for i in range(len(masks)):
        for j in range(i + 1, len(masks)):
            if masks[i].any() and masks[j].any() and (masks[i] & masks[j]).sum() / masks[j].sum() > threshold:
                masks[j] = False
    return masks.any((1, 2))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 9), threshold=st.sampled_from([0.2, 0.5, 0.9]))
def test_the_overlap_rule_is_the_official_loop(seed, count, threshold):
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, 8, 8), bool)
    for mask in masks:
        top, left = rng.integers(0, 6, 2)
        mask[top : top + rng.integers(1, 6), left : left + rng.integers(1, 6)] = True
    flat = masks.reshape(count, 64).astype(np.float32)
    shared = flat @ flat.T
    statistics = MaskStatistics(shared.diagonal(), np.ones(count, np.float32), shared)
    assert uncovered(statistics, threshold).tolist() == plain_uncovered(masks, threshold).tolist()


def decode(scores, kernels, features, config=CONFIG):
    grid = torch.zeros(5, CELLS)
    grid[0] = -9
    for cell, column in kernels.items():
        grid[:, cell] = column
    return decode_instances(scores, grid, features, config)


def test_nothing_above_the_threshold_gives_no_detection():
    detections = decode(scores_of(), {}, random_masks(1, 0)[1])
    assert len(detections) == 0
    assert detections.masks.shape == (0, 28, 36)
    assert detections.class_scores.shape == (0, CLASSES)


def test_no_more_than_the_allowed_number_is_returned_best_first():
    kernels, features = random_masks(6, 3)
    columns = {cell: kernels[:, 0] * (1 + cell / 50) for cell in range(4)}
    scores = scores_of(c0=(0, 0.5), c1=(1, 0.8), c2=(2, 0.3))
    everything = decode(scores, columns, features, replace(CONFIG, overlap_threshold=1.0))
    assert everything.cells.tolist() == [1, 0, 2]
    assert (np.diff(everything.scores) <= 0).all()
    two = decode(scores, columns, features, replace(CONFIG, overlap_threshold=1.0, max_instances=2))
    assert two.cells.tolist() == [1, 0]


def test_instances_below_the_update_threshold_are_dropped_after_nms():
    kernels, features = random_masks(6, 3)
    columns = {0: kernels[:, 0], 1: kernels[:, 0]}
    scores = scores_of(c0=(0, 0.5), c1=(0, 0.3))
    shown = replace(CONFIG, overlap_threshold=1.0)
    assert decode(scores, columns, features, shown).cells.tolist() == [0]
    assert decode(scores, columns, features, replace(shown, update_threshold=0.01)).cells.tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_choosing_again_from_what_was_kept_equals_decoding_at_those_thresholds(seed):
    """To the last bit, although masks of other cells are made together."""
    generator = torch.Generator().manual_seed(seed)
    kernels, features = random_masks(40, seed, (9, 11))
    scores = torch.rand(CLASSES, 40, generator=generator) ** 2
    run = replace(CONFIG, score_threshold=0.3, update_threshold=0.2)
    kept = decode_with_evidence(scores, kernels, features, run)
    plain = decode_instances(scores, kernels, features, run)
    assert kept.detections.cells[: kept.shown_count].tolist() == plain.cells.tolist()
    for score, update in ((0.1, 0.0), (0.1, 0.3), (0.3, 0.2), (0.55, 0.1), (0.9, 0.0), (1.0, 1.0)):
        other = replace(CONFIG, score_threshold=score, update_threshold=update)
        slots, found = kept.candidates.choose(other)
        expected = decode_instances(scores, kernels, features, other)
        assert kept.detections.cells[slots].tolist() == expected.cells.tolist()
        assert found.tolist() == expected.scores.tolist()
        assert np.array_equal(kept.detections.masks[slots], expected.masks)


def test_all_that_is_ever_chosen_is_kept_and_nothing_else():
    kernels, features = random_masks(30, 3)
    scores = torch.rand(CLASSES, 30, generator=torch.Generator().manual_seed(3))
    candidates = select_cells(scores, CONFIG)
    known = candidates.category_indices, candidates.scores, make_masks(kernels[:, candidates.cells], features)[1]
    found = set()
    for score in np.linspace(0.1, 1, 200).tolist():
        found |= set(choose(*known, replace(CONFIG, score_threshold=score, update_threshold=0.0))[0].tolist())
    assert found <= set(ever_chosen(*known, CONFIG).tolist())
    assert 0 < len(ever_chosen(*known, CONFIG)) < len(candidates.cells)
