"""The training loop: one optimiser step after another, with checkpoints from which a run continues exactly.

A step may be computed in parts and by several processes. Losses are divided by counts of the whole step, so gradients
add up to those of the undivided step. Between processes torch's DistributedDataParallel adds them up, while the rest is
still being computed.
"""

import math
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import cv2
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW
from torch.utils.data import DataLoader

from visolo.device import resolve_precision
from visolo.distributed import agreed, sum_over_processes, world_size
from visolo.errors import ConfigError, DivergedError, MediaError, VisoloError, WeightsError
from visolo.io.atomic import atomic_path
from visolo.model.visolo import ClipPrediction, Visolo
from visolo.training.batches import ClipSteps
from visolo.training.clips import ClipMaker
from visolo.training.config import TrainingConfig
from visolo.training.losses import ClipLosses, LossCounts, clip_losses
from visolo.training.targets import (
    ClipBatch,
    ClipTargets,
    LabelledBatch,
    assign_cells,
    build_targets,
    measure_regions,
)

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class StepMetrics:
    """What happened in one step.

    Attributes:
        step: 1 for the first step, so the number of steps done.
        steps: of the whole run.
        category: weighted category loss.
        mask: weighted mask loss.
        similarity: weighted similarity loss; 0 for clips of one frame.
        gradient_norm: L2 norm before clipping.
        learning_rate: of the heads.
        clip_length: frames of this step's clips.
        seconds: duration of the step, data included.
        images_per_second: frames over `seconds`.
    """

    step: int
    steps: int
    category: float
    mask: float
    similarity: float
    gradient_norm: float
    learning_rate: float
    clip_length: int
    seconds: float
    images_per_second: float

    @property
    def total(self) -> float:
        """The loss that is minimised."""
        return self.category + self.mask + self.similarity


class _Outcome(NamedTuple):
    """The first fields of `StepMetrics`."""

    step: int
    steps: int
    category: float
    mask: float
    similarity: float
    gradient_norm: float
    learning_rate: float


