"""A whole training run: data and start values in, weights, checkpoint and log out."""

import csv
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import FrameType

import torch

from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.distributed import any_process, process_group, rank
from visolo.errors import ConfigError, OutputError
from visolo.io.atomic import atomic_path
from visolo.model.checkpoint import load_partial, save_weights
from visolo.model.visolo import Visolo, build_model
from visolo.training.clips import ClipMaker
from visolo.training.config import TrainingConfig, load_training_config
from visolo.training.datasets import TrainingData, read_training_data
from visolo.training.loop import StepMetrics, Trainer

CHECKPOINT_NAME = "checkpoint.pt"
WEIGHTS_NAME = "weights.safetensors"
LOG_NAME = "log.csv"


def run_training(  # noqa: PLR0913 - one argument per command-line option
    data_paths: Sequence[Path],
    out_dir: Path,
    preset: str = "lite",
    init: Path | None = None,
    resume: bool = False,
    config: TrainingConfig | None = None,
    data_weights: Sequence[float] | None = None,
    hold_out: int = 0,
    device: str = "cpu",
) -> Iterator[StepMetrics]:
    """Train a network and write `weights.safetensors`, `checkpoint.pt` and `log.csv` into a folder.

    The files are renewed at least every `config.checkpoint_seconds` and at the end. An interrupt (Ctrl-C) finishes the
    step, writes them and ends the iteration; a second one stops at once. Nothing happens until the first `next`.

    Args:
        data_paths: YouTube-VIS or COCO instances JSON files.
        out_dir: made if missing; must hold no other run unless resuming.
        preset: network and settings.
        init: start values: a checkpoint of VISOLO weights (classifier left out where the classes differ) or an ONNX
            backbone; None draws random ones.
        resume: continue the run in `out_dir` with the identical next step.
        config: settings instead of the preset's.
        data_weights: share of the clips from each file; None: in proportion to their videos and images.
        hold_out: video and image ids divisible by it are left for evaluation; 0 trains on all.
        device: "cpu" or "cuda".

    Yields:
        One record per optimiser step.

    Raises:
        VisoloError: bad input, a folder that cannot be written, or a loss that is not a number.
    """
    if data_weights is not None and len(data_weights) != len(data_paths):
        raise ConfigError(f"training: {len(data_weights)} weights for {len(data_paths)} data files; give one for each")
    with process_group(device):
        config = config or load_training_config(preset)
        model = _start_model(preset, config, init)
        label_set = load_label_set(model.config.label_set)
        data = [read_training_data(path, label_set, hold_out) for path in data_paths]
        _check_data(data)
        # Convolutions are a third faster on the CPU with channels last.
        model = model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        trainer = Trainer(model, config, ClipMaker(data, data_weights, model.config.input_size, config))
        checkpoint = _prepare_folder(out_dir, resume)
        if checkpoint is not None:
            trainer.load(checkpoint)
        yield from _train_and_save(trainer, out_dir, preset)


def export_weights(trainer: Trainer, path: Path, preset: str) -> None:
    """Write the weights for use, at half precision, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    model = build_model(trainer.model.config)
    model.load_state_dict(trainer.averaged_state())
    save_weights(model, path, {"preset": preset, "steps": trainer.step}, half=True)


def _train_and_save(trainer: Trainer, out_dir: Path, preset: str) -> Iterator[StepMetrics]:
    saved_at = time.monotonic()
    with _interruptible() as interrupted, _Log(out_dir / LOG_NAME, trainer.step) as log:
        for metrics in trainer.run():
            log.write(metrics)
            if time.monotonic() - saved_at >= trainer.config.checkpoint_seconds:
                _save(trainer, out_dir, preset)
                saved_at = time.monotonic()
            yield metrics
            if any_process(interrupted.is_set()):
                break
        _save(trainer, out_dir, preset)


def _save(trainer: Trainer, out_dir: Path, preset: str) -> None:
    if rank():
        return
    trainer.save(out_dir / CHECKPOINT_NAME)
    export_weights(trainer, out_dir / WEIGHTS_NAME, preset)


def _start_model(preset: str, config: TrainingConfig, init: Path | None) -> Visolo:
    torch.manual_seed(config.seed)
    model = build_model(load_preset(preset).model)
    if init is None:
        return model
    if init.suffix == ".onnx":
        from visolo.training.backbone_onnx import load_onnx_backbone

        load_onnx_backbone(model, init)
        return model
    load_partial(model, init)
    return model


def _check_data(data: Sequence[TrainingData]) -> None:
    if not data:
        raise ConfigError("training: no data; give at least one JSON file with --data")
    for source in data:
        if not source.videos:
            raise ConfigError(f"{source.path}: no object of the preset's classes in it; annotate some or leave it out")


def _prepare_folder(out_dir: Path, resume: bool) -> Path | None:
    """Make the folder; the checkpoint to continue from, if any."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out_dir}: cannot be made ({error.strerror}); choose another folder") from error
    checkpoint = out_dir / CHECKPOINT_NAME
    if resume:
        if not checkpoint.is_file():
            raise ConfigError(f"{out_dir}: has no {CHECKPOINT_NAME} to resume from; leave out --resume")
        return checkpoint
    if checkpoint.exists():
        raise OutputError(f"{out_dir}: already holds a run; continue it with --resume or choose another folder")
    return None


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one raises KeyboardInterrupt as usual."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    previous = signal.getsignal(signal.SIGINT)

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, request_stop)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)


class _Log:
    """CSV with one row per step; rows after the step a run resumes from are dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self._names = [field.name for field in fields(StepMetrics)]
        path = Path(os.devnull) if rank() else path
        rows: list[dict[str, str]] = []
        if step and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        if not rank():
            self._start(path, rows)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, self._names)

    def _start(self, path: Path, rows: list[dict[str, str]]) -> None:
        with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._names)
            writer.writeheader()
            writer.writerows(rows)

    def __enter__(self) -> "_Log":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, metrics: StepMetrics) -> None:
        row = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in asdict(metrics).items()}
        self._writer.writerow(row)
        self._file.flush()


def shortened(config: TrainingConfig, steps: int) -> TrainingConfig:
    """The same settings for another number of steps; milestones move in proportion."""
    share = steps / config.steps
    return replace(config, steps=steps, milestones=tuple(round(m * share) for m in config.milestones))
