"""Target cells and losses on small made-up clips; the official recording is compared in tests/parity."""

import pytest
import torch

from visolo.model.visolo import ClipPrediction
from visolo.training.config import TrainingConfig
from visolo.training.losses import category_losses, clip_losses, focal_loss, mask_losses, similarity_losses
from visolo.training.targets import ClipBatch, assign_cells, build_targets, frame_pairs, measure_regions

GRID, SIZE = (4, 6), (64, 96)  # cells of 16 px


def _masks(*boxes, frames=1):
    """One clip whose instances are boxes (top, left, bottom, right) in px, the same in every frame."""
    masks = torch.zeros(1, frames, len(boxes), *SIZE, dtype=torch.bool)
    for slot, (top, left, bottom, right) in enumerate(boxes):
        masks[:, :, slot, top:bottom, left:right] = True
    return masks


def _owners(masks, extent="true", centre_size=0.2):
    return assign_cells(measure_regions(masks, extent), SIZE, GRID, centre_size)[0, 0].reshape(GRID)


def _batch(masks, *classes):
    images = torch.zeros(*masks.shape[:2], 3, *SIZE, dtype=torch.uint8)
    return ClipBatch(images, masks, torch.tensor([classes]))


def test_a_small_instance_owns_the_cell_of_its_centre():
    owners = _owners(_masks((20, 36, 28, 44)))
    assert owners[1, 2] == 0
    assert (owners >= 0).sum() == 1


def test_the_official_extent_is_measured_from_the_top_left_corner():
    box = (40, 70, 56, 90)
    true, official = (measure_regions(_masks(box), kind).sizes[0, 0, 0].tolist() for kind in ("true", "official"))
    assert true == [16, 20]
    assert official == [56, 90]


def test_the_official_extent_claims_more_cells_at_the_bottom_right():
    masks = _masks((44, 76, 60, 92))
    assert (_owners(masks, "official") >= 0).sum() > (_owners(masks, "true") >= 0).sum()


def test_a_contested_cell_goes_to_the_nearer_centre_whatever_the_order():
    near, far = (17, 33, 31, 47), (10, 20, 40, 52)
    assert _owners(_masks(near, far))[1, 2] == 0
    assert _owners(_masks(far, near))[1, 2] == 1


def test_equal_distances_go_to_the_first_instance():
    masks = _masks((16, 32, 32, 48), (16, 32, 32, 48))
    assert set(_owners(masks).unique().tolist()) == {-1, 0}


def test_an_absent_instance_owns_nothing():
    masks = _masks((16, 32, 32, 48), (0, 0, 1, 1))
    masks[:, :, 1] = False
    assert set(_owners(masks).unique().tolist()) == {-1, 0}


def test_a_clip_without_any_instance_has_no_owners():
    masks = torch.zeros(2, 3, 0, *SIZE, dtype=torch.bool)
    owners = assign_cells(measure_regions(masks, "official"), SIZE, GRID, 0.2)
    assert owners.shape == (2, 3, 24)
    assert (owners == -1).all()
    empty = ClipBatch(torch.zeros(2, 3, 3, *SIZE, dtype=torch.uint8), masks, torch.zeros(2, 0, dtype=torch.int64))
    targets = build_targets(empty, owners, 5, GRID)
    assert targets.categories.sum() == 0
    assert targets.similarities.sum() == 0


def test_a_mask_that_touches_the_frame_edge_stays_on_the_grid():
    owners = _owners(_masks((50, 80, 64, 96)), centre_size=2.0)
    assert (owners == 0).any()


def test_similarity_is_asked_between_cells_of_the_same_instance_only():
    masks = _masks((16, 16, 32, 32), (32, 64, 48, 80), frames=2)
    owners = assign_cells(measure_regions(masks, "true"), SIZE, GRID, 0.2)
    targets = build_targets(_batch(masks, 3, 3), owners, 5, GRID)
    for row, column in targets.similarities[0, 0].nonzero().tolist():
        assert owners[0, 0, row] == owners[0, 1, column] >= 0
    assert targets.similarities.sum() == sum(((owners[0, 0] == i).sum() * (owners[0, 1] == i).sum()) for i in (0, 1))


def test_pairs_of_a_clip_are_listed_earlier_frame_first():
    assert frame_pairs(3) == [(0, 1), (0, 2), (1, 2)]
    assert frame_pairs(1) == []