class Trainer:
    """Owns the model and all state that changes while it is trained.

    Args:
        model: trained in place; its device decides where.
        config: how.
        maker: draws the clips.
    """

    def __init__(self, model: Visolo, config: TrainingConfig, maker: ClipMaker) -> None:
        _check(config, model.device)
        self.model = model.train()
        self.config = config
        self.step = 0
        self._maker = maker
        _freeze(model, config.frozen_stages)
        self._network = _parallel(model)
        self._optimizer = _optimizer(model, config)
        self._scaler = torch.amp.GradScaler(model.device.type, enabled=config.precision == "fp16")
        self._average: dict[str, Tensor] | None = None
        if config.ema_decay:
            self._average = _trained_values(model)
        self._start = _trained_values(model) if config.blend < 1 else None

    def run(self) -> Iterator[StepMetrics]:
        """Train from the current step to the last, yielding after each.

        Raises:
            DivergedError: the loss is no longer a number.
            VisoloError: the data cannot be read.
            PeerFailed: one of these happened to another process.
        """
        started = time.perf_counter()
        for batch in self._batches():
            outcome = self._train_step(batch)
            now = time.perf_counter()
            images = batch.images.shape[0] * batch.images.shape[1] * world_size()
            yield StepMetrics(
                *outcome,
                clip_length=batch.images.shape[1],
                seconds=now - started,
                images_per_second=images / (now - started),
            )
            started = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """Everything a run needs to continue with the identical next step; tensors are not copied."""
        return {
            "step": self.step,
            "config": asdict(self.config),
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "start": self._start,
            "scaler": self._scaler.state_dict(),
        }

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            try:
                torch.save(self.state(), file)
            except RuntimeError as error:
                # After a failed write torch tries to finish its archive all the same, which hides the reason.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from error
                raise

    def load(self, path: Path) -> None:
        """Continue from a checkpoint.

        Raises:
            WeightsError: it cannot be read or belongs to another network.
            ConfigError: the start values to blend with are not in it.
        """
        try:
            state = torch.load(path, map_location=self.model.device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{path}: is no whole checkpoint of a training run; start anew in another folder"
            ) from error
        try:
            self.model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._average = state["average"] if self._average is not None else None
            self._start = state.get("start")
            if self._start is None and self.config.blend < 1:
                raise ConfigError(f"{path}: is of a run that kept no start values to blend with; leave --blend out")
            if state.get("scaler"):
                self._scaler.load_state_dict(state["scaler"])
            self.step = int(state["step"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise WeightsError(
                f"{path}: belongs to a run of another network or preset; resume with the settings it was started with"
            ) from error

    def exported_state(self) -> dict[str, Tensor]:
        """Weights to validate and export: the moving average where there is one, blended with the start values."""
        state = {**self.model.state_dict(), **(self._average or {})}
        for name, start in (self._start or {}).items():
            state[name] = torch.lerp(start, state[name], self.config.blend)
        return state

    def _batches(self) -> Iterator[LabelledBatch]:
        """This process's clips of the steps to come; all processes get theirs or all stop."""
        if self.config.workers:
            cv2.setNumThreads(1)  # a process that is forked from one with OpenCV's threads waits for them forever
        loader: DataLoader[LabelledBatch | VisoloError] = DataLoader(
            ClipSteps(self._maker, self.config, range(self.step, self.config.steps)),
            batch_size=None,
            num_workers=self.config.workers,
            worker_init_fn=_start_worker,
            pin_memory=self.model.device.type == "cuda",
        )
        with _dead_children_wait():
            batches = iter(loader)
        for _ in range(self.step, self.config.steps):
            with agreed():
                batch = _next_of(batches)
            yield batch

    def _train_step(self, batch: LabelledBatch) -> _Outcome:
        rate = learning_rate(self.config, self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.zero_grad(set_to_none=True)
        category, mask, similarity = self._accumulate(batch.to(self.model.device)).tolist()
        with agreed():
            if not math.isfinite(category + mask + similarity):
                raise DivergedError(
                    f"training: the loss is not a number at step {self.step + 1} (category, mask, similarity = "
                    f"{category:g}, {mask:g}, {similarity:g})"
                )
        norm = self._update_weights()
        self.step += 1
        self._update_average()
        return _Outcome(self.step, self.config.steps, category, mask, similarity, norm, rate)

    def _accumulate(self, batch: LabelledBatch) -> Tensor:
        """Gradients of a step, part by part; its losses (category, mask, similarity) over all processes."""
        clips = batch.images.shape[0]
        size = math.ceil(clips / self.config.accumulate)
        parts = [(start, min(start + size, clips)) for start in range(0, clips, size)]
        targets = [self._targets(batch.part(*part)) for part in parts]
        values = torch.stack([LossCounts.of(target).values for target in targets]).sum(0)
        counts = LossCounts(sum_over_processes(values))
        sums = torch.zeros(3, device=self.model.device)
        for part, target in zip(parts, targets, strict=True):
            with self._sent_together(is_last=part is parts[-1]):
                losses = self._losses(batch.part(*part), target, counts)
                # Processes average their gradients; what is wanted is the sum.
                torch.autograd.backward(self._scaler.scale(losses.total * world_size()))
            sums += torch.stack((losses.category, losses.mask, losses.similarity)).detach()
        return sum_over_processes(sums)

    def _targets(self, batch: ClipBatch) -> ClipTargets:
        grid = self.model.config.grid
        regions = measure_regions(batch.masks, self.config.target_extent)
        height, width = batch.masks.shape[3:]
        owners = assign_cells(regions, (height, width), grid, self.config.centre_size)
        return build_targets(batch, owners, self.model.config.num_classes, grid)

    def _losses(self, batch: ClipBatch, targets: ClipTargets, counts: LossCounts) -> ClipLosses:
        with self._precision():
            prediction: ClipPrediction = self._network(batch.images)
        return clip_losses(prediction, batch, targets, self.config, counts)

    def _update_weights(self) -> float:
        """One optimiser step, left out when a gradient overflowed; the gradient's norm before clipping."""
        self._scaler.unscale_(self._optimizer)
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip_norm or math.inf))
        if math.isfinite(norm):  # one overflowing gradient must not spoil the weights
            self._scaler.step(self._optimizer)
        self._scaler.update()
        return norm

    def _precision(self) -> torch.autocast | nullcontext[None]:
        dtype = _AUTOCAST.get(self.config.precision)
        return nullcontext() if dtype is None else torch.autocast(self.model.device.type, dtype=dtype)

    def _sent_together(self, is_last: bool) -> AbstractContextManager[None]:
        """Keep gradients from being sent to other processes before the last part's are added."""
        if is_last or not isinstance(self._network, DistributedDataParallel):
            return nullcontext()
        return cast(AbstractContextManager[None], self._network.no_sync())

    @torch.no_grad()
    def _update_average(self) -> None:
        if self._average is None:
            return
        # Early on the average would be of the start values: let its memory grow with the run.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            if name in self._average:
                self._average[name].lerp_(parameter.detach(), 1 - decay)


def _trained_values(model: Visolo) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Rate of the heads in the step that follows `step` steps."""
    rate = config.learning_rate
    if step < config.warmup_steps:
        return rate * (step + 1) / config.warmup_steps
    if config.schedule == "cosine":
        done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
        return rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return rate * 0.1 ** sum(step >= milestone for milestone in config.milestones)


def _check(config: TrainingConfig, device: torch.device) -> None:
    if (config.precision, device.type) != ("fp16", "cpu"):  # which autocast can do, unlike whole networks of fp16
        resolve_precision(config.precision, device)
    if config.batch_size < world_size():
        raise ConfigError(
            f"training: {world_size()} processes cannot share batch_size {config.batch_size}; raise it or start fewer"
        )


def _parallel(model: Visolo) -> nn.Module:
    if world_size() == 1:
        return model
    # The buffers are frozen statistics and equal everywhere.
    return DistributedDataParallel(model, forward_sync_buffers=False)


@contextmanager
def _dead_children_wait() -> Iterator[None]:
    """Keep torch's data loader from raising amid a step when a data process dies; it does when asked for data."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        yield
        return
    handler = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, handler or signal.SIG_DFL)


def _next_of(batches: Iterator[LabelledBatch | VisoloError]) -> LabelledBatch:
    try:
        batch = next(batches)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise MediaError(
            "training: a process that prepares data was killed, perhaps for lack of memory; resume with fewer --workers"
        ) from error
    if isinstance(batch, VisoloError):
        raise batch
    return batch


def _start_worker(_number: int) -> None:
    """Data processes leave signals to the main process, whoever else gets them, and the cores to each other."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # signals to the group stay outside, but the main process can still end this one by SIGTERM
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(1)


def _freeze(model: Visolo, stages: int) -> None:
    backbone = model.backbone
    for module in (backbone.stem, backbone.res2, backbone.res3, backbone.res4)[:stages]:
        module.requires_grad_(False)


def _optimizer(model: Visolo, config: TrainingConfig) -> AdamW:
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    backbone = [p for name, p in named if name.startswith("backbone.")]
    heads = [p for name, p in named if not name.startswith("backbone.")]
    return AdamW(
        [{"params": heads, "factor": 1.0}, {"params": backbone, "factor": config.backbone_factor}],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )
