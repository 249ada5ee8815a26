"""Settings of the network, of inference and of training, and the presets that name them. No torch."""

import tomllib
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

from visolo.errors import ConfigError
from visolo.resources import resource_path

MemoryRule = Literal["every-5", "last-2", "last-10", "last-20"]


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the network; the defaults are the official VISOLO R-50 of YouTube-VIS 2019.

    Attributes:
        backbone: resnet18, resnet34, resnet50 or resnet101, used up to stride 16.
        bottleneck_width: channels of the first stage's 3x3 convolutions; 64 is the standard network, 32 half width.
        stride_in_1x1: Caffe-style ResNet, stage stride in the first 1x1 convolution.
        ceil_pool: the stem's max-pool pads bottom and right only (Caffe) instead of one pixel on each side.
        num_classes: length of the label set.
        label_set: name of a file in resources/labels.
        grid: rows and columns of the prediction grid.
        width: channels of the heads (paper: 256).
        embedding: dimension of q and r (paper: 128).
        norm_groups: groups of the heads' GroupNorm.
        input_size: (height, width) in px that frames are resized to.
        pixel_mean: RGB mean subtracted from 0..255 pixels.
        pixel_std: RGB divisor after that.
        learnt_similarity: learn a scale and a bias of q . r; never in the official presets.
        category_prior_bias: start value of the class logits' bias.
    """

    backbone: str = "resnet50"
    bottleneck_width: int = 64
    stride_in_1x1: bool = False
    ceil_pool: bool = False
    num_classes: int = 40
    label_set: str = "ytvis2019"
    grid: tuple[int, int] = (12, 21)
    width: int = 256
    embedding: int = 128
    norm_groups: int = 32
    input_size: tuple[int, int] = (352, 624)
    pixel_mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    pixel_std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    learnt_similarity: bool = False
    category_prior_bias: float = 0.0


@dataclass(frozen=True)
class InferenceConfig:
    """Rules from maps to tracks; the defaults are the official ones (scores and similarities after the sigmoid).

    Attributes:
        score_threshold: cells below it are not considered.
        update_threshold: instances below it after NMS are dropped.
        evidence_threshold: a project also keeps what cells down to this score would show, for trying other thresholds;
            no network needs to run then. Cells from `score_threshold` on are always kept.
        link_threshold: least similarity that links an instance to a track, inclusive.
        nms_sigma: of the Gaussian matrix NMS.
        overlap_threshold: a mask covered more than this by better ones is dropped.
        max_instances: per frame.
        memory: which frames are read.
        memory_limit: most frames kept for reading; evenly thinned beyond that. 0 means no limit.
        lost_limit: most frames whose lost tracks can be found again. 0 means no limit.
        score_reweighting: paper 4.3.
        reweight_references: "official" reads t-1 and the latest kept frame, "last-2" the two previous frames (Eq. 3).
        temporal_category: read memory for the category branch.
        temporal_mask: read memory for the kernel branch.
        official_quirks: reproduce the defects of the official code.
    """

    score_threshold: float = 0.1
    update_threshold: float = 0.05
    evidence_threshold: float = 0.1
    link_threshold: float = 0.1
    nms_sigma: float = 2.0
    overlap_threshold: float = 0.5
    max_instances: int = 100
    memory: MemoryRule = "every-5"
    memory_limit: int = 128
    lost_limit: int = 128
    score_reweighting: bool = True
    reweight_references: Literal["official", "last-2"] = "official"
    temporal_category: bool = True
    temporal_mask: bool = True
    official_quirks: bool = False


@dataclass(frozen=True)
class Preset:
    """A named setting: the network and how it is used."""

    name: str
    model: ModelConfig
    inference: InferenceConfig


_Config = TypeVar("_Config", ModelConfig, InferenceConfig)


def preset_names() -> list[str]:
    """Names of the shipped presets, sorted."""
    return sorted(path.stem for path in resource_path("presets").glob("*.toml"))


def load_preset(name: str) -> Preset:
    """Read a shipped preset.

    Raises:
        ConfigError: no preset has this name, or its file holds an unknown key.
    """
    if name not in preset_names():
        raise ConfigError(f"no preset is called {name!r}; there are {', '.join(preset_names())}")
    with resource_path("presets", f"{name}.toml").open("rb") as file:
        table = tomllib.load(file)
    model = config_from_table(ModelConfig(), table.get("model", {}), f"preset {name}")
    inference = config_from_table(InferenceConfig(), table.get("inference", {}), f"preset {name}")
    return Preset(name, model, inference)


def config_from_table(base: _Config, table: dict[str, Any], where: str) -> _Config:
    """`base` with the values of a TOML or JSON table.

    Raises:
        ConfigError: a key is unknown; the message names the nearest known one.
    """
    known = {field.name for field in fields(base)}
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigError(f"{where}: unknown setting {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    return replace(base, **values)