def test_focal_loss_equals_its_definition():
    logits, targets = torch.tensor([1.5, -0.5]), torch.tensor([1.0, 0.0])
    p = logits.sigmoid()
    expected = torch.stack((-0.25 * (1 - p[0]) ** 2 * p[0].log(), -0.75 * p[1] ** 2 * (1 - p[1]).log()))
    torch.testing.assert_close(focal_loss(logits, targets, 0.25, 2.0), expected)


def test_category_loss_is_divided_by_the_positive_cells_of_each_frame():
    logits = torch.full((1, 1, 2, *GRID), -3.0)
    one, two = torch.zeros_like(logits), torch.zeros_like(logits)
    one[0, 0, 1, 0, 0] = 1
    two[0, 0, 1, 0, :2] = 1
    summed = focal_loss(logits, two, 0.25, 2.0).sum()
    torch.testing.assert_close(category_losses(logits, two, 0.25, 2.0)[0, 0], summed / 2)
    torch.testing.assert_close(category_losses(logits, one, 0.25, 2.0)[0, 0], focal_loss(logits, one, 0.25, 2.0).sum())


def test_similarity_rows_without_a_match_cost_nothing():
    targets = torch.zeros(1, 1, 24, 24)
    targets[0, 0, 3, 5] = 1
    logits = torch.zeros(1, 1, 24, 24)
    other_rows = logits.clone()
    other_rows[0, 0, 7] = 9
    assert similarity_losses(logits, targets, 0.25, 2.0) == similarity_losses(other_rows, targets, 0.25, 2.0)


def _prediction(frames, requires_grad=False):
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator).requires_grad_(requires_grad)

    pairs = frames * (frames - 1) // 2
    return ClipPrediction(
        draw(1, frames, 5, *GRID), draw(1, frames, 8, *GRID), draw(1, frames, 8, 16, 24), draw(1, pairs, 24, 24)
    )


def _dice_by_hand(prediction, masks, owners):
    """Official wording with loops: mean over cells, then samples, then frames."""
    frames = []
    for t in range(owners.shape[1]):
        per_cell = []
        for cell in (owners[0, t] >= 0).nonzero()[:, 0].tolist():
            kernel = prediction.kernels[0, t].flatten(1)[:, cell]
            logits = torch.einsum("d,dhw->hw", kernel, prediction.mask_features[0, t])
            logits = torch.nn.functional.interpolate(logits[None, None], scale_factor=4, mode="bilinear")[0, 0]
            p, g = logits.sigmoid(), masks[0, t, owners[0, t, cell]].float()
            per_cell.append(1 - 2 * (p * g).sum() / (p.square().sum() + g.square().sum() + 1e-7))
        if per_cell:
            frames.append(torch.stack(per_cell).mean())
    return torch.stack(frames).mean()


def test_mask_loss_equals_the_loop_over_cells():
    masks = _masks((4, 4, 40, 40), (30, 50, 60, 90), frames=2)
    masks[0, 1, 1] = False
    owners = assign_cells(measure_regions(masks, "true"), SIZE, GRID, 0.4)
    prediction = _prediction(2)
    torch.testing.assert_close(
        mask_losses(prediction, masks, owners, 4).mean(), _dice_by_hand(prediction, masks, owners)
    )


def test_mask_loss_at_half_size_is_near_that_at_full_size():
    masks = _masks((4, 4, 40, 40))
    owners = assign_cells(measure_regions(masks, "true"), SIZE, GRID, 0.2)
    full, half = (mask_losses(_prediction(1), masks, owners, scale) for scale in (4, 2))
    assert half == pytest.approx(float(full), abs=0.05)


def test_a_clip_without_objects_has_a_finite_loss_and_gradients():
    masks = _masks(frames=3)
    batch = ClipBatch(torch.zeros(1, 3, 3, *SIZE, dtype=torch.uint8), masks, torch.zeros(1, 0, dtype=torch.int64))
    owners = assign_cells(measure_regions(masks, "official"), SIZE, GRID, 0.2)
    prediction = _prediction(3, requires_grad=True)
    losses = clip_losses(prediction, batch, build_targets(batch, owners, 5, GRID), TrainingConfig())
    losses.total.backward()
    assert losses.mask == 0
    assert losses.similarity == 0
    assert losses.category > 0
    assert prediction.kernels.grad is not None


def test_a_clip_of_one_frame_has_no_similarity_losses():
    masks = _masks((4, 4, 40, 40))
    owners = assign_cells(measure_regions(masks, "true"), SIZE, GRID, 0.2)
    batch = _batch(masks, 2)
    losses = clip_losses(_prediction(1), batch, build_targets(batch, owners, 5, GRID), TrainingConfig())
    assert losses.similarity == 0
    assert losses.mask > 0
