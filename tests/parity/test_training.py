"""Targets, losses and gradients of the official training step, against the recording in `golden_train.npz`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from visolo.config import ModelConfig
from visolo.device import select_compute
from visolo.model.checkpoint import load_weights, official_name
from visolo.training.config import TrainingConfig
from visolo.training.losses import clip_losses
from visolo.training.targets import ClipBatch, assign_cells, build_targets, measure_regions

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import check_golden  # noqa: E402
import train_inputs  # noqa: E402
import weights_recipe  # noqa: E402

GRID, SIZE = (12, 21), (352, 624)
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(scope="module")
def golden():
    return check_golden.load("golden_train")


@pytest.fixture(scope="module")
def batch():
    samples = train_inputs.make_batch()
    most = max(sample["masks"].shape[1] for sample in samples)
    masks = torch.zeros(len(samples), 3, most, *SIZE, dtype=torch.bool)
    classes = torch.zeros(len(samples), most, dtype=torch.int64)
    for i, sample in enumerate(samples):
        slots = sample["masks"].shape[1]
        masks[i, :, :slots] = torch.from_numpy(sample["masks"])
        present = np.where(sample["classes"] == 40, -1, sample["classes"])
        classes[i, :slots] = torch.from_numpy(present.max(0))
    images = torch.from_numpy(np.stack([sample["images"] for sample in samples])).permute(0, 1, 4, 2, 3)
    return ClipBatch(images, masks, classes)


@pytest.fixture(scope="module")
def owners(batch):
    return assign_cells(measure_regions(batch.masks, "official"), SIZE, GRID, 0.2)


def test_centres_and_sizes_equal_the_recording(golden, batch):
    regions = measure_regions(batch.masks, "official")
    measured = torch.cat((regions.centres, regions.sizes), 3)
    slots = [sample["masks"].shape[1] for sample in train_inputs.make_batch()]
    rows = torch.cat([measured[i, :, :count].reshape(-1, 4) for i, count in enumerate(slots)])
    np.testing.assert_allclose(rows.numpy(), golden["center_size"], rtol=1e-5)


def test_target_cells_equal_the_recording(golden, batch, owners):
    targets = build_targets(batch, owners, 40, GRID)
    np.testing.assert_array_equal(owners.permute(0, 2, 1).numpy(), golden["gt_cell_instance"])
    classes = targets.categories.permute(0, 2, 1, 3, 4).nonzero().numpy()
    np.testing.assert_array_equal(classes, golden["gt_class_idx"])
    np.testing.assert_array_equal(targets.similarities.nonzero().numpy(), golden["gt_tracking_idx"])


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NEEDS_CUDA])])
def test_losses_and_gradients_equal_the_recording(device, golden, batch, owners, tmp_path):
    compute = select_compute(device, "fp32")
    model, owners = _seeded_model(tmp_path).to(compute.device), owners.to(compute.device)
    batch = ClipBatch(*(x.to(compute.device) for x in (batch.images, batch.masks, batch.classes)))
    model.backbone.stem.requires_grad_(False)
    model.backbone.res2.requires_grad_(False)
    prediction = model.forward_clip(batch.images)
    losses = clip_losses(prediction, batch, build_targets(batch, owners, 40, GRID), TrainingConfig())
    losses.total.backward()
    theirs = _loss_arrays(losses) | _gradient_arrays(model, golden) | _prediction_arrays(prediction)
    wrong, skipped = check_golden.check_train(theirs)
    assert wrong == []
    assert set(skipped) == {"gt_class_idx", "gt_tracking_idx", "gt_cell_instance", "center_size"}
    for name in ("losses", "total"):
        np.testing.assert_allclose(theirs[name], golden[name], rtol=1e-5)
    for name in ("grad_sub_norms", "grad_total_norm"):
        np.testing.assert_allclose(theirs[name], golden[name], rtol=1e-3)


def _seeded_model(folder):
    keys = json.loads((HERE / "state_dict_keys.json").read_text())["keys"]
    state = {k: torch.from_numpy(v) for k, v in weights_recipe.make_state_dict(keys).items()}
    torch.save(state, folder / "official.pth")
    return load_weights(folder / "official.pth", ModelConfig()).train()


def _loss_arrays(losses):
    parts = (losses.category, losses.mask, losses.similarity)
    return {
        "losses": np.array([float(part.detach()) for part in parts]),
        "total": np.array(float(losses.total.detach())),
    }


def _prediction_arrays(prediction):
    """The entries that were recorded."""
    return {
        "pred_cats_logit": prediction.category_logits.transpose(1, 2)[:, ::8, :, ::2, ::3].detach().cpu().numpy(),
        "pred_kernels": prediction.kernels.transpose(1, 2)[:, ::32, :, ::2, ::3].detach().cpu().numpy(),
        "pred_masks": prediction.mask_features.transpose(1, 2)[:, ::32, :, ::8, ::12].detach().cpu().numpy(),
        "pred_tracking_logit": prediction.similarity_logits[:, :, ::12, ::6].detach().cpu().numpy(),
    }


def _gradient_arrays(model, golden):
    norms = {
        official_name(name): float(p.grad.double().norm()) for name, p in model.named_parameters() if p.grad is not None
    }
    names = [str(name) for name in golden["grad_param_names"]]
    assert sorted(norms) == sorted(names)
    groups = [str(name) for name in golden["grad_sub_names"]]
    squares = {group: sum(v * v for k, v in norms.items() if k.startswith(group + ".")) for group in groups}
    return {
        "grad_param_norms": np.array([norms[name] for name in names]),
        "grad_sub_norms": np.array([squares[group] ** 0.5 for group in groups]),
        "grad_total_norm": np.array(sum(squares.values()) ** 0.5),
    }
