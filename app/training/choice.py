"""What a training run is started with, the command that it becomes, and how both are kept with the run. No Qt."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from visolo.config import load_preset
from visolo.errors import ConfigError
from visolo.io.atomic import write_text
from visolo.training.config import load_training_config

CHOICE_NAME = "retrain.json"
# Measured: shares from 0.3 to 0.7 learn the corrected clip and keep what is known of others (docs/TRAINING.md).
FINE_TUNING_BLEND = 0.5


@dataclass(frozen=True)
class DataFile:
    """One annotation file to train on.

    Attributes:
        share: of the clips, in relation to the other files' shares.
    """

    path: Path
    share: float = 1.0


@dataclass(frozen=True)
class TrainingChoice:
    """Settings of a training run.

    Attributes:
        folder: of the run; made when it starts.
        data: what it trains on.
        weights: what it starts from.
        preset: the network's shape and standard settings.
        steps: how long it goes on.
        device: auto, cpu, cuda or mps.
        batch_size: clips of one step; 0 for the preset's.
        learning_rate: of the heads; 0 for the preset's.
        blend: share of what is trained in the new weights, above 0; the rest are the weights it starts from.
        validation: annotation file that the network is scored on meanwhile, or None.
        project: the project whose data it is about, or None.
        video_ids: videos of the project that it trains on.
    """

    folder: Path
    data: tuple[DataFile, ...]
    weights: Path
    preset: str
    steps: int
    device: str
    batch_size: int = 0
    learning_rate: float = 0.0
    blend: float = 1.0
    validation: Path | None = None
    project: Path | None = None
    video_ids: tuple[int, ...] = ()


def training_command(choice: TrainingChoice) -> list[str]:
    """Program and arguments that train as chosen; what the dialog starts, and what works in a terminal, too."""
    command = [*_command(choice.folder), "--preset", choice.preset, "--init", str(choice.weights)]
    for file in choice.data:
        command += ["--data", str(file.path)]
    if len(choice.data) > 1:
        command += ["--weight", *(f"{file.share:g}" for file in choice.data)]
    if choice.validation is not None:
        command += ["--validate", str(choice.validation)]
    if choice.batch_size:
        command += ["--batch-size", str(choice.batch_size)]
    if choice.learning_rate:
        command += ["--learning-rate", f"{choice.learning_rate:g}"]
    if choice.blend < 1:
        command += ["--blend", f"{choice.blend:g}"]
    return [*command, "--steps", str(choice.steps), "--device", choice.device]


def resume_command(folder: Path) -> list[str]:
    """Program and arguments that go on with the run in a folder, as it was started."""
    return [*_command(folder), "--resume"]


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "visolo", "train", "--quiet", "--out", str(folder)]


def network_classes(preset: str) -> str:
    """Name of the label set that a network of this preset has.

    Raises:
        ConfigError: there is no such preset.
    """
    return load_preset(preset).model.label_set


def fine_tuning_rate(preset: str) -> float:
    """Learning rate for finished weights: a tenth of that for new ones, so that little data wipes out less."""
    return load_training_config(preset).learning_rate / 10


def write_choice(choice: TrainingChoice) -> None:
    """Keep the choice in the folder of the run.

    Raises:
        OutputError: it cannot be written there.
    """
    write_text(choice.folder / CHOICE_NAME, json.dumps(asdict(choice), default=str, indent=1) + "\n")


def read_choice(folder: Path) -> TrainingChoice:
    """What the run in a folder was started with.

    Raises:
        ConfigError: the folder holds no run of the app.
    """
    try:
        table: dict[str, Any] = json.loads((folder / CHOICE_NAME).read_text(encoding="utf-8"))
        paths = {name: None if table[name] is None else Path(table[name]) for name in ("validation", "project")}
        data = tuple(DataFile(Path(file["path"]), float(file["share"])) for file in table["data"])
        known = {"folder": folder, "data": data, "weights": Path(table["weights"])}
        return TrainingChoice(**(table | paths | known | {"video_ids": tuple(table.get("video_ids", ()))}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder}: holds no training run of this app; start a new one") from error
