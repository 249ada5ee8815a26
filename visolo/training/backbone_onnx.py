"""Start values of the backbone from an ONNX file of a ResNet whose norms are folded into its convolutions.

The file's input is BGR minus a mean; flipping the first convolution's input axis makes it RGB, exactly.
"""

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from visolo.errors import WeightsError
from visolo.model.layers import ConvFrozenNorm, FrozenBatchNorm
from visolo.model.visolo import Visolo


def load_onnx_backbone(model: Visolo, path: Path) -> None:
    """Copy the convolutions of a ResNet into the model's backbone, in place; the file's last stage is left out.

    The model's preset must have the file's layout: `stride_in_1x1`, `ceil_pool`, `bottleneck_width`, `pixel_mean`
    (RGB) and `pixel_std` of 1.

    Args:
        model: network whose backbone is overwritten.
        path: ONNX file, BGR input.

    Raises:
        WeightsError: the file cannot be read, or its convolutions are not those of the model's backbone.
    """
    convolutions = _read_convolutions(path)
    targets = [m for m in _in_file_order(model) if isinstance(m, ConvFrozenNorm)]
    if len(convolutions) < len(targets):
        raise WeightsError(
            f"{path}: has {len(convolutions)} convolutions, the backbone {model.config.backbone} needs {len(targets)}; "
            f"choose a file of that network"
        )
    for index, (target, (weight, bias)) in enumerate(zip(targets, convolutions, strict=False)):
        if index == 0:
            weight = weight.flip(1)  # noqa: PLW2901 - BGR to RGB
        if weight.shape != target.conv.weight.shape:
            raise WeightsError(
                f"{path}: convolution {index} is {tuple(weight.shape)}, the backbone needs "
                f"{tuple(target.conv.weight.shape)}; choose a preset with another backbone or bottleneck_width"
            )
        with torch.no_grad():
            target.conv.weight.copy_(weight)
            cast(FrozenBatchNorm, target.norm).set_bias_only(bias)


def _in_file_order(model: Visolo) -> list[nn.Module]:
    """Backbone convolutions as the file lists them: the shortcut of a stage before its first block."""
    backbone = model.backbone
    found: list[nn.Module] = [backbone.stem]
    for stage in (backbone.res2, backbone.res3, backbone.res4):
        for block in stage:
            found.extend(m for m in (getattr(block, n, None) for n in _BLOCK_PARTS) if m is not None)
    return found


_BLOCK_PARTS = ("shortcut", "conv1", "conv2", "conv3")


def _read_convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise WeightsError(f"{path}: reading ONNX needs the package onnx; run pip install onnx") from error
    try:
        graph = onnx.load(str(path)).graph
    except (OSError, DecodeError) as error:
        raise WeightsError(f"{path}: is no readable ONNX file ({error}); check the path") from error
    values = {tensor.name: tensor for tensor in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        if len(node.input) != 3 or any(name not in values for name in node.input[1:]):
            raise WeightsError(
                f"{path}: convolution {node.name or node.output[0]!r} has no stored weights and bias; "
                f"export with norms folded into convolutions"
            )
        weight, bias = (_tensor(onnx, values[name]) for name in node.input[1:])
        convolutions.append((weight, bias))
    return convolutions


def _tensor(onnx: Any, value: Any) -> Tensor:  # noqa: ANN401 - onnx has no types
    return torch.from_numpy(onnx.numpy_helper.to_array(value).copy()).float()
