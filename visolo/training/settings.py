"""What a run was asked to do: everything needed to start it again, as `run.json` keeps it. No torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from visolo.errors import ConfigError
from visolo.training.config import TrainingConfig, load_training_config, training_config_from_table

_FIXED = {
    "preset": "the network of a run cannot change; start a new run from its weights.safetensors",
    "init": "a run's start values were used already; start a new run to use others",
}


@dataclass(frozen=True)
class SupervisionConfig:
    """How a run is watched and kept; nothing here changes what is learnt.

    Attributes:
        validate: YouTube-VIS or COCO instances JSON files to validate on; empty takes what is held out of the data.
        validate_every: steps between two validations; 0 stands for a tenth of the run.
        validate_limit: most frames of one validation; 0 takes all.
        keep_last: checkpoints kept, the latest included.
        checkpoint_seconds: least time between two checkpoints; one is always written at a validation and at the end.
    """

    validate: tuple[Path, ...] = ()
    validate_every: int = 0
    validate_limit: int = 200
    keep_last: int = 2
    checkpoint_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name, least in (("validate_every", 0), ("validate_limit", 0), ("keep_last", 1), ("checkpoint_seconds", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"training: {name} is {getattr(self, name)}; it must be {least} or more")


@dataclass(frozen=True)
class RunSettings:
    """One training run.

    Attributes:
        data: YouTube-VIS or COCO instances JSON files.
        training: how the network is trained.
        preset: network, and the settings `training` was made from.
        init: start values: a checkpoint of VISOLO weights (classifier left out where the classes differ) or an ONNX
            backbone; None draws random ones.
        category_map: names of classes by names of the files' categories, before COCO's table and equal names.
        data_weights: share of the clips from each file; None: in proportion to their videos and images.
        hold_out: video and image ids divisible by it are not trained on; 0 trains on all.
        device: as on the command line.
        supervision: how the run is watched and kept.
    """

    data: tuple[Path, ...]
    training: TrainingConfig
    preset: str = "lite"
    init: Path | None = None
    category_map: Mapping[str, str] = field(default_factory=dict)
    data_weights: tuple[float, ...] | None = None
    hold_out: int = 0
    device: str = "auto"
    supervision: SupervisionConfig = field(default_factory=SupervisionConfig)

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("training: no data; give at least one JSON file with --data")
        if self.data_weights is not None and len(self.data_weights) != len(self.data):
            raise ConfigError(
                f"training: {len(self.data_weights)} weights for {len(self.data)} data files; give one for each"
            )
        if self.hold_out < 0:
            raise ConfigError(f"training: hold_out is {self.hold_out}; it must be 0 (train on all) or more")

    def to_json(self) -> dict[str, Any]:
        """A table that JSON can hold; paths are absolute, so that a run continues from any folder."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def settings_from_json(table: Mapping[str, Any], where: str) -> RunSettings:
    """The settings that `RunSettings.to_json` wrote.

    Args:
        table: as read from the file.
        where: what to call it in an error message.

    Raises:
        ConfigError: a key is missing, unknown or holds an impossible value.
    """
    try:
        values = dict(table)
        supervision = dict(values.pop("supervision"))
        values.pop("finetune", None)  # of older runs; it meant nothing
        supervision["validate"] = tuple(Path(path) for path in supervision["validate"])
        # A setting that is younger than the run has the value of its preset.
        base = load_training_config(values["preset"])
        return RunSettings(
            data=tuple(Path(path) for path in values.pop("data")),
            training=training_config_from_table(values.pop("training"), where, base),
            init=Path(init) if (init := values.pop("init")) else None,
            data_weights=tuple(map(float, shares)) if (shares := values.pop("data_weights")) else None,
            supervision=SupervisionConfig(**supervision),
            **values,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{where}: its settings cannot be read ({error}); give them on the command line again, with --data"
        ) from error


def check_resumable(old: RunSettings, new: RunSettings, where: Path) -> None:
    """Check that a run may continue with other settings than it had.

    Raises:
        ConfigError: one of them would make it another run.
    """
    for name, reason in _FIXED.items():
        before, after = getattr(old, name), getattr(new, name)
        if _plain(before) != _plain(after):
            raise ConfigError(f"{where}: was started with {name} {before}, not {after}; {reason}")
    if old.training.seed != new.training.seed:
        raise ConfigError(f"{where}: was started with seed {old.training.seed}; leave --seed out to continue it")


def shortened(config: TrainingConfig, steps: int) -> TrainingConfig:
    """The same settings for another number of steps; milestones move in proportion, and a short run warms up briefly.

    Raises:
        ConfigError: the number is less than 1.
    """
    share = steps / config.steps
    milestones = tuple(round(m * share) for m in config.milestones)
    return replace(config, steps=steps, milestones=milestones, warmup_steps=min(config.warmup_steps, steps // 10))


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
