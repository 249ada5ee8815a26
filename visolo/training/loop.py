"""The training loop: one optimiser step after another, with checkpoints from which a run continues exactly."""

import math
import pickle
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.utils.data import DataLoader

from visolo.distributed import world_size
from visolo.errors import DivergedError, WeightsError
from visolo.io.atomic import atomic_path
from visolo.model.visolo import ClipPrediction, Visolo
from visolo.training.clips import ClipMaker, ClipSteps
from visolo.training.config import TrainingConfig
from visolo.training.distributed import average_gradients, mean_over_processes
from visolo.training.losses import ClipLosses, clip_losses
from visolo.training.targets import ClipBatch, assign_cells, build_targets, measure_regions


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
        self.model = model.train()
        self.config = config
        self.step = 0
        self._maker = maker
        _freeze(model, config.frozen_stages)
        self._optimizer = _optimizer(model, config)
        self._average: dict[str, Tensor] | None = None
        if config.ema_decay:
            self._average = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    def run(self) -> Iterator[StepMetrics]:
        """Train from the current step to the last, yielding after each.

        Raises:
            DivergedError: the loss is no longer a number.
        """
        steps = ClipSteps(self._maker, self.config, range(self.step, self.config.steps))
        loader: DataLoader[ClipBatch] = DataLoader(
            steps, batch_size=None, shuffle=False, num_workers=self.config.workers
        )
        started = time.perf_counter()
        for batch in loader:
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
            self.step = int(state["step"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise WeightsError(
                f"{path}: belongs to a run of another network or preset; resume with the settings it was started with"
            ) from error

    def averaged_state(self) -> dict[str, Tensor]:
        """Weights to export: the moving average where there is one."""
        return {**self.model.state_dict(), **(self._average or {})}

    def _train_step(self, batch: ClipBatch) -> _Outcome:
        config = self.config
        rate = learning_rate(config, self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.zero_grad(set_to_none=True)
        clips = batch.images.shape[0]
        size = math.ceil(clips / config.accumulate)
        sums = torch.zeros(3)
        for start in range(0, clips, size):
            part = batch.part(start, min(start + size, clips)).to(self.model.device)
            losses = self._losses(part)
            share = part.images.shape[0] / clips
            torch.autograd.backward(losses.total * share)
            sums += share * torch.stack((losses.category, losses.mask, losses.similarity)).detach().float().cpu()
        mean_over_processes(sums)
        if not bool(torch.isfinite(sums).all()):
            raise DivergedError(
                f"training: the loss is not a number at step {self.step + 1} (category, mask, similarity = "
                f"{', '.join(f'{v:g}' for v in sums.tolist())})"
            )
        average_gradients([p for p in self.model.parameters() if p.requires_grad])
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        limit = config.clip_norm or math.inf
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, limit))
        if math.isfinite(norm):  # one overflowing gradient must not spoil the weights
            self._optimizer.step()
        self.step += 1
        self._update_average()
        category, mask, similarity = sums.tolist()
        return _Outcome(self.step, config.steps, category, mask, similarity, norm, rate)

    def _losses(self, batch: ClipBatch) -> ClipLosses:
        config, grid = self.config, self.model.config.grid
        regions = measure_regions(batch.masks, config.target_extent)
        height, width = batch.masks.shape[3:]
        owners = assign_cells(regions, (height, width), grid, config.centre_size)
        targets = build_targets(batch, owners, self.model.config.num_classes, grid)
        with self._precision():
            prediction: ClipPrediction = self.model(batch.images)
        return clip_losses(prediction, batch, targets, config)

    def _precision(self) -> torch.autocast | nullcontext[None]:
        if self.config.precision == "bf16":
            return torch.autocast(self.model.device.type, dtype=torch.bfloat16)
        return nullcontext()

    @torch.no_grad()
    def _update_average(self) -> None:
        if self._average is None:
            return
        # Early on the average would be of the start values: let its memory grow with the run.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            if name in self._average:
                self._average[name].lerp_(parameter.detach(), 1 - decay)


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Rate of the heads in the step that follows `step` steps."""
    rate = config.learning_rate
    if step < config.warmup_steps:
        return rate * (step + 1) / config.warmup_steps
    if config.schedule == "cosine":
        done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
        return rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return rate * 0.1 ** sum(step >= milestone for milestone in config.milestones)


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
