"""Weights on disk: read official, torchvision and own files, write own ones. Only here are foreign key names known.

Own files (`.safetensors`) carry the whole `ModelConfig`, the label set and free facts, so the file alone suffices.
Pickles (`.pth`) are opened in torch's tensors-only mode and need a preset that says what they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from visolo.categories import LabelSet, load_label_set
from visolo.config import ModelConfig, load_preset, preset_names
from visolo.errors import ConfigError, WeightsError
from visolo.model.fit import check_finite, check_keys, check_shapes
from visolo.model.layers import FROZEN_EPS
from visolo.model.visolo import Visolo, empty_model, meta_model
from visolo.model.weights_file import Header, is_own, read_header, read_tensors, write_own

DEFAULT_PRESET = "ytvis2019-r50"
_CLASSIFY = "category_branch.classify."
_CLASSIFIER = _CLASSIFY + "bias"

# Our module path -> the official one. Convolution and norm of one layer are `.conv` and `.norm` here; there the norm is
# a child of the convolution.
_OFFICIAL = {
    "backbone.stem": "model.backbone.stem.conv1",
    "category_branch.key": "model.Category_branch_pre.cat_pre_conv1",
    "category_branch.encoder.0": "model.Category_branch_pre.conv_layers.cat_pre_conv2",
    "category_branch.encoder.2": "model.Category_branch_pre.conv_layers.cat_pre_conv3",
    "category_branch.project": "model.Category_branch_pre.cat_pre_conv4",
    "category_branch.decoder.0": "model.Category_branch_post.conv_layers.cat_post_conv1",
    "category_branch.decoder.2": "model.Category_branch_post.conv_layers.cat_post_conv2",
    "category_branch.decoder.4": "model.Category_branch_post.conv_layers.cat_post_conv3",
    "category_branch.classify": "model.Category_branch_post.pred",
    "kernel_branch.encoder.0": "model.Kernel_branch.conv_layers.kernel_conv1",
    "kernel_branch.encoder.2": "model.Kernel_branch.conv_layers.kernel_conv2",
    "kernel_branch.encoder.4": "model.Kernel_branch.conv_layers.kernel_conv3",
    "kernel_branch.decoder.0": "model.Kernel_branch.conv_layers_post.kernel_conv4",
    "kernel_branch.decoder.2": "model.Kernel_branch.conv_layers_post.kernel_conv5",
    "kernel_branch.project": "model.Kernel_branch.pred",
    "mask_branch.project": "model.Mask_branch.convR4",
    "mask_branch.residual": "model.Mask_branch.ResR4",
    "mask_branch.refine3.project": "model.Mask_branch.RefR3.convSCF",
    "mask_branch.refine3.skip_residual": "model.Mask_branch.RefR3.ResSCF",
    "mask_branch.refine3.sum_residual": "model.Mask_branch.RefR3.ResF",
    "mask_branch.refine2.project": "model.Mask_branch.RefR2.convSCF",
    "mask_branch.refine2.skip_residual": "model.Mask_branch.RefR2.ResSCF",
    "mask_branch.refine2.sum_residual": "model.Mask_branch.RefR2.ResF",
    "mask_branch.smooth": "model.Mask_branch.convR1",
    "mask_branch.output": "model.Mask_branch.pred",
    "matching.shared.0": "model.Tracking_branch.conv_layers_share.track_S_conv1",
    "matching.shared.2": "model.Tracking_branch.conv_layers_share.track_S_conv2",
    "matching.query.0": "model.Tracking_branch.track_Q_conv1",
    "matching.query.1": "model.Tracking_branch.track_Q_conv2",
    "matching.reference.0": "model.Tracking_branch.track_R_conv1",
    "matching.reference.1": "model.Tracking_branch.track_R_conv2",
    "aggregation.value": "model.Memory_module.conv1",
}
# The official model registers the tracking branch twice, under both of these prefixes.
_TRACKING, _TRACKING_ALIAS = "model.Tracking_branch.", "tracking_module."
_TORCHVISION_PREFIXES = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.")
_NOT_WEIGHTS = ("pixel_mean", "pixel_std", "num_batches_tracked")


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says about itself.

    Attributes:
        kind: "visolo" (own), "official" or "torchvision".
        parameters: numbers of all tensors, an alias counted once.
        dtypes: of the stored tensors, sorted, e.g. ("float16", "float32").
        header: configuration, labels and free facts; None unless the file is an own one.
    """

    kind: str
    parameters: int
    dtypes: tuple[str, ...]
    header: Header | None


