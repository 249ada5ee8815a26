"""Post-processing of one frame against recordings of the official code (official.md, section 6)."""

import numpy as np
import pytest
import torch

from visolo.config import InferenceConfig
from visolo.inference.choosing import best_first, matrix_nms
from visolo.inference.decoding import Detections, decode_instances, make_masks, select_cells

OFFICIAL = InferenceConfig(official_quirks=True)
RIGHT = InferenceConfig()
CASES = [
    "plain",
    "grid_weight",
    "two_empty_masks",
    "one_empty_mask",
    "only_cell_0",
    "cell_0_and_5",
    "crowded",
    "nothing",
]


@pytest.fixture(scope="module")
def inputs(recorded):
    post_cases = recorded("post_cases")
    assert post_cases.SEG_NAMES == CASES

    def of(case):
        features, kernels, scores, weights = post_cases.seg_case(CASES.index(case))
        maps = [torch.from_numpy(array) for array in (scores, kernels)]
        weights = None if weights is None else torch.from_numpy(weights)
        return maps[0].flatten(1), maps[1].flatten(1), torch.from_numpy(features), weights

    return of


def decode(maps, config) -> Detections:
    scores, kernels, features, weights = maps
    return decode_instances(scores, kernels, features, config, weights)


def as_recorded(case, maps):
    """What the recording holds of a case, made by the engine."""
    detections = decode(maps, OFFICIAL)
    theirs = {"none": np.array(len(detections) == 0)}
    candidates = select_cells(maps[0], OFFICIAL, maps[3])
    if len(candidates.cells):
        _, statistics = make_masks(maps[1][:, candidates.cells], maps[2])
        scores = candidates.scores * statistics.maskness
        order = best_first(scores)
        labels = candidates.category_indices[order]
        theirs["nms_in"] = scores[order]
        theirs["nms_out"] = matrix_nms(statistics.take(order).ious(), labels, scores[order], OFFICIAL.nms_sigma)
    if len(detections):
        masks = detections.masks
        theirs |= {
            "cells": detections.cells.astype(np.int32),
            "labels": detections.category_indices.astype(np.int32),
            "scores": detections.scores,
            "area": masks.sum((1, 2)).astype(np.int32),
            "ori": detections.class_scores,
            "masks": np.packbits(masks),
        }
    return {f"{case}_{key}": value for key, value in theirs.items()}


def test_every_case_equals_the_recording(recorded, inputs):
    theirs = {}
    for case in CASES:
        theirs |= as_recorded(case, inputs(case))
    differences, missing = recorded("check_golden").check_exact("golden_seg_cases", theirs)
    assert not differences
    assert not missing


@pytest.mark.parametrize("case", [c for c in CASES if c not in {"two_empty_masks", "only_cell_0"}])
def test_without_quirks_other_cases_stay_the_same(inputs, case):
    official, right = decode(inputs(case), OFFICIAL), decode(inputs(case), RIGHT)
    assert official.cells.tolist() == right.cells.tolist()
    assert official.scores.tolist() == right.scores.tolist()
    assert np.array_equal(official.masks, right.masks)


def test_two_empty_masks_cost_only_themselves(inputs):
    detections = decode(inputs("two_empty_masks"), RIGHT)
    assert detections.cells.tolist() == [180, 30, 100, 230, 60]


def test_a_lone_detection_in_cell_0_survives(inputs):
    detections = decode(inputs("only_cell_0"), RIGHT)
    assert detections.cells.tolist() == [0]
    assert detections.category_indices.tolist() == [2]
    assert detections.masks.any()
