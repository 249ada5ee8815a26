"""What the next model run uses: weights, device, precision, rules. Kept in the settings; no torch."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import safetensors

from app.settings import DEVICE, INFERENCE, PRECISION, PRESET, WEIGHTS, Settings
from visolo.config import InferenceConfig, config_from_table, load_preset, preset_names
from visolo.errors import ConfigError
from visolo.resources import resource_path

BUNDLED_WEIGHTS = ("models", "visolo-lite.safetensors")


@dataclass(frozen=True)
class RunChoice:
    """Settings of a run.

    Attributes:
        weights: a file, or None for the bundled model.
        preset: what an official file is; empty where the file says it itself.
        device: auto, cpu, cuda or mps.
        precision: fp32, bf16 or fp16.
        inference: thresholds and memory rule.
    """

    weights: Path | None = None
    preset: str = ""
    device: str = "auto"
    precision: str = "fp32"
    inference: InferenceConfig = field(default_factory=InferenceConfig)

    @property
    def weights_path(self) -> Path:
        """The file to load."""
        return self.weights if self.weights is not None else resource_path(*BUNDLED_WEIGHTS)

    @property
    def weights_name(self) -> str:
        """Short name for the tool bar."""
        return self.weights_path.stem


def standard_rules(weights: Path | None, preset: str) -> InferenceConfig:
    """The rules that these weights are meant to be used with, as the command line has them too.

    Args:
        weights: a file, or None for the bundled model; one that cannot be read has the official rules.
        preset: goes before what the file says of itself; may be empty.
    """
    name = preset or _trained_with(weights if weights is not None else resource_path(*BUNDLED_WEIGHTS))
    return load_preset(name).inference if name in preset_names() else InferenceConfig()


def run_choice_of(weights: Path | None, preset: str, device: str) -> RunChoice:
    """A run with weights by the rules that are meant for them.

    Args:
        weights: a file, or None for the bundled model.
        preset: what an official file is; not used where the file says it itself.
        device: auto, cpu, cuda or mps.
    """
    own = "" if weights is None or _trained_with(weights) else preset
    return RunChoice(weights, own, device, inference=standard_rules(weights, own))


def preset_of(choice: RunChoice) -> str:
    """The preset of the network that a choice stands for; the bundled model's where neither it nor the file says."""
    name = choice.preset or _trained_with(choice.weights_path)
    return name if name in preset_names() else "lite"


def _trained_with(weights: Path) -> str:
    """The preset in the header of an own file; read here because the engine's reader imports torch."""
    if weights.suffix != ".safetensors":
        return ""
    try:
        with safetensors.safe_open(weights, framework="numpy") as file:
            return str(json.loads((file.metadata() or {})["metadata"])["preset"])
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError):
        return ""


def read_choice(settings: Settings) -> RunChoice:
    """The stored choice; damaged parts fall back to the defaults."""
    weights = settings.get(WEIGHTS)
    standard = standard_rules(Path(weights) if weights else None, settings.get(PRESET))
    stored = settings.get_json(INFERENCE)
    try:
        inference = config_from_table(standard, stored if isinstance(stored, dict) else {}, "run settings")
    except ConfigError:
        inference = standard
    return RunChoice(
        Path(weights) if weights else None,
        settings.get(PRESET),
        settings.get(DEVICE),
        settings.get(PRECISION),
        inference,
    )


def write_choice(settings: Settings, choice: RunChoice) -> None:
    """Remember a choice; only rules that differ from the model's own, so that better defaults arrive."""
    standard = asdict(standard_rules(choice.weights, choice.preset))
    changed = {key: value for key, value in asdict(choice.inference).items() if value != standard[key]}
    settings.set(WEIGHTS, str(choice.weights or ""))
    settings.add_recent_weights(choice.weights_path)
    settings.set(PRESET, choice.preset)
    settings.set(DEVICE, choice.device)
    settings.set(PRECISION, choice.precision)
    settings.set_json(INFERENCE, changed)