def load_weights(path: Path | str, preset: str | ModelConfig | None = None) -> Visolo:
    """A network in evaluation mode, float32, on the CPU.

    Args:
        path: `.safetensors` of ours, or an official detectron2 checkpoint (`.pth`), bare or as {"model": ...}.
        preset: name or configuration. Of an own file it is only checked against what the file says; otherwise it says
            what the file is, and `DEFAULT_PRESET` is meant when it is None.

    Raises:
        WeightsError: the file cannot be read, is not safe to read, or does not fit the network.
        ConfigError: no preset has this name.
    """
    path = Path(path)
    if is_own(path):
        config = read_header(path).config
        if preset is not None:
            _check_same(config, preset, path)
    else:
        preset = preset or DEFAULT_PRESET
        config = _model_config(preset)
    stored = read_tensors(path)
    state = _own_names(stored, config, path)
    _check_fit(state, config, path, _called(preset), official=_kind(stored) == "official")
    model = empty_model(config)
    model.load_state_dict(state)
    check_finite(model.state_dict(), str(path))
    return model.eval()


def save_weights(
    model: Visolo,
    path: Path | str,
    metadata: Mapping[str, Any] | None = None,
    labels: LabelSet | None = None,
    half: bool = False,
) -> None:
    """Write an own weights file, whole or not at all.

    Args:
        model: on any device; norms already folded for inference are written as bias-only norms.
        path: must end in `.safetensors`.
        metadata: anything JSON can hold, e.g. facts about the training.
        labels: classes in the network's order; by default the shipped label set that the configuration names.
        half: store everything but vectors as float16 (half the size).

    Raises:
        WeightsError: the ending is wrong, or the label set's length is not the number of classes.
        OutputError: the file cannot be written.
        ConfigError: the configuration names no shipped label set and `labels` is None.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: own weights end in .safetensors; choose such a name")
    labels = labels or load_label_set(model.config.label_set)
    if len(labels.categories) != model.config.num_classes:
        raise WeightsError(
            f"{path}: the label set {labels.name!r} has {len(labels.categories)} classes, "
            f"the network {model.config.num_classes}; pass the label set it was trained with"
        )
    state = {key: _stored(tensor, half) for key, tensor in _unfolded(model.state_dict()).items()}
    write_own(path, state, Header(model.config, labels, dict(metadata or {})))


def convert(
    source: Path | str, target: Path | str, preset: str | ModelConfig | None = None, half: bool = False
) -> None:
    """Rewrite any readable network as an own file; an own file keeps its labels and metadata.

    Raises:
        WeightsError: see `load_weights` and `save_weights`.
        OutputError: the target cannot be written.
    """
    model = load_weights(source, preset)
    source = Path(source)
    if is_own(source):
        header = read_header(source)
        save_weights(model, target, header.metadata, header.labels, half)
    else:
        save_weights(model, target, {"converted_from": source.name}, half=half)


def read_config(path: Path | str) -> ModelConfig:
    """The configuration in an own file's header; no tensor is read.

    Raises:
        WeightsError: the file is not an own one, or damaged.
    """
    return read_header(Path(path)).config


def weights_info(path: Path | str) -> WeightsInfo:
    """What there is to say about any weights file.

    Raises:
        WeightsError: the file cannot be read or is not safe to read.
    """
    path = Path(path)
    state = read_tensors(path)
    distinct = {key: t for key, t in state.items() if not key.startswith(_TRACKING_ALIAS)}
    header = read_header(path) if is_own(path) else None
    return WeightsInfo(
        kind=_kind(state),
        parameters=sum(tensor.numel() for tensor in distinct.values()),
        dtypes=tuple(sorted({str(t.dtype).removeprefix("torch.") for t in distinct.values()})),
        header=header,
    )


def load_backbone(model: Visolo, path: Path | str) -> None:
    """Fill a network's backbone from a torchvision ResNet, an official or an own file; the heads stay as they are.

    Raises:
        WeightsError: the file cannot be read or its backbone is another one.
    """
    fill_backbone(model, read_tensors(Path(path)), str(path))


def fill_backbone(model: Visolo, state: Mapping[str, Tensor], origin: str) -> None:
    """As `load_backbone`, from tensors in memory.

    Args:
        model: its backbone is overwritten.
        state: torchvision, official or own names. Norms folded into convolutions ("layer1.0.conv1.bias" and no
            "layer1.0.bn1.*") become bias-only norms, which is exact.
        origin: what to call the tensors in an error message.

    Raises:
        WeightsError: a tensor is missing, left over or of another shape.
    """
    kind = _kind(state)
    rename = {"torchvision": torchvision_name, "official": official_name}.get(kind, str)
    prefix = {"torchvision": _TORCHVISION_PREFIXES, "official": ("model.backbone.",)}.get(kind, ("backbone.",))
    targets = {key: value for key, value in model.state_dict().items() if key.startswith("backbone.")}
    folded = [key.replace(".norm.bias", ".conv.bias") for key in targets if key.endswith(".norm.bias")]
    names = {rename(key): key for key in (*targets, *folded)}
    # A key that has no place here is kept under its own name and reported.
    part = {names.get(key, key): t for key, t in state.items() if key.startswith(prefix) and _is_weight(key)}
    part = _unfolded(part)
    shown = {key: rename(key) for key in targets}
    check_shapes(part, targets, shown, origin, f"the network's {model.config.backbone}")
    check_keys(part, targets, shown, origin)
    model.load_state_dict(part, strict=False)


def load_partial(model: Visolo, path: Path | str) -> list[str]:
    """Fill what has the same name and shape, as when fine-tuning on other classes.

    A classifier of another label set is left out, also when it has as many classes. A torchvision ResNet is taken for
    the backbone.

    Returns:
        Own names of the tensors that kept their values, e.g. the classifier's.

    Raises:
        WeightsError: the file cannot be read, or not even the backbone fits.
    """
    path = Path(path)
    stored = read_tensors(path)
    if _kind(stored) == "torchvision":
        fill_backbone(model, stored, str(path))
        return [key for key in model.state_dict() if not key.startswith("backbone.")]
    state = _unfolded(_own_names(stored, model.config, path))
    if is_own(path) and read_config(path).label_set != model.config.label_set:
        state = {key: tensor for key, tensor in state.items() if not key.startswith(_CLASSIFY)}
    targets = model.state_dict()
    fitting = {k: t for k, t in state.items() if k in targets and targets[k].shape == t.shape}
    left = [key for key in targets if key not in fitting]
    if any(key.startswith("backbone.") for key in left):
        raise WeightsError(f"{path}: its backbone is not a {model.config.backbone} like this network's; choose another")
    model.load_state_dict(fitting, strict=False)
    return left


def official_name(key: str) -> str:
    """The official state-dict key of one of ours; keys without counterpart stay."""
    module, _, leaf = key.rpartition(".")
    owner, _, part = module.rpartition(".")
    if part in ("conv", "norm"):
        return f"{_official_module(owner)}.{'norm.' if part == 'norm' else ''}{leaf}"
    return f"{_official_module(module)}.{leaf}"


def _official_module(module: str) -> str:
    if module in _OFFICIAL:
        return _OFFICIAL[module]
    if module.startswith("backbone."):
        return f"model.{module}"
    owner, _, child = module.rpartition(".")
    return f"{_OFFICIAL[owner]}.{child}" if owner in _OFFICIAL else module


def torchvision_name(key: str) -> str:
    """The torchvision state-dict key of one of our backbone's."""
    stage, _, rest = key.removeprefix("backbone.").partition(".")
    if stage == "stem":
        return rest.replace("conv.", "conv1.").replace("norm.", "bn1.")
    block, layer, part, leaf = rest.split(".")
    if layer == "shortcut":
        name = "downsample.0" if part == "conv" else "downsample.1"
    else:
        name = layer if part == "conv" else layer.replace("conv", "bn")
    return f"layer{int(stage[-1]) - 1}.{block}.{name}.{leaf}"


