"""Settings of a training run, and where a preset keeps them. No torch."""

import tomllib
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from visolo.config import preset_names
from visolo.errors import ConfigError
from visolo.resources import resource_path

TargetExtent = Literal["official", "true"]
Schedule = Literal["multistep", "cosine"]
BatchSource = Literal["official", "mixed"]
Flip = Literal["clip", "frame"]
TrainingPrecision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained; the defaults are the official settings of the video stage.

    Attributes:
        steps: optimiser steps of the whole run.
        batch_size: clips of one optimiser step, over all accumulated parts.
        accumulate: parts that every process splits its clips of one step into, to save memory; losses and gradients
            are those of the undivided step.
        clip_length: frames of a clip.
        sampling_window: frames before and after the reference frame that a video's clip is drawn from.
        self_read_share: share of the steps that train on clips of one frame which reads itself, as the first frame of
            a video does; such a step has `clip_length` times as many clips. 0 is official.
        learning_rate: AdamW, of the heads.
        backbone_factor: learning rate of the backbone as a share of `learning_rate`.
        weight_decay: on every trained parameter.
        clip_norm: greatest L2 norm of the whole gradient; 0 means no clipping.
        warmup_steps: the rate rises linearly over these.
        schedule: "multistep" divides the rate by ten at the milestones, "cosine" lets it fall to zero.
        milestones: steps, for "multistep".
        frozen_stages: leading parts of the backbone that are not trained; 1 is the stem, 2 the stem and res2.
        ema_decay: of the moving average of the weights that is exported; 0 exports the weights themselves.
        blend: share of what is trained in the weights that are validated and exported; the rest are the start values,
            so that fine-tuning on little data keeps what the network knew (Wortsman et al., "Robust fine-tuning of
            zero-shot models", CVPR 2022). 1 exports what is trained, as official.
        precision: "bf16" and "fp16" run the network under autocast, the latter with scaled gradients; losses are
            always float32.
        category_weight: factor of the category loss.
        mask_weight: factor of the mask loss.
        similarity_weight: factor of the similarity loss.
        category_alpha: weight of the positives in the category loss; negatives have the rest.
        similarity_alpha: the same in the similarity loss.
        focal_gamma: exponent of the focal losses.
        mask_scale: upsampling of the mask logits before the mask loss; 4 is the full input size.
        centre_size: side of an instance's positive region as a share of its own side.
        target_extent: "official" measures an instance's side from the frame's top left corner, "true" by its mask.
        augmentation: "official", or "zoom" which crops in on objects, changes colours and pastes other objects in.
        shorter_sides: of the resized frame before it is cropped, in px of an input 352 high, drawn anew for every clip;
            of the official augmentation.
        flip: "clip" flips all frames of a clip or none, "frame" each on its own; of the official augmentation.
        batch_source: "official" takes all clips of a step from one file, chosen by its share; "mixed" chooses for every
            clip anew. (The official code chooses for every GPU; here a step does not depend on their number.)
        balance: 0 draws every still equally often, 1 every class equally often.
        least_area_px: an object that shows less of itself in a frame of the input size counts as absent there.
        background_share: share of the clips made of a still without any object of the classes, pasted objects aside.
        seed: of the initial heads, the data and their order.
        workers: processes that prepare data; 0 prepares in the training process.
    """

    steps: int = 140_000
    batch_size: int = 16
    accumulate: int = 1
    clip_length: int = 3
    sampling_window: int = 20
    self_read_share: float = 0.0
    learning_rate: float = 1e-4
    backbone_factor: float = 0.1
    weight_decay: float = 1e-4
    clip_norm: float = 0.01
    warmup_steps: int = 0
    schedule: Schedule = "multistep"
    milestones: tuple[int, ...] = (60_000, 100_000)
    frozen_stages: int = 2
    ema_decay: float = 0.0
    blend: float = 1.0
    precision: TrainingPrecision = "fp32"
    category_weight: float = 1.0
    mask_weight: float = 3.0
    similarity_weight: float = 1.0
    category_alpha: float = 0.25
    similarity_alpha: float = 0.25
    focal_gamma: float = 2.0
    mask_scale: int = 4
    centre_size: float = 0.2
    target_extent: TargetExtent = "official"
    augmentation: Literal["official", "zoom"] = "official"
    shorter_sides: tuple[int, ...] = (360, 480)
    flip: Flip = "clip"
    batch_source: BatchSource = "official"
    balance: float = 0.0
    least_area_px: int = 1
    background_share: float = 0.0
    seed: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate", "clip_length", "learning_rate", "mask_scale"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"training: {name} must be greater than 0, not {getattr(self, name)}")
        if self.accumulate > self.batch_size:
            raise ConfigError(
                f"training: accumulate ({self.accumulate}) must not be more than batch_size ({self.batch_size})"
            )
        if not 0 < self.blend <= 1:
            raise ConfigError(f"training: blend is {self.blend}; it must be above 0, and 1 at most")
        choices = {
            "schedule": ("multistep", "cosine"),
            "precision": ("fp32", "bf16", "fp16"),
            "target_extent": ("official", "true"),
            "augmentation": ("official", "zoom"),
            "flip": ("clip", "frame"),
            "batch_source": ("official", "mixed"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"training: {name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}")


def load_training_config(preset: str) -> TrainingConfig:
    """The `[training]` table of a shipped preset.

    Raises:
        ConfigError: no preset has this name, or its table holds an unknown key or an impossible value.
    """
    if preset not in preset_names():
        raise ConfigError(f"no preset is called {preset!r}; there are {', '.join(preset_names())}")
    with resource_path("presets", f"{preset}.toml").open("rb") as file:
        table = tomllib.load(file)
    return training_config_from_table(table.get("training", {}), f"preset {preset}")


def training_config_from_table(table: dict[str, Any], where: str, base: TrainingConfig | None = None) -> TrainingConfig:
    """The official settings with the values of a TOML table.

    Args:
        table: names and values of `TrainingConfig`.
        where: what to call the table in an error message.
        base: settings to take where the table has none, instead of the official ones.

    Raises:
        ConfigError: a key is unknown (the message names the nearest known one) or a value impossible.
    """
    known = {field.name for field in fields(TrainingConfig)}
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigError(f"{where}: unknown setting {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    return replace(base or TrainingConfig(), **values)
