"""The network's own promises: any size, batch and precision; clips equal single frames; gradients reach everything."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from visolo.config import ModelConfig
from visolo.device import select_compute
from visolo.errors import ConfigError
from visolo.model.backbone import freeze_at
from visolo.model.layers import FrozenBatchNorm, coordinate_map, resample
from visolo.model.visolo import FrameFeatures, Prediction, Visolo, build_model

SMALL = ModelConfig(
    backbone="resnet18",
    bottleneck_width=8,
    num_classes=5,
    grid=(3, 4),
    width=16,
    embedding=8,
    norm_groups=4,
    input_size=(48, 64),
)


@pytest.fixture
def model() -> Visolo:
    torch.manual_seed(3)
    return _lively(build_model(SMALL).eval())


def _lively(model: Visolo) -> Visolo:
    """Give norms and biases values that a mistake would show in."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.dim() == 1:
                tensor.add_(torch.randn_like(tensor) * 0.1)
    return model


def _images(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(5)).float()


def _fields(data: object) -> dict[str, torch.Tensor]:
    return dict(vars(data))


def _predict_frame(model: Visolo, frame: FrameFeatures, memory: list[FrameFeatures]) -> Prediction:
    affinity = model.similarity_logits(frame.query, torch.cat([m.reference for m in memory], 1))
    category = model.read(frame.category, affinity, torch.cat([m.category_value for m in memory], 2))
    kernel = model.read(frame.kernel, affinity, torch.cat([m.kernel_value for m in memory], 2))
    return model.predict(category, kernel)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50", "resnet101"])
