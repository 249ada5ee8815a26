"""What the next model run uses: weights, device, precision, rules. Kept in the settings; no torch."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.settings import DEVICE, INFERENCE, PRECISION, PRESET, WEIGHTS, Settings
from visolo.config import InferenceConfig, config_from_table
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


def read_choice(settings: Settings) -> RunChoice:
    """The stored choice; damaged parts fall back to the defaults."""
    weights = settings.get(WEIGHTS)
    stored = settings.get_json(INFERENCE)
    try:
        inference = config_from_table(InferenceConfig(), stored if isinstance(stored, dict) else {}, "run settings")
    except ConfigError:
        inference = InferenceConfig()
    return RunChoice(
        Path(weights) if weights else None,
        settings.get(PRESET),
        settings.get(DEVICE),
        settings.get(PRECISION),
        inference,
    )


def write_choice(settings: Settings, choice: RunChoice) -> None:
    """Remember a choice; only rules that differ from the defaults, so that better defaults arrive."""
    standard = asdict(InferenceConfig())
    changed = {key: value for key, value in asdict(choice.inference).items() if value != standard[key]}
    settings.set(WEIGHTS, str(choice.weights or ""))
    settings.set(PRESET, choice.preset)
    settings.set(DEVICE, choice.device)
    settings.set(PRECISION, choice.precision)
    settings.set_json(INFERENCE, changed)
