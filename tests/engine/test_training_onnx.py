"""Start values of the backbone from ONNX, against the file they come from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from visolo.config import load_preset
from visolo.errors import WeightsError
from visolo.model.layers import ConvFrozenNorm
from visolo.model.visolo import build_model
from visolo.training.backbone_onnx import load_onnx_backbone

onnx = pytest.importorskip("onnx")

NARROW = replace(load_preset("lite").model, bottleneck_width=4, width=16, embedding=8)


def _write_onnx(path, convolutions):
    nodes, values = [], []
    for index, (weight, bias) in enumerate(convolutions):
        values.append(onnx.numpy_helper.from_array(weight.numpy(), f"w{index}"))
        inputs = ["x", f"w{index}"]
        if bias is not None:
            values.append(onnx.numpy_helper.from_array(bias.numpy(), f"b{index}"))
            inputs.append(f"b{index}")
        nodes.append(onnx.helper.make_node("Conv", inputs, [f"y{index}"]))
    graph = onnx.helper.make_graph(nodes, "backbone", [], [], values)
    onnx.save(onnx.helper.make_model(graph), str(path))
    return path


def _random_convolutions(model):
    """Of every backbone convolution, the shortcut of a block first, as (output, input, size, size) and bias."""
    generator = torch.Generator().manual_seed(5)
    names = [name for name, module in model.backbone.named_modules() if isinstance(module, ConvFrozenNorm)]
    names.sort(key=lambda name: (name != "stem", name.split(".")[:2], "shortcut" not in name, name))
    modules = dict(model.backbone.named_modules())
    return names, [
        (
            torch.randn(modules[name].conv.weight.shape, generator=generator),
            torch.randn(modules[name].conv.weight.shape[0], generator=generator),
        )
        for name in names
    ]


def test_every_convolution_and_bias_is_copied_and_the_input_becomes_rgb(tmp_path):
    model = build_model(NARROW)
    names, convolutions = _random_convolutions(model)
    load_onnx_backbone(model, _write_onnx(tmp_path / "b.onnx", convolutions))
    modules = dict(model.backbone.named_modules())
    for name, (weight, bias) in zip(names, convolutions, strict=True):
        expected = weight.flip(1) if name == "stem" else weight
        torch.testing.assert_close(modules[name].conv.weight.data, expected, rtol=0, atol=0)
        scale, shift = modules[name].norm.scale_and_shift()
        torch.testing.assert_close(shift, bias, rtol=0, atol=0)
        torch.testing.assert_close(scale, torch.ones_like(scale))


def test_another_width_is_a_clear_error(tmp_path):
    _, convolutions = _random_convolutions(build_model(NARROW))
    path = _write_onnx(tmp_path / "b.onnx", convolutions)
    with pytest.raises(WeightsError, match="convolution 1 is"):
        load_onnx_backbone(build_model(replace(NARROW, bottleneck_width=8)), path)


def test_too_few_convolutions_are_a_clear_error(tmp_path):
    _, convolutions = _random_convolutions(build_model(NARROW))
    with pytest.raises(WeightsError, match=r"has 3 convolutions, the backbone resnet50 needs"):
        load_onnx_backbone(build_model(NARROW), _write_onnx(tmp_path / "b.onnx", convolutions[:3]))


def test_norms_that_are_not_folded_are_a_clear_error(tmp_path):
    path = _write_onnx(tmp_path / "b.onnx", [(torch.zeros(64, 3, 7, 7), None)])
    with pytest.raises(WeightsError, match="no stored weights and bias"):
        load_onnx_backbone(build_model(NARROW), path)


def test_a_file_that_is_no_onnx_is_a_clear_error(tmp_path):
    (tmp_path / "b.onnx").write_bytes(b"\xff\xff\xff nothing")
    with pytest.raises(WeightsError, match="no readable ONNX"):
        load_onnx_backbone(build_model(NARROW), tmp_path / "b.onnx")


def test_the_backbone_computes_what_the_file_computes(shared):
    path = shared / "weights" / "resnet50_half_width.onnx"
    model = build_model(load_preset("lite").model).eval()
    load_onnx_backbone(model, path)
    rgb = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    expected = _run_onnx(path, rgb[..., ::-1] - np.array((104, 117, 123), np.float32))
    images = torch.from_numpy(rgb).permute(0, 3, 1, 2) - torch.tensor((123.0, 117.0, 104.0))[:, None, None]
    with torch.no_grad():
        features = model.backbone(images)
    for ours, theirs in zip(features, expected, strict=True):
        assert np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max() < 1e-5


def _run_onnx(path, bgr):
    """Maps at strides 4, 8 and 16: what the shortcuts of the next stages read."""
    from onnx.reference import ReferenceEvaluator

    proto = onnx.load(str(path))
    nodes = list(proto.graph.node)
    outputs = [n.input[0] for n in nodes if n.op_type == "Conv" and "proj_shortcut" in n.input[1]][1:]
    last = max(i for i, node in enumerate(nodes) if set(node.output) & set(outputs))
    graph = onnx.helper.make_graph(
        nodes[: last + 1],
        "backbone",
        [onnx.helper.make_tensor_value_info(proto.graph.input[0].name, onnx.TensorProto.FLOAT, [1, 64, 64, 3])],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
        list(proto.graph.initializer),
    )
    model = onnx.helper.make_model(graph, opset_imports=list(proto.opset_import))
    return ReferenceEvaluator(model).run(outputs, {proto.graph.input[0].name: bgr})