@pytest.mark.parametrize("size", [(48, 64), (53, 71)])
@torch.inference_mode()
def test_every_backbone_takes_even_and_odd_sizes(backbone: str, size: tuple[int, int]) -> None:
    model = build_model(replace(SMALL, backbone=backbone)).eval()
    frame = model.encode(_images(2, 3, *size))
    quarter = (-(-size[0] // 4), -(-size[1] // 4))
    assert frame.mask.shape == (2, 16, *quarter)
    assert frame.key.shape == frame.category.shape == frame.kernel.shape == (2, 16, 3, 4)
    assert frame.query.shape == frame.reference.shape == (2, 12, 8)
    assert frame.category_value.shape == frame.kernel_value.shape == (2, 16, 12)
    prediction = model.predict(frame.category, frame.kernel)
    assert prediction.category_logits.shape == (2, 5, 3, 4)
    assert prediction.kernels.shape == (2, 16, 3, 4)


@torch.inference_mode()
def test_a_batch_gives_each_frame_its_own_numbers(model: Visolo) -> None:
    images = _images(3, 3, 48, 64)
    together = _fields(model.encode(images))
    for index in range(3):
        alone = _fields(model.encode(images[index : index + 1]))
        for name, value in alone.items():
            torch.testing.assert_close(together[name][index : index + 1], value, rtol=1e-4, atol=1e-4, msg=name)


@torch.inference_mode()
def test_a_clip_equals_frames_that_read_the_others(model: Visolo) -> None:
    images = _images(2, 3, 3, 48, 64)
    clip = model.forward_clip(images)
    frames = [model.encode(images[:, t]) for t in range(3)]
    for t in range(3):
        single = _predict_frame(model, frames[t], [frames[s] for s in range(3) if s != t])
        torch.testing.assert_close(clip.category_logits[:, t], single.category_logits, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(clip.kernels[:, t], single.kernels, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(clip.mask_features[:, t], frames[t].mask, rtol=1e-4, atol=1e-4)
    for index, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
        expected = model.similarity_logits(frames[a].query, frames[b].reference)
        torch.testing.assert_close(clip.similarity_logits[:, index], expected, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_clip_of_one_frame_reads_itself(model: Visolo) -> None:
    images = _images(1, 1, 3, 48, 64)
    clip = model.forward_clip(images)
    frame = model.encode(images[:, 0])
    expected = _predict_frame(model, frame, [frame])
    torch.testing.assert_close(clip.category_logits[:, 0], expected.category_logits, rtol=1e-4, atol=1e-4)
    assert clip.similarity_logits.shape == (1, 0, 12, 12)


@torch.inference_mode()
def test_reading_weighs_all_memory_frames_in_one_softmax(model: Visolo) -> None:
    value, memory = torch.randn(1, 2, 1, 2), torch.randn(1, 2, 3)
    affinity = torch.tensor([[[0.0, 1.0, 2.0], [50.0, 0.0, 0.0]]])
    read = model.read(value, affinity, memory)
    weights = affinity[0].exp() / affinity[0].exp().sum(1, keepdim=True)
    torch.testing.assert_close(read[0, :, 0], value[0, :, 0] + memory[0] @ weights.T)


def test_gradients_reach_every_trainable_parameter() -> None:
    model = _lively(build_model(replace(SMALL, learnt_similarity=True)))
    clip = model.forward_clip(_images(1, 2, 3, 48, 64))
    sum(value.square().sum() for value in _fields(clip).values()).backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize(
    ("stage", "frozen"), [(0, ()), (1, ("stem",)), (2, ("stem", "res2")), (3, ("stem", "res2", "res3"))]
)
def test_freeze_at_stops_the_first_parts_only(model: Visolo, stage: int, frozen: tuple[str, ...]) -> None:
    freeze_at(model.backbone, stage)
    still = {name.split(".")[0] for name, p in model.backbone.named_parameters() if not p.requires_grad}
    assert still == set(frozen)
    assert all(p.requires_grad for p in model.mask_branch.parameters())


def test_freeze_at_can_be_undone_and_refuses_other_stages(model: Visolo) -> None:
    freeze_at(model.backbone, 4)
    freeze_at(model.backbone, 0)
    assert all(p.requires_grad for p in model.parameters())
    with pytest.raises(ValueError, match="not 5"):
        freeze_at(model.backbone, 5)


@torch.inference_mode()
@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_optimizing_for_inference_keeps_the_numbers(backbone: str) -> None:
    torch.manual_seed(4)
    model = _lively(build_model(replace(SMALL, backbone=backbone)).eval())
    images = _images(1, 3, 48, 64)
    before = _fields(model.encode(images))
    after = _fields(model.optimize_for_inference().encode(images))
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-3, atol=1e-3, msg=name)
    assert not any(isinstance(module, FrozenBatchNorm) for module in model.modules())
    model.optimize_for_inference()  # a second time changes nothing
    assert torch.equal(model.encode(images).mask, after["mask"])


@torch.inference_mode()
def test_half_precision_keeps_pixel_statistics_and_stays_near(model: Visolo) -> None:
    images = _images(1, 3, 48, 64)
    full = model.encode(images)
    half = model.bfloat16().encode(images)
    assert model.pixel_mean.dtype == torch.float32
    assert model.pixel_mean.flatten().tolist() == pytest.approx(SMALL.pixel_mean)
    assert half.mask.dtype == half.query.dtype == torch.bfloat16
    for name, value in _fields(full).items():
        error = (_fields(half)[name].float() - value).norm() / value.norm()
        assert error < 0.05, name
    prediction = _predict_frame(model, half, [half])
    assert prediction.category_logits.dtype == torch.float32
    assert model.similarity_logits(half.query, half.reference).dtype == torch.float32


def test_autocast_training_keeps_similarity_exact(model: Visolo) -> None:
    query, reference = torch.randn(1, 12, 8) * 10, torch.randn(1, 12, 8) * 10
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.similarity_logits(query, reference)
        clip = model.forward_clip(_images(1, 2, 3, 48, 64))
    torch.testing.assert_close(logits, query @ reference.transpose(1, 2))
    assert clip.similarity_logits.dtype == clip.category_logits.dtype == torch.float32
    clip.kernels.float().sum().backward()
    assert model.kernel_branch.encoder[0].conv.weight.grad is not None


def test_uint8_images_give_the_same_as_floats(model: Visolo) -> None:
    images = _images(1, 3, 48, 64)
    assert torch.equal(model.encode(images.to(torch.uint8)).mask, model.encode(images).mask)


def test_similarity_is_the_plain_product_unless_learnt(model: Visolo) -> None:
    query, reference = torch.randn(1, 12, 8), torch.randn(1, 24, 8)
    product = query @ reference.transpose(1, 2)
    torch.testing.assert_close(model.similarity_logits(query, reference), product)
    learnt = build_model(replace(SMALL, learnt_similarity=True))
    torch.testing.assert_close(learnt.similarity_logits(query, reference), product * (2 / 8**0.5) - 3)


def test_start_values_are_kaiming_fan_out_with_the_prior_as_class_bias() -> None:
    torch.manual_seed(1)
    model = build_model(replace(SMALL, width=64, category_prior_bias=-4.6))
    conv = model.kernel_branch.decoder[0].conv
    assert conv.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)
    assert not conv.bias.any()
    assert model.category_branch.classify.bias.tolist() == pytest.approx([-4.6] * 5)
    assert model.training


def test_the_seed_decides_the_start_values() -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(8)
        models.append(build_model(SMALL).state_dict())
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


@torch.inference_mode()
def test_caffe_layout_pads_the_pool_at_the_end_and_strides_in_the_first_convolution() -> None:
    model = build_model(replace(SMALL, backbone="resnet50", ceil_pool=True, stride_in_1x1=True)).eval()
    backbone = model.backbone
    assert (backbone.res3[0].conv1.conv.stride, backbone.res3[0].conv2.conv.stride) == ((2, 2), (1, 1))
    images = _images(1, 3, 48, 64) - 128
    stem = F.relu(backbone.stem(images))
    padded = F.pad(stem, (0, 1, 0, 1))  # zeros never win after a ReLU
    torch.testing.assert_close(backbone(images).res2, backbone.res2(F.max_pool2d(padded, 3, 2)))


def test_resampling_to_the_same_size_is_skipped() -> None:
    x = torch.randn(1, 2, 3, 4)
    assert resample(x, (3, 4)) is x
    assert resample(x, (6, 8)).shape == (1, 2, 6, 8)


def test_coordinates_run_from_minus_one_to_one_y_first() -> None:
    coordinates = coordinate_map(torch.zeros(2, 7, 3, 5))
    assert coordinates.shape == (2, 2, 3, 5)
    assert coordinates[1, 0, :, 2].tolist() == [-1, 0, 1]
    assert coordinates[1, 1, 0].tolist() == [-1, -0.5, 0, 0.5, 1]


def test_a_bias_only_norm_adds_exactly_the_bias() -> None:
    norm = FrozenBatchNorm(3)
    norm.set_bias_only(torch.tensor([1.0, -2.0, 0.5]))
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(norm(x), x + torch.tensor([1.0, -2.0, 0.5])[:, None, None], rtol=2e-7, atol=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone": "resnet52"}, "resnet52.*resnet50"),
        ({"norm_groups": 5}, "width 16 cannot be split into norm_groups 5"),
        ({"embedding": 6}, "embedding 6 cannot be split"),
        ({"grid": (0, 4)}, "grid"),
        ({"num_classes": 0}, "num_classes"),
        ({"pixel_std": (0.0, 1.0, 1.0)}, "pixel_std"),
    ],
)
def test_an_impossible_configuration_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build_model(replace(SMALL, **change))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-5), ("fp16", 0.03), ("bf16", 0.08)])
@torch.inference_mode()
def test_cuda_gives_the_cpu_numbers(model: Visolo, precision: str, error: float) -> None:
    images = _images(1, 3, 48, 64)
    expected = _fields(model.encode(images))
    compute = select_compute("cuda", precision)
    made = _fields(model.optimize_for_inference().to(compute.device, compute.dtype).encode(images.cuda()))
    for name, value in expected.items():
        assert (made[name].float().cpu() - value).norm() / value.norm() < error, name