def _kind(state: Mapping[str, Tensor]) -> str:
    if any(key.startswith(("model.", _TRACKING_ALIAS)) for key in state):
        return "official"
    return "torchvision" if any(key.startswith("layer1.") for key in state) else "visolo"


def _is_weight(key: str) -> bool:
    return key.rpartition(".")[2] not in _NOT_WEIGHTS


def _own_names(state: Mapping[str, Tensor], config: ModelConfig, path: Path) -> dict[str, Tensor]:
    """The tensors under our names; a key without counterpart keeps its own, to be reported."""
    kind = _kind(state)
    if kind == "torchvision":
        raise WeightsError(f"{path}: holds an ImageNet ResNet, not a VISOLO network; it can only start a training")
    state = {key: tensor for key, tensor in state.items() if _is_weight(key)}
    if kind == "visolo":
        return _unfolded(state)
    names = {official_name(key): key for key in _targets(config, path)}
    return {names.get(key, key): tensor for key, tensor in _without_alias(state, path).items()}


def _targets(config: ModelConfig, path: Path) -> dict[str, Tensor]:
    """Names and shapes of the network's tensors, without storage."""
    try:
        return meta_model(config).state_dict()
    except ConfigError as error:
        raise WeightsError(f"{path}: no such network can be built: {error}") from error


def _without_alias(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    aliases = {k: _TRACKING + k.removeprefix(_TRACKING_ALIAS) for k in state if k.startswith(_TRACKING_ALIAS)}
    for alias, key in aliases.items():
        if key in state and not torch.equal(state[alias], state[key]):
            raise WeightsError(f"{path}: {alias} and {key} must be the same tensor but differ; copy the file again")
    return {aliases.get(key, key): tensor for key, tensor in state.items()}


def _unfolded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with every bias of a backbone convolution turned into a norm that adds it."""
    unfolded = dict(state)
    for key, bias in state.items():
        layer = key.removesuffix(".conv.bias")
        if layer == key or not key.startswith("backbone.") or f"{layer}.norm.bias" in state:
            continue
        del unfolded[key]
        ones = torch.ones_like(bias, dtype=torch.float32)
        unfolded |= {
            f"{layer}.norm.weight": ones,
            f"{layer}.norm.bias": bias,
            f"{layer}.norm.running_mean": torch.zeros_like(ones),
            f"{layer}.norm.running_var": ones - FROZEN_EPS,
        }
    return unfolded


def _stored(tensor: Tensor, half: bool) -> Tensor:
    # Vectors are norms and biases: a hundredth of the size, and a variance in half precision would cost accuracy.
    dtype = torch.float16 if half and tensor.dim() > 1 else torch.float32
    return tensor.detach().to("cpu", dtype, copy=True).contiguous()


def _model_config(preset: str | ModelConfig) -> ModelConfig:
    return load_preset(preset).model if isinstance(preset, str) else preset


def _called(preset: str | ModelConfig | None) -> str:
    if preset is None:
        return "its own header"
    return f"preset {preset}" if isinstance(preset, str) else "the given configuration"


def _check_same(config: ModelConfig, preset: str | ModelConfig, path: Path) -> None:
    wanted = _model_config(preset)
    for field in fields(config):
        here, there = getattr(config, field.name), getattr(wanted, field.name)
        # Neither changes what the weights mean.
        if here != there and field.name not in ("input_size", "category_prior_bias"):
            raise WeightsError(
                f"{path}: its network has {field.name} = {here}, {_called(preset)} has {there}; "
                f"leave the preset out, the file knows its own"
            )


def _check_fit(state: Mapping[str, Tensor], config: ModelConfig, path: Path, called: str, official: bool) -> None:
    targets = _targets(config, path)
    if _CLASSIFIER in state and state[_CLASSIFIER].shape != targets[_CLASSIFIER].shape:
        classes = state[_CLASSIFIER].numel()
        fitting = [name for name in preset_names() if load_preset(name).model.num_classes == classes]
        raise WeightsError(
            f"{path}: the checkpoint has {classes} classes, {called} has {config.num_classes}; choose "
            + (f"preset {' or '.join(fitting)}" if fitting else f"a preset with {classes} classes (there is none yet)")
        )
    shown = {key: official_name(key) for key in targets} if official else {}
    check_shapes(state, targets, shown, str(path), called)
    check_keys(state, targets, shown, str(path))
